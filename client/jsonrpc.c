#include "client/jsonrpc.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/text.h"

/* What was seen of one message. */
struct members {
    bool has_version, has_method, has_id, has_outcome;
    bool is_wrong; /* one of another type, or twice */
};

static void set_once(struct members *members, bool *has)
{
    members->is_wrong = members->is_wrong || *has;
    *has = true;
}

/* The value that comes next, as it stands there. */
static bool take(struct scan *scan, struct span *value, struct err *err)
{
    scan_peek(scan);
    const char *begin = scan->at;
    if (!scan_skip(scan, err))
        return false;
    *value = (struct span){begin, (size_t)(scan->at - begin)};
    return true;
}

static bool is_number(char c)
{
    return c == '-' || (c >= '0' && c <= '9');
}

static bool read_id(struct scan *scan, struct jsonrpc_message *message, struct members *members,
                    struct err *err)
{
    char first = scan_peek(scan);
    struct span id;
    set_once(members, &members->has_id);
    if (!take(scan, &id, err))
        return false;
    if ((first == '"' || is_number(first)) && id.len <= JSONRPC_ID_BYTES_MAX)
        message->id = id;
    else
        members->is_wrong = true;
    return true;
}

static bool read_string(struct scan *scan, struct arena *arena, struct span *text,
                        struct members *members, struct err *err)
{
    if (scan_peek(scan) == '"')
        return scan_text(scan, arena, text, err);
    members->is_wrong = true;
    return scan_skip(scan, err);
}

static bool read_params(struct scan *scan, struct jsonrpc_message *message, struct members *members,
                        struct err *err)
{
    char first = scan_peek(scan);
    members->is_wrong = members->is_wrong || message->params.len > 0;
    members->is_wrong = members->is_wrong || (first != '{' && first != '[');
    return take(scan, &message->params, err);
}

static bool read_member(struct scan *scan, struct arena *arena, struct jsonrpc_message *message,
                        struct members *members, struct err *err)
{
    struct span key, version = {0};
    if (!scan_key(scan, arena, &key, err))
        return false;
    if (span_eq(key, SPAN("jsonrpc"))) {
        if (!read_string(scan, arena, &version, members, err))
            return false;
        set_once(members, &members->has_version);
        members->is_wrong = members->is_wrong || !span_eq(version, SPAN("2.0"));
        return true;
    }
    if (span_eq(key, SPAN("method"))) {
        set_once(members, &members->has_method);
        return read_string(scan, arena, &message->method, members, err);
    }
    if (span_eq(key, SPAN("id")))
        return read_id(scan, message, members, err);
    if (span_eq(key, SPAN("params")))
        return read_params(scan, message, members, err);
    if (span_eq(key, SPAN("result")) || span_eq(key, SPAN("error")))
        members->has_outcome = true;
    return scan_skip(scan, err);
}

static enum jsonrpc_form form_of(const struct members *members)
{
    if (members->is_wrong || !members->has_version)
        return JSONRPC_WRONG;
    if (members->has_method)
        return members->has_id ? JSONRPC_REQUEST : JSONRPC_NOTIFICATION;
    return members->has_outcome ? JSONRPC_RESPONSE : JSONRPC_WRONG;
}

static bool read_message(struct scan *scan, struct arena *arena, struct jsonrpc_message *message,
                         struct err *err)
{
    struct scan_list list;
    struct members members = {0};
    *message = (struct jsonrpc_message){.form = JSONRPC_WRONG, .id = SPAN("null")};
    if (scan_peek(scan) != '{')
        return scan_skip(scan, err);
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more)
        if (!read_member(scan, arena, message, &members, err) || !scan_next(scan, &list, err))
            return false;
    message->form = form_of(&members);
    return true;
}

static bool read_batch(struct jsonrpc_line *line, struct arena *arena, struct scan *scan,
                       struct err *err)
{
    struct scan_list list;
    if (!scan_array(scan, &list, err))
        return false;
    line->is_batch = list.more;
    line->count = list.more ? 0 : 1; /* an empty one is one wrong message */
    while (list.more) {
        if (line->count == JSONRPC_BATCH_MAX)
            return err_set(err, ERR_INVALID, "over %d messages in one line", JSONRPC_BATCH_MAX);
        if (!read_message(scan, arena, &line->messages[line->count++], err) ||
            !scan_next(scan, &list, err))
            return false;
    }
    return true;
}

bool jsonrpc_parse(struct jsonrpc_line *line, struct arena *arena, struct span json,
                   struct err *err)
{
    struct scan scan = scan_begin(json);
    bool is_array = scan_peek(&scan) == '[';
    scan.subject = SPAN("message");
    *line = (struct jsonrpc_line){
        .messages = arena_array(arena, struct jsonrpc_message, is_array ? JSONRPC_BATCH_MAX : 1),
        .count = 1};
    line->messages[0] = (struct jsonrpc_message){.form = JSONRPC_WRONG, .id = SPAN("null")};
    return (is_array ? read_batch(line, arena, &scan, err)
                     : read_message(&scan, arena, line->messages, err)) &&
           scan_end(&scan, err);
}

void jsonrpc_write_result(struct text *out, struct span id, struct span result)
{
    text_add(out, SPAN("{\"jsonrpc\":\"2.0\",\"id\":"));
    text_add(out, id);
    text_add(out, SPAN(",\"result\":"));
    text_add(out, result);
    text_add(out, SPAN("}"));
}

void jsonrpc_write_error(struct text *out, struct span id, enum jsonrpc_code code,
                         struct span message)
{
    text_add(out, SPAN("{\"jsonrpc\":\"2.0\",\"id\":"));
    text_add(out, id);
    text_addf(out, ",\"error\":{\"code\":%d,\"message\":", (int)code);
    text_add_json(out, message);
    text_add(out, SPAN("}}"));
}

bool jsonrpc_member(struct span *value, struct arena *arena, struct span object, struct span name,
                    struct err *err)
{
    struct scan scan = scan_begin(object);
    struct scan_list list;
    struct span key, found;
    *value = SPAN("");
    scan.subject = SPAN("params");
    if (!scan_object(&scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(&scan, arena, &key, err) || !take(&scan, &found, err))
            return false;
        if (span_eq(key, name))
            *value = found;
        if (!scan_next(&scan, &list, err))
            return false;
    }
    return true;
}
