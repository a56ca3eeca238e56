/* Credit for credit. */
#include "gpu/mint_parts.h"

bool mint_swap(struct mint_verb *verb)
{
    struct ledger_proof *proofs;
    struct ledger_promise *promises;
    uint64_t sum;
    if (!mint_check_inputs(verb, SPAN(""), &proofs, &sum) || !mint_check_outputs(verb, sum) ||
        !mint_sign_outputs(verb, &promises))
        return false;
    const struct ledger_swap swap = {.request = verb->hash,
                                     .inputs = proofs,
                                     .input_count = verb->request.input_count,
                                     .outputs = promises,
                                     .output_count = verb->request.output_count,
                                     .now = verb->now};
    if (!ledger_swap(verb->mint->ledger, &swap, verb->fault))
        return false;
    text_add(verb->out, SPAN("{"));
    if (!mint_write_promises(verb->mint, verb->out, "signatures", promises, swap.output_count,
                             verb->fault))
        return false;
    text_add(verb->out, SPAN("}"));
    return true;
}
