/* intake.h - events that another relay sent, on their way into the store.
 *
 * Ids and signatures are checked on the pool. What is not stored here whoever sends it is refused
 * before: protected events (NIP-70: only their author may bring them), ephemeral and expired ones,
 * a vanish request that is for other relays (NIP-62), and what the operators have banned (NIP-86).
 *
 *   ownership  the event and its arena are the intake's until settled has been called
 *   threads    loop thread only
 *   order      none between events
 *   bounds     intake_is_full: the caller stops bringing more until drained is called
 */
#pragma once

#include <uv.h>

#include "relay/store.h"
#include "shared/base.h"

struct arena;
struct err;
struct event;
struct intake;
struct policy;

enum intake_fate {
    INTAKE_NEW,
    INTAKE_KNOWN,
    INTAKE_OLDER,    /* a newer version is stored */
    INTAKE_DELETED,  /* its author deleted it */
    INTAKE_LEFT_OUT, /* not to be stored: protected, ephemeral, expired, banned */
    INTAKE_REFUSED,  /* wrong */
    INTAKE_FAILED,   /* the database is down */
    INTAKE_FATES,
};

struct intake_setup {
    struct shards *store;
    const struct policy *policy; /* for what this relay is called, and how much an event may be */
    /* why is NULL unless refused. Once for each, never from within intake_add. */
    void (*settled)(void *owner, void *tag, const struct event *event, enum intake_fate fate,
                    const struct err *why);
    void (*drained)(void *owner); /* it is no longer full */
    void *owner;
};

struct intake *intake_new(uv_loop_t *loop, const struct intake_setup *setup);

/* Nothing may be pending. */
void intake_free(struct intake *intake);

/* Takes the arena over, in which the event lives. tag is handed back. */
void intake_add(struct intake *intake, struct arena *arena, const struct event *event, void *tag);

uint32_t intake_pending(const struct intake *intake);
bool intake_is_full(const struct intake *intake);
