/* intake.h - events that another relay sent, on their way into the store.
 *
 * Ids and signatures are checked on the pool. What this relay would take from nobody, or from their
 * author alone, is left out: protected events (NIP-70), ephemeral and expired ones, a vanish
 * request that is for other relays (NIP-62), what the operators have banned (NIP-86), what is
 * against its lists and limits; then the operator's plugin is asked.
 *
 *   ownership  the event and its arena are the intake's until settled has been called
 *   threads    loop thread only
 *   order      none between events
 *   bounds     the plugin is asked about a few at a time, so that it may take its time for each;
 *              intake_is_full: the caller stops bringing more until drained is called
 */
#pragma once

#include <uv.h>

#include "relay/store.h"
#include "shared/base.h"

struct arena;
struct err;
struct event;
struct intake;
struct plugin;
struct policy;

enum intake_fate {
    INTAKE_NEW,
    INTAKE_KNOWN,
    INTAKE_OLDER,    /* a newer version is stored */
    INTAKE_DELETED,  /* its author deleted it */
    INTAKE_LEFT_OUT, /* against the policy of this relay */
    INTAKE_REFUSED,  /* wrong, or not judged in time */
    INTAKE_FAILED,   /* the database is down */
    INTAKE_FATES,
};

struct intake_setup {
    struct shards *store;
    const struct policy *policy;
    struct plugin *plugin;   /* NULL: none */
    const char *source_type; /* for it: Stream or Sync */
    /* why is NULL unless refused. Once for each, never from within intake_add. */
    void (*settled)(void *owner, void *tag, const struct event *event, enum intake_fate fate,
                    const struct err *why);
    void (*drained)(void *owner); /* it is no longer full */
    void *owner;
};

struct intake *intake_new(uv_loop_t *loop, const struct intake_setup *setup);

/* Nothing may be pending. */
void intake_free(struct intake *intake);

/* Takes the arena over, in which the event lives. source: the URL it came from; copied. tag is
 * handed back. */
void intake_add(struct intake *intake, struct arena *arena, const struct event *event,
                const char *source, void *tag);

uint32_t intake_pending(const struct intake *intake);
bool intake_is_full(const struct intake *intake);
