#include "client/plea.h"

#include "shared/scan.h"
#include "shared/text.h"

struct span plea_find(const struct plea *plea, const char *name)
{
    const struct span wanted = {name, strlen(name)};
    for (size_t i = 0; i < plea->count; i++)
        if (span_eq(plea->members[i].name, wanted))
            return span_eq(plea->members[i].value, SPAN("null")) ? (struct span){0}
                                                                 : plea->members[i].value;
    return (struct span){0};
}

static bool is_there(const struct plea *plea, struct span name)
{
    for (size_t i = 0; i < plea->count; i++)
        if (span_eq(plea->members[i].name, name))
            return true;
    return false;
}

static bool read_member(struct plea *plea, struct scan *scan, struct arena *arena, struct err *err)
{
    struct plea_member *member = &plea->members[plea->count];
    if (plea->count == PLEA_MEMBERS_MAX)
        return err_set(err, ERR_INVALID, "more than %d members", PLEA_MEMBERS_MAX);
    if (!scan_key(scan, arena, &member->name, err))
        return false;
    if (is_there(plea, member->name))
        return err_set(err, ERR_INVALID, "'%s' is there twice", scan_word(member->name).at);
    (void)scan_peek(scan);
    const char *at = scan->at;
    if (!scan_skip(scan, err))
        return false;
    member->value = (struct span){at, (size_t)(scan->at - at)};
    plea->count++;
    return true;
}

static bool read_members(struct plea *plea, struct arena *arena, struct span json, struct err *err)
{
    struct scan scan = scan_begin(json);
    struct scan_list list;
    if (!scan_object(&scan, &list, err))
        return false;
    while (list.more)
        if (!read_member(plea, &scan, arena, err) || !scan_next(&scan, &list, err))
            return false;
    return scan_end(&scan, err);
}

/* ---- those that matter ---- */

static struct scan begin(const struct plea *plea, const char *name)
{
    struct scan scan = scan_begin(plea_find(plea, name));
    scan.subject = (struct span){name, strlen(name)};
    return scan;
}

static bool read_model(struct plea *plea, struct arena *arena, struct err *err)
{
    struct scan scan = begin(plea, "model");
    if (scan.at != scan.end && !scan_text(&scan, arena, &plea->model, err))
        return false;
    return plea->model.len <= PLEA_MODEL_BYTES_MAX ||
           err_set(err, ERR_INVALID, "model: over %d bytes", PLEA_MODEL_BYTES_MAX);
}

/* By either name; of both the smaller one. */
static bool read_tokens(struct plea *plea, const char *name, struct err *err)
{
    struct scan scan = begin(plea, name);
    int64_t number;
    if (scan.at == scan.end)
        return true;
    if (!scan_integer(&scan, &number, PLEA_TOKENS_MAX, err))
        return false;
    if (number == 0)
        return err_set(err, ERR_INVALID, "%s: 1 at least", name);
    if (plea->tokens_max == 0 || number < plea->tokens_max)
        plea->tokens_max = (uint32_t)number;
    return true;
}

static bool read_flag(bool *flag, struct scan *scan, struct err *err)
{
    return scan->at == scan->end || scan_bool(scan, flag, err);
}

static bool read_stream_options(struct plea *plea, struct arena *arena, struct err *err)
{
    struct scan scan = begin(plea, "stream_options");
    struct scan_list list;
    struct span key;
    if (scan.at == scan.end)
        return true;
    if (!scan_object(&scan, &list, err))
        return false;
    while (list.more)
        if (!scan_key(&scan, arena, &key, err) ||
            !(span_eq(key, SPAN("include_usage")) && scan_peek(&scan) != 'n'
                  ? scan_bool(&scan, &plea->wants_usage, err)
                  : scan_skip(&scan, err)) ||
            !scan_next(&scan, &list, err))
            return false;
    return true;
}

/* One answer: what more of them cost is not reckoned with. */
static bool read_count(const struct plea *plea, struct err *err)
{
    struct scan scan = begin(plea, "n");
    int64_t count = 1;
    if (scan.at != scan.end && !scan_integer(&scan, &count, 1, err))
        return false;
    return count == 1 || err_set(err, ERR_INVALID, "n: 1 at least");
}

bool plea_read(struct plea *plea, struct arena *arena, struct span json, struct err *err)
{
    *plea = (struct plea){0};
    if (!read_members(plea, arena, json, err))
        return false;
    struct scan stream = begin(plea, "stream");
    plea->messages = plea_find(plea, "messages");
    if (plea->messages.len == 0 || plea->messages.at[0] != '[')
        return err_set(err, ERR_INVALID, "expected messages, as a list");
    return read_model(plea, arena, err) && read_tokens(plea, "max_tokens", err) &&
           read_tokens(plea, "max_completion_tokens", err) && read_count(plea, err) &&
           read_flag(&plea->streams, &stream, err) && read_stream_options(plea, arena, err);
}

/* ---- writing ---- */

static bool is_replaced(struct span name)
{
    static const char *const names[] = {"model", "stream", "stream_options", "max_tokens",
                                        "max_completion_tokens"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq(name, (struct span){names[i], strlen(names[i])}))
            return true;
    return false;
}

void plea_write(struct text *out, const struct plea *plea, const struct plea_terms *terms)
{
    /* There are servers that know only one of these names. */
    bool is_new = plea_find(plea, "max_completion_tokens").len > 0;
    text_add(out, SPAN("{\"model\":"));
    text_add_json(out, terms->model);
    text_addf(out, ",\"%s\":%u", is_new ? "max_completion_tokens" : "max_tokens",
              terms->tokens_max);
    if (terms->streams)
        text_add(out, SPAN(",\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
    for (size_t i = 0; i < plea->count; i++) {
        const struct plea_member *member = &plea->members[i];
        if (is_replaced(member->name))
            continue;
        text_add(out, SPAN(","));
        text_add_json(out, member->name);
        text_add(out, SPAN(":"));
        text_add(out, member->value);
    }
    text_add(out, SPAN("}"));
}
