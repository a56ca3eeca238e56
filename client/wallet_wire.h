/* wallet_wire.h - what a wallet and a mint say to each other, as JSON. Part of wallet.
 *
 * Members that we do not know are passed over; those that we do are read strictly.
 *
 *   units      amounts in the keyset's unit; unix seconds
 *   ownership  what is read lives in the arena
 *   threads    any
 *   errors     ERR_INVALID: what is wrong, and where
 *   spec       Cashu NUT-01 to 05, 07, 09
 */
#pragma once

#include "client/wallet.h"

struct text;

enum { WALLET_KEYSETS_MAX = 64, WALLET_ANSWER_BYTES_MAX = 1 << 20, WALLET_WORD_MAX = 256 };

/* ---- asking ---- */

/* "inputs":[...] without a DLEQ, which is no business of the mint's. */
void wallet_write_inputs(struct text *out, const struct token_proof *proofs, size_t count);

/* "outputs":[...] */
void wallet_write_outputs(struct text *out, const struct bytes33 *keyset,
                          const struct wallet_output *outputs, size_t count);

/* {"Ys":[...]} */
void wallet_write_points(struct text *out, const struct bytes33 *points, size_t count);

/* ---- answers ---- */

/* GET /v1/keysets: without keys, which are empty. Those of another version are left out. */
MUST_CHECK bool wallet_read_keysets(struct wallet_keyset **keysets, size_t *count,
                                    struct arena *arena, struct span json, struct err *err);

/* GET /v1/keys/ID: the keys of a keyset that is listed, whose id must be theirs. */
MUST_CHECK bool wallet_read_keys(struct wallet_keyset *keyset, struct arena *arena,
                                 struct span json, struct err *err);

/* The signatures in a member: "signatures", or "change"; none where it is absent. */
MUST_CHECK bool wallet_read_signatures(struct wallet_signature **signatures, size_t *count,
                                       struct arena *arena, struct span json, struct span member,
                                       struct err *err);

/* POST /v1/restore: messages and signatures go together. */
struct wallet_restored {
    struct bytes33 *messages;
    struct wallet_signature *signatures;
    size_t count;
};
MUST_CHECK bool wallet_read_restored(struct wallet_restored *restored, struct arena *arena,
                                     struct span json, struct err *err);

/* POST /v1/checkstate: as many as asked, in their order. */
MUST_CHECK bool wallet_read_states(enum wallet_state *states, const struct bytes33 *points,
                                   size_t count, struct span json, struct err *err);

/* A quote, to mint or to melt. */
struct wallet_quote {
    struct span id, unit, request; /* the last two empty where absent */
    struct span proof;             /* payment_preimage; empty where absent */
    struct span state;             /* "UNPAID", "PAID", "PENDING", "ISSUED" */
    uint64_t amount, fee_reserve;  /* 0 where absent */
    int64_t expiry;                /* 0: none */
};
MUST_CHECK bool wallet_read_quote(struct wallet_quote *quote, struct arena *arena, struct span json,
                                  struct err *err);

/* {"detail":"...","code":11001}: why a mint refuses; code 0 where it says none. */
struct wallet_refusal {
    struct span detail;
    int64_t code;
};
void wallet_read_refusal(struct wallet_refusal *refusal, struct arena *arena, struct span json);
