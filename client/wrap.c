#include "client/wrap.h"

#include <assert.h>

#include "client/box.h"
#include "client/draft.h"
#include "client/keys.h"
#include "client/secret.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/sig.h"

int64_t wrap_time(int64_t now, uint32_t random)
{
    int64_t past = random % WRAP_PAST_SECONDS;
    return now > past ? now - past : 0;
}

/* Adds the text, sealed from keys to peer. */
static bool add_sealed(struct text *out, const struct keys *keys, const struct bytes32 *peer,
                       struct span plain, const struct bytes32 *nonce, struct err *err)
{
    struct bytes32 key;
    if (!box_key(&key, keys, peer))
        return err_set(err, ERR_INVALID, "the recipient's key is not a point of the curve");
    bool ok = box_seal(out, &key, plain, nonce, err);
    secret_wipe(&key, sizeof key);
    return ok;
}

/* Signs a draft with keys and appends it. */
static void write_signed(struct text *out, const struct draft *draft, const struct keys *keys,
                         const struct bytes32 *aux)
{
    struct arena arena = {0};
    struct event event;
    draft_finish(draft, &event, &arena);
    keys_sign(keys, &event, aux);
    event_write(out, &event);
    arena_clear(&arena);
}

static bool write_seal(struct text *out, const struct keys *keys, const struct event *rumor,
                       const struct bytes32 *recipient, const struct wrap_seed *seed,
                       struct err *err)
{
    struct draft draft = {.kind = KIND_SEAL, .created_at = seed->seal_at};
    struct text json = {0};
    event_write_rumor(&json, rumor);
    bool ok = add_sealed(&draft.content, keys, recipient, text_span(&json), &seed->seal_nonce, err);
    if (ok)
        write_signed(out, &draft, keys, &seed->seal_aux);
    text_clear(&json);
    draft_clear(&draft);
    return ok;
}

bool wrap_seal(struct text *out, const struct keys *keys, const struct event *rumor,
               const struct bytes32 *recipient, const struct wrap_seed *seed, struct err *err)
{
    struct keys *once = keys_new(&seed->secret);
    if (once == NULL)
        return err_set(err, ERR_INTERNAL, "random bytes that are no key");
    struct draft draft = {.kind = KIND_GIFT_WRAP, .created_at = seed->wrap_at};
    struct text seal = {0};
    bool ok = write_seal(&seal, keys, rumor, recipient, seed, err) &&
              add_sealed(&draft.content, once, recipient, text_span(&seal), &seed->wrap_nonce, err);
    if (ok) {
        draft_tag_id(&draft, SPAN("p"), recipient, SPAN(""));
        write_signed(out, &draft, once, &seed->wrap_aux);
    }
    text_clear(&seal);
    draft_clear(&draft);
    keys_free(once);
    return ok;
}

/* The content of event, opened, in the arena. */
static bool open_content(struct span *plain, struct arena *arena, const struct keys *keys,
                         const struct event *event, struct err *err)
{
    struct bytes32 key;
    struct text out = {0};
    struct scan_string content = {event->content_json, true};
    if (!box_key(&key, keys, &event->pubkey))
        return err_set(err, ERR_INVALID, "sealed by a key that is not a point of the curve");
    bool ok = box_open(&out, &key, scan_decode(arena, content), err);
    secret_wipe(&key, sizeof key);
    if (ok)
        *plain = arena_copy(arena, text_span(&out));
    if (out.at != NULL)
        secret_wipe(out.at, out.capacity);
    text_clear(&out);
    return ok;
}

static bool check_seal(const struct event *seal, struct err *err)
{
    if (seal->kind != KIND_SEAL)
        return err_set(err, ERR_INVALID, "a gift wrap around kind %u, which is no seal",
                       seal->kind);
    if (!event_check_id(seal) || !sig_verify(&seal->sig, &seal->id, &seal->pubkey))
        return err_set(err, ERR_INVALID, "a seal whose signature is wrong");
    return true;
}

bool wrap_open(struct event *rumor, struct arena *arena, const struct keys *keys,
               const struct event *wrap, struct err *err)
{
    struct event seal;
    struct span plain;
    if (wrap->kind != KIND_GIFT_WRAP && wrap->kind != KIND_EPHEMERAL_GIFT_WRAP)
        return err_set(err, ERR_INVALID, "kind %u is no gift wrap", wrap->kind);
    if (!open_content(&plain, arena, keys, wrap, err) || !event_parse(&seal, arena, plain, err) ||
        !check_seal(&seal, err) || !open_content(&plain, arena, keys, &seal, err) ||
        !event_parse_rumor(rumor, arena, plain, err))
        return false;
    if (memcmp(&rumor->pubkey, &seal.pubkey, sizeof seal.pubkey) != 0)
        return err_set(err, ERR_INVALID, "sealed by another than it says wrote it");
    if (!event_check_id(rumor))
        return err_set(err, ERR_INVALID, "a sealed event whose id is wrong");
    rumor->sig = (struct bytes64){0};
    return true;
}
