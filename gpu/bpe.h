/* bpe.h - byte-pair encoding of one word: neighbours merge, the best first, until none can.
 *
 * What may merge, and how soon, is told by a list of pairs in order, or, as SentencePiece has it,
 * by the score of the token that a merge would make. Of two equally good, the left one is first.
 *
 *   units      bytes; a word of n bytes takes O(n log n) time
 *   ownership  a struct bpe_work is scratch memory, for one encoding after the other
 *   threads    struct bpe is immutable; one thread a struct bpe_work
 */
#pragma once

#include "gpu/vocabulary.h"

enum { BPE_MERGES_MAX = 1 << 21 };

struct bpe_merge {
    uint32_t left, right; /* tokens */
    uint32_t made;
    uint32_t rank; /* the lower, the sooner */
};

struct bpe {
    const struct vocabulary *vocabulary;
    bool by_score;
    uint32_t merge_count;
    struct bpe_merge *merges; /* a table by pair; rank UINT32_MAX is an empty place */
    uint32_t merge_slots;
};

struct bpe_symbol;
struct bpe_candidate;

struct bpe_work {
    struct bpe_symbol *symbols;
    struct bpe_candidate *heap;
    size_t symbol_count, symbol_capacity;
    size_t heap_count, heap_capacity;
};

void bpe_work_clear(struct bpe_work *work);

/* No merges yet; room for max. */
void bpe_begin(struct bpe *bpe, const struct vocabulary *vocabulary, struct arena *arena,
               uint32_t max);

/* The next merge, of two tokens' texts. False when one of the three is no token. */
MUST_CHECK bool bpe_add(struct bpe *bpe, struct span left, struct span right);

/* Splits a word: whole characters, or single bytes. Each part is a token, or NONE. */
struct bpe_part {
    struct span text;
    uint32_t token;
};
enum bpe_unit { BPE_BYTES, BPE_CHARACTERS };
size_t bpe_encode(const struct bpe *bpe, struct bpe_work *work, struct span word,
                  enum bpe_unit unit);

/* One of those that bpe_encode has just told, from the first; false after the last. */
MUST_CHECK bool bpe_next(struct bpe_part *part, const struct bpe_work *work, size_t *place,
                         struct span word);
