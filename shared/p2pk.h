/* p2pk.h - credit that is locked: a secret that says who may spend it, and from when who else.
 *
 * A secret ["P2PK", {...}] wants n_sigs signatures of the keys it names; ["HTLC", {...}] wants the
 * preimage of a hash as well. From its locktime on, the keys under refund may spend it, too, and
 * anybody where there are none. Any other secret is no lock.
 *
 * A lock whose text is out of order opens for nobody: it says less than its maker meant.
 *
 *   units      unix seconds
 *   ownership  what is read lives in the arena, or points into the secret
 *   threads    any
 *   errors     ERR_INVALID: the secret, the witness or the inputs together are not as the spec
 *              says; ERR_RESTRICTED: not signed by those who may
 *   spec       Cashu NUT-10, NUT-11, NUT-14
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;

enum {
    P2PK_KEYS_MAX = 11,
    P2PK_SIGNATURES_MAX = 32,
    P2PK_SECRET_MAX = 4096,
    P2PK_WITNESS_MAX = 8192
};

enum p2pk_kind { P2PK_NONE, P2PK_KEY, P2PK_HASH };

struct p2pk_keys {
    struct bytes32 at[P2PK_KEYS_MAX]; /* without the sign of y: signatures are by x alone */
    uint32_t count, needed;
};

struct p2pk {
    enum p2pk_kind kind;
    struct span data, tags; /* as they stand in the secret */
    struct bytes32 hash;    /* of P2PK_HASH */
    struct p2pk_keys main, refund;
    int64_t locktime; /* 0: none */
    bool signs_all;   /* SIG_ALL: one signature for all inputs and outputs */
};

/* kind P2PK_NONE for a secret that is none of these. */
MUST_CHECK bool p2pk_read(struct p2pk *lock, struct arena *arena, struct span secret,
                          struct err *err);

struct p2pk_input {
    struct span secret, witness; /* witness: JSON; empty: none */
    struct bytes33 c;
};

struct p2pk_output {
    uint64_t amount; /* 0: blank */
    struct bytes33 message;
};

/* All that is spent at once. quote: the id of the one that is paid; empty in a swap. */
struct p2pk_spend {
    const struct p2pk_input *inputs;
    uint32_t input_count;
    const struct p2pk_output *outputs;
    uint32_t output_count;
    struct span quote;
};

/* What SIG_ALL signs. */
struct bytes32 p2pk_hash(const struct p2pk_spend *spend);

/* Whether all inputs may be spent so. */
MUST_CHECK bool p2pk_check(const struct p2pk_spend *spend, struct arena *arena, int64_t now,
                           struct err *err);
