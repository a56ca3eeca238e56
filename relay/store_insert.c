#include "relay/store_insert.h"

#include <stdlib.h>

#include "relay/route.h"
#include "relay/row.h"
#include "relay/store_mark.h"
#include "relay/store_sql.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"

struct insert {
    const struct hash_key *key;
    struct param_list *params;
    int64_t *hashes; /* room for those of any one event */
};

bool store_is_deleter(const struct event *event)
{
    return event->kind == KIND_DELETION || event->kind == KIND_VANISH;
}

bool store_tag_names(const struct tag *tag, char letter, struct bytes32 *named)
{
    return tag->count >= 2 && tag->items[0].len == 1 && tag->items[0].at[0] == letter &&
           hex_decode(named->at, sizeof *named, tag->items[1]);
}

static int compare_hashes(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* The event's tags and, of a deletion, its marks. */
static uint32_t hashes_of(const struct insert *insert, const struct event *event)
{
    const struct hash_key *key = insert->key;
    uint32_t count = tag_hash_list(key, insert->hashes, event);
    uint32_t tags = count;
    for (uint32_t i = 0; event->kind == KIND_DELETION && i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        struct bytes32 target;
        struct store_address address;
        if (store_tag_names(tag, 'e', &target))
            insert->hashes[count++] = store_mark_of_id(key, &event->pubkey, &target);
        else if (tag->count >= 2 && span_eq(tag->items[0], SPAN("a")) &&
                 store_address_parse(&address, key, tag->items[1], &event->pubkey))
            insert->hashes[count++] = store_mark_of_address(key, &event->pubkey, &address);
    }
    if (count == tags)
        return count;
    qsort(insert->hashes, count, sizeof *insert->hashes, compare_hashes);
    uint32_t kept = 1;
    for (uint32_t i = 1; i < count; i++)
        if (insert->hashes[kept - 1] != insert->hashes[i])
            insert->hashes[kept++] = insert->hashes[i];
    return kept;
}

/* The places of insert's parameters. */
enum {
    INSERT_CREATED_AT,
    INSERT_TIE,
    INSERT_PKP,
    INSERT_DH,
    INSERT_EXPIRES,
    INSERT_KIND,
    INSERT_ID,
    INSERT_PUBKEY,
    INSERT_SIG,
    INSERT_TAGS,
    INSERT_CONTENT,
    INSERT_ID_MARK,
    INSERT_ADDRESS_MARK,
    INSERT_FIRST_HASH,
    INSERT_LAST_HASH,
    INSERT_FIRST_NAMED,
    INSERT_LAST_NAMED,
    INSERT_HASHES,
    INSERT_NAMED_MARKS,
    INSERT_NAMED_PKPS,
    INSERT_BUCKET,
    INSERT_VERSION,
};

static void begin_insert(struct param_list *params)
{
    static const enum param_type types[] = {
        PARAM_INT8,  PARAM_INT8,  PARAM_INT8,  PARAM_INT8, PARAM_INT8, PARAM_INT4,
        PARAM_BYTEA, PARAM_BYTEA, PARAM_BYTEA, PARAM_TEXT, PARAM_TEXT, PARAM_INT8,
        PARAM_INT8,  PARAM_INT4,  PARAM_INT4,  PARAM_INT4, PARAM_INT4, PARAM_INT8,
        PARAM_INT8,  PARAM_INT8,  PARAM_INT4,  PARAM_INT8};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        param_begin(params, types[i]);
}

/* Positions count from 1, as in an SQL array; last before first is none. */
static void add_ranges(const struct insert *insert, const struct event *event)
{
    struct param_list *params = insert->params;
    const struct param *hashes = &params->at[INSERT_HASHES];
    const struct param *named = &params->at[INSERT_NAMED_MARKS];
    param_add_int4(params, INSERT_FIRST_HASH, (int32_t)hashes->count + 1);
    uint32_t count = hashes_of(insert, event);
    for (uint32_t i = 0; i < count; i++)
        param_add_int8(params, INSERT_HASHES, insert->hashes[i]);
    param_add_int4(params, INSERT_LAST_HASH, (int32_t)hashes->count);

    param_add_int4(params, INSERT_FIRST_NAMED, (int32_t)named->count + 1);
    for (uint32_t i = 0; event->kind == KIND_GIFT_WRAP && i < event->tag_count; i++) {
        struct bytes32 whom;
        if (!store_tag_names(&event->tags[i], 'p', &whom))
            continue;
        param_add_int8(params, INSERT_NAMED_MARKS,
                       store_mark_of_id(insert->key, &whom, &event->id));
        param_add_int8(params, INSERT_NAMED_PKPS, tag_hash_prefix(&whom));
    }
    param_add_int4(params, INSERT_LAST_NAMED, (int32_t)named->count);
}

static void add_or_null(struct param_list *params, int place, bool is_there, int64_t value)
{
    if (is_there)
        param_add_int8(params, place, value);
    else
        param_add_null(params, place);
}

/* By which the statement sees that the event is sent to where its author lived before. */
static void add_bucket(struct param_list *params, const struct store_item *item)
{
    bool is_everywhere = route_is_everywhere(item->put.event);
    if (item->way.is_copy)
        param_add_null(params, INSERT_BUCKET);
    else
        param_add_int4(params, INSERT_BUCKET,
                       is_everywhere ? ROUTE_EVERYWHERE
                                     : (int32_t)route_bucket(&item->put.event->pubkey));
    param_add_int8(params, INSERT_VERSION, is_everywhere ? item->way.version : 0);
}

static void add_item(const struct insert *insert, const struct store_item *item)
{
    struct param_list *params = insert->params;
    const struct event *event = item->put.event;
    const struct hash_key *key = insert->key;
    struct store_address address = {0};
    int64_t expires_at = 0;
    bool has_address = store_address_of(&address, key, event);
    bool expires = event_expiration(event, &expires_at);
    param_add_int8(params, INSERT_CREATED_AT, event->created_at);
    param_add_int8(params, INSERT_TIE, item->tie);
    param_add_int8(params, INSERT_PKP, item->pkp);
    add_or_null(params, INSERT_DH, has_address, address.dh);
    add_or_null(params, INSERT_EXPIRES, expires, expires_at);
    param_add_int4(params, INSERT_KIND, event->kind);
    param_add_bytes(params, INSERT_ID, SPAN_OF(event->id));
    param_add_bytes(params, INSERT_PUBKEY, SPAN_OF(event->pubkey));
    param_add_bytes(params, INSERT_SIG, SPAN_OF(event->sig));
    param_add_bytes(params, INSERT_TAGS, event->tags_json);
    param_add_bytes(params, INSERT_CONTENT, event->content_json);
    /* NIP-09: Publishing a deletion request event against a deletion request has no effect. */
    add_or_null(params, INSERT_ID_MARK, !store_is_deleter(event),
                store_mark_of_id(key, &event->pubkey, &event->id));
    add_or_null(params, INSERT_ADDRESS_MARK, has_address,
                store_mark_of_address(key, &event->pubkey, &address));
    add_ranges(insert, event);
    add_bucket(params, item);
}

static int compare_ties(const void *a, const void *b)
{
    const struct store_item *left = *(struct store_item *const *)a;
    const struct store_item *right = *(struct store_item *const *)b;
    return (left->tie > right->tie) - (left->tie < right->tie);
}

void store_insert_reply(void *owner, const PGresult *result)
{
    struct store_batch *batch = owner;
    static const enum store_verdict verdicts[] = {STORE_NEW, STORE_DUPLICATE, STORE_OLDER,
                                                  STORE_DELETED};
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        return; /* the transaction's reply says so */
    for (int row = 0; row < PQntuples(result); row++) {
        struct store_item wanted = {.tie = row_int8(result, row, 0)};
        struct store_item *key = &wanted;
        struct store_item **found =
            bsearch(&key, batch->sorted, batch->count, sizeof(struct store_item *), compare_ties);
        int64_t verdict = row_int8(result, row, 1);
        if (found != NULL)
            (*found)->has_moved = verdict == STORE_SQL_VERDICT_MOVED;
        if (found != NULL && verdict >= 0 && verdict < (int64_t)ARRAY_LEN(verdicts))
            (*found)->verdict = verdicts[verdict];
    }
}

bool store_insert_params(struct param_list *params, const struct store_batch *batch,
                         const struct hash_key *key, enum store_insert_part part)
{
    struct insert insert = {.key = key, .params = params};
    insert.hashes = calloc(2 * (size_t)batch->tag_count + 1, sizeof *insert.hashes);
    if (insert.hashes == NULL)
        abort();
    begin_insert(params);
    for (uint32_t i = 0; i < batch->count; i++)
        if (store_is_deleter(batch->sorted[i]->put.event) == (part == STORE_INSERT_DELETERS))
            add_item(&insert, batch->sorted[i]);
    free(insert.hashes);
    return params->at[INSERT_CREATED_AT].count > 0;
}
