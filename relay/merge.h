/* merge.h - several runs of stored events, each newest first, read as one without doubles.
 *
 * Runs are filled piecemeal. A row is given out only when every run that has not ended holds a
 * row, for only then is it known to be the next one.
 *
 *   ownership  the merge owns rows and their frames until they are given out
 *   threads    one at a time
 *   order      newest first, then lowest id
 */
#pragma once

#include "shared/base.h"

struct frame;
struct merge;

struct merge_row {
    int64_t created_at;
    struct bytes32 id;
    struct frame *frame; /* the event's JSON; NULL when nobody wants it */
};

struct merge *merge_new(uint32_t runs);
void merge_free(struct merge *merge);

/* To run number, which has not ended; rows come in order. Takes the frame over. */
void merge_push(struct merge *merge, uint32_t number, const struct merge_row *row);

/* Nothing more comes in this run. */
void merge_end(struct merge *merge, uint32_t number);
bool merge_has_ended(const struct merge *merge, uint32_t number);

/* The run is empty, and has not ended: nothing comes out before it is filled. */
bool merge_needs(const struct merge *merge, uint32_t number);

enum merge_step { MERGE_ROW, MERGE_NEEDS, MERGE_DONE };

/* MERGE_ROW: row is set, and its frame is the caller's. */
enum merge_step merge_next(struct merge *merge, struct merge_row *row);
