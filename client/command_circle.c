/* shoal circle: people who share things, by keys that those who left do not have. */
#include "client/command_circle.h"

#include "client/act.h"
#include "client/catalog.h"
#include "client/catalog_circle.h"
#include "client/circle.h"
#include "client/command_pen.h"
#include "client/keyring.h"
#include "client/pen_circle.h"
#include "client/pen_text.h"
#include "client/person.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/number.h"
#include "shared/text.h"
#include "shared/utf8.h"

/* ---- which ---- */

static bool is_called(struct store *store, bool *is_called, const struct bytes32 *root,
                      struct span name, struct err *err)
{
    struct circle *circle;
    if (!catalog_circle(store, &circle, root, UINT64_MAX, err))
        return false;
    const struct act *creation = circle_creation(circle);
    *is_called = creation != NULL && span_eq(creation->name, name);
    circle_free(circle);
    return true;
}

bool command_circle_find(struct store *store, struct bytes32 *id, const char *word, struct err *err)
{
    struct arena arena = {0};
    struct bytes32 *roots, found = {{0}};
    size_t count, matches = 0;
    bool is_it, ok = catalog_circles(store, &roots, &count, &arena, err);
    for (size_t i = 0; ok && i < count; i++) {
        ok = is_called(store, &is_it, &roots[i], command_span(word), err);
        if (ok && is_it) {
            found = roots[i];
            matches++;
        }
    }
    arena_clear(&arena);
    *id = found;
    if (!ok || matches == 1)
        return ok;
    if (matches > 1)
        return err_set(err, ERR_INVALID, "several circles are called %.60s: name its id", word);
    return home_resolve(store, id, word, NULL) ||
           err_set(err, ERR_INVALID, "no circle here is called %.60s", word);
}

static bool find(struct pen *pen, struct bytes32 *root, struct err *err)
{
    return command_circle_find(pen->store, root, pen->call->words[0], err);
}

/* ---- changes ---- */

static bool make(struct pen *pen, struct text *out, struct err *err)
{
    const struct act act = {.type = ACT_CREATE,
                            .name = command_span(pen->call->words[0]),
                            .is_open = command_value(pen->call, "open") != NULL,
                            .is_secret = command_value(pen->call, "secret") != NULL};
    struct event event;
    if (act.name.len == 0 || act.name.len > ACT_NAME_BYTES_MAX || !utf8_is(act.name))
        return err_set(err, ERR_INVALID, "a name is 1 to %d bytes of UTF-8", ACT_NAME_BYTES_MAX);
    if (act.is_open && act.is_secret)
        return err_set(err, ERR_INVALID, "--open or --secret, not both");
    if (!pen_circle_create(pen, &event, &act, err))
        return false;
    pen_report(pen, out, &event.id, &event.id);
    return true;
}

/* Who is in what one keeps for oneself or for friends, nobody says here. */
static bool check_free(struct pen *pen, const struct bytes32 *root, struct err *err)
{
    struct circle *circle;
    if (!pen_circle_load(pen, &circle, root, err))
        return false;
    enum act_scope scope = circle_creation(circle)->scope;
    circle_free(circle);
    return scope == ACT_SCOPE_CIRCLE ||
           err_set(err, ERR_RESTRICTED,
                   "it holds what somebody wrote for %s: shoal friend says who",
                   scope == ACT_SCOPE_SELF ? "himself" : "friends");
}

static bool act(struct pen *pen, struct text *out, const struct bytes32 *root,
                const struct act *act, struct err *err)
{
    struct event event;
    uint64_t given;
    if ((act->type != ACT_VOID && !check_free(pen, root, err)) ||
        !pen_circle_act(pen, &event, root, act, err) ||
        !keyring_open(pen->store, pen->holder, &given, err) ||
        (act->type != ACT_LEAVE &&
         (!pen_circle_share(pen, &given, root, err) || !pen_text_mend(pen, &given, root, err))))
        return false;
    pen_report(pen, out, root, &event.id);
    return true;
}

static bool read_role(struct act *act, const char *word, struct err *err)
{
    return act_role_parse(&act->role, command_span(word)) ||
           err_set(err, ERR_INVALID, "no role '%.20s': reader, writer, moderator or admin", word);
}

/* An act about somebody, whom the second word names. */
static bool act_on(struct pen *pen, struct text *out, struct act *change, const char *role,
                   struct err *err)
{
    struct bytes32 root;
    return (role == NULL || read_role(change, role, err)) && find(pen, &root, err) &&
           person_parse(&change->who, command_span(pen->call->words[1]), err) &&
           act(pen, out, &root, change, err);
}

/* What a role is limited to. */
static bool read_limits(struct act *act, struct pen *pen, struct err *err)
{
    const char *until = command_value(pen->call, "until"), *only = command_value(pen->call, "only");
    int64_t kind;
    uint64_t ms = 0;
    if (!command_read_number(pen->call, "kind", -1, UINT16_MAX, &kind, err) ||
        (until != NULL && !home_time(&ms, until, err)) ||
        (only != NULL && !home_resolve(pen->store, &act->entity, only, err)))
        return false;
    act->until = (int64_t)(ms / 1000);
    act->has_entity = only != NULL;
    act->has_kind = kind >= 0;
    act->kind = kind >= 0 ? (uint16_t)kind : 0;
    if (until != NULL || act->has_entity || act->has_kind)
        act->type = ACT_GRANT;
    return until == NULL || ms > pen->now_ms ||
           err_set(err, ERR_INVALID, "--until: that time is over");
}

static bool add(struct pen *pen, struct text *out, struct err *err)
{
    const char *role = command_value(pen->call, "role");
    struct act adding = {.type = ACT_ADD};
    return read_limits(&adding, pen, err) &&
           act_on(pen, out, &adding, role != NULL ? role : "writer", err);
}

static bool set_policy(struct pen *pen, struct text *out, struct err *err)
{
    struct act policy = {.type = ACT_POLICY};
    struct bytes32 root;
    int64_t count;
    if (!number_decimal(&count, command_span(pen->call->words[1])) || count == 1 ||
        count > ACT_QUORUM_MAX)
        return err_set(err, ERR_INVALID, "expected 2 to %d admins, or 0: none", ACT_QUORUM_MAX);
    policy.quorum = (uint32_t)count;
    return find(pen, &root, err) && act(pen, out, &root, &policy, err);
}

static bool set_role(struct pen *pen, struct text *out, struct err *err)
{
    return act_on(pen, out, &(struct act){.type = ACT_ROLE}, pen->call->words[2], err);
}

static bool remove_one(struct pen *pen, struct text *out, struct err *err)
{
    return act_on(pen, out, &(struct act){.type = ACT_REMOVE}, NULL, err);
}

static bool leave(struct pen *pen, struct text *out, struct err *err)
{
    struct bytes32 root;
    const struct act leaving = {.type = ACT_LEAVE, .who = *pen_me(pen)};
    return find(pen, &root, err) && act(pen, out, &root, &leaving, err);
}

static bool void_events(struct pen *pen, struct text *out, struct err *err)
{
    const struct command_call *call = pen->call;
    struct bytes32 root, *ids = arena_array(&pen->arena, struct bytes32, call->word_count);
    struct act voiding = {.type = ACT_VOID, .ids = ids};
    if (!find(pen, &root, err))
        return false;
    for (size_t i = 1; i < call->word_count; i++)
        if (!home_resolve(pen->store, &ids[voiding.id_count++], call->words[i], err))
            return false;
    return act(pen, out, &root, &voiding, err);
}

/* ---- keys ---- */

static bool keep_keys(struct pen *pen, struct text *out, struct err *err)
{
    bool rotates = command_value(pen->call, "rotate") != NULL;
    struct bytes32 *roots, root;
    size_t count = 1;
    uint64_t opened, given, mended, all = 0;
    struct catalog_counts counts;
    if (rotates && pen->call->word_count == 0)
        return err_set(err, ERR_INVALID, "--rotate: of which circle?");
    if (pen->call->word_count > 0) {
        if (!find(pen, &root, err))
            return false;
        roots = &root;
    } else if (!catalog_circles(pen->store, &roots, &count, &pen->arena, err)) {
        return false;
    }
    if (!keyring_open(pen->store, pen->holder, &opened, err) ||
        (rotates && !pen_circle_rotate(pen, &root, err)))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!pen_circle_share(pen, &given, &roots[i], err) ||
            !pen_text_mend(pen, &mended, &roots[i], err))
            return false;
        all += given;
    }
    if (!catalog_counts(pen->store, &counts, err))
        return false;
    text_addf(out,
              pen->call->is_json
                  ? "{\"opened\":%llu,\"given\":%llu,\"locked\":%llu}\n"
                  : "%llu keys opened, %llu people given one; %llu events are still locked\n",
              (unsigned long long)opened, (unsigned long long)all,
              (unsigned long long)counts.locked);
    return true;
}

/* ---- the table ---- */

static const struct command_option options_new[] = {
    {"open", NULL, "nothing in it is sealed: anybody reads, members write"},
    {"secret", NULL, "nobody else learns who is in it; the key goes by private message"},
    PEN_OPTIONS};

const struct command command_circle_new = {.name = "circle new",
                                           .words = "NAME",
                                           .help = "begin a circle, of which you are the first",
                                           .words_min = 1,
                                           .words_max = 1,
                                           .options = options_new,
                                           .option_count = ARRAY_LEN(options_new),
                                           .write = make};

static const struct command_option options_add[] = {
    {"role", "ROLE", "reader, writer, moderator or admin [writer]"},
    {"until", "TIME", "no longer than that: unix seconds, or 2026-11-21T14:30:00Z"},
    {"only", "ID", "in this thing alone; a reader of all else"},
    {"kind", "N", "by events of this kind alone; a reader of all else"},
    PEN_OPTIONS};

const struct command command_circle_add = {.name = "circle add",
                                           .words = "CIRCLE WHO|-",
                                           .help = "let somebody into a circle, and give the key",
                                           .words_min = 2,
                                           .words_max = 2,
                                           .options = options_add,
                                           .option_count = ARRAY_LEN(options_add),
                                           .write = add,
                                           .lines = COMMAND_LINES_EACH,
                                           .lines_max = 2};

static const struct command_option options_change[] = {PEN_OPTIONS};

const struct command command_circle_rm = {
    .name = "circle rm",
    .words = "CIRCLE WHO|-",
    .help = "remove somebody, who cannot read what follows: there is a new key",
    .words_min = 2,
    .words_max = 2,
    .options = options_change,
    .option_count = ARRAY_LEN(options_change),
    .write = remove_one,
    .lines = COMMAND_LINES_EACH,
    .lines_max = 2};

const struct command command_circle_role = {.name = "circle role",
                                            .words = "CIRCLE WHO|- ROLE",
                                            .help =
                                                "make a member reader, writer, moderator, admin",
                                            .words_min = 3,
                                            .words_max = 3,
                                            .options = options_change,
                                            .option_count = ARRAY_LEN(options_change),
                                            .write = set_role,
                                            .lines = COMMAND_LINES_EACH,
                                            .lines_max = 2};

const struct command command_circle_policy = {
    .name = "circle policy",
    .words = "CIRCLE COUNT",
    .help = "let so many admins of one rank remove one of the same; 0: none",
    .words_min = 2,
    .words_max = 2,
    .options = options_change,
    .option_count = ARRAY_LEN(options_change),
    .write = set_policy};

const struct command command_circle_leave = {.name = "circle leave",
                                             .words = "CIRCLE",
                                             .help = "leave a circle",
                                             .words_min = 1,
                                             .words_max = 1,
                                             .options = options_change,
                                             .option_count = ARRAY_LEN(options_change),
                                             .write = leave};

const struct command command_circle_void = {
    .name = "circle void",
    .words = "CIRCLE EVENT...",
    .help = "as its moderator: what these events say counts no more",
    .words_min = 2,
    .words_max = COMMAND_WORDS_MAX,
    .options = options_change,
    .option_count = ARRAY_LEN(options_change),
    .write = void_events};

static void describe_keys(struct text *out)
{
    text_add(out,
             SPAN("Whoever may write also deletes what somebody wrote in texts who may not, for\n"
                  "programs that apply all that they hear, where nobody has done so.\n"));
}

static const struct command_option options_keys[] = {
    {"rotate", NULL, "make a new one, as an admin"}, PEN_OPTIONS};

const struct command command_circle_keys = {
    .name = "circle keys",
    .words = "[CIRCLE]",
    .help = "open the keys that came; as an admin, give them to members who lack one",
    .words_max = 1,
    .options = options_keys,
    .option_count = ARRAY_LEN(options_keys),
    .write = keep_keys,
    .more = describe_keys};
