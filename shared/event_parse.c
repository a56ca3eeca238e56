#include "shared/event.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/scan.h"

/* In the order of event_write. */
enum member { ID, PUBKEY, CREATED_AT, KIND, TAGS, CONTENT, SIG, MEMBER_COUNT };

static const char *const member_names[] = {"id",   "pubkey",  "created_at", "kind",
                                           "tags", "content", "sig"};

static struct span member_name(enum member member)
{
    return (struct span){member_names[member], strlen(member_names[member])};
}

/* MEMBER_COUNT when key is none of ours. */
static enum member find_member(struct span key)
{
    enum member member = ID;
    while (member < MEMBER_COUNT && !span_eq(member_name(member), key))
        member++;
    return member;
}

/* json less the whitespace between its tokens, of which it has some. */
static struct span compact(struct arena *arena, struct span json)
{
    char *out = arena_alloc(arena, json.len);
    size_t len = 0;
    bool in_string = false;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.at[i];
        if (!in_string && scan_is_space(c))
            continue;
        out[len++] = c;
        if (in_string && c == '\\')
            out[len++] = json.at[++i];
        else if (c == '"')
            in_string = !in_string;
    }
    return (struct span){out, len};
}

/* What reading the tags array gathers. The items of all tags stand in one array, because it
 * moves while it grows; tags are pointed into it at the end. */
struct tags {
    struct tag *at;
    struct span *items;
    uint32_t count, item_count;
    size_t token_bytes; /* of the array without whitespace */
};

static bool read_tag(struct tags *tags, struct arena *arena, struct scan *scan, struct err *err)
{
    struct scan_list list;
    if (!scan_array(scan, &list, err))
        return false;
    uint32_t first = tags->item_count;
    tags->token_bytes += 2;
    while (list.more) {
        struct scan_string string;
        if (!scan_string(scan, &string, err))
            return false;
        tags->items = arena_grow(arena, struct span, tags->items, tags->item_count);
        tags->items[tags->item_count++] = scan_decode(arena, string);
        if (!scan_next(scan, &list, err))
            return false;
        tags->token_bytes += string.raw.len + 2 + list.more;
    }
    tags->at = arena_grow(arena, struct tag, tags->at, tags->count);
    tags->at[tags->count++].count = tags->item_count - first;
    return true;
}

static bool read_tags(struct event *event, struct arena *arena, struct scan *scan, struct err *err)
{
    struct tags tags = {.token_bytes = 2};
    struct scan_list list;
    scan_peek(scan);
    const char *begin = scan->at;
    if (!scan_array(scan, &list, err))
        return false;
    while (list.more) {
        if (!read_tag(&tags, arena, scan, err) || !scan_next(scan, &list, err))
            return false;
        tags.token_bytes += list.more;
    }
    const struct span *items = tags.items;
    for (uint32_t i = 0; i < tags.count; i++) {
        tags.at[i].items = items;
        if (tags.at[i].count > 0) /* else items may be NULL */
            items += tags.at[i].count;
    }
    event->tags = tags.at;
    event->tag_count = tags.count;
    event->tags_json = (struct span){begin, (size_t)(scan->at - begin)};
    if (event->tags_json.len != tags.token_bytes)
        event->tags_json = compact(arena, event->tags_json);
    return true;
}

static bool read_content(struct event *event, struct scan *scan, struct err *err)
{
    struct scan_string string;
    if (!scan_string(scan, &string, err))
        return false;
    event->content_json = string.raw;
    return true;
}

static bool read_kind(struct event *event, struct scan *scan, struct err *err)
{
    int64_t kind;
    if (!scan_integer(scan, &kind, UINT16_MAX, err))
        return false;
    event->kind = (uint16_t)kind;
    return true;
}

static bool read_value(struct event *event, enum member member, struct arena *arena,
                       struct scan *scan, struct err *err)
{
    switch (member) {
    case ID:
        return scan_hex(scan, arena, event->id.at, sizeof event->id.at, err);
    case PUBKEY:
        return scan_hex(scan, arena, event->pubkey.at, sizeof event->pubkey.at, err);
    case CREATED_AT:
        return scan_integer(scan, &event->created_at, INT64_MAX, err);
    case KIND:
        return read_kind(event, scan, err);
    case TAGS:
        return read_tags(event, arena, scan, err);
    case CONTENT:
        return read_content(event, scan, err);
    case SIG:
        return scan_hex(scan, arena, event->sig.at, sizeof event->sig.at, err);
    case MEMBER_COUNT:
        break;
    }
    return scan_skip(scan, err);
}

static bool read_member(struct event *event, bool *seen, struct arena *arena, struct scan *scan,
                        struct err *err)
{
    struct span key;
    scan_peek(scan);
    const char *where = scan->at;
    if (!scan_key(scan, arena, &key, err))
        return false;
    enum member member = find_member(key);
    if (member < MEMBER_COUNT && seen[member])
        return scan_refuse(scan, where, err, "duplicate key '%s'", member_names[member]);
    seen[member] = true;
    scan->subject = member < MEMBER_COUNT ? key : (struct span){0};
    if (!read_value(event, member, arena, scan, err))
        return false;
    scan->subject = (struct span){0};
    return true;
}

/* members: how many of them, from ID on, must be there. */
static bool read_event(struct event *event, struct arena *arena, struct scan *scan,
                       enum member members, struct err *err)
{
    bool seen[MEMBER_COUNT + 1] = {false};
    struct scan_list list;
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more)
        if (!read_member(event, seen, arena, scan, err) || !scan_next(scan, &list, err))
            return false;
    for (enum member member = ID; member < members; member++)
        if (!seen[member])
            return err_set(err, ERR_INVALID, "missing key '%s'", member_names[member]);
    return true;
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && scan_is_space(*at))
        at++;
    return at;
}

void event_find_id(struct bytes32 *id, struct span text)
{
    static const char key[] = "\"id\"";
    const char *end = text.at + text.len;
    const char *at = text.at;
    while ((at = memmem(at, (size_t)(end - at), key, sizeof key - 1)) != NULL) {
        at += sizeof key - 1;
        const char *value = skip_space(at, end);
        if (value == end || *value != ':')
            continue;
        value = skip_space(value + 1, end);
        if (end - value >= 66 && value[0] == '"' && value[65] == '"' &&
            hex_decode(id->at, sizeof id->at, (struct span){value + 1, 64}))
            return;
    }
    *id = (struct bytes32){0};
}

bool event_scan(struct event *event, struct arena *arena, struct scan *scan, struct err *err)
{
    const char *begin = scan->at;
    *event = (struct event){0};
    if (read_event(event, arena, scan, MEMBER_COUNT, err))
        return true;
    event_find_id(&event->id, (struct span){begin, (size_t)(scan->end - begin)});
    return false;
}

bool event_parse(struct event *event, struct arena *arena, struct span text, struct err *err)
{
    struct scan scan = scan_begin(text);
    return event_scan(event, arena, &scan, err) && scan_end(&scan, err);
}

bool event_parse_rumor(struct event *event, struct arena *arena, struct span text, struct err *err)
{
    struct scan scan = scan_begin(text);
    *event = (struct event){0};
    return read_event(event, arena, &scan, SIG, err) && scan_end(&scan, err);
}

bool event_parse_tags(struct event *event, struct arena *arena, struct span json, struct err *err)
{
    struct scan scan = scan_begin(json);
    return read_tags(event, arena, &scan, err) && scan_end(&scan, err);
}
