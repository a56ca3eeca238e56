#include "client/work.h"

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

static bool read_member(struct work *work, struct scan *scan, struct arena *arena, struct span key,
                        struct err *err)
{
    int64_t cost;
    if (span_eq(key, SPAN("job")))
        return scan_text(scan, arena, &work->job, err);
    if (span_eq(key, SPAN("state")))
        return scan_text(scan, arena, &work->state, err);
    if (span_eq(key, SPAN("text")))
        return scan_text(scan, arena, &work->text, err);
    if (span_eq(key, SPAN("why")))
        return scan_text(scan, arena, &work->why, err);
    if (span_eq(key, SPAN("receipt")))
        return read_raw(scan, &work->receipt, err);
    if (span_eq(key, SPAN("quote")))
        return read_raw(scan, &work->quote, err);
    if (span_eq(key, SPAN("windows")))
        return read_count(scan, &work->windows, err);
    if (span_eq(key, SPAN("prompt_tokens")))
        return read_count(scan, &work->prompt_tokens, err);
    if (span_eq(key, SPAN("output_tokens")))
        return read_count(scan, &work->output_tokens, err);
    if (span_eq(key, SPAN("cut")))
        return scan_bool(scan, &work->is_cut, err);
    if (!span_eq(key, SPAN("cost")))
        return scan_skip(scan, err);
    if (!scan_integer(scan, &cost, INT64_MAX, err))
        return false;
    work->cost = (uint64_t)cost;
    return true;
}

bool work_read(struct work *work, struct arena *arena, struct span json, struct err *err)
{
    const struct span none = {"", 0};
    struct scan scan = scan_begin(json);
    struct scan_list list;
    struct span key;
    *work = (struct work){
        .job = none, .state = none, .text = none, .why = none, .receipt = none, .quote = none};
    if (!scan_object(&scan, &list, err))
        return false;
    while (list.more)
        if (!scan_key(&scan, arena, &key, err) || !read_member(work, &scan, arena, key, err) ||
            !scan_next(&scan, &list, err))
            return false;
    return scan_end(&scan, err) && ((work->job.len > 0 && work->state.len > 0) ||
                                    err_set(err, ERR_INVALID, "a job without an id or a state"));
}

bool work_has_ended(const struct work *work)
{
    static const char *const ends[] = {"COMPLETED", "FAILED", "CANCELLED", "EXPIRED"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (span_eq(work->state, (struct span){ends[i], strlen(ends[i])}))
            return true;
    return false;
}
