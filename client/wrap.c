#include "client/wrap.h"

#include <assert.h>

#include "client/draft.h"
#include "client/holder.h"
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

/* Signs a draft and appends it. */
static bool write_signed(struct text *out, const struct draft *draft, const struct holder *holder,
                         const struct bytes32 *aux, struct err *err)
{
    struct arena arena = {0};
    struct event event;
    draft_finish(draft, &event, &arena);
    bool ok = holder_sign(holder, &event, aux, err);
    if (ok)
        event_write(out, &event);
    arena_clear(&arena);
    return ok;
}

static bool write_seal(struct text *out, const struct holder *holder, const struct event *rumor,
                       const struct bytes32 *recipient, const struct wrap_seed *seed,
                       struct err *err)
{
    struct draft draft = {.kind = KIND_SEAL, .created_at = seed->seal_at};
    struct text json = {0};
    event_write_rumor(&json, rumor);
    bool ok =
        holder_seal(holder, &draft.content, recipient, text_span(&json), &seed->seal_nonce, err) &&
        write_signed(out, &draft, holder, &seed->seal_aux, err);
    text_clear(&json);
    draft_clear(&draft);
    return ok;
}

bool wrap_seal(struct text *out, const struct holder *holder, const struct event *rumor,
               const struct bytes32 *recipient, const struct wrap_seed *seed, struct err *err)
{
    struct keys *keys = keys_new(&seed->secret);
    if (keys == NULL)
        return err_set(err, ERR_INTERNAL, "random bytes that are no key");
    struct holder *once = holder_of_keys(keys);
    struct draft draft = {.kind = seed->is_ephemeral ? KIND_EPHEMERAL_GIFT_WRAP : KIND_GIFT_WRAP,
                          .created_at = seed->wrap_at};
    struct text seal = {0};
    draft_tag_id(&draft, SPAN("p"), recipient, SPAN(""));
    bool ok =
        write_seal(&seal, holder, rumor, recipient, seed, err) &&
        holder_seal(once, &draft.content, recipient, text_span(&seal), &seed->wrap_nonce, err) &&
        write_signed(out, &draft, once, &seed->wrap_aux, err);
    text_clear(&seal);
    draft_clear(&draft);
    holder_free(once);
    return ok;
}

bool wrap_say(struct text *out, const struct holder *holder, struct event *rumor,
              const struct bytes32 *recipient, struct wrap_seed *seed, struct err *err)
{
    rumor->pubkey = *holder_pubkey(holder);
    rumor->id = event_hash(rumor, EVENT_FORM_JSON);
    seed->is_ephemeral = true;
    seed->seal_at = wrap_time(seed->wrap_at, (uint32_t)seed->seal_at);
    bool ok = wrap_seal(out, holder, rumor, recipient, seed, err);
    secret_wipe(seed, sizeof *seed);
    return ok;
}

/* The content of event, opened, in the arena. */
static bool open_content(struct span *plain, struct arena *arena, const struct holder *holder,
                         const struct event *event, struct err *err)
{
    struct text out = {0};
    struct scan_string content = {event->content_json, true};
    bool ok = holder_open(holder, &out, &event->pubkey, scan_decode(arena, content), err);
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

bool wrap_open(struct event *rumor, struct arena *arena, const struct holder *holder,
               const struct event *wrap, struct err *err)
{
    struct event seal;
    struct span plain;
    if (wrap->kind != KIND_GIFT_WRAP && wrap->kind != KIND_EPHEMERAL_GIFT_WRAP)
        return err_set(err, ERR_INVALID, "kind %u is no gift wrap", wrap->kind);
    if (!open_content(&plain, arena, holder, wrap, err) || !event_parse(&seal, arena, plain, err) ||
        !check_seal(&seal, err) || !open_content(&plain, arena, holder, &seal, err) ||
        !event_parse_rumor(rumor, arena, plain, err))
        return false;
    if (memcmp(&rumor->pubkey, &seal.pubkey, sizeof seal.pubkey) != 0)
        return err_set(err, ERR_INVALID, "sealed by another than it says wrote it");
    if (!event_check_id(rumor))
        return err_set(err, ERR_INVALID, "a sealed event whose id is wrong");
    rumor->sig = (struct bytes64){0};
    return true;
}
