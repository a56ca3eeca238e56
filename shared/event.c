#include "shared/event.h"

#include "shared/arena.h"
#include "shared/hex.h"
#include "shared/number.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "shared/utf8.h"

static const char delete_byte = 0x7f;

/* A character that the sender wrote as an escape, in the canonical form. */
static void add_character(struct text *out, uint32_t character, enum event_form form)
{
    bool has_short = character == '"' || character == '\\' ||
                     (character >= '\b' && character <= '\r' && character != '\v');
    bool is_control = character < ' ' || character == (unsigned char)delete_byte;
    bool is_escaped = has_short || (is_control && form == EVENT_FORM_STRFRY) ||
                      (character < ' ' && form == EVENT_FORM_JSON);
    if (is_escaped) {
        text_add_json_char(out, (char)character);
        return;
    }
    out->len += utf8_put(text_reserve(out, 4), character);
}

/* Bytes that stand for themselves. */
static void add_plain(struct text *out, struct span plain, enum event_form form)
{
    const char *end = plain.at + plain.len;
    while (form == EVENT_FORM_STRFRY) {
        const char *found = memchr(plain.at, delete_byte, plain.len);
        if (found == NULL)
            break;
        text_add(out, (struct span){plain.at, (size_t)(found - plain.at)});
        text_add_json_char(out, delete_byte);
        plain = (struct span){found + 1, (size_t)(end - found - 1)};
    }
    text_add(out, plain);
}

/* JSON text whose strings are brought to the canonical form; a backslash is in a string. */
static void add_canonical(struct text *out, struct span json, enum event_form form)
{
    const char *end = json.at + json.len;
    const char *at = json.at;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        const char *stop = escape != NULL ? escape : end;
        add_plain(out, (struct span){at, (size_t)(stop - at)}, form);
        at = stop;
        if (at < end)
            add_character(out, scan_escape(&at), form);
    }
}

void event_serialize(struct text *out, const struct event *event, enum event_form form)
{
    text_reserve(out, event->tags_json.len + event->content_json.len + 128);
    text_add(out, SPAN("[0,\""));
    text_add_hex(out, event->pubkey.at, sizeof event->pubkey.at);
    text_addf(out, "\",%lld,%u,", (long long)event->created_at, event->kind);
    add_canonical(out, event->tags_json, form);
    text_add(out, SPAN(",\""));
    add_canonical(out, event->content_json, form);
    text_add(out, SPAN("\"]"));
}

struct bytes32 event_hash(const struct event *event, enum event_form form)
{
    struct text text = {0};
    event_serialize(&text, event, form);
    struct bytes32 hash = sig_sha256(text_span(&text));
    text_clear(&text);
    return hash;
}

/* True when the hash of text, which is overwritten with that form, is the event's id. */
static bool is_id_of(struct text *text, const struct event *event, enum event_form form)
{
    text->len = 0;
    event_serialize(text, event, form);
    struct bytes32 hash = sig_sha256(text_span(text));
    return memcmp(hash.at, event->id.at, sizeof hash.at) == 0;
}

bool event_check_id(const struct event *event)
{
    struct text text = {0};
    bool is_id = is_id_of(&text, event, EVENT_FORM_JSON);
    /* The forms differ only by these bytes, so that most wrong ids cost one hash. */
    bool has_controls = memchr(text.at, delete_byte, text.len) != NULL ||
                        memmem(text.at, text.len, "\\u00", 4) != NULL;
    if (!is_id && has_controls)
        is_id = is_id_of(&text, event, EVENT_FORM_STRFRY) ||
                is_id_of(&text, event, EVENT_FORM_VERBATIM);
    text_clear(&text);
    return is_id;
}

/* All but the signature and the brace behind it. */
static void write_members(struct text *out, const struct event *event)
{
    text_reserve(out, event->tags_json.len + event->content_json.len + 400);
    text_add(out, SPAN("{\"id\":\""));
    text_add_hex(out, event->id.at, sizeof event->id.at);
    text_add(out, SPAN("\",\"pubkey\":\""));
    text_add_hex(out, event->pubkey.at, sizeof event->pubkey.at);
    text_addf(out, "\",\"created_at\":%lld,\"kind\":%u,\"tags\":", (long long)event->created_at,
              event->kind);
    text_add(out, event->tags_json);
    text_add(out, SPAN(",\"content\":\""));
    text_add(out, event->content_json);
}

void event_write(struct text *out, const struct event *event)
{
    write_members(out, event);
    text_add(out, SPAN("\",\"sig\":\""));
    text_add_hex(out, event->sig.at, sizeof event->sig.at);
    text_add(out, SPAN("\"}"));
}

void event_write_rumor(struct text *out, const struct event *event)
{
    write_members(out, event);
    text_add(out, SPAN("\"}"));
}

static bool is_named(const struct tag *tag, struct span name)
{
    return tag->count > 0 && span_eq(tag->items[0], name);
}

/* The first tag of that name with at least count items; NULL when there is none. */
static const struct tag *find_tag(const struct event *event, struct span name, uint32_t count)
{
    for (uint32_t i = 0; i < event->tag_count; i++)
        if (event->tags[i].count >= count && is_named(&event->tags[i], name))
            return &event->tags[i];
    return NULL;
}

const struct span *event_tag_value(const struct event *event, struct span name)
{
    const struct tag *tag = find_tag(event, name, 2);
    return tag != NULL ? &tag->items[1] : NULL;
}

struct span event_identifier(const struct event *event)
{
    const struct tag *tag = find_tag(event, SPAN("d"), 1);
    return tag != NULL && tag->count >= 2 ? tag->items[1] : SPAN("");
}

bool event_expiration(const struct event *event, int64_t *expires_at)
{
    const struct span *value = event_tag_value(event, SPAN("expiration"));
    return value != NULL && number_decimal(expires_at, *value);
}

bool event_is_protected(const struct event *event)
{
    for (uint32_t i = 0; i < event->tag_count; i++)
        if (event->tags[i].count == 1 && is_named(&event->tags[i], SPAN("-")))
            return true;
    return false;
}

uint32_t event_difficulty(const struct event *event)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < sizeof event->id.at; i++, bits += 8)
        if (event->id.at[i] != 0)
            return bits + (uint32_t)__builtin_clz(event->id.at[i]) - 24;
    return bits;
}

bool event_pow_target(const struct event *event, uint32_t *target)
{
    const struct tag *tag = find_tag(event, SPAN("nonce"), 3);
    int64_t value;
    if (tag == NULL || !number_decimal(&value, tag->items[2]) || value > UINT32_MAX)
        return false;
    *target = (uint32_t)value;
    return true;
}

bool event_names_pubkey(const struct event *event, char name, const struct bytes32 *pubkey)
{
    char hex[2 * sizeof pubkey->at];
    hex_encode(hex, pubkey->at, sizeof pubkey->at);
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        if (tag->count >= 2 && is_named(tag, SPAN_OF(name)) && span_eq(tag->items[1], SPAN_OF(hex)))
            return true;
    }
    return false;
}

size_t event_content_chars(const struct event *event)
{
    const char *at = event->content_json.at;
    const char *end = at + event->content_json.len;
    size_t count = 0;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        const char *stop = escape != NULL ? escape : end;
        count += utf8_count((struct span){at, (size_t)(stop - at)});
        at = stop;
        if (at < end) {
            scan_escape(&at);
            count++;
        }
    }
    return count;
}
