/* rules.h - who may write what, as the operator's configuration says: lists of keys and kinds,
 * proof of work by kind, events a minute by key.
 *
 * What operators decide while the relay runs is control.h's; who is trusted by whom, trust.h's.
 *
 *   units      now_ms: milliseconds of a monotonic clock, passed in
 *   ownership  rules own what they have read; the texts are not kept
 *   threads    loop thread only
 *   errors     ERR_INVALID: what cannot be read; ERR_BLOCKED, ERR_RESTRICTED, ERR_RATE_LIMITED in
 *              the words the peer gets
 */
#pragma once

#include "shared/base.h"

struct err;
struct event;
struct rules;

/* Lists of keys: hex or npub, separated by spaces; "@/a/file" stands for the keys in it; of a line,
 * what follows # is left out. An allow list that is not empty lets nobody else write; one that is
 * not empty and names nobody, as a file that was lost its lines does, is refused. */
struct rules_setup {
    const char *kinds_allowed, *kinds_denied; /* as kind_set.h reads them */
    const char *pubkeys_allowed, *pubkeys_denied;
    const char *pow_kinds;  /* bits by kind, as "1=16 20-22=10": instead of the general ones */
    int64_t events_per_min; /* of a key; 0: no limit */
};

enum { RULES_KEYS_MAX = 1000000, RULES_POW_MAX = 64, RULES_PACED_MAX = 65536 };

/* NULL: err says why. */
struct rules *rules_new(const struct rules_setup *setup, struct err *err);
void rules_free(struct rules *rules);

/* May this key write this kind? is_let_in: somebody else has said that the key may. A gift wrap,
 * which is signed by a key of its own, counts as of those whom it is for. */
MUST_CHECK bool rules_admit(const struct rules *rules, const struct event *event, bool is_let_in,
                            struct err *err);

/* Bits of work that an event of the kind must have; otherwise: where no rule says. */
int64_t rules_pow_bits(const struct rules *rules, uint16_t kind, int64_t otherwise);

/* Takes one of the key's events of a minute. To be asked once its signature is known to be good:
 * else others could use them up. */
MUST_CHECK bool rules_pace(struct rules *rules, const struct bytes32 *pubkey, int64_t now_ms,
                           struct err *err);

/* Whether an event is of one of the keys that has knows, or a gift wrap for one. */
bool rules_counts_as(const struct event *event,
                     bool (*has)(const void *owner, const struct bytes32 *key), const void *owner);

/* Keys separated by spaces, as above, each handed to add. */
MUST_CHECK bool rules_read_keys(const char *text,
                                void (*add)(void *owner, const struct bytes32 *key), void *owner,
                                struct err *err);
