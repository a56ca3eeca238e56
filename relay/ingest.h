/* ingest.h - the journey of one EVENT, or one AUTH: policy, pool, plugin, store, OK, live.
 *
 *   ownership  ingest owns each event from ingest_event until it is announced or refused
 *   threads    loop thread only
 *   order      events of one session reach the store in the order they came
 *   spec       NIP-01 "OK"; every event is answered by exactly one OK
 */
#pragma once

#include <uv.h>

#include "shared/arena.h"
#include "shared/base.h"

struct event;
struct ingest;
struct live;
struct plugin;
struct policy;
struct rules;
struct session;
struct session_table;
struct shards;
struct trust;
struct window;

struct ingest_setup {
    const struct policy *policy;
    struct session_table *sessions;
    struct shards *store;
    struct live *live;
    struct window *window;
    struct rules *rules;   /* asked how often a key may write; NULL: as it likes */
    struct trust *trust;   /* told what is new; NULL: nobody asks */
    struct plugin *plugin; /* asked about what is signed well; NULL: none */
    uint32_t threads;
};

struct ingest *ingest_new(uv_loop_t *loop, const struct ingest_setup *setup);

/* Nothing may be pending; what was answered and not announced is let go. */
void ingest_free(struct ingest *ingest);

/* Takes the arena over; event's spans must point into it. */
void ingest_event(struct ingest *ingest, struct session *session, struct arena *arena,
                  const struct event *event);
void ingest_auth(struct ingest *ingest, struct session *session, struct arena *arena,
                 const struct event *event);

/* At the end of each turn of the loop. */
void ingest_turn_end(struct ingest *ingest);

/* An event of another process. */
void ingest_foreign(struct ingest *ingest, const struct event *event);

/* Events not answered yet; and how many have been, ever, nearly in the order they came. */
uint32_t ingest_pending(const struct ingest *ingest);
uint64_t ingest_answered(const struct ingest *ingest);
