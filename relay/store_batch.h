/* store_batch.h - the events of one transaction, and what became of each.
 *
 * A batch holds no id and no address twice, and of one author nothing before a deletion: what may
 * not join waits for the next batch, and so does everything of its author, so that an author's
 * events keep their order. A second event of an id that is in the batch rides along as a twin.
 *
 *   ownership  the batch owns its items from the moment it takes them
 *   threads    loop thread only
 */
#pragma once

#include "relay/db.h"
#include "relay/store.h"
#include "relay/store_route.h"
#include "relay/table.h"
#include "relay/tag_hash.h"

struct shard;

enum {
    STORE_BATCH_EVENTS_MAX = 512,
    STORE_BATCH_BYTES_MAX = 1 << 20, /* of tags and content, but one event always fits */
    STORE_BATCH_TAGS_MAX = 20000,    /* likewise */
    STORE_BATCH_TRIES_MAX = 10,
    STORE_BATCH_LOOK_MAX = 4 * STORE_BATCH_EVENTS_MAX, /* items in the queue looked at for one */
};

struct store_item {
    struct store_put put;
    struct store_way way;
    struct store_item *next;  /* in the queue, or among the twins */
    struct store_item *twins; /* have the verdict of this one, but are not new */
    enum store_verdict verdict;
    bool has_moved;   /* its author is not written here any more */
    bool is_alone;    /* failed in company: sent by itself */
    uint8_t tries;    /* batches that it was in */
    int64_t tie, pkp; /* the columns of these names; set when it was taken */
};

struct store_queue {
    struct store_item *head, *tail;
    uint32_t count;
};

void store_queue_add(struct store_queue *queue, struct store_item *item);
void store_queue_add_first(struct store_queue *queue, struct store_item *item);
struct store_item *store_queue_pop(struct store_queue *queue); /* NULL: empty */

struct store_batch {
    uint64_t number;                                   /* 1, 2, ...: names it in notifications */
    uint32_t count;                                    /* items */
    struct store_item *items[STORE_BATCH_EVENTS_MAX];  /* in the order of arrival */
    struct store_item *sorted[STORE_BATCH_EVENTS_MAX]; /* by tie; set when it is sent */
    uint32_t tag_count;
    size_t bytes;
    bool is_full;
    int64_t xid;       /* 0 until known, and when nothing was new */
    uint64_t ended_at; /* ns */
    bool is_raced;     /* sent so */
    struct store *store;
    /* While it is filled: by tie, by address, by pkp. */
    struct table ids, addresses, authors, deleters, waiting;
};

/* What a batch is sent with. */
struct store_batch_call {
    struct db *db;
    const struct hash_key *key;
    const struct shard *shard;
    const char *channel; /* of notifications */
    uint64_t origin;     /* of this process, in them */
    bool is_raced;       /* others may be storing the same events */
    db_reply_fn *done;   /* as of db_transaction */
    void *owner;         /* of done */
};

struct store_batch *store_batch_new(uint64_t number);
void store_batch_free(struct store_batch *batch); /* not its items */

/* Takes what may join, from the front of the queue. False when nothing did. */
bool store_batch_fill(struct store_batch *batch, struct store_queue *queue,
                      const struct hash_key *key);

/* When done says that the transaction committed, verdicts and xid are set. False: not sent. */
MUST_CHECK bool store_batch_send(struct store_batch *batch, const struct store_batch_call *call,
                                 struct err *err);

/* What can be done about a transaction that PostgreSQL refused. */
enum store_remedy { STORE_GIVE_UP, STORE_AGAIN, STORE_ONE_BY_ONE };
enum store_remedy store_batch_remedy(const struct store_batch *batch, const PGresult *refusal);

/* An event was stored by somebody else, after the batch had looked for it. */
bool store_batch_lost_race(const PGresult *refusal);
