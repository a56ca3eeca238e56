#include "client/command_letter.h"

#include <sodium.h>

#include "client/command_pen.h"
#include "client/command_people.h"
#include "client/mailbox.h"
#include "client/secret.h"
#include "client/wrap.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/text.h"

/* Where somebody's messages are left, by their own list. */
static bool find_relays(struct pen *pen, const struct span **urls, size_t *count,
                        const struct bytes32 *who, struct err *err)
{
    struct mailbox mailbox = {0};
    const struct event *list;
    char hex[2 * sizeof who->at];
    *urls = pen->relays;
    *count = pen->relay_count;
    if (command_value(pen->call, "relay") != NULL)
        return true;
    if (!people_newest(pen->store, &list, &pen->arena, who, KIND_CHAT_RELAYS, err))
        return false;
    if (list != NULL)
        mailbox_read(&mailbox, list);
    if (mailbox.count == 0 && memcmp(who, pen_me(pen), sizeof *who) == 0)
        return true; /* our own: wherever all else goes */
    hex_encode(hex, who->at, sizeof who->at);
    if (mailbox.count == 0)
        return err_set(err, ERR_INVALID,
                       "%.8s has no list of relays here: shoal fetch --author, or --relay", hex);
    struct span *own = arena_array(&pen->arena, struct span, mailbox.count);
    for (uint32_t i = 0; i < mailbox.count; i++)
        own[i] = mailbox.relays[i].url;
    *urls = own;
    *count = mailbox.count;
    return true;
}

bool letter_send(struct pen *pen, const struct event *rumor, const struct bytes32 *to,
                 struct err *err)
{
    const struct span *urls;
    size_t count;
    struct wrap_seed seed;
    struct text json = {0};
    struct event wrap;
    if (!find_relays(pen, &urls, &count, to, err))
        return false;
    randombytes_buf(&seed, sizeof seed);
    seed.is_ephemeral = false; /* relays keep it until it is fetched */
    seed.seal_at = wrap_time(pen_now(), randombytes_random());
    seed.wrap_at = wrap_time(pen_now(), randombytes_random());
    bool ok = wrap_seal(&json, pen->holder, rumor, to, &seed, err) &&
              event_parse(&wrap, &pen->arena, arena_copy(&pen->arena, text_span(&json)), err) &&
              pen_put_at(pen, &wrap, urls, count, err);
    secret_wipe(&seed, sizeof seed);
    text_clear(&json);
    return ok;
}
