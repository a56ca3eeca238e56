#include "shared/message.h"

#include "shared/arena.h"
#include "shared/hll.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/utf8.h"

/* A message while it is read. */
struct reading {
    struct message *message;
    struct arena *arena;
    struct scan scan;
    struct scan_list list;
    uint32_t filters_max; /* 0: no bound */
};

static bool expect_more(struct reading *reading, const char *what, struct err *err)
{
    if (!reading->list.more)
        return scan_refuse(&reading->scan, reading->scan.at, err, "expected %s", what);
    return true;
}

static bool read_sub(struct reading *reading, struct err *err)
{
    struct scan *scan = &reading->scan;
    struct span *sub = &reading->message->sub;
    if (!expect_more(reading, "a subscription id", err) ||
        !scan_text(scan, reading->arena, sub, err))
        return false;
    size_t chars = utf8_count(*sub);
    if (chars == 0 || chars > MESSAGE_SUB_CHARS_MAX)
        return err_set(err, ERR_INVALID, "a subscription id has 1 to %d characters",
                       MESSAGE_SUB_CHARS_MAX);
    return scan_next(scan, &reading->list, err);
}

static bool read_event(struct reading *reading, struct err *err)
{
    return expect_more(reading, "an event", err) &&
           event_scan(&reading->message->event, reading->arena, &reading->scan, err) &&
           scan_next(&reading->scan, &reading->list, err);
}

static bool read_filters(struct reading *reading, struct err *err)
{
    struct message *message = reading->message;
    struct filter *filters = NULL;
    uint32_t count = 0;
    if (!expect_more(reading, "a filter", err))
        return false;
    while (reading->list.more) {
        if (reading->filters_max > 0 && count == reading->filters_max)
            return err_set(err, ERR_INVALID, "more than %u filters", reading->filters_max);
        filters = arena_grow(reading->arena, struct filter, filters, count);
        if (!filter_scan(&filters[count++], reading->arena, &reading->scan, err) ||
            !scan_next(&reading->scan, &reading->list, err))
            return false;
    }
    message->filters = filters;
    message->filter_count = count;
    return true;
}

/* The last element of some types, which relays of old leave away. */
static bool read_note(struct reading *reading, struct err *err)
{
    return scan_text(&reading->scan, reading->arena, &reading->message->note, err) &&
           scan_next(&reading->scan, &reading->list, err);
}

static bool read_sub_and_note(struct reading *reading, struct err *err)
{
    return read_sub(reading, err) && (!reading->list.more || read_note(reading, err));
}

static bool read_text(struct reading *reading, struct err *err)
{
    return expect_more(reading, "a string", err) && read_note(reading, err);
}

static bool read_query(struct reading *reading, struct err *err)
{
    return read_sub(reading, err) && read_filters(reading, err);
}

static bool read_sub_and_event(struct reading *reading, struct err *err)
{
    return read_sub(reading, err) && read_event(reading, err);
}

static bool read_ok(struct reading *reading, struct err *err)
{
    struct message *message = reading->message;
    struct scan *scan = &reading->scan;
    struct scan ahead = *scan; /* the id may be "" */
    struct span id;
    if (!expect_more(reading, "an event id", err) || !scan_text(&ahead, reading->arena, &id, err))
        return false;
    if (id.len == 0)
        *scan = ahead;
    else if (!scan_hex(scan, reading->arena, message->id.at, sizeof message->id.at, err))
        return false;
    return scan_next(scan, &reading->list, err) && expect_more(reading, "true or false", err) &&
           scan_bool(scan, &message->accepted, err) && scan_next(scan, &reading->list, err) &&
           (!reading->list.more || read_note(reading, err));
}

static bool read_eose(struct reading *reading, struct err *err)
{
    struct scan *scan = &reading->scan;
    struct scan_list hints;
    struct span hint;
    if (!read_sub(reading, err))
        return false;
    if (!reading->list.more)
        return true;
    if (!scan_array(scan, &hints, err))
        return false;
    while (hints.more) {
        if (!scan_text(scan, reading->arena, &hint, err) || !scan_next(scan, &hints, err))
            return false;
        if (span_eq(hint, SPAN("finish")))
            reading->message->finish = MESSAGE_FINISH;
        else if (span_eq(hint, SPAN("more")))
            reading->message->finish = MESSAGE_MORE;
    }
    return scan_next(scan, &reading->list, err);
}

static bool read_count(struct reading *reading, struct err *err)
{
    struct message *message = reading->message;
    struct scan *scan = &reading->scan;
    struct scan_list members;
    message->count = -1;
    if (!read_sub(reading, err) || !expect_more(reading, "an object", err) ||
        !scan_object(scan, &members, err))
        return false;
    while (members.more) {
        struct span key;
        if (!scan_key(scan, reading->arena, &key, err))
            return false;
        bool ok = span_eq(key, SPAN("count")) ? scan_integer(scan, &message->count, INT64_MAX, err)
                  : span_eq(key, SPAN("approximate")) ? scan_bool(scan, &message->approximate, err)
                                                      : scan_skip(scan, err);
        if (!ok || !scan_next(scan, &members, err))
            return false;
    }
    if (message->count < 0)
        return err_set(err, ERR_INVALID, "missing key 'count'");
    return scan_next(scan, &reading->list, err);
}

typedef bool read_fn(struct reading *reading, struct err *err);

/* How what follows the name is read, by who sent it; NULL where that side does not. */
static const struct {
    const char *name;
    enum message_type type;
    read_fn *from_client, *from_relay;
} types[] = {
    {"EVENT", MESSAGE_EVENT, read_event, read_sub_and_event},
    {"REQ", MESSAGE_REQ, read_query, NULL},
    {"COUNT", MESSAGE_COUNT, read_query, read_count},
    {"CLOSE", MESSAGE_CLOSE, read_sub, NULL},
    {"AUTH", MESSAGE_AUTH, read_event, read_text},
    {"OK", MESSAGE_OK, NULL, read_ok},
    {"EOSE", MESSAGE_EOSE, NULL, read_eose},
    {"CLOSED", MESSAGE_CLOSED, NULL, read_sub_and_note},
    {"NOTICE", MESSAGE_NOTICE, NULL, read_text},
};

/* Reads ["TYPE" and finds the reader of the rest. */
static bool read_type(struct reading *reading, read_fn **read, bool is_client, struct err *err)
{
    struct span name;
    if (!scan_array(&reading->scan, &reading->list, err) ||
        !scan_text(&reading->scan, reading->arena, &name, err))
        return false;
    *read = NULL;
    for (size_t i = 0; i < ARRAY_LEN(types) && *read == NULL; i++) {
        if (!span_eq(name, (struct span){types[i].name, strlen(types[i].name)}))
            continue;
        *read = is_client ? types[i].from_client : types[i].from_relay;
        reading->message->type = *read != NULL ? types[i].type : MESSAGE_UNKNOWN;
    }
    if (*read == NULL)
        return err_set(err, ERR_UNSUPPORTED, "unknown message type '%s'", scan_word(name).at);
    return scan_next(&reading->scan, &reading->list, err);
}

bool message_parse_client(struct message *message, struct arena *arena, struct span text,
                          uint32_t filters_max, struct err *err)
{
    struct reading reading = {
        .message = message, .arena = arena, .scan = scan_begin(text), .filters_max = filters_max};
    const bool is_client = true;
    read_fn *read;
    *message = (struct message){0};
    if (!read_type(&reading, &read, is_client, err) || !read(&reading, err))
        return false;
    if (reading.list.more)
        return scan_refuse(&reading.scan, reading.scan.at, err, "expected no further element");
    return scan_end(&reading.scan, err);
}

/* Elements past those we know are skipped: newer NIPs add some, as NIP-67 did. */
bool message_parse_relay(struct message *message, struct arena *arena, struct span text,
                         struct err *err)
{
    struct reading reading = {.message = message, .arena = arena, .scan = scan_begin(text)};
    const bool is_client = false;
    read_fn *read;
    *message = (struct message){0};
    if (!read_type(&reading, &read, is_client, err) || !read(&reading, err))
        return false;
    while (reading.list.more)
        if (!scan_skip(&reading.scan, err) || !scan_next(&reading.scan, &reading.list, err))
            return false;
    return scan_end(&reading.scan, err);
}

void message_peek(struct message *message, struct arena *arena, struct span beginning)
{
    struct reading reading = {.message = message, .arena = arena, .scan = scan_begin(beginning)};
    const bool is_client = true;
    read_fn *read;
    *message = (struct message){0};
    if (!read_type(&reading, &read, is_client, NULL))
        return;
    if (read == read_event)
        event_find_id(&message->event.id, beginning);
    else if (!read_sub(&reading, NULL))
        return; /* the beginning ended too soon; sub says so */
}

void message_write_event(struct text *out, const struct event *event)
{
    text_add(out, SPAN("[\"EVENT\","));
    event_write(out, event);
    text_add(out, SPAN("]"));
}

static void write_query(struct text *out, const char *type, struct span sub,
                        const struct filter *filters, uint32_t count)
{
    text_addf(out, "[\"%s\",", type);
    text_add_json(out, sub);
    for (uint32_t i = 0; i < count; i++) {
        text_add(out, SPAN(","));
        filter_write(out, &filters[i]);
    }
    text_add(out, SPAN("]"));
}

void message_write_req(struct text *out, struct span sub, const struct filter *filters,
                       uint32_t count)
{
    write_query(out, "REQ", sub, filters, count);
}

void message_write_count_request(struct text *out, struct span sub, const struct filter *filters,
                                 uint32_t count)
{
    write_query(out, "COUNT", sub, filters, count);
}

void message_write_close(struct text *out, struct span sub)
{
    write_query(out, "CLOSE", sub, NULL, 0);
}

void message_write_auth_answer(struct text *out, const struct event *event)
{
    text_add(out, SPAN("[\"AUTH\","));
    event_write(out, event);
    text_add(out, SPAN("]"));
}

void message_write_event_head(struct text *out, struct span sub)
{
    text_add(out, SPAN("[\"EVENT\","));
    text_add_json(out, sub);
    text_add(out, SPAN(","));
}

/* "prefix: reason" as a JSON string; "" for NULL. */
static void add_reason(struct text *out, const struct err *why)
{
    struct text reason = {0};
    if (why != NULL)
        text_addf(&reason, "%s: %s", err_prefix(why->code), why->text);
    text_add_json(out, text_span(&reason));
    text_clear(&reason);
}

void message_write_ok(struct text *out, const struct bytes32 *id, bool accepted,
                      const struct err *why)
{
    static const struct bytes32 unknown;
    text_add(out, SPAN("[\"OK\",\""));
    if (memcmp(id, &unknown, sizeof unknown) != 0)
        text_add_hex(out, id->at, sizeof id->at);
    text_add(out, accepted ? SPAN("\",true,") : SPAN("\",false,"));
    add_reason(out, why);
    text_add(out, SPAN("]"));
}

void message_write_eose(struct text *out, struct span sub, enum message_finish finish)
{
    text_add(out, SPAN("[\"EOSE\","));
    text_add_json(out, sub);
    switch (finish) {
    case MESSAGE_FINISH_UNKNOWN:
        break;
    case MESSAGE_FINISH:
        text_add(out, SPAN(",[\"finish\"]"));
        break;
    case MESSAGE_MORE:
        text_add(out, SPAN(",[\"more\"]"));
        break;
    }
    text_add(out, SPAN("]"));
}

void message_write_closed(struct text *out, struct span sub, const struct err *why)
{
    text_add(out, SPAN("[\"CLOSED\","));
    text_add_json(out, sub);
    text_add(out, SPAN(","));
    add_reason(out, why);
    text_add(out, SPAN("]"));
}

void message_write_notice(struct text *out, const struct err *why)
{
    text_add(out, SPAN("[\"NOTICE\","));
    add_reason(out, why);
    text_add(out, SPAN("]"));
}

void message_write_count(struct text *out, struct span sub, int64_t count, bool approximate,
                         const struct hll *hll)
{
    text_add(out, SPAN("[\"COUNT\","));
    text_add_json(out, sub);
    text_addf(out, ",{\"count\":%lld%s", (long long)count,
              approximate ? ",\"approximate\":true" : "");
    if (hll != NULL) {
        text_add(out, SPAN(",\"hll\":\""));
        hll_write(out, hll);
        text_add(out, SPAN("\""));
    }
    text_add(out, SPAN("}]"));
}

void message_write_auth(struct text *out, struct span challenge)
{
    text_add(out, SPAN("[\"AUTH\","));
    text_add_json(out, challenge);
    text_add(out, SPAN("]"));
}
