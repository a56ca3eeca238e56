#include "relay/store_batch.h"

#include <stdlib.h>
#include <uv.h>

#include "relay/store_mark.h"
#include "shared/event.h"
#include "shared/kind.h"

void store_queue_add(struct store_queue *queue, struct store_item *item)
{
    item->next = NULL;
    if (queue->head == NULL)
        queue->head = item;
    else
        queue->tail->next = item;
    queue->tail = item;
    queue->count++;
}

void store_queue_add_first(struct store_queue *queue, struct store_item *item)
{
    item->next = queue->head;
    queue->head = item;
    if (queue->tail == NULL)
        queue->tail = item;
    queue->count++;
}

struct store_item *store_queue_pop(struct store_queue *queue)
{
    struct store_item *item = queue->head;
    if (item == NULL)
        return NULL;
    queue->head = item->next;
    if (queue->head == NULL)
        queue->tail = NULL;
    queue->count--;
    item->next = NULL;
    return item;
}

struct store_batch *store_batch_new(uint64_t number)
{
    struct store_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL)
        abort();
    batch->number = number;
    return batch;
}

static void clear_tables(struct store_batch *batch)
{
    table_clear(&batch->ids);
    table_clear(&batch->addresses);
    table_clear(&batch->authors);
    table_clear(&batch->deleters);
    table_clear(&batch->waiting);
}

void store_batch_free(struct store_batch *batch)
{
    clear_tables(batch);
    free(batch);
}

enum joining { JOINS, RIDES, WAITS };

/* Deletions are carried out before the rest of the batch is stored, so one may not join after an
 * event of its author that came before it. */
static bool is_after_own(const struct store_batch *batch, const struct store_item *item)
{
    const struct event *event = item->put.event;
    uint64_t pkp = (uint64_t)item->pkp;
    const struct store_item *other = table_get(&batch->deleters, pkp);
    if (event->kind != KIND_DELETION && event->kind != KIND_VANISH)
        return false;
    return table_get(&batch->authors, pkp) != NULL ||
           (other != NULL && (event->kind == KIND_VANISH || other->put.event->kind == KIND_VANISH));
}

static enum joining judge(struct store_batch *batch, struct store_item *item, bool has_address,
                          uint64_t address)
{
    const struct event *event = item->put.event;
    struct store_item *same = table_get(&batch->ids, (uint64_t)item->tie);
    if (table_get(&batch->waiting, (uint64_t)item->pkp) != NULL)
        return WAITS;
    if (same != NULL && memcmp(&same->put.event->id, &event->id, sizeof event->id) == 0) {
        item->next = same->twins;
        same->twins = item;
        return RIDES;
    }
    if (same != NULL || (item->is_alone && batch->count > 0) ||
        (has_address && table_get(&batch->addresses, address) != NULL) || is_after_own(batch, item))
        return WAITS;
    size_t bytes = event->tags_json.len + event->content_json.len;
    if (batch->count > 0 && (batch->bytes + bytes > STORE_BATCH_BYTES_MAX ||
                             batch->tag_count + event->tag_count > STORE_BATCH_TAGS_MAX)) {
        batch->is_full = true;
        return WAITS;
    }
    return JOINS;
}

static void join(struct store_batch *batch, struct store_item *item)
{
    const struct event *event = item->put.event;
    bool is_deleter = event->kind == KIND_DELETION || event->kind == KIND_VANISH;
    batch->items[batch->count++] = item;
    batch->bytes += event->tags_json.len + event->content_json.len;
    batch->tag_count += event->tag_count;
    batch->is_full = item->is_alone || batch->count == STORE_BATCH_EVENTS_MAX;
    item->tries++;
    item->verdict = STORE_DUPLICATE; /* unless the answer names it */
    table_put(&batch->ids, (uint64_t)item->tie, item);
    table_put(is_deleter ? &batch->deleters : &batch->authors, (uint64_t)item->pkp, item);
}

/* False when it must wait. */
static bool take(struct store_batch *batch, struct store_item *item, const struct hash_key *key)
{
    const struct event *event = item->put.event;
    struct store_address address;
    bool has_address = store_address_of(&address, key, event);
    uint64_t mark =
        has_address ? (uint64_t)store_mark_of_address(key, &event->pubkey, &address) : 0;
    item->tie = tag_hash_tie(&event->id);
    item->pkp = tag_hash_prefix(&event->pubkey);
    switch (judge(batch, item, has_address, mark)) {
    case JOINS:
        join(batch, item);
        if (has_address)
            table_put(&batch->addresses, mark, item);
        return true;
    case RIDES:
        return true;
    case WAITS:
        break;
    }
    table_put(&batch->waiting, (uint64_t)item->pkp, item);
    return false;
}

bool store_batch_fill(struct store_batch *batch, struct store_queue *queue,
                      const struct hash_key *key)
{
    struct store_queue later = {0};
    struct store_item *item;
    for (int i = 0; i < STORE_BATCH_LOOK_MAX && !batch->is_full; i++) {
        item = store_queue_pop(queue);
        if (item == NULL)
            break;
        if (!take(batch, item, key))
            store_queue_add(&later, item);
    }
    if (later.head != NULL) {
        later.tail->next = queue->head;
        queue->head = later.head;
        if (queue->tail == NULL)
            queue->tail = later.tail;
        queue->count += later.count;
    }
    clear_tables(batch);
    return batch->count > 0;
}
