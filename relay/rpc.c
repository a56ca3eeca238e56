#include "relay/rpc.h"

#include <inttypes.h>
#include <stdio.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"

/* What people read and what is kept in a line: no control characters but the end of a line. */
static bool check_text(struct span text, struct err *err)
{
    for (size_t i = 0; i < text.len; i++)
        if (((unsigned char)text.at[i] < ' ' && text.at[i] != '\n') || text.at[i] == 0x7f)
            return err_set(err, ERR_INVALID, "a control character in a parameter");
    return true;
}

static bool scan_param(struct span *out, struct scan *scan, struct arena *arena, struct err *err)
{
    char digits[24];
    int64_t number;
    char first = scan_peek(scan);
    if (first == '"')
        return scan_text(scan, arena, out, err) && check_text(*out, err);
    *out = SPAN("");
    if (first == 'n') /* null, or it is refused */
        return scan_skip(scan, err);
    if (!scan_integer(scan, &number, INT64_MAX, err))
        return false;
    int len = snprintf(digits, sizeof digits, "%" PRId64, number);
    *out = arena_copy(arena, (struct span){digits, (size_t)len});
    return true;
}

static bool scan_params(struct rpc *rpc, struct scan *scan, struct arena *arena, struct err *err)
{
    struct scan_list list;
    if (!scan_array(scan, &list, err))
        return false;
    while (list.more) {
        if (rpc->count == RPC_PARAMS_MAX)
            return err_set(err, ERR_INVALID, "more than %d parameters", RPC_PARAMS_MAX);
        if (!scan_param(&rpc->params[rpc->count++], scan, arena, err) ||
            !scan_next(scan, &list, err))
            return false;
    }
    return true;
}

bool rpc_parse(struct rpc *rpc, struct arena *arena, struct span body, struct err *err)
{
    struct scan scan = scan_begin(body);
    struct scan_list members;
    struct span key;
    bool has_params = false;
    *rpc = (struct rpc){0};
    if (!scan_object(&scan, &members, err))
        return false;
    while (members.more) {
        if (!scan_key(&scan, arena, &key, err))
            return false;
        bool is_method = span_eq(key, SPAN("method")), is_params = span_eq(key, SPAN("params"));
        if ((is_method && rpc->method.at != NULL) || (is_params && has_params))
            return err_set(err, ERR_INVALID, "%.*s is there twice", SPAN_ARG(key));
        has_params |= is_params;
        if (!(is_method   ? scan_text(&scan, arena, &rpc->method, err)
              : is_params ? scan_params(rpc, &scan, arena, err)
                          : scan_skip(&scan, err)) ||
            !scan_next(&scan, &members, err))
            return false;
    }
    if (!scan_end(&scan, err))
        return false;
    return rpc->method.len > 0 || err_set(err, ERR_INVALID, "no method is named");
}
