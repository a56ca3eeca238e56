/* stage_parts.h - what the files of gpu/stage share. */
#pragma once

#include "gpu/boundary.h"
#include "gpu/stage.h"
#include "gpu/stage_work.h"

struct stage_link {
    uint32_t id; /* 0: none */
    enum stage_side side;
    uint64_t origin;
    uint32_t sessions; /* that go on through it */
    uint32_t rank;
};

struct stage_session {
    uint64_t id, origin;
    uint32_t positions_max, likely;
    uint32_t before; /* the link that its rows come through; 0: none, now */
    uint32_t epoch;  /* in which they come */
    bool is_known;   /* to the executor */
    bool is_in_work;
    bool is_dead; /* it goes when it is in no work */
    float *rows;  /* those from done to have; of the first: */
    uint32_t *tokens;
    uint32_t row_capacity;
    uint32_t have, done;
    uint32_t wanted; /* the position whose token is wanted: what follows that many rows; 0: none */
    uint32_t told;   /* how far the stage before may go */
    struct boundary out;
    uint64_t tried; /* links, by their place, that refused it */
    struct text result;
    uint32_t result_end, result_count; /* which was told last, as wanted; 0: none */
    bool result_is_pairs;
    uint64_t orphan_ms, stranded_ms; /* since when; 0: it is not */
};

struct stage {
    struct stage_options options;
    struct stage_link links[STAGE_LINKS_MAX];
    struct stage_session **sessions;
    uint32_t count, capacity;
    uint32_t turn; /* whose it is to send, and to be run */
    bool is_busy;  /* work is being done */
    uint64_t *closed;
    uint32_t closed_count, closed_capacity;
    uint64_t rows, reopened;
};

struct stage_session *stage_find(const struct stage *stage, uint64_t id);
struct stage_link *stage_find_link(struct stage *stage, uint32_t id);

/* Ends those that no stage before has, now, for want of room: if one comes back, it sends its rows
 * again. How many. */
uint32_t stage_drop_orphans(struct stage *stage);

/* NULL when there are too many. */
struct stage_session *stage_add(struct stage *stage, uint64_t id, uint32_t positions);

/* Frees the sessions that are dead and in no work. */
void stage_sweep(struct stage *stage);

/* Opens the session through a link that has not refused it, the one with the fewest sessions;
 * epoch_min: as boundary_open has it. False when there is none. */
bool stage_route(struct stage *stage, struct stage_session *session);
void stage_reopen(struct stage *stage, struct stage_session *session, uint32_t epoch_min);
void stage_unroute(struct stage *stage, struct stage_session *session);

void stage_send(struct stage *stage, uint32_t link, struct stage_session *session,
                struct wire wire);
void stage_refuse(struct stage *stage, uint32_t link, const struct wire *to,
                  enum wire_refusal refusal, const char *why);

/* Ends it here and behind; fail tells those before, too. Who calls looks at it no more. */
void stage_end(struct stage *stage, struct stage_session *session);
void stage_fail(struct stage *stage, struct stage_session *session, enum wire_refusal refusal,
                const char *why);

/* Tells the result that is kept, to where the session's results go now. */
void stage_tell(struct stage *stage, struct stage_session *session);

/* The stage before may send as many rows as there is room for. */
void stage_credit(struct stage *stage, struct stage_session *session);
