#include "gpu/bpe.h"

#include <assert.h>
#include <stdlib.h>

#include "shared/arena.h"
#include "shared/utf8.h"

#define NOWHERE SIZE_MAX

/* A part of the word; they are chained. One that went into the part to its left has length 0. */
struct bpe_symbol {
    size_t start, len;
    size_t before, after;
    uint32_t token;
};

/* Two neighbours that may merge. Stale once either has changed, which their lengths tell. */
struct bpe_candidate {
    double order;
    size_t left, right;
    size_t len; /* of both */
    uint32_t made;
};

void bpe_work_clear(struct bpe_work *work)
{
    free(work->symbols);
    free(work->heap);
    *work = (struct bpe_work){0};
}

static void *grow(void *array, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity)
        return array;
    size_t larger = *capacity < 64 ? 64 : *capacity;
    while (larger < count)
        larger *= 2;
    array = realloc(array, larger * size); /* counts are bounded by the text's */
    if (array == NULL)
        abort();
    *capacity = larger;
    return array;
}

void bpe_begin(struct bpe *bpe, const struct vocabulary *vocabulary, struct arena *arena,
               uint32_t max)
{
    *bpe = (struct bpe){.vocabulary = vocabulary, .merge_slots = 16};
    while (bpe->merge_slots < 2 * (uint64_t)max)
        bpe->merge_slots *= 2;
    bpe->merges = arena_array(arena, struct bpe_merge, bpe->merge_slots);
    for (uint32_t i = 0; i < bpe->merge_slots; i++)
        bpe->merges[i].rank = UINT32_MAX;
}

/* The merge of two tokens, or the empty place where it would be. */
static struct bpe_merge *find_merge(const struct bpe *bpe, uint32_t left, uint32_t right)
{
    uint64_t hash = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15;
    for (hash >>= 20;; hash++) {
        struct bpe_merge *merge = &bpe->merges[hash & (bpe->merge_slots - 1)];
        if (merge->rank == UINT32_MAX || (merge->left == left && merge->right == right))
            return merge;
    }
}

bool bpe_add(struct bpe *bpe, struct span left, struct span right)
{
    char both[2 * VOCABULARY_TEXT_BYTES_MAX];
    if (left.len > VOCABULARY_TEXT_BYTES_MAX || right.len > VOCABULARY_TEXT_BYTES_MAX ||
        left.len == 0 || right.len == 0)
        return false;
    memcpy(both, left.at, left.len);
    memcpy(both + left.len, right.at, right.len);
    struct bpe_merge merge = {
        .left = vocabulary_find(bpe->vocabulary, left),
        .right = vocabulary_find(bpe->vocabulary, right),
        .made = vocabulary_find(bpe->vocabulary, (struct span){both, left.len + right.len}),
        .rank = bpe->merge_count};
    if (merge.left == VOCABULARY_NONE || merge.right == VOCABULARY_NONE ||
        merge.made == VOCABULARY_NONE)
        return false;
    struct bpe_merge *place = find_merge(bpe, merge.left, merge.right);
    bpe->merge_count++;
    assert(2 * (uint64_t)bpe->merge_count <= bpe->merge_slots);
    if (place->rank == UINT32_MAX) /* a pair listed twice has its first rank */
        *place = merge;
    return true;
}

static bool is_before(const struct bpe_candidate *a, const struct bpe_candidate *b)
{
    return a->order != b->order ? a->order < b->order : a->left < b->left;
}

static void heap_push(struct bpe_work *work, struct bpe_candidate candidate)
{
    work->heap = grow(work->heap, &work->heap_capacity, work->heap_count + 1, sizeof *work->heap);
    size_t at = work->heap_count++;
    while (at > 0 && is_before(&candidate, &work->heap[(at - 1) / 2])) {
        work->heap[at] = work->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    work->heap[at] = candidate;
}

static struct bpe_candidate heap_pop(struct bpe_work *work)
{
    struct bpe_candidate first = work->heap[0];
    struct bpe_candidate last = work->heap[--work->heap_count];
    size_t at = 0;
    for (size_t child = 1; child < work->heap_count; child = 2 * at + 1) {
        if (child + 1 < work->heap_count && is_before(&work->heap[child + 1], &work->heap[child]))
            child++;
        if (!is_before(&work->heap[child], &last))
            break;
        work->heap[at] = work->heap[child];
        at = child;
    }
    work->heap[at] = last;
    return first;
}

/* Proposes the merge of two neighbours, if they may. */
static void consider(const struct bpe *bpe, struct bpe_work *work, struct span word, size_t left,
                     size_t right)
{
    if (left == NOWHERE || right == NOWHERE)
        return;
    const struct bpe_symbol *a = &work->symbols[left];
    const struct bpe_symbol *b = &work->symbols[right];
    struct bpe_candidate candidate = {.left = left, .right = right, .len = a->len + b->len};
    if (bpe->by_score) {
        candidate.made =
            vocabulary_find(bpe->vocabulary, (struct span){word.at + a->start, candidate.len});
        if (candidate.made == VOCABULARY_NONE)
            return;
        candidate.order = -(double)bpe->vocabulary->tokens[candidate.made].score;
    } else {
        const struct bpe_merge *merge = find_merge(bpe, a->token, b->token);
        if (a->token == VOCABULARY_NONE || b->token == VOCABULARY_NONE || merge->rank == UINT32_MAX)
            return;
        candidate.made = merge->made;
        candidate.order = merge->rank;
    }
    heap_push(work, candidate);
}

/* A symbol for each byte or character. */
static void begin_symbols(const struct bpe *bpe, struct bpe_work *work, struct span word,
                          enum bpe_unit unit)
{
    work->symbol_count = 0;
    work->heap_count = 0;
    for (size_t start = 0; start < word.len;) {
        size_t len = unit == BPE_BYTES ? 1 : utf8_size(word.at + start, word.at + word.len);
        len += len == 0; /* no UTF-8: a byte by itself */
        size_t at = work->symbol_count++;
        work->symbols =
            grow(work->symbols, &work->symbol_capacity, work->symbol_count, sizeof *work->symbols);
        work->symbols[at] = (struct bpe_symbol){
            .start = start,
            .len = len,
            .before = at == 0 ? NOWHERE : at - 1,
            .after = start + len < word.len ? at + 1 : NOWHERE,
            .token = vocabulary_find(bpe->vocabulary, (struct span){word.at + start, len})};
        start += len;
    }
}

size_t bpe_encode(const struct bpe *bpe, struct bpe_work *work, struct span word,
                  enum bpe_unit unit)
{
    begin_symbols(bpe, work, word, unit);
    size_t count = work->symbol_count;
    for (size_t i = 0; i + 1 < work->symbol_count; i++)
        consider(bpe, work, word, i, i + 1);
    while (work->heap_count > 0) {
        struct bpe_candidate best = heap_pop(work);
        struct bpe_symbol *left = &work->symbols[best.left];
        struct bpe_symbol *right = &work->symbols[best.right];
        if (left->len == 0 || right->len == 0 || left->len + right->len != best.len)
            continue;
        left->len = best.len;
        left->token = best.made;
        left->after = right->after;
        right->len = 0;
        if (left->after != NOWHERE)
            work->symbols[left->after].before = best.left;
        consider(bpe, work, word, left->before, best.left);
        consider(bpe, work, word, best.left, left->after);
        count--;
    }
    return count;
}

bool bpe_next(struct bpe_part *part, const struct bpe_work *work, size_t *place, struct span word)
{
    if (*place >= work->symbol_count)
        return false;
    const struct bpe_symbol *symbol = &work->symbols[*place];
    *part = (struct bpe_part){{word.at + symbol->start, symbol->len}, symbol->token};
    *place = symbol->after;
    return true;
}
