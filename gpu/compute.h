/* compute.h - the method by which credit is spent on a model's work: what a job costs, and that it
 * is put down when that was asked, and waits to be done when it was paid.
 *
 * A wallet asks for a quote with {"unit", "request", "max_tokens"}: request is a string that holds
 * the body of a call of OpenAI's chat or text completions, as JSON; max_tokens bounds the answer
 * further. It is told the hash of that string as request, and what was counted.
 *
 *   units      tokens; amounts in the unit that is paid in
 *   ownership  compute_close; all of the setup is borrowed
 *   threads    any
 *   errors     as refusal.h; to wallets in Cashu's numbers
 *   spec       Cashu NUT-05; OpenAI's API
 */
#pragma once

#include "gpu/measure.h"
#include "gpu/order_sale.h"
#include "gpu/order_work.h"

struct compute;
struct mint_method;

struct compute_setup {
    struct orders *orders;
    const struct measure *measure;
    struct span model; /* its name */
    struct price price;
    struct span offer; /* the id of the event that says all that, hex digits; empty: none */
};

struct compute *compute_open(const struct compute_setup *setup);
void compute_close(struct compute *compute);

/* What mint_spend_by takes; its owner is compute. */
struct mint_method compute_method(struct compute *compute);

struct compute_bill {
    struct order_terms terms; /* without unit */
    struct price_quote quote;
    bool says_max; /* the job itself says how long the answer may be */
};

/* What a job comes to. tokens_max: 0: as long as it may be. Lives in the arena. */
MUST_CHECK bool compute_bill(const struct compute *compute, struct compute_bill *bill,
                             struct arena *arena, struct span job, uint32_t tokens_max,
                             struct refusal *refusal);

/* What a claimed job asks for, ready for a source. */
MUST_CHECK bool compute_read(struct ask *ask, struct arena *arena, const struct order_claim *claim,
                             struct refusal *refusal);
