#include "relay/plugin_answer.h"

#include "shared/arena.h"
#include "shared/scan.h"

#define ERR_PREFIX(code, prefix) {code, prefix},
static const struct {
    enum err_code code;
    const char *prefix;
} prefixes[] = {ERR_CODES(ERR_PREFIX)};
#undef ERR_PREFIX

/* A line break would end a line of the log, and no client expects one. */
static struct err why_of(struct span msg)
{
    struct err why = {.code = ERR_BLOCKED};
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        size_t prefix = strlen(prefixes[i].prefix);
        if (msg.len <= prefix || memcmp(msg.at, prefixes[i].prefix, prefix) != 0 ||
            msg.at[prefix] != ':')
            continue;
        why.code = prefixes[i].code;
        msg = (struct span){msg.at + prefix + 1, msg.len - prefix - 1};
        break;
    }
    while (msg.len > 0 && msg.at[0] == ' ')
        msg = (struct span){msg.at + 1, msg.len - 1};
    if (msg.len == 0)
        msg = SPAN("by the policy of this relay");
    while (len < msg.len && len < sizeof why.text - 1)
        len++;
    while (len < msg.len && len > 0 && (msg.at[len] & 0xc0) == 0x80) /* not within a character */
        len--;
    for (size_t i = 0; i < len; i++)
        why.text[i] = (char)((unsigned char)msg.at[i] < ' ' ? ' ' : msg.at[i]);
    return why;
}

static bool read_action(enum plugin_action *action, struct scan *scan, struct arena *arena,
                        struct err *err)
{
    static const char *const names[] = {[PLUGIN_ACCEPT] = "accept",
                                        [PLUGIN_REJECT] = "reject",
                                        [PLUGIN_SHADOW_REJECT] = "shadowReject"};
    struct span name;
    if (!scan_text(scan, arena, &name, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq(name, (struct span){names[i], strlen(names[i])})) {
            *action = (enum plugin_action)i;
            return true;
        }
    return err_set(err, ERR_INVALID, "unknown action '%s'", scan_word(name).at);
}

bool plugin_answer_read(struct plugin_answer *answer, struct arena *arena, struct span line,
                        struct err *err)
{
    struct scan scan = scan_begin(line);
    struct scan_list list;
    struct span key, msg = {0};
    bool has_id = false, has_action = false;
    if (!scan_object(&scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(&scan, arena, &key, err))
            return false;
        bool ok;
        if (span_eq(key, SPAN("id")))
            ok = has_id = scan_hex(&scan, arena, answer->id.at, sizeof answer->id.at, err);
        else if (span_eq(key, SPAN("action")))
            ok = has_action = read_action(&answer->action, &scan, arena, err);
        else if (span_eq(key, SPAN("msg")) && scan_peek(&scan) == '"')
            ok = scan_text(&scan, arena, &msg, err);
        else
            ok = scan_skip(&scan, err);
        if (!ok || !scan_next(&scan, &list, err))
            return false;
    }
    if (!has_id || !has_action)
        return err_set(err, ERR_INVALID, "neither id nor action may be missing");
    answer->why = why_of(msg);
    return scan_end(&scan, err);
}
