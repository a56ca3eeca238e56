/* bunker.h - a key that is kept far away, behind relays: asked to sign, seal and open.
 *
 * We speak with a key of our own, which the bunker knows us by. A request goes to all of its relays
 * that are there. The first reply counts that it signed, to us, with the request's id; what else
 * comes is ignored. What it signs is looked at: it must be what was asked for.
 *
 *   units      seconds
 *   ownership  bunker_new to bunker_free, or to the holder made of it
 *   threads    one; a question runs a loop of its own until it is answered
 *   errors     ERR_RESTRICTED: it refuses, does not answer, or answers what was not asked;
 *              ERR_INTERNAL: no relay of it can be reached
 *   spec       NIP-46
 */
#pragma once

#include "client/bunker_wire.h"

struct bunker;
struct holder;

enum { BUNKER_TIMEOUT_S = 60, BUNKER_PERSON_S = 300 }; /* PERSON: that somebody has to say yes */

struct bunker_setup {
    struct holder *client;            /* the key that we speak with; goes with it */
    const struct bunker_place *place; /* borrowed for the call */
    struct span proxy;                /* SOCKS5; len 0: none */
    const char *ca_file;              /* PEM; NULL: none */
    uint32_t timeout_s;               /* 0: BUNKER_TIMEOUT_S */
    /* It wants a person to open this page, which is http or https in printable ASCII. */
    void (*told)(const void *owner, const char *page);
    const void *owner;
};

/* Says nothing yet. NULL on failure, and the client is freed. */
struct bunker *bunker_new(const struct bunker_setup *setup, struct err *err);

/* bunker may be NULL. */
void bunker_free(struct bunker *bunker);

/* Tells it that we are there, with the secret of its address. */
MUST_CHECK bool bunker_connect(struct bunker *bunker, struct err *err);

/* Waits until what is said to us at one of the relays reaches us. */
MUST_CHECK bool bunker_listen(struct bunker *bunker, struct err *err);

/* Waits for one that was shown our offer: whoever knows its secret is our bunker from now on.
 * BUNKER_PERSON_S. */
MUST_CHECK bool bunker_await(struct bunker *bunker, struct err *err);

/* Whose key it keeps. */
MUST_CHECK bool bunker_user(struct bunker *bunker, struct bytes32 *user, struct err *err);

MUST_CHECK bool bunker_ping(struct bunker *bunker, struct err *err);

/* What it was given, and what it found out. */
const struct bunker_place *bunker_at(const struct bunker *bunker);

/* The bunker goes with it. */
struct holder *bunker_holder(struct bunker *bunker, const struct bytes32 *user);
