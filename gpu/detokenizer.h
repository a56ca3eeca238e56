/* detokenizer.h - tokens as text while they come, whole characters at a time.
 *
 * A token may end within a character: what is begun is held back until it is whole, so what is
 * told is UTF-8 at every moment. Bytes that no character can begin with or go on with become
 * U+FFFD, one for each run that could have been the beginning of a character.
 *
 *   ownership  a plain value; the tokenizer is borrowed
 *   threads    one
 */
#pragma once

#include "shared/base.h"

struct text;
struct tokenizer;

enum {
    DETOKENIZER_CONTROL = 1, /* control tokens are told as their texts, not left out */
    DETOKENIZER_START = 2    /* the text begins here: the space that was put before it goes */
};

struct detokenizer {
    const struct tokenizer *tokenizer;
    unsigned flags;
    char held[4];
    size_t held_len;
    bool has_begun;
};

void detokenizer_begin(struct detokenizer *detokenizer, const struct tokenizer *tokenizer,
                       unsigned flags);

/* Adds what has become whole with this token; nothing for one that the vocabulary lacks. */
void detokenizer_add(struct detokenizer *detokenizer, struct text *out, uint32_t token);

/* Nothing more will come. */
void detokenizer_end(struct detokenizer *detokenizer, struct text *out);
