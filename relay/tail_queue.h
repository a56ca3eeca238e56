/* tail_queue.h - what waits for its turn to be handed on: transactions and purges.
 *
 *   ownership  the queue owns its entries: struct tail_queue q = {0} is empty
 */
#pragma once

#include "shared/base.h"

struct table;
struct tail_purged;

#define TAIL_NO_XID INT64_MAX

struct tail_entry {
    struct tail_entry *next;
    int64_t xid;    /* of a purge: TAIL_NO_XID */
    uint64_t batch; /* own; 0: foreign, or a purge */
    uint64_t after; /* the newest own batch when it came: none that began later is before
                                   it in the database */
    struct tail_purged *purged; /* owned; NULL: it is none */
};

struct tail_queue {
    struct tail_entry *head, *last;
};

struct tail_entry *tail_entry_new(int64_t xid, uint64_t batch);
void tail_entry_free(struct tail_entry *entry);

/* All that are in a table, in the order of their batches; the table is empty then, and the caller
 * frees the list. */
struct tail_entry **tail_entries_take(struct table *table, size_t *count);

/* Takes entry over. */
void tail_queue_append(struct tail_queue *queue, struct tail_entry *entry);

/* All of behind goes behind what is in queue, and is empty then. */
void tail_queue_join(struct tail_queue *queue, struct tail_queue *behind);

/* The head goes. */
void tail_queue_pop(struct tail_queue *queue);

/* An own batch goes, if it is there. */
void tail_queue_remove(struct tail_queue *queue, uint64_t batch);
