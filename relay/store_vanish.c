#include "relay/store_vanish.h"

#include <stdlib.h>

#include "relay/list.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"

enum { VANISH_AT_ONCE = 4 }; /* authors: others wait */

/* An author, or some whose keys begin alike. The first item is the request that is being carried
 * out. */
struct leaving {
    struct list_node listed;
    struct store_vanish *vanish;
    uint64_t pkp;
    struct store_queue items;
};

struct store_vanish {
    struct store_purge *purge;
    void (*release)(void *owner, struct store_item *item);
    void *owner;
    struct table leaving; /* by pkp */
    struct list all;
    uint32_t count;
};

static bool spares(const struct event *event)
{
    return event->kind == KIND_DELETION || event->kind == KIND_VANISH;
}

static bool is_request(const struct store_item *item)
{
    return item->put.event->kind == KIND_VANISH;
}

static void forget(struct leaving *leaving)
{
    (void)table_remove(&leaving->vanish->leaving, leaving->pkp);
    list_remove(&leaving->vanish->all, &leaving->listed);
    free(leaving);
}

static void on_wraps_gone(void *owner, bool is_done, uint64_t count);

/* The author's own first, then the gift wraps that name the author. */
static void on_own_gone(void *owner, bool is_done, uint64_t count)
{
    static const uint16_t kind = KIND_GIFT_WRAP;
    struct leaving *leaving = owner;
    const struct event *event = leaving->items.head->put.event;
    char digits[2 * sizeof event->pubkey];
    const struct span value = {digits, sizeof digits};
    const struct filter_tag tag = {'p', 1, &value};
    const struct filter filter = {.until = event->created_at,
                                  .limit = FILTER_NO_LIMIT,
                                  .kinds = {1, &kind},
                                  .tag_count = 1,
                                  .tags = &tag};
    (void)count;
    (void)is_done; /* if not, the statement will see what is left */
    hex_encode(digits, event->pubkey.at, sizeof event->pubkey);
    store_purge_add(leaving->vanish->purge, &filter, on_wraps_gone, leaving);
}

static void begin(struct leaving *leaving)
{
    const struct event *event = leaving->items.head->put.event;
    const struct filter filter = {
        .until = event->created_at, .limit = FILTER_NO_LIMIT, .authors = {1, &event->pubkey}};
    store_purge_add(leaving->vanish->purge, &filter, on_own_gone, leaving);
}

/* The request and what came after it, up to the next one. */
static void on_wraps_gone(void *owner, bool is_done, uint64_t count)
{
    struct leaving *leaving = owner;
    struct store_vanish *vanish = leaving->vanish;
    (void)is_done;
    (void)count;
    do {
        vanish->count--;
        vanish->release(vanish->owner, store_queue_pop(&leaving->items));
    } while (leaving->items.head != NULL && !is_request(leaving->items.head));
    if (leaving->items.head != NULL)
        begin(leaving);
    else
        forget(leaving);
}

bool store_vanish_hold(struct store_vanish *vanish, struct store_item *item)
{
    uint64_t pkp = (uint64_t)tag_hash_prefix(&item->put.event->pubkey);
    struct leaving *leaving = table_get(&vanish->leaving, pkp);
    bool is_first = leaving == NULL;
    if (is_first && !is_request(item))
        return false;
    if (is_first) {
        leaving = calloc(1, sizeof *leaving);
        if (leaving == NULL)
            abort();
        leaving->vanish = vanish;
        leaving->pkp = pkp;
        table_put(&vanish->leaving, pkp, leaving);
        list_append(&vanish->all, &leaving->listed, leaving);
    }
    store_queue_add(&leaving->items, item);
    vanish->count++;
    if (is_first)
        begin(leaving);
    return true;
}

uint32_t store_vanish_count(const struct store_vanish *vanish)
{
    return vanish->count;
}

void store_vanish_flush(struct store_vanish *vanish)
{
    store_purge_flush(vanish->purge);
}

struct store_vanish *store_vanish_new(const struct store_purge_setup *setup,
                                      void (*release)(void *owner, struct store_item *item))
{
    struct store_vanish *vanish = calloc(1, sizeof *vanish);
    struct store_purge_setup purge = *setup;
    if (vanish == NULL)
        abort();
    purge.at_once = VANISH_AT_ONCE;
    purge.is_brief = true;
    purge.spares = spares;
    vanish->purge = store_purge_new(&purge);
    vanish->release = release;
    vanish->owner = setup->owner;
    return vanish;
}

void store_vanish_stop(struct store_vanish *vanish, struct store_queue *queue)
{
    store_purge_stop(vanish->purge);
    for (struct leaving *leaving; (leaving = list_first(&vanish->all)) != NULL;) {
        store_purge_forget(vanish->purge, leaving);
        while (leaving->items.head != NULL)
            store_queue_add(queue, store_queue_pop(&leaving->items));
        forget(leaving);
    }
    vanish->count = 0;
}

void store_vanish_free(struct store_vanish *vanish)
{
    store_purge_free(vanish->purge);
    table_clear(&vanish->leaving);
    free(vanish);
}
