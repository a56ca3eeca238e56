#include "client/op.h"

#include "client/canon.h"
#include "client/position.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/number.h"
#include "shared/scan.h"
#include "shared/text.h"

enum { ID_DIGITS = 64 };

/* The members that mean something, and which of them each operation must have, and may. Others are
 * passed over. */
enum member { OP, K, V, N, P, IDS, ID, TYPE, MEMBER_COUNT };

static const char *const member_names[] = {"op", "k", "v", "n", "p", "ids", "id", "type"};

#define HAS(member) (1U << (member))

static const struct {
    const char *name;
    uint32_t needed, allowed;
} types[] = {
    [OP_UNKNOWN] = {"", 0, 0},
    [OP_CREATE] = {"create", HAS(TYPE), 0},
    [OP_SET] = {"set", HAS(K) | HAS(V), 0},
    [OP_DEL] = {"del", HAS(K), 0},
    [OP_ADD] = {"add", HAS(K) | HAS(V), HAS(P)},
    [OP_REM] = {"rem", HAS(K) | HAS(IDS), 0},
    [OP_MOVE] = {"move", HAS(K) | HAS(ID) | HAS(P), 0},
    [OP_INC] = {"inc", HAS(K) | HAS(N), 0},
};

static struct span name_span(const char *name)
{
    return (struct span){name, strlen(name)};
}

static enum member find_member(struct span key)
{
    enum member member = OP;
    while (member < MEMBER_COUNT && !span_eq(name_span(member_names[member]), key))
        member++;
    return member;
}

static enum op_type find_type(struct span name)
{
    for (enum op_type type = OP_CREATE; type <= OP_INC; type++)
        if (span_eq(name_span(types[type].name), name))
            return type;
    return OP_UNKNOWN;
}

static bool parse_tag(struct op_tag *tag, struct span word)
{
    int64_t index = 0;
    if (word.len < ID_DIGITS ||
        !hex_decode(tag->event.at, sizeof tag->event.at, (struct span){word.at, ID_DIGITS}))
        return false;
    struct span rest = {word.at + ID_DIGITS, word.len - ID_DIGITS};
    if (rest.len > 0 && /* an index has one spelling, and 0 is spelled by none */
        (rest.len < 2 || rest.at[0] != ':' || rest.at[1] == '0' ||
         !number_decimal(&index, (struct span){rest.at + 1, rest.len - 1}) ||
         index >= OP_COUNT_MAX))
        return false;
    tag->index = (uint32_t)index;
    return true;
}

static bool read_tag(struct op_tag *tag, struct arena *arena, struct scan *scan, struct err *err)
{
    struct span word;
    if (!scan_text(scan, arena, &word, err))
        return false;
    if (!parse_tag(tag, word))
        return scan_refuse(scan, scan->at, err, "expected what an add is named by");
    return true;
}

static bool read_id(struct op *op, struct arena *arena, struct scan *scan, struct err *err)
{
    struct op_tag *tag = arena_array(arena, struct op_tag, 1);
    op->tags = tag;
    op->tag_count = 1;
    return read_tag(tag, arena, scan, err);
}

static bool read_ids(struct op *op, struct arena *arena, struct scan *scan, struct err *err)
{
    struct scan_list list;
    struct op_tag *tags = NULL;
    if (!scan_array(scan, &list, err))
        return false;
    while (list.more) {
        if (op->tag_count == OP_TAGS_MAX)
            return scan_refuse(scan, scan->at, err, "more than %d ids", OP_TAGS_MAX);
        tags = arena_grow(arena, struct op_tag, tags, op->tag_count);
        if (!read_tag(&tags[op->tag_count++], arena, scan, err) || !scan_next(scan, &list, err))
            return false;
    }
    op->tags = tags;
    return true;
}

static bool read_amount(struct op *op, struct scan *scan, struct err *err)
{
    const char *end = number_end(scan->at, scan->end);
    struct span number = {scan->at, (size_t)(end - scan->at)};
    if (number.len == 0 || !number_value(&op->amount, number))
        return scan_refuse(scan, scan->at, err, "expected a whole number");
    scan->at = end;
    return true;
}

static bool read_key(struct op *op, struct arena *arena, struct scan *scan, struct err *err)
{
    if (!scan_text(scan, arena, &op->key, err))
        return false;
    if (op->key.len > OP_KEY_BYTES_MAX)
        return scan_refuse(scan, scan->at, err, "over %d bytes", OP_KEY_BYTES_MAX);
    return true;
}

static bool read_position(struct op *op, struct arena *arena, struct scan *scan, struct err *err)
{
    if (!scan_text(scan, arena, &op->position, err))
        return false;
    if (!position_is(op->position))
        return scan_refuse(scan, scan->at, err, "expected a position");
    return true;
}

/* Reads a member from its own text. */
static bool read_member(struct op *op, enum member member, struct arena *arena, struct span raw,
                        struct err *err)
{
    struct scan scan = scan_begin(raw);
    scan.subject = name_span(member_names[member]);
    switch (member) {
    case K:
    case TYPE:
        return read_key(op, arena, &scan, err);
    case V:
        return canon_scan(&op->value, arena, &scan, err);
    case N:
        return read_amount(op, &scan, err);
    case P:
        return read_position(op, arena, &scan, err);
    case IDS:
        return read_ids(op, arena, &scan, err);
    case ID:
        return read_id(op, arena, &scan, err);
    case OP:
    case MEMBER_COUNT:
        break;
    }
    return true;
}

static bool read_type(struct op *op, struct arena *arena, struct span raw, struct err *err)
{
    struct scan scan = scan_begin(raw);
    struct span name;
    if (raw.len == 0)
        return err_set(err, ERR_INVALID, "an operation without 'op'");
    if (!scan_text(&scan, arena, &name, err))
        return false;
    op->type = find_type(name);
    return true;
}

static bool is_boolean(struct span json)
{
    return span_eq(json, SPAN("true")) || span_eq(json, SPAN("false"));
}

static bool read_members(struct op *op, struct arena *arena, const struct span *raw,
                         struct err *err)
{
    for (enum member member = K; member < MEMBER_COUNT; member++) {
        bool is_needed = (types[op->type].needed & HAS(member)) != 0;
        if (is_needed && raw[member].len == 0)
            return err_set(err, ERR_INVALID, "'%s' without '%s'", types[op->type].name,
                           member_names[member]);
        if (raw[member].len > 0 && ((types[op->type].allowed & HAS(member)) != 0 || is_needed) &&
            !read_member(op, member, arena, raw[member], err))
            return false;
    }
    if (span_eq(op->key, SPAN(OP_DELETED)) && op->type == OP_SET && !is_boolean(op->value))
        return err_set(err, ERR_INVALID, OP_DELETED " is true or false");
    return true;
}

static bool read_op(struct op *op, struct arena *arena, struct scan *scan, struct err *err)
{
    struct span raw[MEMBER_COUNT + 1] = {{0}}; /* the last for members that mean nothing */
    struct scan_list list;
    struct span key;
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(scan, arena, &key, err))
            return false;
        enum member member = find_member(key);
        if (member < MEMBER_COUNT && raw[member].len > 0)
            return scan_refuse(scan, scan->at, err, "two members named '%s'", member_names[member]);
        scan_peek(scan);
        const char *begin = scan->at;
        if (!scan_skip(scan, err))
            return false;
        raw[member] = (struct span){begin, (size_t)(scan->at - begin)};
        if (!scan_next(scan, &list, err))
            return false;
    }
    *op = (struct op){0};
    return read_type(op, arena, raw[OP], err) && read_members(op, arena, raw, err);
}

static bool read_ops(struct op_list *ops, struct arena *arena, struct scan *scan, struct err *err)
{
    struct scan_list list = {.more = true};
    struct op *at = NULL;
    bool is_list = scan_peek(scan) == '[';
    if (is_list && !scan_array(scan, &list, err))
        return false;
    while (list.more) {
        if (ops->count == OP_COUNT_MAX)
            return err_set(err, ERR_INVALID, "more than %d operations", OP_COUNT_MAX);
        at = arena_grow(arena, struct op, at, ops->count);
        if (!read_op(&at[ops->count++], arena, scan, err))
            return false;
        list.more = false;
        if (is_list && !scan_next(scan, &list, err))
            return false;
    }
    ops->at = at;
    return scan_end(scan, err);
}

bool op_parse(struct op_list *ops, struct arena *arena, const struct event *event, struct err *err)
{
    struct span content = scan_decode(arena, (struct scan_string){event->content_json, true});
    struct scan scan = scan_begin(content);
    *ops = (struct op_list){0};
    return read_ops(ops, arena, &scan, err);
}

static void write_tag(struct text *out, const struct op_tag *tag)
{
    text_add(out, SPAN("\""));
    text_add_hex(out, tag->event.at, sizeof tag->event.at);
    if (tag->index > 0)
        text_addf(out, ":%u", tag->index);
    text_add(out, SPAN("\""));
}

static void write_member(struct text *out, const struct op *op, enum member member)
{
    switch (member) {
    case K:
    case TYPE:
        text_add_json(out, op->key);
        return;
    case V:
        text_add(out, op->value);
        return;
    case N:
        text_addf(out, "%lld", (long long)op->amount);
        return;
    case P:
        text_add_json(out, op->position);
        return;
    case ID:
        write_tag(out, &op->tags[0]);
        return;
    case IDS:
        for (uint32_t i = 0; i < op->tag_count; i++) {
            text_add(out, i == 0 ? SPAN("[") : SPAN(","));
            write_tag(out, &op->tags[i]);
        }
        text_add(out, op->tag_count == 0 ? SPAN("[]") : SPAN("]"));
        return;
    case OP:
    case MEMBER_COUNT:
        return;
    }
}

void op_write(struct text *out, const struct op *op)
{
    uint32_t members = types[op->type].needed;
    if (op->position.len > 0)
        members |= types[op->type].allowed;
    text_addf(out, "{\"op\":\"%s\"", types[op->type].name);
    for (enum member member = K; member < MEMBER_COUNT; member++)
        if ((members & HAS(member)) != 0) {
            text_addf(out, ",\"%s\":", member_names[member]);
            write_member(out, op, member);
        }
    text_add(out, SPAN("}"));
}
