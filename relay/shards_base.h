/* shards_base.h - what the parts of shards share.
 *
 *   shards.c         the table of homes: read, held, followed
 *   shards_all.c     purges and probes
 *   shards_errand.c  puts that take more than one step
 *   shards_page.c    pages of several shards, merged
 *   shards_where.c   which there are
 */
#pragma once

#include "relay/list.h"
#include "relay/route.h"
#include "relay/shards.h"

/* The owner of a store: what its tail does. */
struct shards_ear {
    struct shards *shards;
    bool is_caught_up, is_fetching;
};

struct shards {
    struct shards_setup setup;
    uv_loop_t *loop;
    uv_timer_t *timer;
    struct store *stores[ROUTE_SHARDS_MAX];
    uint32_t count;                           /* stores; at least those of route */
    struct shards_ear ears[ROUTE_SHARDS_MAX]; /* by store */
    bool is_caught_up, is_fetching;           /* as was said */
    struct route *route;                      /* gone by; NULL: none yet */
    struct route *next;                       /* newer, once its shards are connected; NULL: none */
    uint64_t next_ms;                         /* since when */
    uint64_t asks;                            /* for routes, sent so far */
    bool is_asking;
    bool must_ask;     /* again: somebody waits for the next answer */
    bool is_held;      /* the first shard was told by which routes we go */
    bool is_confirmed; /* and had none newer then */
    bool is_closing;
    struct list errands;   /* all; those that wait for routes say so */
    struct list pages;     /* merged reads, likewise */
    struct list clearings; /* purges */
};

/* Asks for the routes as they are from now on. Returns which answer it will be: what waits for that
 * one or an earlier one goes on with it. */
uint64_t shards_ask(struct shards *shards);

/* Whether a read may go by the routes at hand. */
bool shards_knows(const struct shards *shards);

/* What waits for this answer, or an earlier one, goes on; not is_good: there is none. */
void shards_pages_go_on(struct shards *shards, uint64_t answer, bool is_good);

/* What waits for newer routes goes on, if they are, or fails, if it waits for too long. */
void shards_errands_go_on(struct shards *shards);

/* Puts that take more than one step, or that were sent to where the author lived before. */
void shards_errand_begin(struct shards *shards, const struct store_put *put);

/* For store_setup.on_moved; the owner is a struct shards_ear. */
void shards_errand_moved(void *owner, const struct store_put *put, int64_t version);

/* All that are waiting fail; and in the end, those that were not announced are let go. */
void shards_errands_end(struct shards *shards);
void shards_errands_free(struct shards *shards);

MUST_CHECK bool shards_page_begin(struct shards *shards, const struct store_read *read,
                                  struct err *err);
void shards_pages_forget(struct shards *shards, const void *owner);

/* The ends of their purges are not told. */
void shards_clearings_forget(struct shards *shards, const void *owner);
