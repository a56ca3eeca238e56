/* split.h - cuts text into the words that byte-pair encoding never merges across.
 *
 * A chain of regular expressions, as tokenizer files have them, run by PCRE2 as they stand: each
 * cuts what the one before it left whole. What an expression matches is a word, and so is what
 * lies between two matches.
 *
 *   ownership  split_clear frees the expressions
 *   threads    immutable once made; any thread may cut, with a struct split_work of its own
 *   errors     ERR_INVALID an expression that PCRE2 refuses; ERR_UNSUPPORTED too many
 */
#pragma once

#include "shared/base.h"

struct err;

enum { SPLIT_STEPS_MAX = 8, SPLIT_PATTERN_BYTES_MAX = 4096 };

struct split {
    uint32_t step_count;
    void *steps[SPLIT_STEPS_MAX]; /* compiled expressions */
};

MUST_CHECK bool split_add(struct split *split, struct span pattern, struct err *err);
void split_clear(struct split *split);

struct split_words {
    struct span *at;
    size_t count, capacity;
};
void split_words_clear(struct split_words *words);

/* The words of a text, in order; together they are the text. An expression that takes too many
 * steps on it leaves what it has not cut in one word. */
void split_cut(const struct split *split, struct split_words *words, struct span text);

/* The expressions that GGUF files only name. NULL when the name is not known. */
const char *split_pattern(struct span name);
