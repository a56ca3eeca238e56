/* health.h - can an event be stored now? Asked of the store, remembered for a second.
 *
 *   units    milliseconds
 *   threads  loop thread only
 *   order    an answer never comes from within health_ask, and none after health_free
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct health;
struct shards;

enum { HEALTH_FRESH_MS = 1000, HEALTH_WAIT_MS_MAX = 2000 };

enum health_state {
    HEALTH_UNKNOWN, /* ask */
    HEALTH_GOOD,
    HEALTH_FAILED,  /* the store refused or is down */
    HEALTH_TIMEOUT, /* it did not answer in HEALTH_WAIT_MS_MAX */
};

typedef void health_answer_fn(void *owner);

/* One who waits, in a list: a part of its owner, zero when it does not wait. */
struct health_wait {
    struct health_wait *next;
    health_answer_fn *answer;
    void *owner;
};

struct health *health_new(uv_loop_t *loop, struct shards *store);

/* Memory goes when its handle has closed and the store has answered. */
void health_free(struct health *health);

/* What was found within the last HEALTH_FRESH_MS; at once worse when the connection is lost. */
enum health_state health_state(const struct health *health);

/* Calls answer, once, when health_state is known. */
void health_ask(struct health *health, struct health_wait *wait, health_answer_fn *answer,
                void *owner);

/* Takes it back; nothing when it does not wait. */
void health_forget(struct health *health, struct health_wait *wait);
