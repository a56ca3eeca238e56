/* mcp_arguments.c - what a tool is given, read by its parameters. Part of mcp. */
#include "client/mcp_parts.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/text.h"

/* As C has it. */
static bool add_text(struct mcp_argument *argument, struct arena *arena, struct span text,
                     const struct mcp_param *param, struct err *err)
{
    if (memchr(text.at, '\0', text.len) != NULL)
        return err_set(err, ERR_INVALID, "%s: a text with a NUL in it", param->name);
    if (argument->count == MCP_VALUES_MAX)
        return err_set(err, ERR_INVALID, "%s: over %d", param->name, MCP_VALUES_MAX);
    const char **values = arena_array(arena, const char *, argument->count + 1);
    char *copy = arena_alloc(arena, text.len + 1);
    memcpy(copy, text.at, text.len);
    for (size_t i = 0; i < argument->count; i++)
        values[i] = argument->values[i];
    values[argument->count++] = copy;
    argument->values = values;
    return true;
}

static bool read_text(struct mcp_argument *argument, struct arena *arena, struct scan *scan,
                      const struct mcp_param *param, struct err *err)
{
    struct span text;
    if (!scan_text(scan, arena, &text, err))
        return false;
    if (text.len == 0)
        return err_set(err, ERR_INVALID, "%s: an empty text", param->name);
    return add_text(argument, arena, text, param, err);
}

static bool read_texts(struct mcp_argument *argument, struct arena *arena, struct scan *scan,
                       const struct mcp_param *param, struct err *err)
{
    struct scan_list list;
    if (scan_peek(scan) == '"')
        return read_text(argument, arena, scan, param, err);
    if (!scan_array(scan, &list, err))
        return false;
    while (list.more)
        if (!read_text(argument, arena, scan, param, err) || !scan_next(scan, &list, err))
            return false;
    return argument->count > 0 || err_set(err, ERR_INVALID, "%s: an empty list", param->name);
}

static bool is_choice(const char *choices, struct span text)
{
    for (const char *at = choices; *at != '\0';) {
        size_t len = strcspn(at, " ");
        if (span_eq(text, (struct span){at, len}))
            return true;
        at += len + (at[len] == ' ');
    }
    return false;
}

static bool read_choice(struct mcp_argument *argument, struct arena *arena, struct scan *scan,
                        const struct mcp_param *param, struct err *err)
{
    struct span text;
    if (!scan_text(scan, arena, &text, err))
        return false;
    if (!is_choice(param->choices, text))
        return err_set(err, ERR_INVALID, "%s: expected one of %s", param->name, param->choices);
    return add_text(argument, arena, text, param, err);
}

/* As the commands read it, however it was written. */
static bool read_count(struct mcp_argument *argument, struct arena *arena, struct scan *scan,
                       const struct mcp_param *param, struct err *err)
{
    struct text decimal = {0};
    int64_t count;
    if (!scan_integer(scan, &count, param->max, err))
        return false;
    if (count == 0)
        return err_set(err, ERR_INVALID, "%s: expected a number from 1", param->name);
    text_addf(&decimal, "%lld", (long long)count);
    bool ok = add_text(argument, arena, text_span(&decimal), param, err);
    text_clear(&decimal);
    return ok;
}

static bool read_part(struct mcp_argument *argument, struct arena *arena, struct scan *scan,
                      const struct mcp_param *param, struct err *err)
{
    enum { CHARS_MAX = 24 };
    bool is_digit = scan_peek(scan) >= '0' && scan_peek(scan) <= '1';
    const char *begin = scan->at;
    if (!scan_skip(scan, err))
        return false;
    struct span text = {begin, (size_t)(scan->at - begin)};
    if (!is_digit || text.len > CHARS_MAX)
        return err_set(err, ERR_INVALID, "%s: expected a number from 0 to 1", param->name);
    return add_text(argument, arena, text, param, err);
}

static bool read_flag(struct mcp_argument *argument, struct arena *arena, struct scan *scan,
                      const struct mcp_param *param, struct err *err)
{
    bool is_set;
    return scan_bool(scan, &is_set, err) &&
           (!is_set || add_text(argument, arena, SPAN(""), param, err));
}

static bool read_value(struct mcp_argument *argument, struct arena *arena, struct scan *scan,
                       const struct mcp_param *param, struct err *err)
{
    switch (param->form) {
    case MCP_TEXT:
        return read_text(argument, arena, scan, param, err);
    case MCP_TEXTS:
        return read_texts(argument, arena, scan, param, err);
    case MCP_CHOICE:
        return read_choice(argument, arena, scan, param, err);
    case MCP_COUNT:
        return read_count(argument, arena, scan, param, err);
    case MCP_PART:
        return read_part(argument, arena, scan, param, err);
    case MCP_FLAG:
        return read_flag(argument, arena, scan, param, err);
    }
    return false;
}

static bool read_member(struct mcp_call *call, struct scan *scan, bool *is_given, struct err *err)
{
    const struct mcp_tool *tool = call->tool;
    struct span key;
    scan->subject = SPAN("arguments");
    if (!scan_key(scan, call->arena, &key, err))
        return false;
    for (size_t i = 0; i < tool->param_count; i++) {
        const struct mcp_param *param = &tool->params[i];
        if (!span_eq(key, (struct span){param->name, strlen(param->name)}))
            continue;
        if (is_given[i])
            return err_set(err, ERR_INVALID, "%s: given twice", param->name);
        is_given[i] = true;
        scan->subject = key;
        return read_value(&call->arguments[i], call->arena, scan, param, err);
    }
    return err_set(err, ERR_INVALID, "%s has no argument '%s'", tool->name, scan_word(key).at);
}

bool mcp_read_arguments(struct mcp_call *call, struct span json, struct err *err)
{
    bool is_given[MCP_PARAMS_MAX] = {false};
    struct scan scan = scan_begin(json);
    struct scan_list list = {0};
    scan.subject = SPAN("arguments");
    if (json.len > 0 && !scan_object(&scan, &list, err))
        return false;
    while (list.more)
        if (!read_member(call, &scan, is_given, err) || !scan_next(&scan, &list, err))
            return false;
    for (size_t i = 0; i < call->tool->param_count; i++)
        if (call->tool->params[i].is_needed && !is_given[i])
            return err_set(err, ERR_INVALID, "%s is missing", call->tool->params[i].name);
    return true;
}

struct mcp_argument mcp_values(const struct mcp_call *call, const char *name)
{
    for (size_t i = 0; i < call->tool->param_count; i++)
        if (strcmp(call->tool->params[i].name, name) == 0)
            return call->arguments[i];
    return (struct mcp_argument){0};
}

const char *mcp_value(const struct mcp_call *call, const char *name)
{
    struct mcp_argument argument = mcp_values(call, name);
    return argument.count > 0 ? argument.values[0] : NULL;
}
