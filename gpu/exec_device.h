/* exec_device.h - what a device does for the executor: the arithmetic of a step, no more.
 *
 * Which session a row is of, what fits and what is refused is decided by gpu/exec for all devices;
 * a device sees rows, each with its position and the pages that keep its session's keys and values.
 *
 *   ownership  rows are borrowed for the call
 *   threads    one at a time
 *   errors     ERR_INTERNAL when a device fails
 */
#pragma once

#include "gpu/exec.h"

struct exec_row {
    uint32_t position;
    uint32_t token;        /* with the embedding */
    const float *in;       /* (width), without */
    float *hidden;         /* NULL, or room for (width) */
    float *logits;         /* NULL, or room for (vocabulary) */
    const uint32_t *pages; /* of its session: position p is in pages[p / EXEC_PAGE] */
    bool is_long;          /* takes the long rope factors */
};

struct exec_device {
    void *state;
    /* Rows of a session are in the order of their positions. */
    bool (*run)(void *state, const struct exec_row *rows, uint32_t count, struct err *err);
    /* Makes a page's keys and values those of another, before the next run. */
    bool (*copy)(void *state, uint32_t to, uint32_t from, struct err *err);
    void (*close)(void *state);
    uint64_t weight_bytes; /* that a step reads, however many its rows */
    uint64_t head_bytes;   /* and when it tells logits */
    uint64_t weights;      /* elements of matrices, by which each row is multiplied */
    uint64_t head_weights;
};

/* The head of a model whose weights are made q4 stays finer: it decides what is said. */
static inline enum dtype_made exec_head_made(enum dtype_made made)
{
    return made == DTYPE_AS_Q4 ? DTYPE_AS_Q8 : made;
}

/* pages: of keys and values that are to be kept. */
MUST_CHECK bool exec_cpu_open(struct exec_device *device, const struct model *model,
                              const struct exec_options *options, uint32_t pages, struct err *err);

/* On the card of the options. The same bits. */
MUST_CHECK bool exec_card_open(struct exec_device *device, const struct model *model,
                               const struct exec_options *options, uint32_t pages, struct err *err);
