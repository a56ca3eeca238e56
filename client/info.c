#include "client/info.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/number.h"
#include "shared/scan.h"

enum { NIP_COUNT = 45, NIP_NEGENTROPY = 77 };

/* The value of a member, as it stands. */
static bool take_value(struct scan *scan, struct span *value, struct err *err)
{
    (void)scan_peek(scan);
    const char *begin = scan->at;
    if (!scan_skip(scan, err))
        return false;
    *value = (struct span){begin, (size_t)(scan->at - begin)};
    return true;
}

static void set_limit(int64_t *limit, struct span value)
{
    int64_t number;
    if (number_value(&number, value) && number > 0)
        *limit = number;
}

static bool read_limitation(struct info *info, struct arena *arena, struct scan *scan,
                            struct err *err)
{
    struct scan_list list;
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more) {
        struct span key, value;
        if (!scan_key(scan, arena, &key, err) || !take_value(scan, &value, err) ||
            !scan_next(scan, &list, err))
            return false;
        if (span_eq(key, SPAN("max_message_length")))
            set_limit(&info->message_bytes_max, value);
        else if (span_eq(key, SPAN("max_subscriptions")))
            set_limit(&info->subs_max, value);
        else if (span_eq(key, SPAN("max_limit")))
            set_limit(&info->limit_max, value);
        else if (span_eq(key, SPAN("auth_required")))
            info->auth_required = span_eq(value, SPAN("true"));
    }
    return true;
}

static bool read_nips(struct info *info, struct scan *scan, struct err *err)
{
    struct scan_list list;
    if (!scan_array(scan, &list, err))
        return false;
    info->has_nips = true;
    while (list.more) {
        struct span value;
        int64_t nip;
        if (!take_value(scan, &value, err) || !scan_next(scan, &list, err))
            return false;
        if (!number_value(&nip, value))
            continue;
        info->has_count |= nip == NIP_COUNT;
        info->has_negentropy |= nip == NIP_NEGENTROPY;
    }
    return true;
}

static bool read_member(struct info *info, struct arena *arena, struct scan *scan, struct err *err)
{
    struct span key;
    if (!scan_key(scan, arena, &key, err))
        return false;
    char first = scan_peek(scan);
    if (span_eq(key, SPAN("limitation")) && first == '{')
        return read_limitation(info, arena, scan, err);
    if (span_eq(key, SPAN("supported_nips")) && first == '[')
        return read_nips(info, scan, err);
    return scan_skip(scan, err);
}

bool info_parse(struct info *info, struct span text, struct err *err)
{
    struct arena arena = {0};
    struct scan scan = scan_begin(text);
    struct scan_list list;
    *info = (struct info){0};
    bool ok = scan_object(&scan, &list, err);
    while (ok && list.more)
        ok = read_member(info, &arena, &scan, err) && scan_next(&scan, &list, err);
    ok = ok && scan_end(&scan, err);
    arena_clear(&arena);
    return ok;
}
