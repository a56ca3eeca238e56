#include "client/delta.h"

#include "shared/arena.h"
#include "shared/scan.h"

struct reader {
    struct delta *delta;
    struct arena *arena;
    struct scan scan;
};

/* One member; what it does not know it skips. */
typedef bool member_fn(struct reader *reader, struct span key, struct err *err);

static bool read_object(struct reader *reader, member_fn *member, struct err *err)
{
    struct scan_list list;
    struct span key;
    if (!scan_object(&reader->scan, &list, err))
        return false;
    while (list.more)
        if (!scan_key(&reader->scan, reader->arena, &key, err) || !member(reader, key, err) ||
            !scan_next(&reader->scan, &list, err))
            return false;
    return true;
}

/* A text, or null. */
static bool read_word(struct reader *reader, struct span *out, struct err *err)
{
    if (scan_peek(&reader->scan) != '"')
        return scan_skip(&reader->scan, err);
    return scan_text(&reader->scan, reader->arena, out, err);
}

static bool read_count(struct reader *reader, uint32_t *out, struct err *err)
{
    int64_t number;
    if (!scan_integer(&reader->scan, &number, UINT32_MAX, err))
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool read_content(struct reader *reader, struct span key, struct err *err)
{
    return span_eq(key, SPAN("content")) ? read_word(reader, &reader->delta->text, err)
                                         : scan_skip(&reader->scan, err);
}

static bool read_choice(struct reader *reader, struct span key, struct err *err)
{
    if (span_eq(key, SPAN("delta")))
        return read_object(reader, read_content, err);
    return span_eq(key, SPAN("finish_reason")) ? read_word(reader, &reader->delta->finish, err)
                                               : scan_skip(&reader->scan, err);
}

static bool read_choices(struct reader *reader, struct err *err)
{
    struct scan_list list;
    if (!scan_array(&reader->scan, &list, err))
        return false;
    while (list.more)
        if (!read_object(reader, read_choice, err) || !scan_next(&reader->scan, &list, err))
            return false;
    return true;
}

static bool read_usage(struct reader *reader, struct span key, struct err *err)
{
    reader->delta->has_usage = true;
    if (span_eq(key, SPAN("prompt_tokens")))
        return read_count(reader, &reader->delta->prompt_tokens, err);
    return span_eq(key, SPAN("completion_tokens"))
               ? read_count(reader, &reader->delta->output_tokens, err)
               : scan_skip(&reader->scan, err);
}

static bool read_error(struct reader *reader, struct span key, struct err *err)
{
    return span_eq(key, SPAN("message")) ? read_word(reader, &reader->delta->error, err)
                                         : scan_skip(&reader->scan, err);
}

/* Its JSON, where that begins so. */
static bool read_json(struct reader *reader, struct span *out, char begin, struct err *err)
{
    bool is_it = scan_peek(&reader->scan) == begin;
    const char *at = reader->scan.at;
    if (!scan_skip(&reader->scan, err))
        return false;
    if (is_it)
        *out = (struct span){at, (size_t)(reader->scan.at - at)};
    return true;
}

static bool read_tokens(struct reader *reader, struct err *err)
{
    const char *at = reader->scan.at;
    struct scan_list list;
    int64_t token;
    if (!scan_array(&reader->scan, &list, err))
        return false;
    while (list.more)
        if (!scan_integer(&reader->scan, &token, UINT32_MAX, err) ||
            !scan_next(&reader->scan, &list, err))
            return false;
    reader->delta->tokens = (struct span){at, (size_t)(reader->scan.at - at)};
    return true;
}

static bool read_member(struct reader *reader, struct span key, struct err *err)
{
    bool is_object = scan_peek(&reader->scan) == '{';
    if (span_eq(key, SPAN("choices")))
        return read_choices(reader, err);
    if (span_eq(key, SPAN("usage")) && is_object)
        return read_object(reader, read_usage, err);
    if (span_eq(key, SPAN("error")) && is_object)
        return read_object(reader, read_error, err);
    if (span_eq(key, SPAN("token")))
        return read_word(reader, &reader->delta->token, err);
    if (span_eq(key, SPAN("tokens")) && scan_peek(&reader->scan) == '[')
        return read_tokens(reader, err);
    return span_eq(key, SPAN("receipt")) ? read_json(reader, &reader->delta->receipt, '{', err)
                                         : scan_skip(&reader->scan, err);
}

bool delta_read(struct delta *delta, struct arena *arena, struct span json, struct err *err)
{
    struct reader reader = {delta, arena, scan_begin(json)};
    *delta = (struct delta){0};
    return read_object(&reader, read_member, err) && scan_end(&reader.scan, err);
}
