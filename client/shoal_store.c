/* shoal_store.c - the store, and the entities in it. */
#include <stdlib.h>

#include "client/basket.h"
#include "client/catalog.h"
#include "client/holder.h"
#include "client/outbox.h"
#include "client/pen.h"
#include "client/reference.h"
#include "client/shoal_parts.h"
#include "client/store.h"
#include "shared/filter.h"
#include "shared/url.h"

struct shoal_store *shoal_store_open(const char *folder, struct shoal_error *error)
{
    char path[STORE_PATH_MAX];
    struct err err;
    struct store *store = NULL;
    if (store_folder(path, folder, &err))
        store = store_open(path, shoal_now_ms(), &err);
    if (store == NULL) {
        shoal_fail(error, &err);
        return NULL;
    }
    struct shoal_store *opened = shoal_alloc(sizeof *opened);
    opened->store = store;
    return opened;
}

void shoal_store_close(struct shoal_store *store)
{
    if (store != NULL)
        store_close(store->store);
    free(store);
}

bool shoal_store_ready(struct shoal_store *store, struct err *err)
{
    return (store->basket == NULL || basket_flush(store->basket, err)) &&
           store_advance(store->store, shoal_now_ms(), err);
}

bool shoal_store_add_relay(struct shoal_store *store, const char *url, struct shoal_error *error)
{
    struct url parsed;
    struct err err;
    return (url_parse(&parsed, shoal_span(url), &err) && shoal_store_ready(store, &err) &&
            store_add_relay(store->store, shoal_span(url), &err)) ||
           shoal_fail(error, &err);
}

bool shoal_store_remove_relay(struct shoal_store *store, const char *url, struct shoal_error *error)
{
    struct err err;
    bool was_there;
    bool ok = shoal_store_ready(store, &err) &&
              store_remove_relay(store->store, &was_there, shoal_span(url), &err) &&
              (was_there || err_set(&err, ERR_INVALID, "it is no relay of the store's"));
    return ok || shoal_fail(error, &err);
}

bool shoal_store_put(struct shoal_store *store, const struct shoal_event *event, bool is_sent,
                     enum shoal_verdict *verdict, struct shoal_error *error)
{
    static const enum shoal_verdict verdicts[] = {[STORE_NEW] = SHOAL_NEW,
                                                  [STORE_DUPLICATE] = SHOAL_DUPLICATE,
                                                  [STORE_QUARANTINED] = SHOAL_QUARANTINED,
                                                  [STORE_EPHEMERAL] = SHOAL_EPHEMERAL};
    struct arena arena = {0};
    struct span *relays = NULL;
    enum store_verdict got = STORE_NEW;
    size_t count = 0;
    struct err err;
    if (!shoal_event_verify(event, error))
        return false;
    bool ok = shoal_store_ready(store, &err) &&
              (!is_sent || store_relays(store->store, &relays, &count, &arena, &err)) &&
              store_put(store->store, &got, &event->event, relays, count, &err);
    arena_clear(&arena);
    if (verdict != NULL)
        *verdict = verdicts[got];
    return ok || shoal_fail(error, &err);
}

struct query {
    shoal_query_fn *fn;
    void *owner;
};

static bool on_match(void *owner, const struct catalog_event *event)
{
    const struct query *query = owner;
    return query->fn(query->owner, event->json.at, event->json.len);
}

bool shoal_store_query(struct shoal_store *store, const char *filter, shoal_query_fn *fn,
                       void *owner, struct shoal_error *error)
{
    struct query query = {fn, owner};
    struct arena arena = {0};
    struct filter parsed;
    struct err err;
    bool ok = shoal_store_ready(store, &err) &&
              filter_parse(&parsed, &arena, shoal_span(filter), &err) &&
              catalog_each(store->store, &parsed, on_match, &query, &err);
    arena_clear(&arena);
    return ok || shoal_fail(error, &err);
}

bool shoal_store_outbox(struct shoal_store *store, uint64_t *queued, uint64_t *refused,
                        struct shoal_error *error)
{
    struct err err;
    return (shoal_store_ready(store, &err) && outbox_count(store->store, queued, refused, &err)) ||
           shoal_fail(error, &err);
}

bool shoal_store_hash(struct shoal_store *store, char hash[SHOAL_HEX_SIZE],
                      struct shoal_error *error)
{
    struct bytes32 value;
    struct err err;
    if (!shoal_store_ready(store, &err) || !catalog_hash(store->store, &value, &err))
        return shoal_fail(error, &err);
    shoal_hex(hash, &value);
    return true;
}

/* ---- entities ---- */

static bool add_change(struct pen *pen, struct pen_change *change, const struct shoal_change *given,
                       struct err *err)
{
    struct span key = shoal_span(given->key), json = {0};
    bool has_value =
        given->kind == SHOAL_SET || given->kind == SHOAL_ADD || given->kind == SHOAL_REMOVE;
    if (has_value && !pen_value(pen, &json, shoal_span(given->value), true, err))
        return false;
    switch (given->kind) {
    case SHOAL_SET:
        pen_op(pen, change, OP_SET, key)->value = json;
        return true;
    case SHOAL_UNSET:
        pen_op(pen, change, OP_DEL, key);
        return true;
    case SHOAL_ADD:
        pen_op(pen, change, OP_ADD, key)->value = json;
        return true;
    case SHOAL_REMOVE:
        return pen_remove(pen, change, key, json, err);
    case SHOAL_COUNT:
        pen_op(pen, change, OP_INC, key)->amount = given->amount;
        return true;
    case SHOAL_DELETE:
        pen_op(pen, change, OP_SET, SPAN(OP_DELETED))->value = SPAN("true");
        return true;
    case SHOAL_RESTORE:
        pen_op(pen, change, OP_SET, SPAN(OP_DELETED))->value = SPAN("false");
        return true;
    }
    return err_set(err, ERR_INVALID, "no kind of change");
}

/* One event about an entity. */
struct writing {
    const struct bytes32 *root; /* NULL: what is new */
    struct span type;
    const struct shoal_change *changes; /* up to one of kind 0; NULL: none */
};

static bool write_event(struct pen *pen, const struct writing *writing, struct bytes32 *id,
                        struct err *err)
{
    struct pen_change change = {0};
    struct span *relays;
    struct event event;
    if (!store_relays(pen->store, &relays, &pen->relay_count, &pen->arena, err))
        return false;
    pen->relays = relays;
    bool ok = writing->root != NULL ? pen_load(pen, &change, writing->root, err)
                                    : pen_create(pen, &change, writing->type, err);
    for (const struct shoal_change *at = writing->changes; ok && at != NULL && (int)at->kind != 0;
         at++) {
        ok = add_change(pen, &change, at, err);
        if (ok && change.op_count > OP_COUNT_MAX)
            ok = err_set(err, ERR_INVALID, "over %d changes at once", OP_COUNT_MAX - 1);
    }
    if (ok && change.op_count == 0)
        ok = err_set(err, ERR_INVALID, "nothing to change");
    ok = ok && pen_finish(pen, &change, &event, err);
    if (ok)
        *id = *pen_root(&change, &event);
    pen_clear(&change);
    return ok;
}

/* Reading, deciding and writing are one transaction. */
static bool write_entity(struct shoal_store *store, const struct shoal_keys *keys,
                         const struct writing *writing, struct bytes32 *id, struct err *err)
{
    struct pen pen = {.store = store->store, .holder = keys->holder, .now_ms = shoal_now_ms()};
    if (!shoal_store_ready(store, err) || !store_begin(store->store, err))
        return false;
    bool ok = write_event(&pen, writing, id, err) && store_commit(store->store, err);
    if (!ok)
        store_rollback(store->store);
    arena_clear(&pen.arena);
    return ok;
}

bool shoal_entity_new(struct shoal_store *store, const struct shoal_keys *keys, const char *type,
                      const struct shoal_change *changes, char id[SHOAL_HEX_SIZE],
                      struct shoal_error *error)
{
    const struct writing writing = {.type = shoal_span(type), .changes = changes};
    struct bytes32 root;
    struct err err;
    if (!write_entity(store, keys, &writing, &root, &err))
        return shoal_fail(error, &err);
    shoal_hex(id, &root);
    return true;
}

bool shoal_entity_change(struct shoal_store *store, const struct shoal_keys *keys, const char *id,
                         const struct shoal_change *changes, struct shoal_error *error)
{
    struct bytes32 root;
    const struct writing writing = {.root = &root, .changes = changes};
    struct err err;
    return (reference_parse(&root, shoal_span(id), &err) &&
            write_entity(store, keys, &writing, &root, &err)) ||
           shoal_fail(error, &err);
}

static void add_hex(struct text *out, const char *name, const struct bytes32 *value)
{
    text_addf(out, "\"%s\":\"", name);
    text_add_hex(out, value->at, sizeof value->at);
    text_add(out, SPAN("\","));
}

static void write_json(struct text *out, const struct bytes32 *id,
                       const struct catalog_entity *entity)
{
    text_add(out, SPAN("{"));
    add_hex(out, "id", id);
    add_hex(out, "author", &entity->author);
    text_addf(out, "\"deleted\":%s,", entity->is_deleted ? "true" : "false");
    add_hex(out, "hash", &entity->hash);
    text_add(out, SPAN("\"state\":"));
    text_add(out, entity->state);
    if (entity->text.len > 0) {
        text_add(out, SPAN(",\"text\":"));
        text_add_json(out, entity->text);
    }
    text_add(out, (struct span){"}", 2}); /* and the NUL */
}

char *shoal_entity_get(struct shoal_store *store, const char *id, struct shoal_error *error)
{
    struct catalog_entity entity;
    struct arena arena = {0};
    struct text out = {0};
    struct bytes32 root;
    struct err err;
    bool ok = reference_parse(&root, shoal_span(id), &err) && shoal_store_ready(store, &err) &&
              catalog_entity(store->store, &entity, &arena, &root, &err) &&
              (entity.has_root || err_set(&err, ERR_INVALID, "it is no entity that is here"));
    if (ok)
        write_json(&out, &root, &entity);
    else
        shoal_fail(error, &err);
    arena_clear(&arena);
    return out.at;
}
