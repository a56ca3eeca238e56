/* token.h - ecash as text, to be handed on: proofs of one mint.
 *
 * Written in version 4 (cashuB, CBOR); version 3 (cashuA, JSON) is read as well.
 *
 *   units      amounts in the token's unit
 *   ownership  what is read points into the text or the arena
 *   threads    any
 *   errors     ERR_INVALID: what is wrong, and where
 *   spec       Cashu NUT-00, "Token"; NUT-12, "DLEQ in proofs"
 */
#pragma once

#include "shared/base.h"
#include "shared/dleq.h"

struct arena;
struct err;
struct text;

enum { TOKEN_BYTES_MAX = 1 << 18, TOKEN_PROOFS_MAX = 1000, TOKEN_KEYSET_BYTES_MAX = 33 };

struct token_proof {
    uint64_t amount;
    uint8_t keyset[TOKEN_KEYSET_BYTES_MAX]; /* its id, or the beginning of it */
    uint8_t keyset_len;
    struct span secret, witness; /* witness: empty when there is none */
    struct bytes33 c;
    bool has_dleq;
    struct dleq dleq;
    struct bytes32 factor; /* of dleq */
};

struct token {
    struct span mint, unit, memo; /* memo: empty when there is none */
    struct token_proof *proofs;
    uint32_t count;
};

/* Spaces around it are passed over, and "cashu:" before it. */
MUST_CHECK bool token_read(struct token *token, struct arena *arena, struct span text,
                           struct err *err);

/* Proofs of one keyset stand together. */
void token_write(struct text *out, const struct token *token);

/* False when the sum is not a number. */
MUST_CHECK bool token_sum(uint64_t *sum, const struct token *token);
