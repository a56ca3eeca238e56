#include "gpu/compute.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "gpu/mint.h"
#include "gpu/openai.h"
#include "gpu/tree.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { JOB_BYTES_MAX = 1 << 20 };

struct compute {
    struct compute_setup setup;
};

struct compute *compute_open(const struct compute_setup *setup)
{
    struct compute *compute = calloc(1, sizeof *compute);
    if (compute == NULL)
        abort();
    compute->setup = *setup;
    return compute;
}

void compute_close(struct compute *compute)
{
    free(compute);
}

/* A body with messages is a chat. */
static bool read_ask(struct ask *ask, struct arena *arena, struct span job, struct refusal *refusal)
{
    struct arena room = {0};
    const struct tree *object;
    bool ok = ask_parse(&object, &room, job, refusal);
    bool is_chat = ok && tree_get(object, "messages") != NULL;
    arena_clear(&room);
    return ok && (is_chat ? openai_read_chat(ask, arena, job, refusal)
                          : openai_read_text(ask, arena, job, refusal));
}

bool compute_read(struct ask *ask, struct arena *arena, const struct order_claim *claim,
                  struct refusal *refusal)
{
    if (!read_ask(ask, arena, claim->body, refusal))
        return false;
    ask->has_seed = true;
    ask->sampler.seed = claim->seed;
    ask->tokens_max = claim->tokens_max;
    return true;
}

static bool check(const struct compute *compute, const struct ask *ask, struct refusal *refusal)
{
    if (ask->model.len > 0 && !span_eq(ask->model, compute->setup.model)) {
        refusal_fill(refusal, 404, "model", "there is no model '%.60s' here",
                     scan_word(ask->model).at);
        refusal->code = "model_not_found";
        return false;
    }
    return ask->kind == ASK_CHAT || ask->input_count == 1 ||
           refusal_set(refusal, 400, "prompt", "a job has one prompt");
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool take_seed(struct bytes32 *seed, const struct ask *ask, struct refusal *refusal)
{
    if (ask->has_seed)
        *seed = ask->sampler.seed;
    return ask->has_seed || getrandom(seed, sizeof *seed, 0) == (ssize_t)sizeof *seed ||
           refusal_set(refusal, 500, NULL, "the system has no random numbers");
}

bool compute_bill(const struct compute *compute, struct compute_bill *bill, struct arena *arena,
                  struct span job, uint32_t tokens_max, struct refusal *refusal)
{
    const struct compute_setup *setup = &compute->setup;
    struct tokens tokens = {0};
    struct ask ask;
    struct err err;
    if (job.len > JOB_BYTES_MAX)
        return refusal_set(refusal, 413, NULL, "a job of more than %d bytes", JOB_BYTES_MAX);
    bool ok = read_ask(&ask, arena, job, refusal) && check(compute, &ask, refusal) &&
              measure_tokens(setup->measure, &tokens, &ask, 0, refusal);
    uint32_t prompt = (uint32_t)tokens.count;
    tokens_clear(&tokens);
    if (!ok)
        return false;
    uint32_t most = least(ask.tokens_max, setup->measure->context - prompt);
    if (ask.claimed_count > 0)
        most = 1; /* none is made, but a job is for one at least */
    bill->says_max = ask.tokens_max < ASK_TOKENS_MAX;
    bill->terms =
        (struct order_terms){.request = sig_sha256(job),
                             .body = arena_copy(arena, job),
                             .model = setup->model,
                             .price = setup->price,
                             .prompt_tokens = prompt,
                             .tokens_max = tokens_max > 0 ? least(most, tokens_max) : most,
                             .expiry = time(NULL) + ORDER_EXPIRY_S};
    struct price_usage usage = {.prompt = prompt, .output = bill->terms.tokens_max};
    if (!price_quote(&bill->quote, &setup->price, &usage, &err))
        return refusal_set(refusal, 400, NULL, "%s", err.text);
    return take_seed(&bill->terms.seed, &ask, refusal);
}

/* ---- the method ---- */

static struct span copy_text(struct arena *arena, struct text *text)
{
    struct span copy = arena_copy(arena, text_span(text));
    text_clear(text);
    return copy;
}

static void say_terms(const struct compute *compute, struct mint_terms *terms, struct arena *arena,
                      const struct compute_bill *bill)
{
    struct text request = {0}, more = {0};
    text_add_hex(&request, bill->terms.request.at, sizeof bill->terms.request.at);
    text_addf(&more, "\"prompt_tokens\":%u,\"max_tokens\":%u", bill->terms.prompt_tokens,
              bill->terms.tokens_max);
    if (compute->setup.offer.len > 0)
        text_addf(&more, ",\"offer\":\"%.*s\"", SPAN_ARG(compute->setup.offer));
    terms->amount = bill->quote.amount;
    terms->fee_reserve = bill->quote.reserve;
    terms->request = copy_text(arena, &request);
    terms->more = copy_text(arena, &more);
    terms->expiry = bill->terms.expiry;
}

static bool quote(void *owner, struct mint_terms *terms, struct arena *arena, struct span unit,
                  struct span body, struct fault *fault)
{
    const struct compute *compute = owner;
    struct refusal refusal;
    struct err err;
    const struct tree *object;
    uint64_t most = 0;
    if (!tree_parse(&object, arena, body, &err))
        return fault_set(fault, FAULT_PAYMENT_FAILED, "%s", err.text);
    struct span job = tree_text(tree_get(object, "request"));
    if (job.len == 0)
        return fault_set(fault, FAULT_PAYMENT_FAILED, "request is a job: a text that holds JSON");
    (void)tree_integer(tree_get(object, "max_tokens"), &most, ASK_TOKENS_MAX);
    struct compute_bill *bill = arena_alloc(arena, sizeof *bill);
    if (!compute_bill(compute, bill, arena, job, (uint32_t)most, &refusal))
        return fault_set(fault, FAULT_PAYMENT_FAILED, "%s", refusal.text);
    bill->terms.unit = arena_copy(arena, unit);
    say_terms(compute, terms, arena, bill);
    terms->job = bill;
    return true;
}

static bool keep(void *owner, struct transaction *transaction, const struct uuid *quote_id,
                 const struct mint_terms *terms, struct fault *fault)
{
    const struct compute_bill *bill = terms->job;
    (void)owner;
    return order_keep(transaction, quote_id, &bill->terms, fault);
}

static bool pay(void *owner, struct transaction *transaction, const struct uuid *quote_id,
                struct fault *fault)
{
    const struct compute *compute = owner;
    return order_pay(compute->setup.orders, transaction, quote_id, fault);
}

struct mint_method compute_method(struct compute *compute)
{
    return (struct mint_method){.name = "compute",
                                .owner = compute,
                                .amount_min = 0,
                                .amount_max = PRICE_UNITS_MAX >> 2,
                                .quote = quote,
                                .keep = keep,
                                .pay = pay};
}
