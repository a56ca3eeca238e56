/* tokenizer.h - text as tokens, and tokens as text, by the model's own vocabulary.
 *
 * Two kinds. Of bytes (GPT-2, Llama 3, Qwen2, Mistral Nemo): expressions cut the text into words,
 * whose bytes merge. Of pieces (Llama 2, TinyLlama, Mistral, Phi-3, Gemma-2): spaces become
 * U+2581 and characters merge; one that no token has is told byte by byte.
 *
 * Added tokens are found first, the longest at a place. Those that control (<|im_end|>) are found
 * only where the caller asks: in what a user wrote they are text like any other.
 *
 *   units      bytes of text, tokens
 *   ownership  tokenizer_close gives everything back; it must be closed before its model
 *   threads    immutable once open
 *   errors     ERR_INVALID a damaged file; ERR_UNSUPPORTED a step that is not known: it is
 *              refused, as another step would give other tokens
 */
#pragma once

#include "gpu/bpe.h"
#include "gpu/split.h"
#include "shared/arena.h"

struct err;
struct model;

enum { TOKENIZER_TEXT_BYTES_MAX = 1 << 22, TOKENIZER_ADDED_MAX = 1 << 16, TOKENIZER_ENDS_MAX = 16 };

enum tokenizer_kind { TOKENIZER_BYTES, TOKENIZER_PIECES };

/* Before which stretches of text between control tokens a space is put. */
enum tokenizer_prefix { TOKENIZER_NO_PREFIX, TOKENIZER_FIRST_PREFIX, TOKENIZER_EVERY_PREFIX };

struct tokenizer_added {
    struct span text;
    uint32_t token;
    bool strips_left, strips_right; /* takes the spaces beside it */
};

struct tokenizer {
    enum tokenizer_kind kind;
    enum tokenizer_prefix prefix;
    bool prefix_unless_space; /* none before what begins with a space */
    bool composes;            /* text is brought into NFC first */
    bool whole_words_first;   /* a word that is a token is not looked at any closer */
    bool adds_begin, adds_end;
    struct vocabulary vocabulary;
    struct bpe bpe;
    struct split split;
    uint32_t added_count;
    struct tokenizer_added *added; /* by first byte, then the longest first */
    uint32_t unknown, begin, end;  /* NONE where there is none */
    uint32_t end_count;
    uint32_t ends[TOKENIZER_ENDS_MAX]; /* each of these ends an answer */
    struct span chat_template;         /* empty when there is none */
    struct arena arena;
};

/* From the model's GGUF file, or from tokenizer.json or tokenizer.model beside its weights. */
MUST_CHECK bool tokenizer_open(struct tokenizer *tokenizer, const struct model *model,
                               struct err *err);
void tokenizer_close(struct tokenizer *tokenizer);

struct tokens {
    uint32_t *at;
    size_t count, capacity;
};
void tokens_clear(struct tokens *tokens);
void tokens_add(struct tokens *tokens, uint32_t token);

enum {
    TOKENIZER_CONTROL = 1, /* control tokens are found in the text */
    TOKENIZER_ENDS = 2 /* the tokens that begin and end a text are put, where the model has it */
};

/* Adds the text's tokens. False for a text past TOKENIZER_TEXT_BYTES_MAX. */
MUST_CHECK bool tokenizer_encode(const struct tokenizer *tokenizer, struct tokens *tokens,
                                 struct span text, unsigned flags, struct err *err);

/* A text in which some parts are quoted: whatever the flags, no control token is found that has a
 * byte in one of these. All else is as if they were not. */
struct tokenizer_quote {
    size_t begin, end; /* bytes of the text; in order, not overlapping */
};
struct tokenizer_quotes {
    const struct tokenizer_quote *at;
    size_t count;
};
MUST_CHECK bool tokenizer_encode_quoting(const struct tokenizer *tokenizer, struct tokens *tokens,
                                         struct span text, const struct tokenizer_quotes *quotes,
                                         struct err *err);

bool tokenizer_is_end(const struct tokenizer *tokenizer, uint32_t token);
