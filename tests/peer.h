/* peer.h - a bunker in a process of its own, behind a real relay: honest, or not.
 *
 *   errors  a failed assertion of the running test
 */
#pragma once

#include <sys/types.h>

#include "shared/base.h"

enum peer_manner {
    PEER_HONEST,
    PEER_NOISY,   /* honest, after all kinds of rubbish */
    PEER_ASKS,    /* honest, after a page that is to be opened */
    PEER_REFUSES, /* all but connect and get_public_key */
    PEER_SILENT,  /* says rubbish, and never an answer */
    PEER_ALTERS,  /* signs something else */
    PEER_FORGES,  /* signs with another key */
    PEER_BREAKS,  /* signs, and the signature is wrong */
    PEER_MUMBLES, /* its results are no events, no keys, nothing */
};

struct peer_setup {
    const char *url;
    enum peer_manner manner;
    const char *secret;           /* whoever connects has to know it; NULL: nothing */
    const struct bytes32 *client; /* who has offered to speak with it, with that secret; or NULL */
};

/* Its own key, and the key that it keeps. */
extern const struct bytes32 peer_secret, peer_user_secret;

/* Listens at the relay when this returns. */
pid_t peer_start(const struct peer_setup *setup);
void peer_stop(pid_t peer);
