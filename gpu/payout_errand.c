/* What is done about one invoice: sent once, then asked about, until it is known. */
#include <stdlib.h>
#include <time.h>

#include "gpu/fault.h"
#include "gpu/invoice.h"
#include "gpu/journal.h"
#include "gpu/lightning.h"
#include "gpu/mint.h"
#include "gpu/payout_parts.h"
#include "shared/err.h"
#include "shared/text.h"

static void end(struct errand *errand)
{
    struct payout *payout = errand->payout;
    struct errand **at = &payout->errands;
    while (*at != errand)
        at = &(*at)->next;
    *at = errand->next;
    payout->errand_count--;
    arena_clear(&errand->arena);
    free(errand);
    payout_ended(payout);
}

/* ---- in the database ---- */

struct ending {
    struct errand *errand;
    struct fault fault;
};

/* At most what was reserved is kept: fees beyond that are the node's. */
static uint64_t cost_of(const struct errand *errand, const struct melt_quote *melt)
{
    uint64_t fees = payout_units(errand->payout, errand->fees_msat);
    if (fees > melt->fee_reserve)
        journal_line(JOURNAL_WARNING, "payout: fees of %llu, of which %llu were reserved",
                     (unsigned long long)fees, (unsigned long long)melt->fee_reserve);
    return melt->amount + (fees < melt->fee_reserve ? fees : melt->fee_reserve);
}

static bool settle(struct transaction *transaction, void *argument)
{
    struct ending *ending = argument;
    const struct errand *errand = ending->errand;
    const struct ledger_payment *payment = &errand->payment;
    struct arena arena = {0};
    struct melt_quote melt;
    bool ok = ledger_melt_quote_lock(transaction, &arena, &payment->quote, &melt, &ending->fault) &&
              ledger_payment_end(transaction, payment, true, &ending->fault) &&
              mint_settle(errand->payout->setup.mint, transaction, &payment->quote,
                          cost_of(errand, &melt), errand->preimage, &ending->fault);
    arena_clear(&arena);
    return ok;
}

static bool cancel(struct transaction *transaction, void *argument)
{
    struct ending *ending = argument;
    const struct ledger_payment *payment = &ending->errand->payment;
    return ledger_payment_end(transaction, payment, false, &ending->fault) &&
           ledger_cancel(transaction, &payment->quote, time(NULL), &ending->fault);
}

static void finish(struct errand *errand)
{
    struct ending ending = {.errand = errand, .fault = {.code = FAULT_OURS}};
    char id[UUID_TEXT_LEN + 1];
    struct err err;
    bool is_paid = errand->step == ERRAND_SETTLE;
    enum database_end end = database_transact(ledger_database(errand->payout->setup.ledger),
                                              is_paid ? settle : cancel, &ending, &err);
    uuid_write(id, &errand->payment.quote);
    errand->is_done = end == DATABASE_DONE;
    if (errand->is_done)
        journal_line(JOURNAL_INFO, "payout: quote=%s %s", id, is_paid ? "paid" : "given back");
    else /* another process was faster, or the database is away: then it is done again */
        journal_line(JOURNAL_WARNING, "payout: quote=%s is not put down as %s: %s", id,
                     is_paid ? "paid" : "given back",
                     end == DATABASE_FAILED ? err.text : ending.fault.text);
}

static void on_work(uv_work_t *work)
{
    struct errand *errand = work->data;
    struct ledger_payment *payment = &errand->payment;
    struct fault fault;
    if (errand->step != ERRAND_CLAIM) {
        finish(errand);
        return;
    }
    payment->until = time(NULL) + PAYOUT_SEND_S;
    if (!ledger_payment_claim(errand->payout->setup.ledger, &payment->hash, payment->until,
                              &errand->is_done, &fault))
        errand->is_done = false;
    payment->is_sent = errand->is_done;
}

static void on_pay_answered(void *owner, const struct nwc_answer *answer);

static void on_worked(uv_work_t *work, int status)
{
    struct errand *errand = work->data;
    struct text request = {0};
    (void)status;
    if (errand->step != ERRAND_CLAIM || !errand->is_done || errand->payout->is_closed) {
        end(errand);
        return;
    }
    nwc_write_pay(&request, errand->payment.invoice);
    lightning_ask(errand->payout->setup.lightning, text_span(&request), PAYOUT_SEND_S * 1000,
                  on_pay_answered, errand);
    text_clear(&request);
}

static void work(struct errand *errand, enum errand_step step)
{
    errand->step = step;
    errand->work.data = errand;
    uv_queue_work(errand->payout->setup.loop, &errand->work, on_work, on_worked);
}

/* ---- what the service says ---- */

/* Paid, and shown to be: whatever else it says, that cannot be made up. */
static bool take(struct errand *errand, const struct nwc_payment *payment)
{
    if (!invoice_is_shown(&errand->payment.hash, payment->preimage))
        return false;
    errand->preimage = arena_copy(&errand->arena, payment->preimage);
    errand->fees_msat = payment->fees_msat;
    work(errand, ERRAND_SETTLE);
    return true;
}

/* Whether it says that nothing was paid and nothing will be. */
static bool is_over(const struct errand *errand, const struct nwc_answer *answer)
{
    int64_t late = errand->payment.until + errand->payout->setup.grace_s;
    switch (answer->fate) {
    case NWC_DONE:
        return answer->payment.state == NWC_OVER ||
               (answer->payment.state == NWC_UNSAID && errand->was_refused);
    case NWC_MISSING:
        return errand->was_refused || time(NULL) > late;
    case NWC_FAILED:
    case NWC_REFUSED:
    case NWC_UNKNOWN:
        return errand->was_refused && answer->fate == NWC_REFUSED; /* it cannot look */
    }
    return false;
}

static void on_look_answered(void *owner, const struct nwc_answer *answer)
{
    struct errand *errand = owner;
    bool is_answered = answer != NULL && !errand->payout->is_closed;
    if (is_answered && answer->fate == NWC_DONE && take(errand, &answer->payment))
        return;
    if (is_answered && is_over(errand, answer))
        work(errand, ERRAND_CANCEL);
    else
        end(errand);
}

static void look(struct errand *errand)
{
    struct text request = {0};
    nwc_write_lookup(&request, &errand->payment.hash);
    lightning_ask(errand->payout->setup.lightning, text_span(&request), LIGHTNING_ANSWER_MS,
                  on_look_answered, errand);
    text_clear(&request);
}

static void on_pay_answered(void *owner, const struct nwc_answer *answer)
{
    struct errand *errand = owner;
    if (answer == NULL || errand->payout->is_closed) {
        end(errand); /* what became of it is asked later */
        return;
    }
    if (answer->fate == NWC_DONE && take(errand, &answer->payment))
        return;
    errand->was_refused = answer->fate == NWC_FAILED || answer->fate == NWC_REFUSED;
    if (answer->fate != NWC_DONE)
        journal_line(JOURNAL_WARNING, "payout: the wallet service does not pay: %s", answer->why);
    if (answer->fate == NWC_REFUSED)
        work(errand, ERRAND_CANCEL);
    else
        look(errand);
}

static struct errand *new_errand(struct payout *payout, const struct ledger_payment *payment)
{
    struct errand *errand = calloc(1, sizeof *errand);
    if (errand == NULL)
        abort();
    errand->payout = payout;
    errand->payment = *payment;
    errand->payment.invoice = arena_copy(&errand->arena, payment->invoice);
    errand->next = payout->errands;
    payout->errands = errand;
    payout->errand_count++;
    return errand;
}

void payout_begin(struct payout *payout, const struct ledger_payment *payment)
{
    bool is_there = lightning_look(payout->setup.lightning);
    bool is_stale = !payment->is_sent && payment->at + PAYOUT_READY_S < time(NULL);
    if (!is_there && !is_stale)
        return;
    struct errand *errand = new_errand(payout, payment);
    if (payment->is_sent)
        look(errand);
    else
        work(errand, is_there ? ERRAND_CLAIM : ERRAND_CANCEL);
}

/* It may be told before the answer, or instead of it: whichever is the first is put down. */
void payout_hear(struct payout *payout, const struct nwc_payment *payment)
{
    struct errand *at = payout->errands;
    while (at != NULL && (!at->payment.is_sent || !payment->has_hash ||
                          memcmp(&at->payment.hash, &payment->hash, sizeof payment->hash) != 0))
        at = at->next;
    if (payout->is_closed || at == NULL) {
        payout_ring(payout);
        return;
    }
    struct errand *errand = new_errand(payout, &at->payment);
    if (!take(errand, payment))
        end(errand);
}
