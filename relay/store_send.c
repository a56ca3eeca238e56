/* One batch as statements. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/log.h"
#include "relay/route.h"
#include "relay/row.h"
#include "relay/schema.h"
#include "relay/store_insert.h"
#include "relay/store_mark.h"
#include "relay/store_sql.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"

enum {
    SEND_CALLS_MAX = 9,
    /* Whoever stores, deletes or replaces takes the lock of each author (exclusive to delete) and
     * of each address (exclusive) in the batch; locks are shared out by hash, for they are few.
     * Who moves a bucket takes that of its authors. */
    SEND_AUTHOR_LOCKS = ROUTE_LOCKS,
    SEND_ADDRESS_LOCKS = 256,
    SEND_LOCKS = SEND_AUTHOR_LOCKS + SEND_ADDRESS_LOCKS,
};

struct sending {
    struct store_batch *batch;
    const struct store_batch_call *call;
    int count;
    struct db_call calls[SEND_CALLS_MAX];
    struct param_list params[SEND_CALLS_MAX];
};

static struct param_list *begin(struct sending *sending, const char *statement, db_reply_fn *reply)
{
    struct db_call *call = &sending->calls[sending->count];
    struct param_list *params = &sending->params[sending->count++];
    *call = (struct db_call){.statement = statement, .reply = reply, .owner = sending->batch};
    params->count = 0;
    return params;
}

/* The statement begun last has nothing to do. */
static void drop(struct sending *sending)
{
    param_clear(&sending->params[--sending->count]);
}

static int64_t named_hash(const struct hash_key *key, const struct bytes32 *pubkey)
{
    char digits[2 * sizeof *pubkey];
    hex_encode(digits, pubkey->at, sizeof *pubkey);
    return tag_hash_of(key, 'p', SPAN_OF(digits));
}

static void lock_author(uint8_t *locks, int64_t pkp, bool is_exclusive)
{
    uint8_t *lock = &locks[route_lock(pkp)];
    if (*lock < 1 + is_exclusive)
        *lock = (uint8_t)(1 + is_exclusive);
}

static void add_locks(struct sending *sending)
{
    uint8_t locks[SEND_LOCKS] = {0}; /* 0, 1 shared, 2 exclusive */
    for (uint32_t i = 0; i < sending->batch->count; i++) {
        const struct store_item *item = sending->batch->items[i];
        const struct event *event = item->put.event;
        struct store_address address;
        struct bytes32 named;
        lock_author(locks, item->pkp, store_is_deleter(event));
        for (uint32_t k = 0; event->kind == KIND_GIFT_WRAP && k < event->tag_count; k++)
            if (store_tag_names(&event->tags[k], 'p', &named))
                lock_author(locks, tag_hash_prefix(&named), false);
        if (store_address_of(&address, sending->call->key, event))
            locks[SEND_AUTHOR_LOCKS +
                  (uint64_t)store_mark_of_address(sending->call->key, &event->pubkey, &address) %
                      SEND_ADDRESS_LOCKS] = 2;
    }
    struct param_list *params = begin(sending, STORE_SQL_LOCK, NULL);
    const char *schema = sending->call->shard->schema;
    param_bytes(params, (struct span){schema, strlen(schema)});
    int keys = param_begin(params, PARAM_INT8);
    for (int i = 0; i < SEND_LOCKS; i++)
        if (locks[i] > 0)
            param_add_int8(params, keys, 2 * i + (locks[i] == 2));
}

static void add_adopt(struct sending *sending)
{
    struct param_list *params = begin(sending, STORE_SQL_ADOPT, NULL);
    (void)param_begin(params, PARAM_INT8);
    (void)param_begin(params, PARAM_INT8);
    for (uint32_t i = 0; i < sending->batch->count; i++) {
        const struct store_item *item = sending->batch->items[i];
        if (!item->way.has_copies)
            continue;
        param_add_int8(params, 0, item->put.event->created_at);
        param_add_int8(params, 1, item->tie);
    }
    if (params->at[0].count == 0)
        drop(sending);
}

static void add_insert(struct sending *sending, enum store_insert_part part)
{
    struct param_list *params =
        begin(sending, sending->call->is_raced ? STORE_SQL_INSERT_RACED : STORE_SQL_INSERT,
              store_insert_reply);
    if (!store_insert_params(params, sending->batch, sending->call->key, part))
        drop(sending);
}

/* created_at and tie, by which the statement sees whether the deletion was stored, and pubkey. */
static void add_deleter(struct param_list *params, const struct store_item *item)
{
    const struct event *event = item->put.event;
    param_add_int8(params, 0, event->created_at);
    param_add_int8(params, 1, item->tie);
    param_add_bytes(params, 2, SPAN_OF(event->pubkey));
}

static void begin_arrays(struct param_list *params, const enum param_type *types, size_t count)
{
    for (size_t i = 0; i < count; i++)
        param_begin(params, types[i]);
}

static void add_delete_ids(struct sending *sending)
{
    static const enum param_type types[] = {PARAM_INT8, PARAM_INT8, PARAM_BYTEA,
                                            PARAM_INT8, PARAM_INT8, PARAM_BYTEA};
    struct param_list *params = begin(sending, STORE_SQL_DELETE_IDS, NULL);
    begin_arrays(params, types, ARRAY_LEN(types));
    for (uint32_t i = 0; i < sending->batch->count; i++) {
        const struct store_item *item = sending->batch->items[i];
        const struct event *event = item->put.event;
        struct bytes32 target;
        for (uint32_t k = 0; event->kind == KIND_DELETION && k < event->tag_count; k++) {
            if (!store_tag_names(&event->tags[k], 'e', &target))
                continue;
            add_deleter(params, item);
            param_add_int8(params, 3, named_hash(sending->call->key, &event->pubkey));
            param_add_int8(params, 4, tag_hash_tie(&target));
            param_add_bytes(params, 5, SPAN_OF(target));
        }
    }
    if (params->at[0].count == 0)
        drop(sending);
}

static void add_delete_addresses(struct sending *sending)
{
    static const enum param_type types[] = {PARAM_INT8, PARAM_INT8, PARAM_BYTEA, PARAM_INT4,
                                            PARAM_INT8};
    struct param_list *params = begin(sending, STORE_SQL_DELETE_ADDRESSES, NULL);
    begin_arrays(params, types, ARRAY_LEN(types));
    for (uint32_t i = 0; i < sending->batch->count; i++) {
        const struct store_item *item = sending->batch->items[i];
        const struct event *event = item->put.event;
        struct store_address address;
        for (uint32_t k = 0; event->kind == KIND_DELETION && k < event->tag_count; k++) {
            const struct tag *tag = &event->tags[k];
            if (tag->count < 2 || !span_eq(tag->items[0], SPAN("a")) ||
                !store_address_parse(&address, sending->call->key, tag->items[1], &event->pubkey))
                continue;
            add_deleter(params, item);
            param_add_int4(params, 3, address.kind);
            param_add_int8(params, 4, address.dh);
        }
    }
    if (params->at[0].count == 0)
        drop(sending);
}

static void add_vanish(struct sending *sending)
{
    static const enum param_type types[] = {PARAM_INT8, PARAM_INT8, PARAM_BYTEA, PARAM_INT8,
                                            PARAM_INT8};
    struct param_list *params = begin(sending, STORE_SQL_VANISH, NULL);
    begin_arrays(params, types, ARRAY_LEN(types));
    for (uint32_t i = 0; i < sending->batch->count; i++) {
        const struct store_item *item = sending->batch->items[i];
        if (item->put.event->kind != KIND_VANISH)
            continue;
        add_deleter(params, item);
        param_add_int8(params, 3, item->pkp);
        param_add_int8(params, 4, named_hash(sending->call->key, &item->put.event->pubkey));
    }
    if (params->at[0].count == 0)
        drop(sending);
}

static void add_replace(struct sending *sending)
{
    static const enum param_type types[] = {PARAM_INT8, PARAM_BYTEA, PARAM_BYTEA, PARAM_INT8,
                                            PARAM_INT4, PARAM_INT8,  PARAM_INT8,  PARAM_INT8};
    const struct hash_key *key = sending->call->key;
    struct param_list *params = begin(sending, STORE_SQL_REPLACE, NULL);
    begin_arrays(params, types, ARRAY_LEN(types));
    for (uint32_t i = 0; i < sending->batch->count; i++) {
        const struct store_item *item = sending->batch->sorted[i];
        const struct event *event = item->put.event;
        struct store_address address;
        if (!store_address_of(&address, key, event))
            continue;
        param_add_int8(params, 0, event->created_at);
        param_add_bytes(params, 1, SPAN_OF(event->id));
        param_add_bytes(params, 2, SPAN_OF(event->pubkey));
        param_add_int8(params, 3, item->pkp);
        param_add_int4(params, 4, event->kind);
        param_add_int8(params, 5, address.dh);
        param_add_int8(params, 6, store_mark_of_id(key, &event->pubkey, &event->id));
        param_add_int8(params, 7, store_mark_of_address(key, &event->pubkey, &address));
    }
    if (params->at[0].count == 0)
        drop(sending);
}

static void on_marked(void *owner, const PGresult *result)
{
    struct store_batch *batch = owner;
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
        batch->xid = row_int8(result, 0, 1);
}

static void on_notified(void *owner, const PGresult *result)
{
    (void)owner;
    ExecStatusType status = PQresultStatus(result);
    if (result != NULL && status != PGRES_TUPLES_OK)
        log_warning("store", "cannot notify: %s", db_error(result)); /* the tails list it */
}

static void add_notify(struct sending *sending)
{
    char text[2 * 20 + 2];
    const char *channel = sending->call->channel;
    int len = snprintf(text, sizeof text, "%016" PRIx64 " %" PRIu64, sending->call->origin,
                       sending->batch->number);
    struct span name = {text, (size_t)len};
    param_bytes(begin(sending, STORE_SQL_MARK, on_marked), name);
    struct param_list *params = begin(sending, STORE_SQL_NOTIFY, on_notified);
    param_bytes(params, (struct span){channel, strlen(channel)});
    param_bytes(params, name);
    sending->calls[sending->count - 1].is_apart = true;
}

static int compare_ties(const void *a, const void *b)
{
    const struct store_item *left = *(struct store_item *const *)a;
    const struct store_item *right = *(struct store_item *const *)b;
    return (left->tie > right->tie) - (left->tie < right->tie);
}

bool store_batch_send(struct store_batch *batch, const struct store_batch_call *call,
                      struct err *err)
{
    struct sending sending = {.batch = batch, .call = call};
    batch->is_raced = call->is_raced;
    memcpy(batch->sorted, batch->items, batch->count * sizeof(struct store_item *));
    qsort(batch->sorted, batch->count, sizeof(struct store_item *), compare_ties);
    add_locks(&sending);
    add_adopt(&sending);
    add_insert(&sending, STORE_INSERT_DELETERS);
    add_delete_ids(&sending);
    add_delete_addresses(&sending);
    add_vanish(&sending);
    add_replace(&sending);
    add_insert(&sending, STORE_INSERT_OTHERS);
    add_notify(&sending);
    for (int i = 0; i < sending.count; i++)
        param_call(&sending.params[i], &sending.calls[i]);
    bool is_sent = db_transaction(call->db, sending.calls, (uint32_t)sending.count, call->done,
                                  call->owner, err);
    while (sending.count > 0)
        drop(&sending);
    return is_sent;
}
