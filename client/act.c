#include "client/act.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/text.h"

static const char *const roles[] = {"reader", "writer", "moderator", "admin"};
static const char *const scopes[] = {"", "self", "friends"};

/* The members that mean something; others are passed over. */
enum member {
    OP,
    NAME,
    OPEN,
    SCOPE,
    WHO,
    ROLE,
    IDS,
    UNTIL,
    ENTITY,
    KIND,
    QUORUM,
    SECRET,
    MEMBER_COUNT
};

static const char *const member_names[] = {"op",  "name",  "open",   "scope", "who", "role",
                                           "ids", "until", "entity", "kind",  "k",   "secret"};

#define HAS(member) (1U << (member))

static const struct {
    const char *name;
    uint32_t needed;
} types[] = {
    [ACT_UNKNOWN] = {"", 0},
    [ACT_CREATE] = {"create", HAS(NAME)},
    [ACT_ADD] = {"add", HAS(WHO) | HAS(ROLE)},
    [ACT_ROLE] = {"role", HAS(WHO) | HAS(ROLE)},
    [ACT_REMOVE] = {"remove", HAS(WHO)},
    [ACT_LEAVE] = {"leave", 0},
    [ACT_VOID] = {"void", HAS(IDS)},
    [ACT_EPOCH] = {"", 0},
    [ACT_GRANT] = {"grant", HAS(WHO) | HAS(ROLE)},
    [ACT_POLICY] = {"policy", HAS(QUORUM)},
};

static struct span name_span(const char *name)
{
    return (struct span){name, strlen(name)};
}

const char *act_role_name(enum act_role role)
{
    return roles[role];
}

const char *act_scope_name(enum act_scope scope)
{
    return scopes[scope];
}

bool act_role_parse(enum act_role *role, struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        if (span_eq(name_span(roles[i]), name)) {
            *role = (enum act_role)i;
            return true;
        }
    return false;
}

static enum member find_member(struct span key)
{
    enum member member = OP;
    while (member < MEMBER_COUNT && !span_eq(name_span(member_names[member]), key))
        member++;
    return member;
}

static bool read_name(struct act *act, struct arena *arena, struct scan *scan, struct err *err)
{
    if (!scan_text(scan, arena, &act->name, err))
        return false;
    if (act->name.len == 0 || act->name.len > ACT_NAME_BYTES_MAX)
        return scan_refuse(scan, scan->at, err, "expected 1 to %d bytes", ACT_NAME_BYTES_MAX);
    return true;
}

static bool read_role(struct act *act, struct arena *arena, struct scan *scan, struct err *err)
{
    struct span name;
    if (!scan_text(scan, arena, &name, err))
        return false;
    if (!act_role_parse(&act->role, name))
        return scan_refuse(scan, scan->at, err, "expected reader, writer, moderator or admin");
    return true;
}

/* One that is unknown here is that of somebody newer. */
static bool read_scope(struct act *act, struct arena *arena, struct scan *scan, struct err *err)
{
    struct span name;
    if (!scan_text(scan, arena, &name, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
        if (span_eq(name_span(scopes[i]), name))
            act->scope = (enum act_scope)i;
    return true;
}

static bool read_ids(struct act *act, struct arena *arena, struct scan *scan, struct err *err)
{
    struct scan_list list;
    struct bytes32 *ids = NULL;
    if (!scan_array(scan, &list, err))
        return false;
    while (list.more) {
        if (act->id_count == ACT_IDS_MAX)
            return scan_refuse(scan, scan->at, err, "more than %d ids", ACT_IDS_MAX);
        ids = arena_grow(arena, struct bytes32, ids, act->id_count);
        if (!scan_hex(scan, arena, ids[act->id_count++].at, sizeof ids->at, err) ||
            !scan_next(scan, &list, err))
            return false;
    }
    act->ids = ids;
    return true;
}

static bool read_until(struct act *act, struct scan *scan, struct err *err)
{
    if (!scan_integer(scan, &act->until, INT64_MAX, err))
        return false;
    return act->until > 0 || scan_refuse(scan, scan->at, err, "expected a time");
}

static bool read_kind(struct act *act, struct scan *scan, struct err *err)
{
    int64_t kind;
    act->has_kind = scan_integer(scan, &kind, UINT16_MAX, err);
    act->kind = act->has_kind ? (uint16_t)kind : 0;
    return act->has_kind;
}

static bool read_quorum(struct act *act, struct scan *scan, struct err *err)
{
    int64_t quorum;
    if (!scan_integer(scan, &quorum, ACT_QUORUM_MAX, err))
        return false;
    act->quorum = (uint32_t)quorum;
    return quorum != 1 || scan_refuse(scan, scan->at, err, "one is no quorum");
}

static bool read_member(struct act *act, enum member member, struct arena *arena, struct scan *scan,
                        struct err *err)
{
    switch (member) {
    case NAME:
        return read_name(act, arena, scan, err);
    case OPEN:
        return scan_bool(scan, &act->is_open, err);
    case SCOPE:
        return read_scope(act, arena, scan, err);
    case WHO:
        return scan_hex(scan, arena, act->who.at, sizeof act->who.at, err);
    case ROLE:
        return read_role(act, arena, scan, err);
    case IDS:
        return read_ids(act, arena, scan, err);
    case UNTIL:
        return read_until(act, scan, err);
    case ENTITY:
        act->has_entity = true;
        return scan_hex(scan, arena, act->entity.at, sizeof act->entity.at, err);
    case KIND:
        return read_kind(act, scan, err);
    case SECRET:
        return scan_bool(scan, &act->is_secret, err);
    case QUORUM:
        return read_quorum(act, scan, err);
    case OP:
    case MEMBER_COUNT:
        break;
    }
    return scan_skip(scan, err);
}

/* A word that is unknown here is that of somebody newer. */
static bool read_type(struct act *act, struct arena *arena, struct scan *scan, struct err *err)
{
    struct span name;
    if (!scan_text(scan, arena, &name, err))
        return false;
    for (size_t i = ACT_CREATE; i < ARRAY_LEN(types); i++)
        if (name.len > 0 && span_eq(name_span(types[i].name), name))
            act->type = (enum act_type)i;
    return true;
}

/* Each member once; has: those that are there. */
static bool read_members(struct act *act, uint32_t *has, struct arena *arena, struct span content,
                         struct err *err)
{
    struct scan scan = scan_begin(content);
    struct scan_list list;
    struct span key;
    if (!scan_object(&scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(&scan, arena, &key, err))
            return false;
        enum member member = find_member(key);
        if (member < MEMBER_COUNT && (*has & HAS(member)) != 0)
            return scan_refuse(&scan, scan.at, err, "two members named '%s'", member_names[member]);
        *has |= member < MEMBER_COUNT ? HAS(member) : 0;
        bool ok = member == OP ? read_type(act, arena, &scan, err)
                               : read_member(act, member, arena, &scan, err);
        if (!ok || !scan_next(&scan, &list, err))
            return false;
    }
    return scan_end(&scan, err);
}

static bool parse_epoch(struct act *act, const struct event *event, struct err *err)
{
    const struct span *name = event_tag_value(event, SPAN("epoch"));
    act->type = ACT_EPOCH;
    if (name == NULL || !hex_decode(act->epoch.at, sizeof act->epoch.at, *name))
        return err_set(err, ERR_INVALID, "an epoch without a name");
    return true;
}

bool act_parse(struct act *act, struct arena *arena, const struct event *event, struct err *err)
{
    struct span content = scan_decode(arena, (struct scan_string){event->content_json, true});
    uint32_t has = 0;
    *act = (struct act){0};
    if (event->kind == KIND_KEY_EPOCH)
        return parse_epoch(act, event, err);
    if (!read_members(act, &has, arena, content, err))
        return false;
    if ((has & HAS(OP)) == 0 || (types[act->type].needed & ~has) != 0)
        return err_set(err, ERR_INVALID, "an act that does not say all it has to");
    if (act->type == ACT_LEAVE)
        act->who = event->pubkey;
    return true;
}

static void write_limits(struct text *out, const struct act *act)
{
    if (act->until > 0)
        text_addf(out, ",\"until\":%lld", (long long)act->until);
    if (act->has_entity) {
        text_add(out, SPAN(",\"entity\":\""));
        text_add_hex(out, act->entity.at, sizeof act->entity.at);
        text_add(out, SPAN("\""));
    }
    if (act->has_kind)
        text_addf(out, ",\"kind\":%u", act->kind);
}

void act_write(struct text *out, const struct act *act)
{
    text_addf(out, "{\"op\":\"%s\"", types[act->type].name);
    uint32_t needed = types[act->type].needed;
    if ((needed & HAS(NAME)) != 0) {
        text_add(out, SPAN(",\"name\":"));
        text_add_json(out, act->name);
    }
    if (act->is_open)
        text_add(out, SPAN(",\"open\":true"));
    if (act->is_secret)
        text_add(out, SPAN(",\"secret\":true"));
    if (act->scope != ACT_SCOPE_CIRCLE)
        text_addf(out, ",\"scope\":\"%s\"", scopes[act->scope]);
    if ((needed & HAS(WHO)) != 0) {
        text_add(out, SPAN(",\"who\":\""));
        text_add_hex(out, act->who.at, sizeof act->who.at);
        text_add(out, SPAN("\""));
    }
    if ((needed & HAS(ROLE)) != 0)
        text_addf(out, ",\"role\":\"%s\"", roles[act->role]);
    if (act->type == ACT_GRANT)
        write_limits(out, act);
    if (act->type == ACT_POLICY)
        text_addf(out, ",\"k\":%u", act->quorum);
    for (uint32_t i = 0; i < act->id_count; i++) {
        text_add(out, i == 0 ? SPAN(",\"ids\":[\"") : SPAN("\",\""));
        text_add_hex(out, act->ids[i].at, sizeof act->ids[i].at);
    }
    text_add(out, act->id_count > 0 ? SPAN("\"]}") : SPAN("}"));
}
