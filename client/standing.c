#include "client/standing.h"

#include "shared/err.h"
#include "shared/scan.h"

static bool read_count(struct scan *scan, uint32_t *out, struct err *err)
{
    int64_t number;
    if (!scan_integer(scan, &number, UINT32_MAX, err))
        return false;
    *out = (uint32_t)number;
    return true;
}

/* An object, as it stands; or null. */
static bool read_raw(struct scan *scan, struct span *out, struct err *err)
{
    bool is_object = scan_peek(scan) == '{';
    const char *begin = scan->at;
    if (!scan_skip(scan, err))
        return false;
    *out = is_object ? (struct span){begin, (size_t)(scan->at - begin)} : (struct span){"", 0};
    return true;
}

static bool read_member(struct standing *standing, struct scan *scan, struct arena *arena,
                        struct span key, struct err *err)
{
    int64_t cost;
    if (span_eq(key, SPAN("job")))
        return scan_text(scan, arena, &standing->job, err);
    if (span_eq(key, SPAN("state")))
        return scan_text(scan, arena, &standing->state, err);
    if (span_eq(key, SPAN("text")))
        return scan_text(scan, arena, &standing->text, err);
    if (span_eq(key, SPAN("why")))
        return scan_text(scan, arena, &standing->why, err);
    if (span_eq(key, SPAN("receipt")))
        return read_raw(scan, &standing->receipt, err);
    if (span_eq(key, SPAN("quote")))
        return read_raw(scan, &standing->quote, err);
    if (span_eq(key, SPAN("windows")))
        return read_count(scan, &standing->windows, err);
    if (span_eq(key, SPAN("prompt_tokens")))
        return read_count(scan, &standing->prompt_tokens, err);
    if (span_eq(key, SPAN("output_tokens")))
        return read_count(scan, &standing->output_tokens, err);
    if (span_eq(key, SPAN("cut")))
        return scan_bool(scan, &standing->is_cut, err);
    if (!span_eq(key, SPAN("cost")))
        return scan_skip(scan, err);
    if (!scan_integer(scan, &cost, INT64_MAX, err))
        return false;
    standing->cost = (uint64_t)cost;
    return true;
}

bool standing_read(struct standing *standing, struct arena *arena, struct span json,
                   struct err *err)
{
    const struct span none = {"", 0};
    struct scan scan = scan_begin(json);
    struct scan_list list;
    struct span key;
    *standing = (struct standing){
        .job = none, .state = none, .text = none, .why = none, .receipt = none, .quote = none};
    if (!scan_object(&scan, &list, err))
        return false;
    while (list.more)
        if (!scan_key(&scan, arena, &key, err) || !read_member(standing, &scan, arena, key, err) ||
            !scan_next(&scan, &list, err))
            return false;
    return scan_end(&scan, err) && ((standing->job.len > 0 && standing->state.len > 0) ||
                                    err_set(err, ERR_INVALID, "a job without an id or a state"));
}

bool standing_has_ended(const struct standing *standing)
{
    static const char *const ends[] = {"COMPLETED", "FAILED", "CANCELLED", "EXPIRED"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (span_eq(standing->state, (struct span){ends[i], strlen(ends[i])}))
            return true;
    return false;
}
