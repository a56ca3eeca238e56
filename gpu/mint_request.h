/* mint_request.h - what wallets send to a mint, read strictly and within bounds.
 *
 * One reader for all verbs: a verb takes the members that it knows, and refuses where one is
 * missing. Members that no verb knows are checked as JSON and passed over.
 *
 *   ownership  what is read lives in the arena, or points into the body
 *   threads    any
 *   errors     FAULT_MALFORMED; FAULT_INPUTS_MAX, FAULT_OUTPUTS_MAX
 *   spec       Cashu NUT-03 to NUT-05, NUT-07, NUT-09, NUT-20
 */
#pragma once

#include "shared/base.h"
#include "shared/p2pk.h"
#include "shared/quote_sig.h"

struct arena;
struct fault;

enum { MINT_REQUEST_LIST_MAX = 1000 };

struct mint_proof {
    uint64_t amount;
    struct span keyset; /* digits */
};

struct mint_output {
    uint64_t amount; /* 0: blank */
    struct span keyset;
};

struct mint_request {
    struct span quote, unit, description;
    uint64_t amount;

    const struct mint_proof *proofs;   /* (input_count) */
    const struct p2pk_input *inputs;   /* (input_count) */
    const struct mint_output *wanted;  /* (output_count) */
    const struct p2pk_output *outputs; /* (output_count) */
    const struct bytes33 *ys;          /* (y_count) */
    uint32_t input_count, output_count, y_count;

    bool has_signature, has_key, is_async;
    struct bytes64 signature;
    struct bytes33 key; /* "pubkey" */

    /* of grants */
    uint32_t stage;
    struct span nonce, job, receipt;
};

MUST_CHECK bool mint_request_read(struct mint_request *request, struct arena *arena,
                                  struct span body, struct fault *fault);

/* The outputs as quote_sig wants them. */
struct quote_sig_output *mint_request_signed(const struct mint_request *request,
                                             struct arena *arena);
