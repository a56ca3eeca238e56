#include "gpu/mint_request.h"

#include "gpu/fault.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"

/* What is being read: lists grow by turns. */
struct reader {
    struct scan scan;
    struct arena *arena;
    struct mint_request *request;
    struct mint_proof *proofs;
    struct p2pk_input *inputs;
    struct mint_output *wanted;
    struct p2pk_output *outputs;
    struct bytes33 *ys;
    struct fault *fault;
    struct err err;
};

static bool read_amount(struct reader *reader, uint64_t *amount)
{
    int64_t number;
    if (!scan_integer(&reader->scan, &number, INT64_MAX, &reader->err))
        return false;
    *amount = (uint64_t)number;
    return true;
}

static bool read_text(struct reader *reader, struct span *text)
{
    return scan_text(&reader->scan, reader->arena, text, &reader->err);
}

static bool read_hex(struct reader *reader, uint8_t *out, size_t size)
{
    return scan_hex(&reader->scan, reader->arena, out, size, &reader->err);
}

static bool skip(struct reader *reader)
{
    return scan_skip(&reader->scan, &reader->err);
}

static bool read_proof_member(struct reader *reader, uint32_t at, struct span key)
{
    struct p2pk_input *input = reader->inputs + at;
    if (span_eq(key, SPAN("amount")))
        return read_amount(reader, &reader->proofs[at].amount);
    if (span_eq(key, SPAN("id")))
        return read_text(reader, &reader->proofs[at].keyset);
    if (span_eq(key, SPAN("secret")))
        return read_text(reader, &input->secret);
    if (span_eq(key, SPAN("C")))
        return read_hex(reader, input->c.at, sizeof input->c.at);
    if (span_eq(key, SPAN("witness")) && scan_peek(&reader->scan) == '"')
        return read_text(reader, &input->witness);
    return skip(reader);
}

static bool read_output_member(struct reader *reader, uint32_t at, struct span key)
{
    struct p2pk_output *output = reader->outputs + at;
    if (span_eq(key, SPAN("amount"))) {
        if (!read_amount(reader, &output->amount))
            return false;
        reader->wanted[at].amount = output->amount;
        return true;
    }
    if (span_eq(key, SPAN("id")))
        return read_text(reader, &reader->wanted[at].keyset);
    if (span_eq(key, SPAN("B_")))
        return read_hex(reader, output->message.at, sizeof output->message.at);
    return skip(reader);
}

typedef bool member_fn(struct reader *reader, uint32_t at, struct span key);

static bool read_item(struct reader *reader, uint32_t at, member_fn *member)
{
    struct scan_list list;
    struct span key;
    if (!scan_object(&reader->scan, &list, &reader->err))
        return false;
    while (list.more)
        if (!scan_key(&reader->scan, reader->arena, &key, &reader->err) ||
            !member(reader, at, key) || !scan_next(&reader->scan, &list, &reader->err))
            return false;
    return true;
}

static bool read_input(struct reader *reader, uint32_t at)
{
    reader->proofs = arena_grow(reader->arena, struct mint_proof, reader->proofs, at);
    reader->inputs = arena_grow(reader->arena, struct p2pk_input, reader->inputs, at);
    reader->proofs[at] = (struct mint_proof){0};
    reader->inputs[at] = (struct p2pk_input){0};
    return read_item(reader, at, read_proof_member);
}

static bool read_output(struct reader *reader, uint32_t at)
{
    reader->wanted = arena_grow(reader->arena, struct mint_output, reader->wanted, at);
    reader->outputs = arena_grow(reader->arena, struct p2pk_output, reader->outputs, at);
    reader->wanted[at] = (struct mint_output){0};
    reader->outputs[at] = (struct p2pk_output){0};
    return read_item(reader, at, read_output_member);
}

static bool read_y(struct reader *reader, uint32_t at)
{
    reader->ys = arena_grow(reader->arena, struct bytes33, reader->ys, at);
    return read_hex(reader, reader->ys[at].at, sizeof reader->ys[at].at);
}

typedef bool item_fn(struct reader *reader, uint32_t at);

/* A member that comes twice makes one list. */
static bool read_list(struct reader *reader, uint32_t *count, item_fn *item, enum fault_code code)
{
    struct scan_list list;
    if (!scan_array(&reader->scan, &list, &reader->err))
        return false;
    while (list.more) {
        if (*count == MINT_REQUEST_LIST_MAX)
            return fault_set(reader->fault, code, "more than %d in a list", MINT_REQUEST_LIST_MAX);
        if (!item(reader, *count) || !scan_next(&reader->scan, &list, &reader->err))
            return false;
        ++*count;
    }
    return true;
}

static bool read_lists(struct reader *reader, struct span key, bool *is_list)
{
    struct mint_request *request = reader->request;
    *is_list = scan_peek(&reader->scan) == '[';
    if (*is_list && span_eq(key, SPAN("inputs")))
        return read_list(reader, &request->input_count, read_input, FAULT_INPUTS_MAX);
    if (*is_list && span_eq(key, SPAN("outputs")))
        return read_list(reader, &request->output_count, read_output, FAULT_OUTPUTS_MAX);
    if (*is_list && span_eq(key, SPAN("Ys")))
        return read_list(reader, &request->y_count, read_y, FAULT_INPUTS_MAX);
    *is_list = false;
    return true;
}

static bool read_string(struct reader *reader, struct span key)
{
    struct mint_request *request = reader->request;
    const struct {
        struct span key, *text;
    } texts[] = {{SPAN("quote"), &request->quote},
                 {SPAN("unit"), &request->unit},
                 {SPAN("description"), &request->description},
                 {SPAN("nonce"), &request->nonce},
                 {SPAN("job"), &request->job},
                 {SPAN("receipt"), &request->receipt}};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (span_eq(key, texts[i].key))
            return read_text(reader, texts[i].text);
    if (span_eq(key, SPAN("signature"))) {
        request->has_signature = true;
        return read_hex(reader, request->signature.at, sizeof request->signature.at);
    }
    if (span_eq(key, SPAN("pubkey"))) {
        request->has_key = true;
        return read_hex(reader, request->key.at, sizeof request->key.at);
    }
    return skip(reader);
}

static bool read_member(struct reader *reader, struct span key)
{
    struct mint_request *request = reader->request;
    bool is_list;
    uint64_t stage;
    if (!read_lists(reader, key, &is_list))
        return false;
    if (is_list)
        return true;
    char first = scan_peek(&reader->scan);
    if (first == '"')
        return read_string(reader, key);
    if (span_eq(key, SPAN("amount")))
        return read_amount(reader, &request->amount);
    if (span_eq(key, SPAN("prefer_async")) && (first == 't' || first == 'f'))
        return scan_bool(&reader->scan, &request->is_async, &reader->err);
    if (!span_eq(key, SPAN("stage")))
        return skip(reader);
    if (!read_amount(reader, &stage))
        return false;
    request->stage = stage < UINT32_MAX ? (uint32_t)stage : UINT32_MAX;
    return true;
}

static bool read_all(struct reader *reader)
{
    struct scan_list list;
    struct span key;
    if (!scan_object(&reader->scan, &list, &reader->err))
        return false;
    while (list.more)
        if (!scan_key(&reader->scan, reader->arena, &key, &reader->err) ||
            !read_member(reader, key) || !scan_next(&reader->scan, &list, &reader->err))
            return false;
    return scan_end(&reader->scan, &reader->err);
}

bool mint_request_read(struct mint_request *request, struct arena *arena, struct span body,
                       struct fault *fault)
{
    struct reader reader = {
        .scan = scan_begin(body), .arena = arena, .request = request, .fault = fault};
    *request = (struct mint_request){0};
    fault->code = FAULT_MALFORMED;
    if (!read_all(&reader)) {
        if (fault->code == FAULT_MALFORMED)
            fault_fill(fault, FAULT_MALFORMED, "%s", reader.err.text);
        return false;
    }
    request->proofs = reader.proofs;
    request->inputs = reader.inputs;
    request->wanted = reader.wanted;
    request->outputs = reader.outputs;
    request->ys = reader.ys;
    return true;
}

struct quote_sig_output *mint_request_signed(const struct mint_request *request,
                                             struct arena *arena)
{
    struct quote_sig_output *outputs =
        arena_array(arena, struct quote_sig_output, request->output_count);
    for (uint32_t i = 0; i < request->output_count; i++) {
        outputs[i].amount = request->outputs[i].amount;
        outputs[i].message = request->outputs[i].message;
    }
    return outputs;
}
