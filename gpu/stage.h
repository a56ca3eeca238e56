/* stage.h - one stage of a model that runs in several processes: its sessions, whatever happens to
 * the stages beside it.
 *
 * Rows come in from the stage before and go out to the one behind; results come back the same way,
 * or straight from the last stage to the first. A machine without sockets, clocks and executor:
 * it is told what is received and which links are up, plans work for an executor and is told what
 * that gave (gpu/stage_work.h), and sends frames.
 *
 *     received  have rows of a session, of which done have been run. A row that is here already is
 *               dropped; one with a gap before it has the session opened again. So each row runs
 *               once, in order, and what was run is never run in another way
 *     sent      gpu/boundary.h keeps it all. When a link is lost, its sessions are opened through
 *               another, and the rows that the other side lacks are sent again
 *     results   the last of a session is kept, and told again to whoever opens the session anew;
 *               the first stage hands on only what it waits for. So each token comes once, in
 *               order
 *     epochs    of an opening, each higher than the one before. Frames of one that is past change
 *               nothing, so a stage that was given up for lost cannot disturb its successor
 *
 *   units      rows, positions; milliseconds of any clock
 *   ownership  stage_free frees all; what send and result are given is borrowed for the call
 *   threads    one at a time
 *   order      results of a session in the order of positions
 */
#pragma once

#include "gpu/wire.h"

struct stage;

enum {
    STAGE_LINKS_MAX = 64,
    STAGE_WINDOW = 128, /* rows of a session that may wait here */
    STAGE_PIECE_ROWS = 64,
    STAGE_ORPHAN_MS = 60000,  /* a session without a stage before it ends then */
    STAGE_STRANDED_MS = 30000 /* one without a stage behind it */
};

enum stage_side {
    STAGE_BEFORE, /* the other side sends rows to this one */
    STAGE_BEHIND, /* this one sends rows to it */
    STAGE_HOME,   /* this one, the last, sends results straight to it */
    STAGE_TAIL    /* it sends results straight here */
};

struct stage_result {
    uint32_t position; /* what follows it */
    uint32_t count;    /* of logits, or of pairs */
    bool is_pairs;
    struct span bytes; /* as in gpu/wire.h */
    const char *why; /* what failed: there will be no result, and the session is closed; or NULL */
    enum wire_refusal refusal;
};

struct stage_options {
    bool is_first, is_last;
    enum activation activation; /* of rows that are sent */
    uint32_t width, vocabulary;
    uint32_t positions_max; /* of a session */
    uint32_t sessions_max;
    uint32_t rows_max; /* of work */
    uint64_t origin;   /* of the first stage: its number, which nobody else has */
    bool is_shared;    /* by first stages that do not trust each other */
    /* Whether a session may be opened here; NULL: any. */
    bool (*admits)(void *owner, uint64_t session);
    /* So many rows of it went through that link, through which no more will; NULL: untold. */
    void (*crossed)(void *owner, uint64_t session, uint32_t link, uint32_t rows);
    void (*send)(void *owner, uint32_t link, const struct wire *wire);
    void (*result)(void *owner, uint64_t session, const struct stage_result *result);
    void *owner;
};

struct stage *stage_new(const struct stage_options *options);
void stage_free(struct stage *stage);

/* link: a number that no link had before, not 0. origin: of STAGE_HOME, whose results go there; of
 * STAGE_BEHIND, whose sessions go that way, 0: anybody's; of STAGE_BEFORE, whose they are, where
 * the stage is shared. False when there are too many. */
MUST_CHECK bool stage_link_up(struct stage *stage, uint32_t link, enum stage_side side,
                              uint64_t origin);
void stage_link_down(struct stage *stage, uint32_t link);

/* Sessions go on through the links behind of the lowest rank; 0 unless it is said. */
void stage_rank(struct stage *stage, uint32_t link, uint32_t rank);

/* Fails what has no way on, now. */
void stage_strand(struct stage *stage);

/* False when the other side does what no stage does: its link is to be closed. */
MUST_CHECK bool stage_receive(struct stage *stage, uint32_t link, const struct wire *wire);

/* Sends a piece of rows through a link that can take it. False when there is none. */
bool stage_pump(struct stage *stage, uint32_t link);

/* Of the first stage. likely: how many of the likeliest tokens are told; 0: all logits. False when
 * there are too many sessions, or the number is taken. */
MUST_CHECK bool stage_open(struct stage *stage, uint64_t session, uint32_t positions,
                           uint32_t likely);
/* The tokens that follow those that were fed; what follows the last of them is wanted. */
void stage_feed(struct stage *stage, uint64_t session, const uint32_t *tokens, uint32_t count);
void stage_close(struct stage *stage, uint64_t session);

/* Ends what waited too long. */
void stage_tick(struct stage *stage, uint64_t now_ms);

struct stage_statistics {
    uint32_t sessions, links_before, links_behind;
    uint64_t rows;     /* that were run */
    uint64_t reopened; /* sessions that went on through another link */
};
struct stage_statistics stage_statistics(const struct stage *stage);
