/* ticket.h - who sends an HTTP request: the event that signs it, or a console's token.
 *
 * Reading looks at nothing but the form; checking compares with the request; proving is the
 * cryptography, last, so that a stranger cannot make us do it.
 *
 *   units      now, created_at: unix seconds
 *   ownership  spans point into the header or the arena: both must outlive the ticket
 *   threads    pure
 *   errors     ERR_AUTH_REQUIRED: no ticket; ERR_INVALID: what is wrong with it
 *   spec       NIP-98
 */
#pragma once

#include "shared/base.h"
#include "shared/event.h"

struct arena;
struct err;
struct text;

enum { TICKET_AGE_S_MAX = 60, TICKET_TOKEN_BYTES = 32 };

struct ticket {
    bool is_token;       /* else an event */
    struct bytes32 hash; /* of the token */
    struct event event;
};

/* "Nostr <base64 of an event>" or "Bearer <token in hex>". */
MUST_CHECK bool ticket_read(struct ticket *ticket, struct arena *arena, struct span authorization,
                            struct err *err);

/* What the request is. */
struct ticket_request {
    const char *public_url; /* as in config */
    struct span local_ip;   /* 4 or 16 bytes */
    struct span method;
    struct span body;
    int64_t now;
};

/* An event: made just now, for this very request. */
MUST_CHECK bool ticket_check(const struct ticket *ticket, const struct ticket_request *request,
                             struct err *err);

/* An event: id and signature are right. */
MUST_CHECK bool ticket_prove(const struct ticket *ticket, struct err *err);

/* The other side: an event that signs a POST. */
struct ticket_draft {
    const struct bytes32 *secret, *pubkey, *aux; /* aux: 32 fresh random bytes */
    struct span url;                             /* without quotes and backslashes */
    struct span body;
    int64_t now;
};

/* Appends the event as JSON. False for a key that is none. */
MUST_CHECK bool ticket_write(struct text *out, const struct ticket_draft *draft);

/* By what a token is remembered: who reads the database has not got it. */
struct bytes32 ticket_token_hash(const char token[2 * TICKET_TOKEN_BYTES]);
