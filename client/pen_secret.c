/* pen_secret.c - circles whose members nobody else knows: how what is of them goes out. */
#include <sodium.h>

#include "client/catalog.h"
#include "client/circle.h"
#include "client/draft.h"
#include "client/epoch.h"
#include "client/holder.h"
#include "client/keyring.h"
#include "client/keys.h"
#include "client/pen_circle_parts.h"
#include "client/secret.h"
#include "client/wrap.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"

/* Signed by a key that is used once, so that nothing ties it to who wrote it, nor to another. */
static bool sign_once(struct pen *pen, struct event *event, struct draft *draft, struct err *err)
{
    struct bytes32 secret, aux;
    struct keys *keys = NULL;
    while (keys == NULL) { /* all but none of them are keys */
        randombytes_buf(&secret, sizeof secret);
        keys = keys_new(&secret);
    }
    secret_wipe(&secret, sizeof secret);
    randombytes_buf(&aux, sizeof aux);
    draft_finish(draft, event, &pen->arena);
    draft_clear(draft);
    struct holder *holder = holder_of_keys(keys);
    bool ok = holder_sign(holder, event, &aux, err);
    holder_free(holder);
    return ok;
}

bool pen_seal(struct pen *pen, const struct bytes32 *root, const struct event *event,
              const struct pen_seal *seal, struct err *err)
{
    struct draft draft = {0};
    struct event outer;
    struct bytes32 nonce;
    randombytes_buf(&nonce, sizeof nonce);
    if (!epoch_seal(&draft, root, &seal->key, event, &nonce, err)) {
        draft_clear(&draft);
        return false;
    }
    return (seal->is_secret ? sign_once(pen, &outer, &draft, err)
                            : pen_sign(pen, &outer, &draft, err)) &&
           pen_put(pen, &outer, err) && catalog_settle(pen->store, err);
}

/* The last epoch of which we have the key, whoever else has it. */
static bool find_last(struct pen *pen, bool *has, struct bytes32 *key, struct circle *circle,
                      struct err *err)
{
    uint64_t last = 0;
    *has = false;
    for (size_t i = 0; i < circle_count(circle); i++) {
        const struct circle_change *change = circle_change(circle, i);
        struct bytes32 found;
        bool is_here;
        if (change->act.type != ACT_EPOCH || change->hlc < last || !circle_stands(circle, i))
            continue;
        if (!keyring_find(pen->store, &is_here, &found, &change->act.epoch, err))
            return false;
        if (is_here) {
            last = change->hlc;
            *key = found;
            *has = true;
        }
    }
    return true;
}

bool pen_secret_find(struct pen *pen, struct pen_seal *seal, const struct bytes32 *root,
                     struct err *err)
{
    struct circle *circle;
    bool has = true;
    *seal = (struct pen_seal){0};
    if (!pen_circle_load(pen, &circle, root, err))
        return false;
    seal->is_secret = circle_creation(circle)->is_secret;
    bool ok = !seal->is_secret || find_last(pen, &has, &seal->key, circle, err);
    circle_free(circle);
    if (ok && !has) /* it has just begun */
        ok = keyring_any(pen->store, &seal->key, root, err);
    return ok;
}

/* ---- handing it over ---- */

static bool hand_to(struct pen *pen, const struct epoch_share *share, const struct bytes32 *who,
                    struct err *err)
{
    struct bytes32 nonces[2];
    struct epoch_share one = *share;
    struct draft draft = {.created_at = pen_circle_now(pen)};
    struct event rumor, wrap;
    struct wrap_seed seed;
    struct text json = {0};
    randombytes_buf(nonces, sizeof nonces);
    one.people = who;
    one.people_count = 1;
    one.nonces = nonces;
    bool ok = epoch_draft(&draft, pen->holder, &one, err);
    draft_finish(&draft, &rumor, &pen->arena);
    draft_clear(&draft);
    rumor.pubkey = *pen_me(pen);
    rumor.id = event_hash(&rumor, EVENT_FORM_JSON);
    randombytes_buf(&seed, sizeof seed);
    seed.is_ephemeral = false;
    seed.seal_at = wrap_time(pen_circle_now(pen), randombytes_random());
    seed.wrap_at = wrap_time(pen_circle_now(pen), randombytes_random());
    ok = ok && wrap_seal(&json, pen->holder, &rumor, who, &seed, err) &&
         event_parse(&wrap, &pen->arena, arena_copy(&pen->arena, text_span(&json)), err) &&
         pen_put(pen, &wrap, err);
    secret_wipe(&seed, sizeof seed);
    text_clear(&json);
    return ok;
}

bool pen_secret_hand(struct pen *pen, const struct epoch_share *share, const struct bytes32 *people,
                     size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&people[i], pen_me(pen), sizeof *people) != 0 &&
            !hand_to(pen, share, &people[i], err))
            return false;
    return true;
}
