/* wrap.h - an event that nobody but one person can see: who wrote it, to whom, what, and when.
 *
 * The event, a rumor, is not signed. The author signs a seal around it, and a key that is used
 * once signs a gift wrap around that. Relays see the recipient and a time that is not the time.
 *
 *   units      times are unix seconds
 *   ownership  a rumor that was unwrapped lives in the arena
 *   threads    any
 *   errors     ERR_INVALID: no gift for us, or one whose author is not who it says; what
 *              holder.h says
 *   spec       NIP-59
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct event;
struct holder;
struct text;

enum { WRAP_PAST_SECONDS = 2 * 24 * 60 * 60 };

/* Fresh for every wrap. */
struct wrap_seed {
    struct bytes32 seal_nonce, seal_aux; /* random */
    struct bytes32 secret;               /* random: the key that is used once */
    struct bytes32 wrap_nonce, wrap_aux; /* random */
    int64_t seal_at, wrap_at;            /* each a random while before now: wrap_time */
    bool is_ephemeral;                   /* relays pass it on and keep none; wrap_at is then now */
};

/* A time of the last two days. */
int64_t wrap_time(int64_t now, uint32_t random);

/* Appends a gift wrap as one line of JSON. rumor: its pubkey is that of holder, its id is right. */
MUST_CHECK bool wrap_seal(struct text *out, const struct holder *holder, const struct event *rumor,
                          const struct bytes32 *recipient, const struct wrap_seed *seed,
                          struct err *err);

/* The same of what is said now and kept by nobody: the rumor gets its author and its id, and the
 * wrap is ephemeral. seed: random bytes all over but for wrap_at, which is now; it is wiped. */
MUST_CHECK bool wrap_say(struct text *out, const struct holder *holder, struct event *rumor,
                         const struct bytes32 *recipient, struct wrap_seed *seed, struct err *err);

/* wrap: its id and signature have been checked. Those of the seal are checked here, and that both
 * inside are by one author. */
MUST_CHECK bool wrap_open(struct event *rumor, struct arena *arena, const struct holder *holder,
                          const struct event *wrap, struct err *err);
