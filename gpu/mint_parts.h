/* mint_parts.h - what mint's files share. Part of mint.
 *
 *   threads  a struct mint_verb belongs to the thread of its call
 */
#pragma once

#include "gpu/ledger_melt.h"
#include "gpu/mint.h"
#include "gpu/mint_policy.h"
#include "gpu/mint_request.h"
#include "gpu/mint_ring.h"
#include "shared/arena.h"

struct mint {
    struct ledger *ledger;
    const struct bytes32 *seed;
    struct mint_policy policy;
    struct mint_ring *ring;
    char name[64];
    struct bytes33 pubkey;
    struct mint_method methods[MINT_METHODS_MAX];
    struct mint_sale sales[MINT_METHODS_MAX];
    uint32_t method_count, sale_count;
};

/* A call that is being answered. */
struct mint_verb {
    struct mint *mint;
    const struct mint_call *call;
    struct arena arena;
    struct bytes32 hash; /* of the call */
    int64_t now;
    struct mint_request request; /* of a POST */
    struct span parts[2];        /* of the path: what stands for each * */
    struct mint_answer *answer;
    struct text *out; /* its body */
    struct fault *fault;
};

/* Writes the answer, or says why there is none. */
typedef bool mint_verb_fn(struct mint_verb *verb);

mint_verb_fn mint_keys, mint_keysets, mint_info, mint_checkstate, mint_restore;
mint_verb_fn mint_swap;
mint_verb_fn mint_quote_new, mint_quote_look, mint_issue;
mint_verb_fn mint_melt_quote, mint_melt_look, mint_melt;

/* What is to be spent, checked: signed by this mint, and by those who may spend it. quote: that it
 * is spent on; empty: none. sum: what it is worth. */
MUST_CHECK bool mint_check_inputs(struct mint_verb *verb, struct span quote,
                                  struct ledger_proof **proofs, uint64_t *sum);

/* What is to be signed is not worth more than sum. */
MUST_CHECK bool mint_check_outputs(struct mint_verb *verb, uint64_t sum);

/* All outputs, signed. */
MUST_CHECK bool mint_sign_outputs(struct mint_verb *verb, struct ledger_promise **promises);

/* promise: its message and amount are set, and what is made of them is. */
MUST_CHECK bool mint_sign(struct ledger_promise *promise, const struct mint_keyset *keyset,
                          struct fault *fault);

/* "name":[{...},...] */
MUST_CHECK bool mint_write_promises(struct mint *mint, struct text *out, const char *name,
                                    const struct ledger_promise *promises, uint32_t count,
                                    struct fault *fault);

/* What pays for credit. */
MUST_CHECK bool faucet_quote(struct mint_verb *verb, struct mint_quote *quote);

/* Whether there is a unit of that name. */
bool mint_has_unit(struct span unit);
int64_t mint_now(void);
MUST_CHECK bool mint_check_point(const struct bytes33 *point, struct fault *fault);
void mint_write_point(struct text *out, const char *name, const struct bytes33 *point);
