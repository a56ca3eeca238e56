#include "client/command_share.h"

#include "client/catalog_things.h"
#include "client/circle.h"
#include "client/command_circle.h"
#include "client/command_people.h"
#include "client/draft.h"
#include "client/keyring.h"
#include "client/pen_circle.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"

enum { CIRCLES_MAX = 1000 };

/* ---- the circles behind two of the scopes ---- */

static bool is_scope(struct pen *pen, bool *is, const struct bytes32 *root, enum act_scope scope,
                     struct err *err)
{
    struct circle *circle;
    if (!pen_circle_load(pen, &circle, root, err))
        return false;
    const struct act *creation = circle_creation(circle);
    *is = creation->scope == scope && !creation->is_open;
    circle_free(circle);
    return true;
}

bool share_find(struct pen *pen, bool *is_there, struct bytes32 *circle, enum act_scope scope,
                struct err *err)
{
    struct catalog_things things;
    const struct catalog_things_call mine = {pen_me(pen), SPAN("circle"), CIRCLES_MAX};
    *is_there = false;
    if (!catalog_things(pen->store, &things, &pen->arena, &mine, err))
        return false;
    for (size_t i = 0; i < things.count; i++) {
        const struct bytes32 *root = &things.at[i].root;
        bool is_it;
        if (*is_there && memcmp(root, circle, sizeof *root) > 0)
            continue;
        if (!is_scope(pen, &is_it, root, scope, err))
            return false;
        if (is_it)
            *circle = *root;
        *is_there = *is_there || is_it;
    }
    return true;
}

static bool begin(struct pen *pen, struct bytes32 *circle, enum act_scope scope, struct err *err)
{
    const char *name = act_scope_name(scope);
    const struct act creation = {.type = ACT_CREATE, .name = command_span(name), .scope = scope};
    struct event event;
    if (!pen_circle_create(pen, &event, &creation, err))
        return false;
    *circle = event.id;
    return true;
}

static bool set_members(struct pen *pen, const struct bytes32 *circle,
                        const struct projection_people *people, enum act_type type, struct err *err)
{
    for (size_t i = 0; i < people->count; i++) {
        const struct act act = {.type = type, .who = people->at[i], .role = ACT_READER};
        struct event event;
        if (!pen_circle_act(pen, &event, circle, &act, err))
            return false;
    }
    return true;
}

static bool find_members(struct pen *pen, struct projection_people *members,
                         const struct bytes32 *root, struct err *err)
{
    struct circle *circle;
    size_t count;
    if (!pen_circle_load(pen, &circle, root, err))
        return false;
    const struct circle_member *all = circle_members(circle, &pen->arena, &count);
    *members = (struct projection_people){.at = arena_array(&pen->arena, struct bytes32, count)};
    for (size_t i = 0; i < count; i++)
        if (memcmp(&all[i].key, pen_me(pen), sizeof all->key) != 0)
            members->at[members->count++] = all[i].key;
    projection_sort(members);
    circle_free(circle);
    return true;
}

/* Its members are those who are friends now, and nobody else has the key of what follows. */
static bool match_friends(struct pen *pen, const struct bytes32 *circle, struct err *err)
{
    struct projection_people friends, members;
    uint64_t count;
    if (!people_friends(pen->store, &friends, &pen->arena, pen_me(pen), err) ||
        !find_members(pen, &members, circle, err))
        return false;
    const struct projection_people come = people_less(&pen->arena, &friends, &members);
    const struct projection_people gone = people_less(&pen->arena, &members, &friends);
    if (come.count + gone.count == 0)
        return true;
    return set_members(pen, circle, &gone, ACT_REMOVE, err) &&
           set_members(pen, circle, &come, ACT_ADD, err) &&
           keyring_open(pen->store, pen->holder, &count, err) &&
           pen_circle_share(pen, &count, circle, err);
}

bool share_friends(struct pen *pen, struct err *err)
{
    struct bytes32 circle;
    bool is_there;
    if (!share_find(pen, &is_there, &circle, ACT_SCOPE_FRIENDS, err))
        return false;
    return !is_there || match_friends(pen, &circle, err);
}

/* ---- what the options say ---- */

static bool use(struct pen *pen, struct bytes32 *circle, enum act_scope scope, struct err *err)
{
    bool is_there;
    if (!share_find(pen, &is_there, circle, scope, err) ||
        (!is_there && !begin(pen, circle, scope, err)))
        return false;
    return scope != ACT_SCOPE_FRIENDS || match_friends(pen, circle, err);
}

bool share_read(struct share *share, struct pen *pen, const char *preset, struct err *err)
{
    const char *circle = command_value(pen->call, "circle");
    const char *scope = command_value(pen->call, "scope");
    *share = (struct share){0};
    if (circle != NULL && scope != NULL)
        return err_set(err, ERR_INVALID, "--scope or --circle, not both");
    if (circle != NULL)
        return command_circle_find(pen->store, &share->circle, circle, err);
    scope = scope != NULL ? scope : preset;
    share->is_public = strcmp(scope, "public") == 0;
    if (share->is_public)
        return true;
    for (enum act_scope i = ACT_SCOPE_SELF; i <= ACT_SCOPE_FRIENDS; i++)
        if (strcmp(scope, act_scope_name(i)) == 0)
            return use(pen, &share->circle, i, err);
    return err_set(err, ERR_INVALID, "--scope: expected public, friends or self, got '%.20s'",
                   scope);
}

bool share_change(struct pen *pen, struct pen_change *change, const char *preset, struct err *err)
{
    struct share share;
    return share_read(&share, pen, preset, err) &&
           (share.is_public || pen_join(pen, change, &share.circle, err));
}

bool share_put(struct pen *pen, struct event *event, struct draft *draft, const char *preset,
               struct err *err)
{
    struct share share;
    bool ok = share_read(&share, pen, preset, err) &&
              (share.is_public || pen_circle_may_write(pen, &share.circle, err));
    if (!ok) {
        draft_clear(draft);
        return false;
    }
    if (!share.is_public)
        draft_tag_id(draft, SPAN("h"), &share.circle, SPAN(""));
    return pen_sign(pen, event, draft, err) &&
           (share.is_public ? pen_put(pen, event, err)
                            : pen_circle_put(pen, &share.circle, event, err));
}

void share_describe(struct text *out)
{
    text_add(out,
             SPAN("who reads it:\n"
                  "  --scope public   everybody\n"
                  "  --scope friends  you and your friends: shoal friend list\n"
                  "  --scope self     you alone, on all devices that have your key\n"
                  "  --circle NAME    the members of that circle\n"
                  "All but what is public leaves here sealed. Relays see that you wrote, when, "
                  "how much, and\nwho is in the circle, also in that of your friends. What was "
                  "written in a scope stays in it.\nA friend who comes reads what was written "
                  "before; one who goes keeps what he has, and reads\nnothing of what you "
                  "write after: the next thing for friends has a new key.\n"));
}
