#include "relay/tail_queue.h"

#include <stdlib.h>

#include "relay/table.h"

struct tail_entry *tail_entry_new(int64_t xid, uint64_t batch)
{
    struct tail_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        abort();
    entry->xid = xid;
    entry->batch = batch;
    return entry;
}

void tail_entry_free(struct tail_entry *entry)
{
    free(entry->purged);
    free(entry);
}

static int compare_batches(const void *a, const void *b)
{
    const struct tail_entry *left = *(struct tail_entry *const *)a;
    const struct tail_entry *right = *(struct tail_entry *const *)b;
    return (left->batch > right->batch) - (left->batch < right->batch);
}

struct tail_entry **tail_entries_take(struct table *table, size_t *count)
{
    size_t place = 0;
    *count = table->count;
    struct tail_entry **entries = calloc(*count + 1, sizeof(struct tail_entry *));
    if (entries == NULL)
        abort();
    for (size_t i = 0; i < *count; i++)
        entries[i] = table_next(table, &place);
    table_clear(table);
    qsort(entries, *count, sizeof(struct tail_entry *), compare_batches);
    return entries;
}

void tail_queue_append(struct tail_queue *queue, struct tail_entry *entry)
{
    if (queue->head == NULL)
        queue->head = entry;
    else
        queue->last->next = entry;
    queue->last = entry;
}

void tail_queue_join(struct tail_queue *queue, struct tail_queue *behind)
{
    if (behind->head == NULL)
        return;
    tail_queue_append(queue, behind->head);
    queue->last = behind->last;
    *behind = (struct tail_queue){0};
}

void tail_queue_pop(struct tail_queue *queue)
{
    struct tail_entry *entry = queue->head;
    queue->head = entry->next;
    tail_entry_free(entry);
}

void tail_queue_remove(struct tail_queue *queue, uint64_t batch)
{
    struct tail_entry **at = &queue->head, *before = NULL;
    while (*at != NULL && (*at)->batch != batch) {
        before = *at;
        at = &(*at)->next;
    }
    struct tail_entry *entry = *at;
    if (entry == NULL)
        return;
    *at = entry->next;
    if (queue->last == entry)
        queue->last = before;
    tail_entry_free(entry);
}
