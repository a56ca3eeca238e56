#include "relay/merge.h"

#include <assert.h>
#include <stdlib.h>

#include "relay/frame.h"

struct run {
    struct merge_row *rows; /* first to last are filled */
    uint32_t first, last, capacity;
    bool has_ended;
};

struct merge {
    bool has_last;
    struct bytes32 last_id; /* given out last: the same row of another run is left out */
    uint32_t run_count;
    struct run runs[];
};

struct merge *merge_new(uint32_t runs)
{
    struct merge *merge = calloc(1, sizeof *merge + runs * sizeof merge->runs[0]);
    if (merge == NULL)
        abort();
    merge->run_count = runs;
    return merge;
}

void merge_free(struct merge *merge)
{
    for (uint32_t i = 0; i < merge->run_count; i++) {
        struct run *run = &merge->runs[i];
        for (uint32_t j = run->first; j < run->last; j++)
            if (run->rows[j].frame != NULL)
                frame_drop(run->rows[j].frame);
        free(run->rows);
    }
    free(merge);
}

void merge_push(struct merge *merge, uint32_t number, const struct merge_row *row)
{
    struct run *run = &merge->runs[number];
    assert(number < merge->run_count && !run->has_ended);
    if (run->first == run->last)
        run->first = run->last = 0;
    if (run->last == run->capacity) {
        run->capacity = run->capacity == 0 ? 16 : run->capacity * 2;
        run->rows = realloc(run->rows, run->capacity * sizeof *run->rows);
        if (run->rows == NULL)
            abort();
    }
    run->rows[run->last++] = *row;
}

void merge_end(struct merge *merge, uint32_t number)
{
    assert(number < merge->run_count);
    merge->runs[number].has_ended = true;
}

bool merge_has_ended(const struct merge *merge, uint32_t number)
{
    return merge->runs[number].has_ended;
}

bool merge_needs(const struct merge *merge, uint32_t number)
{
    const struct run *run = &merge->runs[number];
    return run->first == run->last && !run->has_ended;
}

static bool is_before(const struct merge_row *a, const struct merge_row *b)
{
    if (a->created_at != b->created_at)
        return a->created_at > b->created_at;
    return memcmp(&a->id, &b->id, sizeof a->id) < 0;
}

/* The run whose first row is the next of all; NULL when all are empty. */
static struct run *find_next(struct merge *merge)
{
    struct run *next = NULL;
    for (uint32_t i = 0; i < merge->run_count; i++) {
        struct run *run = &merge->runs[i];
        if (run->first < run->last &&
            (next == NULL || is_before(&run->rows[run->first], &next->rows[next->first])))
            next = run;
    }
    return next;
}

enum merge_step merge_next(struct merge *merge, struct merge_row *row)
{
    for (;;) {
        for (uint32_t i = 0; i < merge->run_count; i++)
            if (merge_needs(merge, i))
                return MERGE_NEEDS;
        struct run *run = find_next(merge);
        if (run == NULL)
            return MERGE_DONE;
        *row = run->rows[run->first++];
        if (!merge->has_last || memcmp(&merge->last_id, &row->id, sizeof row->id) != 0)
            break;
        if (row->frame != NULL)
            frame_drop(row->frame);
    }
    merge->has_last = true;
    merge->last_id = row->id;
    return MERGE_ROW;
}
