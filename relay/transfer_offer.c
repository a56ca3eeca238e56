#include <stdlib.h>

#include "relay/remote.h"
#include "relay/shards.h"
#include "relay/transfer_sync.h"
#include "shared/event.h"
#include "shared/kind.h"

/* What was protected or private is so there, too: NIP-70 forbids to send the former on; the latter
 * is served to those it names, here, and who knows how it is there. A filter that names its kind
 * knows. */
static bool is_kept_back(const struct sync *sync, const struct event *event)
{
    return event_is_protected(event) || kind_class(event->kind) == KIND_EPHEMERAL ||
           (kind_is_gated(event->kind) && !filter_names_kind(&sync->filter, event->kind));
}

static void read_offered(struct sync *sync, const struct store_cursor *after);

static void on_page(void *owner, const struct store_page *page)
{
    struct sync *sync = owner;
    sync->is_reading = false;
    if (page == NULL) {
        sync_end(sync, "the database failed");
        return;
    }
    for (uint32_t i = 0; i < page->count; i++) {
        if (is_kept_back(sync, &page->events[i]))
            sync->kept_back++;
        else
            push_add(sync->push, &page->events[i]);
    }
    if (page->finished)
        offer_go_on(sync);
    else
        read_offered(sync, &page->next);
}

static void read_offered(struct sync *sync, const struct store_cursor *after)
{
    const struct filter filter = {
        .until = INT64_MAX,
        .limit = FILTER_NO_LIMIT,
        .ids = {.count = sync->offered_count, .at = sync->offered},
    };
    const struct store_read read = {
        .filter = &filter, .after = after, .rows = SYNC_BATCH_IDS, .reply = on_page, .owner = sync};
    sync->is_reading = shards_read(sync->transfer.store, &read, NULL);
    if (!sync->is_reading)
        sync_end(sync, "the database failed");
}

void offer_go_on(struct sync *sync)
{
    if (sync->is_reading || sync->is_over || push_is_full(sync->push) || sync->stage != SYNC_MOVING)
        return;
    sync->offered_count = sync_ids_take(&sync->have, sync->offered);
    if (sync->offered_count > 0)
        read_offered(sync, NULL);
}

bool offer_is_done(const struct sync *sync)
{
    return sync->have.next == sync->have.count && !sync->is_reading &&
           push_pending(sync->push) == 0;
}
