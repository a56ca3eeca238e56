/* Where what one wrote is to go besides one's own relays: to where those whom it names read. */
#include "client/audience.h"
#include "client/command_sync_parts.h"
#include "client/outbox.h"
#include "client/store.h"
#include "shared/err.h"
#include "shared/kind.h"

enum { AUTHORS_MAX = 100 }; /* of a filter, which other relays bound too */

static void add_filters(struct syncing *syncing, const struct bytes32 *people, size_t count)
{
    static const uint16_t kind = KIND_RELAY_LIST;
    struct scope *scope = &syncing->scope;
    for (size_t i = 0; i < count; i += AUTHORS_MAX) {
        size_t left = count - i;
        scope->filters = arena_grow(&syncing->arena, struct filter, scope->filters, scope->count);
        scope->filters[scope->count++] = (struct filter){
            .until = INT64_MAX,
            .limit = FILTER_NO_LIMIT,
            .kinds = {.count = 1, .at = &kind},
            .authors = {.count = (uint32_t)(left < AUTHORS_MAX ? left : AUTHORS_MAX),
                        .at = people + i}};
    }
}

bool sync_seek(struct syncing *syncing, struct err *err)
{
    struct bytes32 *people;
    struct span *relays;
    size_t count, relay_count;
    if (!audience_unknown(syncing->store, &people, &count, &syncing->arena, err))
        return false;
    if (count == 0)
        return audience_route(syncing->store, &relays, &relay_count, &syncing->arena, err);
    add_filters(syncing, people, count);
    syncing->seeks = true;
    return true;
}

/* Some relay of ours has said what it knows. */
static bool was_answered(const struct syncing *syncing)
{
    for (size_t i = 0; i < syncing->count; i++)
        if (syncing->parts[i].filter_count > 0 && syncing->parts[i].is_done)
            return true;
    return false;
}

/* Those of the relays that something is queued for. */
static void keep_queued(struct syncing *last, const struct span *relays, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < last->other_count; i++)
        for (size_t j = 0; j < count; j++)
            if (span_eq(last->others[i], relays[j])) {
                last->others[kept++] = last->others[i];
                break;
            }
    last->other_count = kept;
}

bool sync_route(struct syncing *syncing, struct err *err)
{
    struct arena *arena = &syncing->arena;
    struct span *relays;
    size_t count;
    if (!syncing->seeks || !was_answered(syncing))
        return true;
    if (!audience_route(syncing->store, &relays, &count, arena, err))
        return false;
    struct syncing *last = arena_array(arena, struct syncing, 1);
    *last = (struct syncing){.net = syncing->net,
                             .store = syncing->store,
                             .pushes = true,
                             .progress = syncing->progress};
    if (!outbox_relays(last->store, &last->others, &last->other_count, arena, err))
        return false;
    keep_queued(last, relays, count);
    if (last->other_count == 0)
        return true;
    syncing->last = last;
    return sync_round(last, err);
}
