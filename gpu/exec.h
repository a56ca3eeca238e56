/* exec.h - the executor: layers of a model, run on batches of many sessions' tokens.
 *
 * A shard is a range of layers, with the embedding before it or the head behind it or neither. What
 * leaves the last layer of a shard without a head, the state of the residual stream before any
 * norm, is what enters the next.
 *
 * A step runs spans: runs of positions, each of another session, decoded tokens and pieces of
 * prompts together. A span that begins where its session ends appends; one that begins before takes
 * the session back to there first, so that a step that is repeated changes nothing; one that begins
 * past the end is refused as a gap, for its caller to fill. A refused span leaves its session as it
 * was, and the rest of the step runs.
 *
 * Keys and values are kept in pages. Where every layer looks only so far back, the pages behind are
 * given back as a session goes on; it can still go back by as many positions as a step has rows.
 *
 * What a token gives depends on the tokens before it in its session and on nothing else: not on
 * what else was in the batch, not on how its session was cut into spans. It is the same to the last
 * bit, as every sum is taken in one order (gpu/kernel.h).
 *
 *   units      positions of a text; rows are positions in a step
 *   ownership  exec_close frees all; the model is borrowed and must stay open
 *   threads    one at a time
 *   errors     ERR_INVALID options; of spans, enum exec_verdict
 */
#pragma once

#include "gpu/dtype.h"

struct err;
struct exec;
struct hyper;
struct model;

enum { EXEC_PAGE = 16, EXEC_ROWS_MAX = 4096, EXEC_SESSIONS_MAX = 1 << 16 };

struct exec_options {
    uint32_t layer_begin, layer_end;
    bool has_embedding, has_head;
    enum dtype_made weights; /* of matrices: with Q4, that of the head is Q8 */
    enum dtype kv_type;      /* of keys and values: DTYPE_F32 or DTYPE_BF16 */
    uint32_t positions;      /* that all sessions can have together; rounded up to pages */
    uint32_t sessions_max;   /* 1 to EXEC_SESSIONS_MAX */
    uint32_t rows_max;       /* of a step, 1 to EXEC_ROWS_MAX */
    uint32_t threads;        /* of the CPU; 0: as many as there are cores */
    const struct card *card; /* that computes, and is open; NULL: the CPU does */
};

/* All of a model, for one session of as many positions as that. */
struct exec_options exec_options_whole(const struct model *model, uint32_t positions);

enum exec_verdict {
    EXEC_DONE,
    EXEC_NO_SESSION,
    EXEC_GAP,      /* begins past the end of its session: exec_length tells where that is */
    EXEC_TOO_LONG, /* ends past what its session was opened for */
    EXEC_NO_PAGES, /* memory for keys and values is taken by others */
    EXEC_GONE,     /* begins further back than what was kept behind the window reaches */
    EXEC_BAD_INPUT /* no rows, a token that the vocabulary lacks, a number that is not finite, a
                      session that is twice in the step */
};

struct exec_span {
    uint64_t session;
    uint32_t position, count;
    const uint32_t *tokens;    /* count of them, of a shard with the embedding */
    const float *in;           /* (count, width), of any other */
    float *hidden;             /* NULL, or room for (count, width): after the last layer */
    float *logits;             /* NULL, or room for (logit_count, vocabulary): of the last rows */
    uint32_t logit_count;      /* at most count; 0 without a head */
    enum exec_verdict verdict; /* out */
};

struct exec_statistics {
    uint64_t steps, rows;
    uint64_t weight_bytes; /* that steps have read */
    uint64_t operations;   /* floating, of matrices: two for a weight and a row */
    uint64_t nanoseconds;  /* in steps */
    uint32_t pages, pages_free;
    uint32_t sessions;
};

MUST_CHECK bool exec_open(struct exec **exec, const struct model *model,
                          const struct exec_options *options, struct err *err);
void exec_close(struct exec *exec);

/* What it was opened with, and of what model. */
struct exec_options exec_options(const struct exec *exec);
const struct hyper *exec_hyper(const struct exec *exec);

/* A session of at most that many positions, at 0. Memory is taken as it grows. A session that may
 * pass the length at which a model's long rope factors begin has them from its first token on.
 * False when the id is taken, when there are too many sessions, or for more than the context. */
MUST_CHECK bool exec_session_open(struct exec *exec, uint64_t session, uint32_t positions_max,
                                  struct err *err);

/* A new session that begins as another does, with that many of its positions, which are not run
 * again: what both have in common is kept once. False where a session cannot be opened, when the
 * other has not so many, or when what it would look at is gone. */
MUST_CHECK bool exec_fork(struct exec *exec, uint64_t from, uint64_t session, uint32_t positions,
                          uint32_t positions_max, struct err *err);

/* Back to that many positions; no change when there are fewer. False when there is no session, or
 * when what it would look at there is gone. */
MUST_CHECK bool exec_truncate(struct exec *exec, uint64_t session, uint32_t positions);
void exec_session_close(struct exec *exec, uint64_t session);

/* Its positions; 0 when there is no session. */
uint32_t exec_length(const struct exec *exec, uint64_t session);

/* The pages that a session of so many positions has at most: all of them, or, where every layer of
 * the shard has a window, what lies within that and the rows of a step or two. */
uint32_t exec_pages(const struct exec *exec, uint32_t positions);

/* Runs spans, each of another session, of at most rows_max rows together. False when they are more,
 * and nothing is done; or when the device fails: then every span's session ends where it began, or
 * a page before. */
MUST_CHECK bool exec_step(struct exec *exec, struct exec_span *spans, uint32_t count,
                          struct err *err);

struct exec_statistics exec_statistics(const struct exec *exec);
