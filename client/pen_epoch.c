/* pen_epoch.c - the keys of a circle, as a pen makes and shares them. */
#include <sodium.h>

#include "client/catalog.h"
#include "client/circle.h"
#include "client/draft.h"
#include "client/epoch.h"
#include "client/hlc.h"
#include "client/keyring.h"
#include "client/pen_circle.h"
#include "client/pen_circle_parts.h"
#include "client/secret.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"

enum { SECRET_PEOPLE_MAX = 100 }; /* in one event, which is sealed in another */

static bool is_admin(const struct pen *pen, struct circle *circle)
{
    struct circle_member me;
    return circle_member_at(circle, &me, pen_me(pen), pen_circle_now(pen)) && me.role == ACT_ADMIN;
}

/* Whether an epoch began after every removal, and not only was passed on after it. */
static bool is_fit(struct circle *circle, const struct bytes32 *epoch, enum act_type after)
{
    for (size_t i = 0; i < circle_count(circle); i++) {
        const struct circle_change *change = circle_change(circle, i);
        if (change->act.type != ACT_EPOCH || !circle_stands(circle, i) ||
            memcmp(&change->act.epoch, epoch, sizeof *epoch) != 0)
            continue;
        for (size_t j = 0; j < circle_count(circle); j++)
            if (circle_change(circle, j)->is_removal &&
                circle_change(circle, j)->act.type == after && !circle_view_has(&change->view, j))
                return false;
    }
    return true;
}

/* Whether nobody whose time was over since an epoch began has its key. */
static bool is_timely(const struct pen *pen, struct circle *circle,
                      const struct circle_change *epoch)
{
    for (size_t i = 0; i < circle_count(circle); i++) {
        const struct act *act = &circle_change(circle, i)->act;
        struct circle_member member;
        if (circle_change(circle, i)->is_grant && act->until != 0 &&
            act->until < pen_circle_now(pen) && act->until >= hlc_seconds(epoch->hlc) &&
            !circle_member_at(circle, &member, &act->who, pen_circle_now(pen)))
            return false;
    }
    return true;
}

/* The latest epoch of which we have the key, and that nobody knows who was removed. */
bool pen_epoch_choose(struct pen *pen, struct circle *circle, bool *has, struct bytes32 *key,
                      struct err *err)
{
    const struct circle_change *best = NULL;
    *has = false;
    for (size_t i = 0; i < circle_count(circle); i++) {
        const struct circle_change *change = circle_change(circle, i);
        struct bytes32 found;
        bool is_here;
        if (change->act.type != ACT_EPOCH || !circle_stands(circle, i) ||
            !is_fit(circle, &change->act.epoch, ACT_REMOVE) ||
            (is_admin(pen, circle) &&
             (!is_fit(circle, &change->act.epoch, ACT_LEAVE) || !is_timely(pen, circle, change))) ||
            (best != NULL &&
             (best->hlc > change->hlc ||
              (best->hlc == change->hlc && memcmp(&best->id, &change->id, sizeof change->id) < 0))))
            continue;
        if (!keyring_find(pen->store, &is_here, &found, &change->act.epoch, err))
            return false;
        if (is_here) {
            best = change;
            *key = found;
            *has = true;
        }
    }
    return true;
}

static bool share_some(struct pen *pen, const struct bytes32 *root, struct epoch_share *share,
                       struct err *err)
{
    struct bytes32 parents[NODE_PARENTS_MAX];
    struct node node = {0};
    struct draft draft = {0};
    struct event event;
    struct pen_seal seal;
    size_t nonces = share->people_count + 1;
    struct bytes32 *random = arena_array(&pen->arena, struct bytes32, nonces);
    randombytes_buf(random, nonces * sizeof *random);
    share->nonces = random;
    if (!pen_circle_next(pen, &node, parents, root, err) || !pen_secret_find(pen, &seal, root, err))
        return false;
    if (!epoch_draft(&draft, pen->holder, share, err)) {
        draft_clear(&draft);
        return false;
    }
    bool ok = pen_circle_write(pen, &event, &node, &draft, &seal, err) &&
              pen_circle_counts(pen, &event, root, err);
    secret_wipe(&seal, sizeof seal);
    return ok;
}

/* The last that we have, as many as fit; behind them are those before. */
static bool find_earlier(struct pen *pen, struct epoch_share *share, struct err *err)
{
    struct bytes32 *keys = arena_array(&pen->arena, struct bytes32, EPOCH_EARLIER_MAX), key;
    struct circle *circle;
    bool has, ok = pen_circle_load(pen, &circle, &share->circle, err);
    if (!ok)
        return false;
    share->earlier = keys;
    for (size_t i = circle_count(circle); ok && i > 0; i--) {
        const struct circle_change *change = circle_change(circle, i - 1);
        if (change->act.type != ACT_EPOCH || share->earlier_count == EPOCH_EARLIER_MAX)
            continue;
        ok = keyring_find(pen->store, &has, &key, &change->act.epoch, err);
        bool is_last = share->earlier_count > 0 &&
                       memcmp(&keys[share->earlier_count - 1], &key, sizeof key) == 0;
        if (ok && has && !is_last)
            keys[share->earlier_count++] = key;
    }
    circle_free(circle);
    return ok;
}

/* People who were given the key of an epoch; NULL: of any. */
struct given {
    const struct bytes32 *epoch;
    struct arena *arena;
    struct bytes32 *at;
    size_t count;
};

static bool add_given(void *owner, const struct catalog_event *found)
{
    struct given *given = owner;
    struct arena arena = {0};
    struct event event;
    struct act act;
    bool ok = event_parse(&event, &arena, found->json, NULL) &&
              act_parse(&act, &arena, &event, NULL) &&
              (given->epoch == NULL || memcmp(&act.epoch, given->epoch, sizeof act.epoch) == 0);
    for (uint32_t i = 0; ok && i < event.tag_count; i++) {
        const struct tag *tag = &event.tags[i];
        struct bytes32 key;
        if (tag->count < 4 || !span_eq(tag->items[0], SPAN("p")) ||
            !hex_decode(key.at, sizeof key.at, tag->items[1]))
            continue;
        given->at = arena_grow(given->arena, struct bytes32, given->at, given->count);
        given->at[given->count++] = key;
    }
    arena_clear(&arena);
    return true;
}

static bool find_given(struct pen *pen, struct given *given, const struct bytes32 *root,
                       struct err *err)
{
    static const uint16_t kind = KIND_KEY_EPOCH;
    char hex[2 * sizeof root->at];
    hex_encode(hex, root->at, sizeof root->at);
    const struct span value = SPAN_OF(hex);
    const struct filter_tag tag = {.letter = 'h', .count = 1, .values = &value};
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = FILTER_NO_LIMIT,
                                  .kinds = {.count = 1, .at = &kind},
                                  .tag_count = 1,
                                  .tags = &tag};
    return catalog_each(pen->store, &filter, add_given, given, err);
}

/* Takes out of people those who were given it. */
static size_t keep_others(struct bytes32 *people, size_t count, const struct given *given)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool has = false;
        for (size_t j = 0; j < given->count && !has; j++)
            has = memcmp(&given->at[j], &people[i], sizeof *people) == 0;
        if (!has)
            people[kept++] = people[i];
    }
    return kept;
}

/* A secret history says nothing to who has no key of it yet. */
static bool hand_over(struct pen *pen, const struct epoch_share *share,
                      const struct bytes32 *people, size_t count, struct err *err)
{
    struct given found = {.arena = &pen->arena};
    struct bytes32 *others = arena_array(&pen->arena, struct bytes32, count);
    if (count > 0)
        memcpy(others, people, count * sizeof *people);
    if (!find_given(pen, &found, &share->circle, err))
        return false;
    return pen_secret_hand(pen, share, others, keep_others(others, count, &found), err);
}

static bool share_key(struct pen *pen, const struct bytes32 *root, const struct bytes32 *key,
                      const struct bytes32 *people, size_t count, struct err *err)
{
    struct epoch_share share = {.circle = *root, .key = *key};
    struct pen_seal seal;
    if (!find_earlier(pen, &share, err) || !pen_secret_find(pen, &seal, root, err))
        return false;
    uint32_t max = seal.is_secret ? SECRET_PEOPLE_MAX : EPOCH_PEOPLE_MAX;
    secret_wipe(&seal.key, sizeof seal.key);
    if (seal.is_secret && !hand_over(pen, &share, people, count, err))
        return false;
    for (size_t i = 0; i < count; i += share.people_count) {
        size_t left = count - i;
        share.people = people + i;
        share.people_count = left < max ? (uint32_t)left : max;
        if (!share_some(pen, root, &share, err))
            return false;
    }
    return true;
}

static struct bytes32 *members_of(struct pen *pen, struct circle *circle, size_t *count)
{
    size_t all;
    const struct circle_member *members = circle_members(circle, &pen->arena, &all);
    struct bytes32 *keys = arena_array(&pen->arena, struct bytes32, all);
    struct circle_member one;
    *count = 0;
    for (size_t i = 0; i < all; i++)
        if (circle_member_at(circle, &one, &members[i].key, pen_circle_now(pen)))
            keys[(*count)++] = members[i].key;
    return keys;
}

bool pen_epoch_begin(struct pen *pen, const struct bytes32 *root, const struct bytes32 *key,
                     struct err *err)
{
    struct circle *circle;
    size_t count;
    if (!pen_circle_load(pen, &circle, root, err))
        return false;
    bool may = is_admin(pen, circle) && !circle_creation(circle)->is_open;
    const struct bytes32 *people = members_of(pen, circle, &count);
    circle_free(circle);
    if (!may)
        return err_set(err, ERR_RESTRICTED, "only admins make keys, of circles that are sealed");
    return share_key(pen, root, key, people, count, err) && keyring_add(pen->store, root, key, err);
}

bool pen_circle_rotate(struct pen *pen, const struct bytes32 *root, struct err *err)
{
    struct bytes32 key;
    randombytes_buf(&key, sizeof key);
    bool ok = pen_epoch_begin(pen, root, &key, err);
    secret_wipe(&key, sizeof key);
    return ok;
}

bool pen_circle_share(struct pen *pen, uint64_t *given, const struct bytes32 *root, struct err *err)
{
    struct circle *circle;
    struct bytes32 key;
    size_t count;
    bool has;
    *given = 0;
    if (!pen_circle_load(pen, &circle, root, err))
        return false;
    bool may = is_admin(pen, circle) && !circle_creation(circle)->is_open;
    struct bytes32 *people = members_of(pen, circle, &count);
    bool ok = pen_epoch_choose(pen, circle, &has, &key, err);
    circle_free(circle);
    if (!ok || !may)
        return ok;
    if (!has) {
        *given = count;
        return pen_circle_rotate(pen, root, err);
    }
    struct bytes32 name = epoch_name(root, &key);
    struct given found = {.epoch = &name, .arena = &pen->arena};
    ok = find_given(pen, &found, root, err);
    if (ok) {
        count = keep_others(people, count, &found);
        *given = count;
        ok = count == 0 || share_key(pen, root, &key, people, count, err);
    }
    secret_wipe(&key, sizeof key);
    return ok;
}
