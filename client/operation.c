#include "client/operation.h"

#include "client/canon.h"
#include "client/hlc.h"
#include "client/jsonrpc.h"
#include "client/op.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/number.h"
#include "shared/scan.h"
#include "shared/text.h"

#define MS_MAX (INT64_C(1) << 47) /* of a time that can be signed */

/* ---- reading ---- */

static bool read_name(struct span *name, struct arena *arena, struct span json, struct span member,
                      struct err *err)
{
    struct span value;
    if (!jsonrpc_member(&value, arena, json, member, err))
        return false;
    if (value.len < 3 || value.at[0] != '"' || value.len > OPERATION_NAME_BYTES_MAX + 2)
        return err_set(err, ERR_INVALID, "expected a text of 1 to %d bytes as %.*s",
                       OPERATION_NAME_BYTES_MAX, SPAN_ARG(member));
    *name = scan_decode(arena, (struct scan_string){{value.at + 1, value.len - 2}, true});
    return true;
}

static bool read_act(enum operation_act *act, struct span name, struct err *err)
{
    static const struct {
        struct span name;
        enum operation_act act;
    } names[] = {{{"create", 6}, OPERATION_CREATE},  {{"insert", 6}, OPERATION_CREATE},
                 {{"update", 6}, OPERATION_UPDATE},  {{"set", 3}, OPERATION_UPDATE},
                 {{"patch", 5}, OPERATION_UPDATE},   {{"upsert", 6}, OPERATION_UPDATE},
                 {{"delete", 6}, OPERATION_DELETE},  {{"remove", 6}, OPERATION_DELETE},
                 {{"restore", 7}, OPERATION_RESTORE}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq(name, names[i].name)) {
            *act = names[i].act;
            return true;
        }
    return err_set(err, ERR_INVALID, "operation '%s' is none that is known", scan_word(name).at);
}

/* "1700000000000:3": milliseconds, and what comes behind another sign counts within them. */
static bool read_clock(uint64_t *hlc, struct span text)
{
    size_t len = 0;
    int64_t ms, counter = 0;
    while (len < text.len && text.at[len] >= '0' && text.at[len] <= '9')
        len++;
    size_t end = len < text.len ? len + 1 : len, begin = end;
    while (end < text.len && text.at[end] >= '0' && text.at[end] <= '9')
        end++;
    if (len == 0 || !number_decimal(&ms, (struct span){text.at, len}) || ms >= MS_MAX ||
        (end > begin && !number_decimal(&counter, (struct span){text.at + begin, end - begin})))
        return false;
    *hlc = hlc_make((uint64_t)ms, 0) + (counter < UINT16_MAX ? (uint64_t)counter : UINT16_MAX);
    return true;
}

static bool read_hlc(uint64_t *hlc, struct arena *arena, struct span json, struct err *err)
{
    struct span value;
    int64_t ms;
    if (!jsonrpc_member(&value, arena, json, SPAN("hlcTimestamp"), err))
        return false;
    bool is_text = value.len > 2 && value.at[0] == '"';
    struct span text = is_text ? (struct span){value.at + 1, value.len - 2} : SPAN("");
    bool is_number = value.len > 0 && value.at[0] >= '0' && value.at[0] <= '9';
    bool is_read = is_text && (hlc_parse(hlc, text) || read_clock(hlc, text));
    if (is_number && number_value(&ms, value) && ms < MS_MAX) {
        *hlc = hlc_make((uint64_t)ms, 0);
        is_read = true;
    }
    return (is_read && hlc_ms(*hlc) < (uint64_t)MS_MAX) ||
           err_set(err, ERR_INVALID, "hlcTimestamp: expected 16 hex digits, or milliseconds");
}

bool operation_parse(struct operation *operation, struct arena *arena, struct span json,
                     struct err *err)
{
    struct span name;
    *operation = (struct operation){0};
    if (!read_name(&operation->id, arena, json, SPAN("id"), err) ||
        !read_name(&operation->entity_type, arena, json, SPAN("entityType"), err) ||
        !read_name(&operation->entity_id, arena, json, SPAN("entityId"), err) ||
        !read_name(&name, arena, json, SPAN("operation"), err) ||
        !read_act(&operation->act, name, err) || !read_hlc(&operation->hlc, arena, json, err) ||
        !jsonrpc_member(&operation->payload, arena, json, SPAN("payload"), err))
        return false;
    if (span_eq(operation->payload, SPAN("null")))
        operation->payload = SPAN("");
    if (operation->payload.len == 0)
        return true;
    if (operation->payload.at[0] != '{')
        return err_set(err, ERR_INVALID, "payload: expected an object");
    return jsonrpc_member(&operation->event, arena, operation->payload, SPAN("_event"), err);
}

bool operation_fields(const struct operation *operation, struct operation_field **fields,
                      size_t *count, struct arena *arena, struct err *err)
{
    struct scan scan = scan_begin(operation->payload);
    struct scan_list list = {0};
    scan.subject = SPAN("payload");
    *fields = NULL;
    *count = 0;
    if (operation->payload.len > 0 && !scan_object(&scan, &list, err))
        return false;
    while (list.more) {
        struct operation_field field;
        if (!scan_key(&scan, arena, &field.key, err) ||
            !canon_scan(&field.json, arena, &scan, err) || !scan_next(&scan, &list, err))
            return false;
        if (field.key.len == 0 || field.key.len > OP_KEY_BYTES_MAX || field.key.at[0] == '_')
            return err_set(err, ERR_INVALID, "payload: no field is called '%s'",
                           scan_word(field.key).at);
        *fields = arena_grow(arena, struct operation_field, *fields, *count);
        (*fields)[(*count)++] = field;
    }
    return true;
}

/* ---- writing ---- */

static void write_hex(struct text *out, const char *name, const struct bytes32 *id)
{
    text_addf(out, "\"%s\":\"", name);
    text_add_hex(out, id->at, sizeof id->at);
    text_add(out, SPAN("\","));
}

/* The names that applications have for what is no part of an entity. */
static struct span type_of(const struct event *event, const struct operation_place *place)
{
    static const struct {
        uint16_t kind;
        struct span name;
    } names[] = {{KIND_NOTE, {"post", 4}},
                 {KIND_REACTION, {"like", 4}},
                 {KIND_COMMENT, {"comment", 7}},
                 {KIND_FOLLOWS, {"follow", 6}},
                 {KIND_KNOWLEDGE, {"acu", 3}}};
    if (place->root != NULL)
        return place->type.len > 0 ? place->type : SPAN("entity");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (event->kind == names[i].kind)
            return names[i].name;
    return SPAN("event");
}

static bool is_field(const struct op *op)
{
    return (op->type == OP_SET || op->type == OP_DEL) && op->key.len > 0 && op->key.at[0] != '_';
}

static const char *act_of(const struct event *event, const struct op_list *ops,
                          const struct operation_place *place)
{
    const char *act = place->root == NULL || memcmp(place->root, &event->id, sizeof event->id) == 0
                          ? "create"
                          : "update";
    for (uint32_t i = 0; i < ops->count; i++)
        if (ops->at[i].type == OP_SET && span_eq(ops->at[i].key, SPAN(OP_DELETED)))
            act = span_eq(ops->at[i].value, SPAN("true")) ? "delete" : "restore";
    return act;
}

/* What the event leaves of each field that it sets. */
static void write_fields(struct text *out, const struct op_list *ops)
{
    for (uint32_t i = 0; i < ops->count; i++) {
        const struct op *op = &ops->at[i];
        bool is_last = is_field(op);
        for (uint32_t j = i + 1; is_last && j < ops->count; j++)
            is_last = !is_field(&ops->at[j]) || !span_eq(ops->at[j].key, op->key);
        if (!is_last)
            continue;
        text_add_json(out, op->key);
        text_add(out, SPAN(":"));
        text_add(out, op->type == OP_SET ? op->value : SPAN("null"));
        text_add(out, SPAN(","));
    }
}

void operation_write(struct text *out, const struct event *event, struct span json,
                     const struct operation_place *place)
{
    struct arena arena = {0};
    struct op_list ops = {0};
    if (event->kind != KIND_OP || !op_parse(&ops, &arena, event, NULL))
        ops = (struct op_list){0};
    text_add(out, SPAN("{"));
    write_hex(out, "id", &event->id);
    text_add(out, SPAN("\"entityType\":"));
    text_add_json(out, type_of(event, place));
    text_add(out, SPAN(","));
    write_hex(out, "entityId", place->root != NULL ? place->root : &event->id);
    text_addf(out, "\"operation\":\"%s\",\"payload\":{", act_of(event, &ops, place));
    write_fields(out, &ops);
    if (place->root == NULL) {
        text_addf(out, "\"kind\":%u,\"content\":\"", event->kind);
        text_add(out, event->content_json);
        text_add(out, SPAN("\","));
    }
    text_add(out, SPAN("\"_event\":"));
    text_add(out, json);
    text_add(out, SPAN("},\"hlcTimestamp\":\""));
    hlc_write(out, place->hlc);
    text_add(out, SPAN("\",\"vectorClock\":"));
    arena_clear(&arena);
}
