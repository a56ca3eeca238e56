/* vocabulary.h - tokens by number and by text.
 *
 * A token's text is what it stands for: bytes of the text, whatever letters a file has for them.
 * In vocabularies of pieces a space is U+2581, as SentencePiece has it.
 *
 *   units      tokens, bytes
 *   ownership  everything lives in the arena that it was made in, or where that points
 *   threads    immutable once indexed
 */
#pragma once

#include "shared/base.h"

struct arena;

enum { VOCABULARY_TOKENS_MAX = 1 << 20, VOCABULARY_TEXT_BYTES_MAX = 1 << 16 };

#define VOCABULARY_NONE UINT32_MAX

/* As SentencePiece and GGUF number them. */
enum vocabulary_kind {
    VOCABULARY_ABSENT = 0, /* a number without a token */
    VOCABULARY_NORMAL = 1,
    VOCABULARY_UNKNOWN = 2,
    VOCABULARY_CONTROL = 3, /* means something; never part of a text that is merely quoted */
    VOCABULARY_ADDED = 4,   /* text, but found before all else */
    VOCABULARY_UNUSED = 5,
    VOCABULARY_BYTE = 6 /* a byte that no other token has */
};

struct vocabulary_token {
    struct span text;
    enum vocabulary_kind kind;
    float score; /* the higher, the earlier it is merged; 0 where merges are listed */
};

struct vocabulary {
    uint32_t count;
    struct vocabulary_token *tokens;
    uint32_t bytes[256]; /* by byte: of kind BYTE, or NONE */
    uint32_t *slots;     /* of the index: a token's number plus 1 */
    uint32_t slot_count; /* a power of two */
};

/* All ABSENT. */
void vocabulary_begin(struct vocabulary *vocabulary, struct arena *arena, uint32_t count);

/* To be called once when all tokens are there. Of two alike, the first is found. */
void vocabulary_index(struct vocabulary *vocabulary, struct arena *arena);

/* The NORMAL, ADDED or UNUSED token of that text; NONE when there is none. */
uint32_t vocabulary_find(const struct vocabulary *vocabulary, struct span text);

/* The same of whatever kind; slow. */
uint32_t vocabulary_find_any(const struct vocabulary *vocabulary, struct span text);
