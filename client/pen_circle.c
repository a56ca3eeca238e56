#include "client/pen_circle.h"

#include <sodium.h>

#include "client/catalog.h"
#include "client/catalog_circle.h"
#include "client/circle.h"
#include "client/draft.h"
#include "client/entity.h"
#include "client/epoch.h"
#include "client/hlc.h"
#include "client/keyring.h"
#include "client/pen_circle_parts.h"
#include "client/secret.h"
#include "client/store.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"

bool pen_circle_load(struct pen *pen, struct circle **circle, const struct bytes32 *root,
                     struct err *err)
{
    if (!catalog_circle(pen->store, circle, root, pen->now_ms + HLC_AHEAD_MAX_MS, err))
        return false;
    if (circle_creation(*circle) != NULL)
        return true;
    circle_free(*circle);
    *circle = NULL;
    return err_set(err, ERR_INVALID, "it is no circle that is here");
}

/* ---- the history ---- */

bool pen_circle_write(struct pen *pen, struct event *event, struct node *node, struct draft *draft,
                      const struct pen_seal *seal, struct err *err)
{
    node->has_writer = true;
    node->device = store_device(pen->store);
    if (!catalog_seq(pen->store, &node->seq, pen_me(pen), err)) {
        draft_clear(draft);
        return false;
    }
    node->seq++;
    node_draft(node, draft);
    if (seal->is_secret) /* what is inside is never to be sent (NIP-70) */
        draft_tag(draft, (struct span[]){SPAN("-")}, 1);
    if (!pen_sign(pen, event, draft, err))
        return false;
    if (!seal->is_secret)
        return pen_put(pen, event, err);
    const struct bytes32 *root = node_is_root(node) ? &event->id : &node->root;
    return (!node_is_root(node) || keyring_add(pen->store, root, &seal->key, err)) &&
           pen_seal(pen, root, event, seal, err);
}

static void draft_act(struct draft *draft, const struct act *act)
{
    draft->kind = KIND_CIRCLE_OP;
    act_write(&draft->content, act);
    if (act->type == ACT_ADD || act->type == ACT_GRANT || act->type == ACT_ROLE ||
        act->type == ACT_REMOVE)
        draft_tag_id(draft, SPAN("p"), &act->who, SPAN(""));
}

bool pen_circle_create(struct pen *pen, struct event *event, const struct act *act, struct err *err)
{
    struct node node = {0};
    struct draft draft = {0};
    struct pen_seal seal = {.is_secret = act->is_secret};
    if (!hlc_next(&node.hlc, 0, pen->now_ms, err))
        return false;
    randombytes_buf(&seal.key, sizeof seal.key);
    draft_act(&draft, act);
    bool ok = pen_circle_write(pen, event, &node, &draft, &seal, err) &&
              (act->is_open || pen_epoch_begin(pen, &event->id, &seal.key, err));
    secret_wipe(&seal, sizeof seal);
    return ok;
}

/* What was seen of who is removed stays. */
static bool find_seen(struct pen *pen, struct node *node, const struct bytes32 *root,
                      const struct act *act, struct err *err)
{
    struct catalog_last last = {.circle = root,
                                .author = &act->who,
                                .ids = arena_array(&pen->arena, struct bytes32, NODE_SEEN_MAX),
                                .max = NODE_SEEN_MAX};
    if (act->type != ACT_REMOVE && act->type != ACT_ROLE && act->type != ACT_LEAVE)
        return true;
    if (!catalog_last(pen->store, &last, err))
        return false;
    node->seen = last.ids;
    node->seen_count = (uint32_t)last.count;
    return true;
}

/* That the act counts, as everybody else will judge it. */
bool pen_circle_counts(struct pen *pen, const struct event *event, const struct bytes32 *root,
                       struct err *err)
{
    struct circle *circle;
    bool counts = false;
    if (!pen_circle_load(pen, &circle, root, err))
        return false;
    for (size_t i = 0; i < circle_count(circle); i++)
        counts = counts || memcmp(&circle_change(circle, i)->id, &event->id, sizeof event->id) == 0;
    circle_free(circle);
    return counts || err_set(err, ERR_RESTRICTED, "the circle does not let you do that");
}

bool pen_circle_next(struct pen *pen, struct node *node, struct bytes32 *parents,
                     const struct bytes32 *root, struct err *err)
{
    struct circle *circle;
    if (!pen_circle_load(pen, &circle, root, err))
        return false;
    bool ok = entity_next(circle_entity(circle), node, parents, pen->now_ms, err);
    circle_free(circle);
    return ok;
}

bool pen_circle_act(struct pen *pen, struct event *event, const struct bytes32 *root,
                    const struct act *act, struct err *err)
{
    struct bytes32 parents[NODE_PARENTS_MAX];
    struct node node = {0};
    struct draft draft = {0};
    struct pen_seal seal;
    if (!pen_circle_next(pen, &node, parents, root, err) ||
        !find_seen(pen, &node, root, act, err) || !pen_secret_find(pen, &seal, root, err))
        return false;
    draft_act(&draft, act);
    bool ok = pen_circle_write(pen, event, &node, &draft, &seal, err) &&
              pen_circle_counts(pen, event, root, err);
    secret_wipe(&seal, sizeof seal);
    return ok;
}

/* ---- what is sealed ---- */

/* The key to seal with; an admin makes one where there is none. */
static bool find_key(struct pen *pen, struct bytes32 *key, const struct bytes32 *root,
                     struct err *err)
{
    struct circle *circle;
    uint64_t count;
    bool has = false;
    if (!keyring_open(pen->store, pen->holder, &count, err) ||
        !pen_circle_share(pen, &count, root, err) || !pen_circle_load(pen, &circle, root, err))
        return false;
    bool ok = pen_epoch_choose(pen, circle, &has, key, err);
    circle_free(circle);
    if (ok && !has)
        return err_set(err, ERR_RESTRICTED,
                       "the key since somebody was removed is not here: fetch, and try again");
    return ok;
}

static bool seal(struct pen *pen, const struct bytes32 *root, const struct event *event,
                 bool is_secret, struct err *err)
{
    struct pen_seal how = {.is_secret = is_secret};
    bool ok = find_key(pen, &how.key, root, err) && pen_seal(pen, root, event, &how, err);
    secret_wipe(&how, sizeof how);
    return ok;
}

bool pen_circle_may_write(struct pen *pen, const struct bytes32 *root, struct err *err)
{
    struct circle *circle;
    if (!pen_circle_load(pen, &circle, root, err))
        return false;
    bool may = pen_circle_check(pen, circle, NULL, KIND_KNOWLEDGE, err);
    circle_free(circle);
    return may;
}

bool pen_circle_check(struct pen *pen, struct circle *circle, const struct bytes32 *entity,
                      uint16_t kind, struct err *err)
{
    const struct circle_case question = {.author = pen_me(pen),
                                         .entity = entity,
                                         .role = ACT_WRITER,
                                         .kind = kind,
                                         .at = pen_circle_now(pen)};
    return circle_allows(circle, &question) ||
           err_set(err, ERR_RESTRICTED, "the circle does not let you write");
}

/* Where it may write is what all others will judge it by. */
static bool check_place(struct pen *pen, struct circle *circle, const struct event *event,
                        struct err *err)
{
    struct node node;
    return !node_parse(&node, &pen->arena, event, NULL) ||
           pen_circle_check(pen, circle, node_is_root(&node) ? NULL : &node.root, node.kind, err);
}

bool pen_circle_put(struct pen *pen, const struct bytes32 *root, const struct event *event,
                    struct err *err)
{
    struct circle *circle;
    if (!pen_circle_load(pen, &circle, root, err))
        return false;
    bool is_open = circle_creation(circle)->is_open;
    bool is_secret = circle_creation(circle)->is_secret;
    bool may = check_place(pen, circle, event, err);
    circle_free(circle);
    return may && (is_open ? pen_put(pen, event, err) : seal(pen, root, event, is_secret, err));
}
