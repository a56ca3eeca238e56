#include "relay/indexer_text.h"

#include "shared/arena.h"
#include "shared/event.h"
#include "shared/scan.h"
#include "shared/text.h"

/* Words parted by a space; what PostgreSQL takes in no text becomes one. */
static void add(struct text *out, struct span words)
{
    if (out->len > 0)
        text_add(out, SPAN(" "));
    size_t start = out->len;
    text_add(out, words);
    for (size_t i = start; i < out->len; i++)
        if (out->at[i] == '\0')
            out->at[i] = ' ';
}

static bool is_one_of(struct span name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (span_eq(name, (struct span){*names, strlen(*names)}))
            return true;
    return false;
}

/* A profile is JSON in the content. What is no JSON is searched as it is. */
static bool add_profile(struct text *title, struct text *body, struct arena *arena,
                        struct span content)
{
    static const char *const titles[] = {"name", "display_name", "displayName", "nip05", NULL};
    static const char *const bodies[] = {"about", "website", "lud16", NULL};
    struct scan scan = scan_begin(content);
    struct scan_list list;
    struct span key, value;
    if (!scan_object(&scan, &list, NULL))
        return false;
    while (list.more) {
        if (!scan_key(&scan, arena, &key, NULL))
            return false;
        bool is_title = is_one_of(key, titles);
        if ((is_title || is_one_of(key, bodies)) && scan_peek(&scan) == '"') {
            if (!scan_text(&scan, arena, &value, NULL))
                return false;
            add(is_title ? title : body, value);
        } else if (!scan_skip(&scan, NULL)) {
            return false;
        }
        if (!scan_next(&scan, &list, NULL))
            return false;
    }
    return scan_end(&scan, NULL);
}

static void add_tags(struct text *title, struct text *body, const struct event *event)
{
    static const char *const titles[] = {"title", "subject", "name", NULL};
    static const char *const bodies[] = {"summary", "description", "alt", "t", NULL};
    size_t bytes = 0;
    for (uint32_t i = 0; i < event->tag_count && bytes < INDEXER_TAGS_BYTES_MAX; i++) {
        const struct tag *tag = &event->tags[i];
        if (tag->count < 2 || tag->items[1].len > INDEXER_TAGS_BYTES_MAX)
            continue;
        bool is_title = is_one_of(tag->items[0], titles);
        if (!is_title && !is_one_of(tag->items[0], bodies))
            continue;
        add(is_title ? title : body, tag->items[1]);
        bytes += tag->items[1].len;
    }
}

/* NIP-32: ["l", "en", "ISO-639-1"]. */
static struct span language_of(const struct event *event)
{
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        if (tag->count >= 3 && span_eq(tag->items[0], SPAN("l")) &&
            span_eq(tag->items[2], SPAN("ISO-639-1")) && tag->items[1].len == 2 &&
            tag->items[1].at[0] >= 'a' && tag->items[1].at[0] <= 'z' &&
            tag->items[1].at[1] >= 'a' && tag->items[1].at[1] <= 'z')
            return tag->items[1];
    }
    return (struct span){0};
}

/* The JSON string's body, decoded. A cut may have gone through an escape, or between the two of a
 * pair: then what is in front of it is taken. */
static struct span decode(struct arena *arena, struct span json)
{
    struct text quoted = {0};
    struct span decoded = {0};
    for (int tries = 0; tries < 3; tries++) {
        quoted.len = 0;
        text_add(&quoted, SPAN("\""));
        text_add(&quoted, json);
        text_add(&quoted, SPAN("\""));
        struct scan scan = scan_begin(arena_copy(arena, text_span(&quoted)));
        if (scan_text(&scan, arena, &decoded, NULL) && scan_end(&scan, NULL))
            break;
        decoded = (struct span){0};
        const char *cut = memrchr(json.at, '\\', json.len);
        if (cut == NULL)
            break;
        json.len = (size_t)(cut - json.at);
    }
    text_clear(&quoted);
    return decoded;
}

static struct span keep(struct arena *arena, struct text *text)
{
    struct span kept = text->len > 0 ? arena_copy(arena, text_span(text)) : SPAN("");
    text_clear(text);
    return kept;
}

struct indexer_text indexer_text_of(struct arena *arena, const struct event *event)
{
    struct text title = {0}, body = {0};
    struct span content = decode(arena, event->content_json);
    bool is_profile = event->kind == 0 && add_profile(&title, &body, arena, content);
    if (!is_profile) {
        title.len = body.len = 0;
        add(&body, content);
    }
    add_tags(&title, &body, event);
    return (struct indexer_text){keep(arena, &title), keep(arena, &body), language_of(event)};
}
