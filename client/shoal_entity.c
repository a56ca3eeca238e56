/* shoal_entity.c - the things in the store. */
#include "client/catalog.h"
#include "client/pen.h"
#include "client/roll.h"
#include "client/shoal_parts.h"

static bool change_list(struct roll *list, const struct shoal_change *given, struct span json,
                        struct err *err)
{
    if (given->kind == SHOAL_INSERT)
        return roll_insert(list, given->to == SHOAL_LAST ? list->count : given->to, json, err);
    if (given->kind == SHOAL_TAKE)
        return roll_remove(list, given->from, err);
    size_t last = list->count > 0 ? list->count - 1 : 0;
    return roll_move(list, given->from, given->to == SHOAL_LAST ? last : given->to, err);
}

static bool add_change(struct pen *pen, struct pen_change *change, const struct shoal_change *given,
                       struct err *err)
{
    struct span key = shoal_span(given->key), json = {0};
    bool has_value = given->kind == SHOAL_SET || given->kind == SHOAL_ADD ||
                     given->kind == SHOAL_REMOVE || given->kind == SHOAL_INSERT;
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
    case SHOAL_INSERT:
    case SHOAL_MOVE:
    case SHOAL_TAKE:
        return change_list(pen_list(pen, change, key), given, json, err);
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
    const struct bytes32 *circle; /* of what is new; NULL: of none */
    bool is_new;
    struct bytes32 root; /* of what is new, once it is written */
    struct span type;
    const struct shoal_change *changes; /* up to one of kind 0; NULL: none */
};

static bool begin(struct pen *pen, struct pen_change *change, const struct writing *writing,
                  struct err *err)
{
    if (!writing->is_new)
        return pen_load(pen, change, &writing->root, err);
    return pen_create(pen, change, writing->type, err) &&
           (writing->circle == NULL || pen_join(pen, change, writing->circle, err));
}

static bool write_event(void *owner, struct pen *pen, struct err *err)
{
    struct writing *writing = owner;
    struct pen_change change = {0};
    struct event event;
    bool ok = begin(pen, &change, writing, err);
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
        writing->root = *pen_root(&change, &event);
    pen_clear(&change);
    return ok;
}

bool shoal_entity_new(struct shoal_store *store, const struct shoal_keys *keys,
                      const struct shoal_entity *entity, char id[SHOAL_HEX_SIZE],
                      struct shoal_error *error)
{
    struct bytes32 circle;
    struct writing writing = {
        .is_new = true, .type = shoal_span(entity->type), .changes = entity->changes};
    if (entity->circle != NULL) {
        writing.circle = &circle;
        if (!shoal_reference(&circle, entity->circle, error))
            return false;
    }
    if (!shoal_write(store, keys, write_event, &writing, error))
        return false;
    shoal_hex(id, &writing.root);
    return true;
}

bool shoal_entity_change(struct shoal_store *store, const struct shoal_keys *keys, const char *id,
                         const struct shoal_change *changes, struct shoal_error *error)
{
    struct writing writing = {.changes = changes};
    return shoal_reference(&writing.root, id, error) &&
           shoal_write(store, keys, write_event, &writing, error);
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
    if (!shoal_reference(&root, id, error))
        return NULL;
    bool ok = shoal_store_ready(store, &err) &&
              catalog_entity(store->store, &entity, &arena, &root, &err) &&
              (entity.has_root || err_set(&err, ERR_INVALID, "it is no entity that is here"));
    if (ok)
        write_json(&out, &root, &entity);
    else
        shoal_fail(error, &err);
    arena_clear(&arena);
    return out.at;
}
