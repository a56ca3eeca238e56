#include "relay/tail_queue.h"

#include <stdlib.h>

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
