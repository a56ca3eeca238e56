/* shoal_circle.c - circles: who is in one, and the keys of what is sealed for it. */
#include "client/catalog_circle.h"
#include "client/circle.h"
#include "client/hlc.h"
#include "client/holder.h"
#include "client/keyring.h"
#include "client/pen_circle.h"
#include "client/pen_text.h"
#include "client/person.h"
#include "client/shoal_parts.h"
#include "shared/utf8.h"

/* One event of a circle. */
struct writing {
    struct act act;
    struct bytes32 root; /* of what is new, once it is written */
};

static bool write_new(void *owner, struct pen *pen, struct err *err)
{
    struct writing *writing = owner;
    const struct act *act = &writing->act;
    struct event event;
    if (act->name.len == 0 || act->name.len > ACT_NAME_BYTES_MAX || !utf8_is(act->name))
        return err_set(err, ERR_INVALID, "a name is 1 to %d bytes of UTF-8", ACT_NAME_BYTES_MAX);
    if (!pen_circle_create(pen, &event, act, err))
        return false;
    writing->root = event.id;
    return true;
}

bool shoal_circle_new(struct shoal_store *store, const struct shoal_keys *keys, const char *name,
                      bool is_open, char id[SHOAL_HEX_SIZE], struct shoal_error *error)
{
    struct writing writing = {
        .act = {.type = ACT_CREATE, .name = shoal_span(name), .is_open = is_open}};
    if (!shoal_write(store, keys, write_new, &writing, error))
        return false;
    shoal_hex(id, &writing.root);
    return true;
}

/* The keys that came are opened, and given to who lacks one; a new one is made where it must be. */
static bool write_act(void *owner, struct pen *pen, struct err *err)
{
    const struct writing *writing = owner;
    struct event event;
    uint64_t count;
    return pen_circle_act(pen, &event, &writing->root, &writing->act, err) &&
           keyring_open(pen->store, pen->holder, &count, err) &&
           (writing->act.type == ACT_LEAVE || (pen_circle_share(pen, &count, &writing->root, err) &&
                                               pen_text_mend(pen, &count, &writing->root, err)));
}

bool shoal_circle_role(struct shoal_store *store, const char *circle, const char *who,
                       enum shoal_role *role, struct shoal_error *error)
{
    struct bytes32 root, key;
    struct circle_member member;
    struct circle *loaded;
    struct err err;
    if (!shoal_reference(&root, circle, error))
        return false;
    if (!person_parse(&key, shoal_span(who), &err) || !shoal_store_ready(store, &err) ||
        !catalog_circle(store->store, &loaded, &root, shoal_now_ms() + HLC_AHEAD_MAX_MS, &err))
        return shoal_fail(error, &err);
    bool ok = circle_creation(loaded) != NULL ||
              err_set(&err, ERR_INVALID, "it is no circle that is here");
    *role = SHOAL_NOBODY;
    if (ok && circle_member(loaded, &member, &key))
        *role = (enum shoal_role)(SHOAL_READER + (int)member.role);
    circle_free(loaded);
    return ok || shoal_fail(error, &err);
}

/* What makes somebody who is now one thing another. */
static bool choose_act(struct act *act, enum shoal_role now, enum shoal_role role, bool is_me)
{
    if (role < SHOAL_NOBODY || role > SHOAL_ADMIN)
        return false;
    if (role == SHOAL_NOBODY) {
        act->type = is_me ? ACT_LEAVE : ACT_REMOVE;
        return true;
    }
    act->type = now == SHOAL_NOBODY ? ACT_ADD : ACT_ROLE;
    act->role = (enum act_role)(role - SHOAL_READER);
    return true;
}

bool shoal_circle_set_role(struct shoal_store *store, const struct shoal_keys *keys,
                           const char *circle, const char *who, enum shoal_role role,
                           struct shoal_error *error)
{
    struct writing writing = {.act = {.type = ACT_ADD}};
    enum shoal_role now = SHOAL_NOBODY;
    struct bytes32 key;
    struct err err;
    if (!shoal_circle_role(store, circle, who, &now, error) ||
        !shoal_reference(&writing.root, circle, error))
        return false;
    bool is_me = person_parse(&key, shoal_span(who), NULL) &&
                 memcmp(&key, holder_pubkey(keys->holder), sizeof key) == 0;
    writing.act.who = key;
    if (!choose_act(&writing.act, now, role, is_me)) {
        err_fill(&err, ERR_INVALID, "no role");
        return shoal_fail(error, &err);
    }
    return shoal_write(store, keys, write_act, &writing, error);
}

static bool open_keys(void *owner, struct pen *pen, struct err *err)
{
    return keyring_open(pen->store, pen->holder, owner, err);
}

bool shoal_circle_unlock(struct shoal_store *store, const struct shoal_keys *keys, uint64_t *opened,
                         struct shoal_error *error)
{
    return shoal_write(store, keys, open_keys, opened, error);
}
