#include "relay/router_file.h"

#include <stdio.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

/* A file while it is read. */
struct reading {
    struct arena *arena;
    struct router_stream *streams;
    struct url *urls; /* of the last stream */
    uint32_t count;
    bool has_direction, has_filter; /* the last stream */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span text)
{
    for (; text.len > 0 && is_blank(text.at[0]); text.len--)
        text.at++;
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

/* Cuts off text what stands before the first separator, or all of it. */
static struct span cut(struct span *text, char separator)
{
    const char *at = text->len == 0 ? NULL : memchr(text->at, separator, text->len);
    size_t len = at == NULL ? text->len : (size_t)(at - text->at);
    struct span part = {text->at, len};
    size_t used = at == NULL ? len : len + 1;
    *text = (struct span){text->len == 0 ? NULL : text->at + used, text->len - used};
    return part;
}

/* The stream that settings are of. */
static struct router_stream *last(const struct reading *reading)
{
    return &reading->streams[reading->count - 1];
}

static bool is_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return name.len > 0 && name.len <= ROUTER_NAME_CHARS_MAX;
}

/* What a stream must have. */
static bool end_stream(const struct reading *reading, struct err *err)
{
    if (reading->count > 0 && last(reading)->url_count == 0)
        return err_set(err, ERR_INVALID, "stream '%s' has no url", last(reading)->name);
    return true;
}

static bool begin_stream(struct reading *reading, struct span line, struct err *err)
{
    struct span name = trim((struct span){line.at + 1, line.len - 2});
    if (!is_name(name))
        return err_set(err, ERR_INVALID, "a stream is named by 1 to %d letters, digits, _ and -",
                       ROUTER_NAME_CHARS_MAX);
    if (!end_stream(reading, err))
        return false;
    for (uint32_t i = 0; i < reading->count; i++)
        if (span_eq(name,
                    (struct span){reading->streams[i].name, strlen(reading->streams[i].name)}))
            return err_set(err, ERR_INVALID, "stream '%.*s' is there twice", SPAN_ARG(name));
    if (reading->count == ROUTER_STREAMS_MAX)
        return err_set(err, ERR_INVALID, "more than %d streams", ROUTER_STREAMS_MAX);
    char *text = arena_alloc(reading->arena, name.len + 1);
    memcpy(text, name.at, name.len);
    reading->urls = arena_array(reading->arena, struct url, ROUTER_URLS_MAX);
    reading->streams[reading->count++] =
        (struct router_stream){.name = text,
                               .down = true,
                               .up = true,
                               .filter = {.until = INT64_MAX, .limit = FILTER_NO_LIMIT},
                               .urls = reading->urls};
    reading->has_direction = reading->has_filter = false;
    return true;
}

static bool set_direction(struct router_stream *stream, struct span value, struct err *err)
{
    bool is_both = span_eq(value, SPAN("both"));
    stream->down = is_both || span_eq(value, SPAN("down"));
    stream->up = is_both || span_eq(value, SPAN("up"));
    if (!stream->down && !stream->up)
        return err_set(err, ERR_INVALID, "direction: expected down, up or both");
    return true;
}

static bool set_filter(struct reading *reading, struct span value, struct err *err)
{
    struct err why;
    struct filter *filter = &last(reading)->filter;
    if (!filter_parse(filter, reading->arena, value, &why))
        return err_set(err, ERR_INVALID, "filter: %s", why.text);
    if (filter->since > 0 || filter->until < INT64_MAX || filter->limit != FILTER_NO_LIMIT)
        return err_set(err, ERR_INVALID, "filter: a stream has no since, until or limit");
    return true;
}

static bool add_url(struct reading *reading, struct span value, struct err *err)
{
    struct router_stream *stream = last(reading);
    struct url url;
    struct err why;
    if (stream->url_count == ROUTER_URLS_MAX)
        return err_set(err, ERR_INVALID, "more than %d urls", ROUTER_URLS_MAX);
    if (value.len > ROUTER_URL_CHARS_MAX)
        return err_set(err, ERR_INVALID, "url: more than %d characters", ROUTER_URL_CHARS_MAX);
    if (!url_parse(&url, value, &why))
        return err_set(err, ERR_INVALID, "url: %s", why.text);
    for (uint32_t i = 0; i < stream->url_count; i++)
        if (url_equal(&url, &reading->urls[i]))
            return err_set(err, ERR_INVALID, "url: '%s' is there twice", url.host);
    reading->urls[stream->url_count++] = url;
    return true;
}

/* False for a second one. */
static bool once(bool *has, struct span name, struct err *err)
{
    if (*has)
        return err_set(err, ERR_INVALID, "%.*s is there twice", SPAN_ARG(name));
    *has = true;
    return true;
}

static bool read_setting(struct reading *reading, struct span line, struct err *err)
{
    struct span value = line;
    struct span name = trim(cut(&value, '='));
    value = trim(value);
    if (reading->count == 0)
        return err_set(err, ERR_INVALID, "expected [the name of a stream] first");
    if (span_eq(name, SPAN("direction")))
        return once(&reading->has_direction, name, err) && set_direction(last(reading), value, err);
    if (span_eq(name, SPAN("filter")))
        return once(&reading->has_filter, name, err) && set_filter(reading, value, err);
    if (span_eq(name, SPAN("url")))
        return add_url(reading, value, err);
    return err_set(err, ERR_INVALID, "expected direction, filter or url, and =");
}

bool router_file_parse(struct router_file *file, struct arena *arena, struct span text,
                       struct err *err)
{
    struct reading reading = {.arena = arena};
    struct err why;
    *file = (struct router_file){0};
    reading.streams = arena_array(arena, struct router_stream, ROUTER_STREAMS_MAX);
    for (uint32_t number = 1; text.len > 0; number++) {
        struct span line = trim(cut(&text, '\n'));
        if (line.len == 0 || line.at[0] == '#')
            continue;
        bool is_section = line.at[0] == '[' && line.at[line.len - 1] == ']' && line.len >= 2;
        if (!(is_section ? begin_stream : read_setting)(&reading, line, &why))
            return err_set(err, ERR_INVALID, "line %u: %s", number, why.text);
    }
    if (!end_stream(&reading, err))
        return false;
    if (reading.count == 0)
        return err_set(err, ERR_INVALID, "no stream is named");
    *file = (struct router_file){.streams = reading.streams, .count = reading.count};
    return true;
}
