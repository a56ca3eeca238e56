#include "gpu/payout.h"

#include <stdlib.h>
#include <time.h>

#include "gpu/fault.h"
#include "gpu/invoice.h"
#include "gpu/lightning.h"
#include "gpu/mint.h"
#include "gpu/mint_policy.h"
#include "gpu/payout_parts.h"
#include "gpu/tree.h"
#include "shared/err.h"

uint64_t payout_units(const struct payout *payout, uint64_t msat)
{
    return msat / payout->unit_msat + (msat % payout->unit_msat > 0);
}

/* ---- the method ---- */

static uint64_t reserve_of(const struct mint_policy *policy, uint64_t amount)
{
    uint64_t fee = (amount * (uint64_t)policy->pay_fee_ppm + 999999) / 1000000;
    return fee > (uint64_t)policy->pay_fee_min ? fee : (uint64_t)policy->pay_fee_min;
}

static bool quote(void *owner, struct mint_terms *terms, struct arena *arena, struct span unit,
                  struct span body, struct fault *fault)
{
    const struct payout *payout = owner;
    const struct mint_policy *policy = mint_terms_of(payout->setup.mint);
    const struct tree *object;
    struct invoice invoice;
    struct err err;
    int64_t now = time(NULL);
    (void)unit; /* the method's own */
    if (!tree_parse(&object, arena, body, &err))
        return fault_set(fault, FAULT_MALFORMED, "%s", err.text);
    struct span text = tree_text(tree_get(object, "request"));
    if (!invoice_read(&invoice, text, &err))
        return fault_set(fault, FAULT_MALFORMED, "%s", err.text);
    if (invoice.expires_at <= now)
        return fault_set(fault, FAULT_PAYMENT_FAILED, "the invoice has expired");
    uint64_t amount = payout_units(payout, invoice.msat);
    if (amount > (uint64_t)policy->pay_max)
        return fault_set(fault, FAULT_AMOUNT_LIMIT, "at most %lld are paid at once",
                         (long long)policy->pay_max);
    *terms = (struct mint_terms){.amount = amount,
                                 .fee_reserve = reserve_of(policy, amount),
                                 .request = arena_copy(arena, text),
                                 .expiry = invoice.expires_at < now + PAYOUT_QUOTE_S
                                               ? invoice.expires_at
                                               : now + PAYOUT_QUOTE_S};
    return true;
}

static bool pay(void *owner, struct transaction *transaction, const struct uuid *id,
                struct fault *fault)
{
    const struct payout *payout = owner;
    struct arena arena = {0};
    struct melt_quote melt;
    struct invoice invoice;
    bool ok = ledger_melt_quote_lock(transaction, &arena, id, &melt, fault);
    if (ok && melt.state == MELT_PAID) { /* asked again */
        arena_clear(&arena);
        return true;
    }
    if (ok && !lightning_is_there(payout->setup.lightning))
        ok = fault_set(fault, FAULT_OURS, "the wallet service is away: again later");
    if (ok && !invoice_read(&invoice, melt.request, NULL))
        ok = fault_set(fault, FAULT_OURS, "the quote's request is no invoice");
    const struct ledger_payment payment = {
        .hash = invoice.hash, .quote = *id, .invoice = melt.request, .at = time(NULL)};
    ok = ok && ledger_payment_add(transaction, &payment, fault);
    arena_clear(&arena);
    return ok;
}

/* ---- what is open ---- */

struct looking {
    uv_work_t work;
    struct payout *payout;
    struct arena arena;
    const struct ledger_payment *payments;
    uint32_t count;
    bool is_done;
};

static void on_look(uv_work_t *work)
{
    struct looking *looking = work->data;
    struct fault fault;
    looking->is_done = ledger_payments(looking->payout->setup.ledger, &looking->arena,
                                       &looking->payments, &looking->count, &fault);
}

static bool is_under_way(const struct payout *payout, const struct bytes32 *hash)
{
    for (const struct errand *at = payout->errands; at != NULL; at = at->next)
        if (memcmp(&at->payment.hash, hash, sizeof *hash) == 0)
            return true;
    return false;
}

static void on_again(uv_timer_t *timer);

/* Whatever is open is asked about again, ever later. */
static void wait(struct payout *payout)
{
    if (payout->is_closed || payout->open == 0)
        return;
    uv_timer_start(&payout->timer, on_again, payout->wait_ms, 0);
    payout->wait_ms =
        payout->wait_ms * 2 < PAYOUT_AGAIN_MS_MAX ? payout->wait_ms * 2 : PAYOUT_AGAIN_MS_MAX;
}

static void look(struct payout *payout);

static void on_looked(uv_work_t *work, int status)
{
    struct looking *looking = work->data;
    struct payout *payout = looking->payout;
    (void)status;
    payout->is_looking = false;
    payout->open = looking->is_done ? looking->count : 1;
    for (uint32_t i = 0; i < looking->count && !payout->is_closed; i++)
        if (payout->errand_count < PAYOUT_ERRANDS_MAX &&
            !is_under_way(payout, &looking->payments[i].hash))
            payout_begin(payout, looking->payments + i);
    arena_clear(&looking->arena);
    free(looking);
    if (payout->looks_again)
        look(payout);
    else
        wait(payout);
}

static void look(struct payout *payout)
{
    payout->looks_again = payout->is_looking;
    if (payout->is_closed || payout->is_looking)
        return;
    struct looking *looking = calloc(1, sizeof *looking);
    if (looking == NULL)
        abort();
    payout->is_looking = true;
    looking->payout = payout;
    looking->work.data = looking;
    uv_queue_work(payout->setup.loop, &looking->work, on_look, on_looked);
}

static void on_again(uv_timer_t *timer)
{
    look(timer->data);
}

void payout_ring(struct payout *payout)
{
    payout->wait_ms = PAYOUT_AGAIN_MS;
    look(payout);
}

void payout_ended(struct payout *payout)
{
    if (!payout->is_closed && !uv_is_active((const uv_handle_t *)&payout->timer))
        wait(payout);
}

static void on_payment(void *owner, const char *payload)
{
    (void)payload;
    payout_ring(owner);
}

/* ---- all of it ---- */

struct payout *payout_open(const struct payout_setup *setup, struct err *err)
{
    const struct mint_policy *policy = mint_terms_of(setup->mint);
    struct payout *payout = calloc(1, sizeof *payout);
    if (payout == NULL)
        abort();
    *payout = (struct payout){
        .setup = *setup, .wait_ms = PAYOUT_AGAIN_MS, .unit_msat = (uint64_t)policy->unit_msat};
    if (setup->grace_s == 0)
        payout->setup.grace_s = PAYOUT_GRACE_S;
    const struct bell_listener listener = {"payment", on_payment, payout};
    payout->bell = bell_open(setup->loop, setup->database, &listener, 1, err);
    if (payout->bell == NULL) {
        free(payout);
        return NULL;
    }
    uv_timer_init(setup->loop, &payout->timer);
    payout->timer.data = payout;
    if (policy->pay_max > 0)
        mint_spend_by(setup->mint, &(struct mint_method){.name = "bolt11",
                                                         .unit = MINT_UNIT_PAID,
                                                         .owner = payout,
                                                         .amount_min = 1,
                                                         .amount_max = (uint64_t)policy->pay_max,
                                                         .quote = quote,
                                                         .pay = pay});
    look(payout);
    return payout;
}

void payout_close(struct payout *payout)
{
    payout->is_closed = true;
    bell_close(payout->bell);
    uv_close((uv_handle_t *)&payout->timer, NULL);
}

void payout_free(struct payout *payout)
{
    free(payout);
}
