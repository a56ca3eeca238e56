/* nwc.h - what is said to a wallet service, and what it says: a connection string, requests,
 * answers and notifications, as text before it is sealed and after it was opened.
 *
 *   units      msat: thousandths of a satoshi; unix seconds
 *   ownership  spans of what was read live in the arena, or point into the text. A place holds a
 *              secret: it is kept in memory of secret_new
 *   threads    pure
 *   errors     ERR_INVALID: no connection string, no message of NIP-47
 *   spec       NIP-47
 */
#pragma once

#include "shared/base.h"
#include "shared/kind.h"

struct arena;
struct err;
struct event;
struct text;

enum { NWC_RELAYS_MAX = 4, NWC_RELAY_CHARS_MAX = 255, NWC_TEXT_BYTES_MAX = 65535 };

/* ---- who, and where ---- */

struct nwc_place {
    struct bytes32 wallet; /* the service's key */
    struct bytes32 secret; /* of the key that this connection is for */
    uint32_t relay_count;
    char relays[NWC_RELAYS_MAX][NWC_RELAY_CHARS_MAX + 1];
};

/* nostr+walletconnect://KEY?relay=URL&secret=KEY */
MUST_CHECK bool nwc_read_place(struct nwc_place *place, struct span text, struct err *err);

/* Whether an event of kind 13194 says that it seals as NIP-44 says. */
bool nwc_seals(const struct event *info);

/* ---- requests ---- */

void nwc_write_invoice(struct text *out, uint64_t msat, struct span description, uint32_t life_s);
void nwc_write_pay(struct text *out, struct span invoice);
void nwc_write_lookup(struct text *out, const struct bytes32 *hash);

/* ---- answers ---- */

enum nwc_fate {
    NWC_DONE,
    NWC_MISSING, /* it knows of no such payment */
    NWC_FAILED,  /* it could not pay: what became of it is to be looked up */
    NWC_REFUSED, /* it has not even tried */
    NWC_UNKNOWN  /* something went wrong there */
};

enum nwc_state { NWC_UNSAID, NWC_PENDING, NWC_SETTLED, NWC_OVER }; /* OVER: failed or expired */

struct nwc_payment {
    enum nwc_state state;
    bool is_outgoing, has_hash;
    struct bytes32 hash;
    struct span invoice, preimage; /* empty: not told */
    uint64_t msat, fees_msat;
};

struct nwc_answer {
    enum nwc_fate fate;
    char why[80]; /* unless DONE: what it says, in printable ASCII */
    struct nwc_payment payment;
};

MUST_CHECK bool nwc_read_answer(struct nwc_answer *answer, struct arena *arena, struct span text,
                                struct err *err);

/* Of kind 23197. is_received: a payment came in; otherwise it went out. */
MUST_CHECK bool nwc_read_notification(struct nwc_payment *payment, bool *is_received,
                                      struct arena *arena, struct span text, struct err *err);
