#include "shared/message.h"

#include "shared/arena.h"
#include "shared/hex.h"
#include "shared/hll.h"
#include "shared/scan.h"
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

/* The message of a reconciliation. */
static bool read_bytes(struct reading *reading, struct err *err)
{
    struct span *bytes = &reading->message->bytes;
    struct span hex;
    if (!expect_more(reading, "a message in hex", err) ||
        !scan_text(&reading->scan, reading->arena, &hex, err))
        return false;
    uint8_t *decoded = arena_array(reading->arena, uint8_t, hex.len / 2);
    if (!hex_decode(decoded, hex.len / 2, hex))
        return err_set(err, ERR_INVALID, "expected the message in lowercase hex");
    *bytes = (struct span){(const char *)decoded, hex.len / 2};
    return scan_next(&reading->scan, &reading->list, err);
}

static bool read_neg_open(struct reading *reading, struct err *err)
{
    struct filter *filter = arena_array(reading->arena, struct filter, 1);
    if (!read_sub(reading, err) || !expect_more(reading, "a filter", err) ||
        !filter_scan(filter, reading->arena, &reading->scan, err) ||
        !scan_next(&reading->scan, &reading->list, err))
        return false;
    reading->message->filters = filter;
    reading->message->filter_count = 1;
    return read_bytes(reading, err);
}

static bool read_neg_msg(struct reading *reading, struct err *err)
{
    return read_sub(reading, err) && read_bytes(reading, err);
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
    {"NEG-OPEN", MESSAGE_NEG_OPEN, read_neg_open, NULL},
    {"NEG-MSG", MESSAGE_NEG_MSG, read_neg_msg, read_neg_msg},
    {"NEG-CLOSE", MESSAGE_NEG_CLOSE, read_sub, NULL},
    {"AUTH", MESSAGE_AUTH, read_event, read_text},
    {"OK", MESSAGE_OK, NULL, read_ok},
    {"EOSE", MESSAGE_EOSE, NULL, read_eose},
    {"CLOSED", MESSAGE_CLOSED, NULL, read_sub_and_note},
    {"NOTICE", MESSAGE_NOTICE, NULL, read_text},
    {"NEG-ERR", MESSAGE_NEG_ERR, NULL, read_sub_and_note},
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
