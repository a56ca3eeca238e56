/* What goes in is checked, what goes out is signed. */
#include "gpu/fault.h"
#include "gpu/mint_parts.h"
#include "shared/blind.h"
#include "shared/curve.h"
#include "shared/err.h"
#include "shared/scan.h"

static bool check_proof(struct mint_verb *verb, uint32_t at, struct ledger_proof *proof)
{
    const struct mint_proof *told = verb->request.proofs + at;
    const struct p2pk_input *input = verb->request.inputs + at;
    const struct mint_keyset *keyset;
    if (!mint_ring_find(verb->mint->ring, told->keyset, &keyset, verb->fault))
        return false;
    const struct bytes32 *key = mint_keyset_key(keyset, told->amount);
    if (input->witness.len > P2PK_WITNESS_MAX) /* it is kept */
        return fault_set(verb->fault, FAULT_MALFORMED, "a witness of more than %d bytes",
                         P2PK_WITNESS_MAX);
    if (key == NULL || input->secret.len == 0 || input->secret.len > P2PK_SECRET_MAX ||
        !blind_verify(&input->c, input->secret, key))
        return fault_set(verb->fault, FAULT_PROOF_INVALID, "input %u is not of this mint", at);
    *proof = (struct ledger_proof){.y = blind_hash_to_curve(input->secret),
                                   .keyset = keyset->number,
                                   .amount = told->amount,
                                   .witness = input->witness};
    return true;
}

static bool check_locks(struct mint_verb *verb, struct span quote)
{
    const struct mint_request *request = &verb->request;
    const struct p2pk_spend spend = {request->inputs, request->input_count, request->outputs,
                                     request->output_count, quote};
    struct err err;
    return p2pk_check(&spend, &verb->arena, verb->now, &err) ||
           fault_set(verb->fault, FAULT_PROOF_INVALID, "%s", err.text);
}

bool mint_check_inputs(struct mint_verb *verb, struct span quote, struct ledger_proof **proofs,
                       uint64_t *sum)
{
    uint32_t count = verb->request.input_count;
    *sum = 0;
    if (count == 0)
        return fault_set(verb->fault, FAULT_MALFORMED, "inputs: there are none");
    *proofs = arena_array(&verb->arena, struct ledger_proof, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!check_proof(verb, i, *proofs + i))
            return false;
        *sum += (*proofs)[i].amount; /* a thousand of 2^31 at most */
    }
    return check_locks(verb, quote);
}

/* Before anything is signed for nothing. */
bool mint_check_outputs(struct mint_verb *verb, uint64_t sum)
{
    uint64_t wanted = 0;
    if (verb->request.output_count == 0)
        return fault_set(verb->fault, FAULT_MALFORMED, "outputs: there are none");
    for (uint32_t i = 0; i < verb->request.output_count; i++)
        if (__builtin_add_overflow(wanted, verb->request.wanted[i].amount, &wanted) || wanted > sum)
            return fault_set(verb->fault, FAULT_UNBALANCED,
                             "what is asked for is worth more than what is given");
    return true;
}

bool mint_sign(struct ledger_promise *promise, const struct mint_keyset *keyset,
               struct fault *fault)
{
    const struct bytes32 *key = mint_keyset_key(keyset, promise->amount);
    if (key == NULL)
        return fault_set(fault, FAULT_KEYSET_UNKNOWN, "an output of %llu, for which is no key",
                         (unsigned long long)promise->amount);
    promise->keyset = keyset->number;
    if (!blind_sign(&promise->signature, &promise->message, key) ||
        !dleq_prove(&promise->dleq, key, &promise->message, &promise->signature))
        return fault_set(fault, FAULT_MALFORMED, "an output whose B_ is no point");
    return true;
}

bool mint_sign_outputs(struct mint_verb *verb, struct ledger_promise **promises)
{
    const struct mint_request *request = &verb->request;
    *promises = arena_array(&verb->arena, struct ledger_promise, request->output_count);
    for (uint32_t i = 0; i < request->output_count; i++) {
        struct ledger_promise *promise = *promises + i;
        const struct mint_keyset *keyset;
        promise->amount = request->wanted[i].amount;
        promise->message = request->outputs[i].message;
        if (!mint_ring_find(verb->mint->ring, request->wanted[i].keyset, &keyset, verb->fault) ||
            !mint_sign(promise, keyset, verb->fault))
            return false;
    }
    return true;
}

bool mint_check_point(const struct bytes33 *point, struct fault *fault)
{
    secp256k1_pubkey at;
    return curve_read(&at, point) ||
           fault_set(fault, FAULT_MALFORMED, "an output whose B_ is no point");
}

void mint_write_point(struct text *out, const char *name, const struct bytes33 *point)
{
    text_addf(out, "\"%s\":\"", name);
    text_add_hex(out, point->at, sizeof point->at);
    text_add(out, SPAN("\""));
}

static void write_promise(struct text *out, const struct ledger_promise *promise,
                          const struct mint_keyset *keyset)
{
    text_addf(out, "{\"amount\":%llu,\"id\":\"%s\",", (unsigned long long)promise->amount,
              keyset->name);
    mint_write_point(out, "C_", &promise->signature);
    text_add(out, SPAN(",\"dleq\":{\"e\":\""));
    text_add_hex(out, promise->dleq.e.at, sizeof promise->dleq.e.at);
    text_add(out, SPAN("\",\"s\":\""));
    text_add_hex(out, promise->dleq.s.at, sizeof promise->dleq.s.at);
    text_add(out, SPAN("\"}}"));
}

bool mint_write_promises(struct mint *mint, struct text *out, const char *name,
                         const struct ledger_promise *promises, uint32_t count, struct fault *fault)
{
    text_addf(out, "\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++) {
        const struct mint_keyset *keyset;
        if (!mint_ring_at(mint->ring, promises[i].keyset, &keyset, fault))
            return false;
        text_addf(out, "%s", i > 0 ? "," : "");
        write_promise(out, promises + i, keyset);
    }
    text_add(out, SPAN("]"));
    return true;
}
