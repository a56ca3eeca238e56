/* catalog_trace.c - an entity, put together before somebody's eyes. */
#include "client/catalog_parts.h"
#include "client/catalog_past.h"
#include "client/replica.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"

struct tracing {
    const struct catalog_trace *trace;
    struct replica *replica;
    const struct catalog_event **waiting; /* that were put in, and do not count yet */
    size_t count;
};

/* What waits for no others counts at once, what is of a circle once all of it is here. */
static bool put(struct tracing *tracing, const struct catalog_event *stored, struct err *err)
{
    struct arena arena = {0};
    struct event event;
    bool ok = event_parse(&event, &arena, stored->json, err);
    if (ok && replica_put(tracing->replica, &event, stored->is_redacted) == REPLICA_PUT) {
        if (replica_circle(tracing->replica) == NULL)
            tracing->trace->step(tracing->trace->owner, tracing->replica, stored);
        else
            tracing->waiting[tracing->count++] = stored;
    }
    arena_clear(&arena);
    return ok;
}

static bool put_all(struct store *store, struct tracing *tracing, struct arena *arena,
                    struct err *err)
{
    const struct catalog_trace *trace = tracing->trace;
    struct catalog_events events;
    /* Later ones, too: they may tell who may write. */
    if (!catalog_events(store, &events, arena, &trace->root, trace->max, err))
        return false;
    tracing->waiting = arena_array(arena, const struct catalog_event *, events.count + 1);
    for (size_t i = events.count; i-- > 0;)
        if (!put(tracing, &events.at[i], err))
            return false;
    for (size_t i = 0; replica_settle_next(tracing->replica); i++)
        trace->step(trace->owner, tracing->replica, tracing->waiting[i]);
    return replica_author(tracing->replica) != NULL ||
           err_set(err, ERR_INVALID, "it is no entity here");
}

bool catalog_trace(struct store *store, struct arena *arena, const struct catalog_trace *trace,
                   struct err *err)
{
    if (!catalog_settle(store, err))
        return false;
    struct tracing tracing = {.trace = trace,
                              .replica = replica_new(&trace->root, catalog_horizon(store), 0)};
    replica_cut(tracing.replica, trace->cut);
    bool ok = catalog_govern(store, tracing.replica, &trace->root, catalog_horizon(store), err) &&
              put_all(store, &tracing, arena, err);
    replica_free(tracing.replica);
    return ok;
}
