/* bunker_wire.h - what is said to a bunker, which keeps a key far away: its address, requests and
 * replies. Part of bunker.
 *
 *   ownership  what was parsed lives in the arena, or points into the text given
 *   threads    any
 *   errors     ERR_INVALID: no such address or reply
 *   spec       NIP-46
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct event;
struct text;

/* What we want it to do for us. */
#define BUNKER_PERMISSIONS "sign_event,nip44_encrypt,nip44_decrypt"

enum { BUNKER_RELAYS_MAX = 8, BUNKER_WORD_MAX = 2048 };

/* Where it is: bunker://KEY?relay=URL&relay=URL&secret=WORD */
struct bunker_place {
    struct bytes32 signer;                 /* its key, which is not the user's */
    struct span relays[BUNKER_RELAYS_MAX]; /* where it listens; more are left out */
    uint32_t relay_count;                  /* at least one */
    struct span secret;                    /* known to whom it lets in; empty: none */
    bool has_user;
    struct bytes32 user; /* whose key it keeps; only in what we keep ourselves */
};

/* Whether the word is to be read as an address at all. */
bool bunker_is(struct span word);

MUST_CHECK bool bunker_parse(struct bunker_place *place, struct arena *arena, struct span word,
                             struct err *err);

/* Without the secret, which lets in but once. */
void bunker_write(struct text *out, const struct bunker_place *place);

/* nostrconnect://, by which a bunker finds us; of place only the relays and the secret count. */
void bunker_write_offer(struct text *out, const struct bytes32 *client,
                        const struct bunker_place *place);

/* {"id":...,"method":...,"params":[...]}; params are UTF-8. */
void bunker_write_request(struct text *out, struct span id, const char *method,
                          const struct span *params, size_t count);

/* What is to be signed, as a bunker takes it: without id and signature. */
void bunker_write_unsigned(struct text *out, const struct event *event);

struct bunker_reply {
    struct span id, result, error; /* empty: absent or null */
};

MUST_CHECK bool bunker_parse_reply(struct bunker_reply *reply, struct arena *arena,
                                   struct span json, struct err *err);
