/* forge_tokens.h - small tokenizers made by tests, in every form that files have.
 *
 *   ownership  forge_tokens_clear frees what was made
 *   threads    one
 */
#pragma once

#include "shared/arena.h"
#include "shared/text.h"

enum { FORGE_TOKENS_MAX = 512 };

enum forge_kind { FORGE_NORMAL = 1, FORGE_UNKNOWN, FORGE_CONTROL, FORGE_ADDED, FORGE_BYTE = 6 };

struct forge_token {
    struct span text; /* what it stands for; of pieces, with U+2581 */
    enum forge_kind kind;
    uint32_t left, right; /* merged from these; 0 and 0 of what was not merged */
};

struct forge_tokens {
    bool is_bytes;
    uint32_t count;
    uint32_t merged; /* the first of those that were */
    struct forge_token tokens[FORGE_TOKENS_MAX];
    struct arena arena;
};

/* 256 bytes, or pieces over a small alphabet with bytes to fall back to; "<|end|>" controls,
 * "<b>" is added; then merges random pairs. */
void forge_tokens_random(struct forge_tokens *tokens, bool is_bytes, uint32_t merges);
void forge_tokens_clear(struct forge_tokens *tokens);

/* As tokenizer.json; steps: the members normalizer and pre_tokenizer, with a comma after. */
void forge_tokens_json(const struct forge_tokens *tokens, const char *steps, struct text *out);

/* As a GGUF file without tensors; pre: of tokens of bytes. */
void forge_tokens_gguf(const struct forge_tokens *tokens, const char *pre, struct text *out);

/* As tokenizer.model. */
void forge_tokens_pieces(const struct forge_tokens *tokens, struct text *out);

/* A byte as tokenizers of bytes spell it, in UTF-8. */
void forge_tokens_spell(struct text *out, uint8_t byte);
