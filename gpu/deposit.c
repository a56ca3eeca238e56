#include "gpu/deposit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "gpu/fault.h"
#include "gpu/invoice.h"
#include "gpu/journal.h"
#include "gpu/ledger_payment.h"
#include "gpu/lightning.h"
#include "gpu/mint.h"
#include "gpu/mint_policy.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

enum { DESCRIPTION_BYTES_MAX = 200, LOOKS_MAX = 64, LATE_S = 86400 };

struct deposit {
    struct deposit_setup setup;
    uint64_t unit_msat;
    bool is_closed, is_catching_up;
    uv_mutex_t mutex; /* of what follows */
    struct look {
        struct uuid quote;
        int64_t at;
    } looks[LOOKS_MAX]; /* the latest, in a ring */
    uint32_t look_count;
};

static struct uuid name_quote(const struct deposit *deposit, const struct bytes32 *hash)
{
    return mint_name_quote(deposit->setup.mint, "Shoal_Invoice_Quote_v1", SPAN_OF(*hash));
}

/* ---- asking for an invoice ---- */

static struct span cut(struct span text)
{
    size_t len = text.len < DESCRIPTION_BYTES_MAX ? text.len : DESCRIPTION_BYTES_MAX;
    while (len < text.len && len > 0 && ((unsigned char)text.at[len] & 0xc0) == 0x80)
        len--; /* no half of a character */
    return (struct span){text.at, len};
}

/* What the service made is what was asked for: of that amount, to be paid in time. */
static bool check(const struct nwc_answer *answer, struct invoice *invoice, uint64_t msat,
                  struct fault *fault)
{
    struct err err;
    if (answer->fate != NWC_DONE)
        return fault_set(fault, FAULT_OURS, "no invoice can be had: %s", answer->why);
    if (!invoice_read(invoice, answer->payment.invoice, &err))
        return fault_set(fault, FAULT_OURS, "no invoice can be had: %s", err.text);
    return (invoice->msat == msat && invoice->expires_at > time(NULL)) ||
           fault_set(fault, FAULT_OURS, "no invoice can be had: it is of another amount or time");
}

static bool ask(void *owner, struct mint_bill *bill, struct arena *arena, uint64_t amount,
                struct span description, struct fault *fault)
{
    struct deposit *deposit = owner;
    struct text request = {0};
    struct nwc_answer answer;
    struct invoice invoice;
    struct err err;
    uint64_t msat = amount * deposit->unit_msat; /* both are bounded by the policy */
    nwc_write_invoice(&request, msat, cut(description), DEPOSIT_LIFE_S);
    bool ok = lightning_call(deposit->setup.lightning, &answer, arena, text_span(&request), &err) ||
              fault_set(fault, FAULT_OURS, "no invoice can be had: %s", err.text);
    text_clear(&request);
    if (!ok || !check(&answer, &invoice, msat, fault))
        return false;
    *bill = (struct mint_bill){.quote = name_quote(deposit, &invoice.hash),
                               .request = answer.payment.invoice,
                               .expiry = invoice.expires_at};
    return true;
}

/* ---- a payment ---- */

/* Whether the service says that the invoice of that hash was paid in full. */
static bool is_paid(const struct nwc_payment *payment, const struct invoice *invoice)
{
    return payment->state == NWC_SETTLED && !payment->is_outgoing && payment->has_hash &&
           memcmp(&payment->hash, &invoice->hash, sizeof invoice->hash) == 0 &&
           payment->msat >= invoice->msat;
}

/* What has come in counts even where the quote has expired since: the time is no matter. */
static void put_down(const struct deposit *deposit, const struct uuid *quote)
{
    char id[UUID_TEXT_LEN + 1];
    struct fault fault;
    uuid_write(id, quote);
    if (!ledger_mint_quote_pay(deposit->setup.ledger, quote, 0, &fault))
        journal_line(JOURNAL_ERROR, "deposit: quote=%s is paid, which cannot be put down: %s", id,
                     fault.text);
}

/* A look at one by one thread at a time, and not again at once. */
static bool may_look(struct deposit *deposit, const struct uuid *quote)
{
    int64_t now = time(NULL);
    bool may = true;
    uv_mutex_lock(&deposit->mutex);
    for (uint32_t i = 0; i < LOOKS_MAX && i < deposit->look_count; i++)
        may = may && (memcmp(&deposit->looks[i].quote, quote, sizeof *quote) != 0 ||
                      now - deposit->looks[i].at >= DEPOSIT_LOOK_S);
    if (may)
        deposit->looks[deposit->look_count++ % LOOKS_MAX] = (struct look){*quote, now};
    uv_mutex_unlock(&deposit->mutex);
    return may;
}

static void look(void *owner, const struct uuid *quote, struct span request)
{
    struct deposit *deposit = owner;
    struct arena arena = {0};
    struct text text = {0};
    struct nwc_answer answer;
    struct invoice invoice;
    if (!invoice_read(&invoice, request, NULL) || !may_look(deposit, quote))
        return;
    nwc_write_lookup(&text, &invoice.hash);
    if (lightning_call(deposit->setup.lightning, &answer, &arena, text_span(&text), NULL) &&
        answer.fate == NWC_DONE && is_paid(&answer.payment, &invoice))
        put_down(deposit, quote);
    text_clear(&text);
    arena_clear(&arena);
}

/* ---- hearing of one ---- */

/* On the loop's pool: what the service told is checked against the quote. */
struct hearing {
    uv_work_t work;
    struct deposit *deposit;
    struct nwc_payment payment;
};

static void on_hearing(uv_work_t *work)
{
    struct hearing *hearing = work->data;
    const struct deposit *deposit = hearing->deposit;
    struct arena arena = {0};
    struct mint_quote quote;
    struct invoice invoice;
    struct fault fault;
    struct uuid id = name_quote(deposit, &hearing->payment.hash);
    if (ledger_mint_quote_find(deposit->setup.ledger, &arena, &id, &quote, &fault) &&
        invoice_read(&invoice, quote.request, NULL)) {
        if (is_paid(&hearing->payment, &invoice))
            put_down(deposit, &id);
        else
            journal_line(JOURNAL_WARNING,
                         "deposit: a payment of %" PRIu64 " msat for an invoice of %" PRIu64,
                         hearing->payment.msat, invoice.msat);
    }
    arena_clear(&arena);
}

static void on_heard(uv_work_t *work, int status)
{
    (void)status;
    free(work->data);
}

void deposit_hear(struct deposit *deposit, const struct nwc_payment *payment)
{
    if (deposit->is_closed || !payment->has_hash)
        return;
    struct hearing *hearing = calloc(1, sizeof *hearing);
    if (hearing == NULL)
        abort();
    hearing->deposit = deposit;
    hearing->payment = *payment;
    if (hearing->payment.state == NWC_UNSAID)
        hearing->payment.state = NWC_SETTLED; /* that is what a notification of one says */
    hearing->payment.invoice = hearing->payment.preimage = (struct span){0};
    hearing->work.data = hearing;
    uv_queue_work(deposit->setup.loop, &hearing->work, on_hearing, on_heard);
}

/* ---- catching up ---- */

struct catching {
    uv_work_t work;
    struct deposit *deposit;
    struct arena arena;
    const struct ledger_unpaid *quotes;
    uint32_t count, at;
};

static void end_catching(struct catching *catching)
{
    catching->deposit->is_catching_up = false;
    arena_clear(&catching->arena);
    free(catching);
}

static void ask_next(struct catching *catching);

static void on_looked(void *owner, const struct nwc_answer *answer)
{
    struct catching *catching = owner;
    if (answer == NULL) { /* it is away again, and is asked once it is back */
        end_catching(catching);
        return;
    }
    if (answer->fate == NWC_DONE && answer->payment.state == NWC_SETTLED)
        deposit_hear(catching->deposit, &answer->payment);
    catching->at++;
    ask_next(catching);
}

static void ask_next(struct catching *catching)
{
    struct deposit *deposit = catching->deposit;
    struct invoice invoice;
    while (catching->at < catching->count &&
           !invoice_read(&invoice, catching->quotes[catching->at].request, NULL))
        catching->at++;
    if (deposit->is_closed || catching->at == catching->count) {
        end_catching(catching);
        return;
    }
    struct text text = {0};
    nwc_write_lookup(&text, &invoice.hash);
    lightning_ask(deposit->setup.lightning, text_span(&text), LIGHTNING_ANSWER_MS, on_looked,
                  catching);
    text_clear(&text);
}

static void on_list(uv_work_t *work)
{
    struct catching *catching = work->data;
    struct fault fault;
    if (!ledger_unpaid(catching->deposit->setup.ledger, &catching->arena, time(NULL) - LATE_S,
                       &catching->quotes, &catching->count, &fault))
        catching->count = 0;
}

static void on_listed(uv_work_t *work, int status)
{
    (void)status;
    ask_next(work->data);
}

void deposit_catch_up(struct deposit *deposit)
{
    if (deposit->is_closed || deposit->is_catching_up)
        return;
    struct catching *catching = calloc(1, sizeof *catching);
    if (catching == NULL)
        abort();
    deposit->is_catching_up = true;
    catching->deposit = deposit;
    catching->work.data = catching;
    uv_queue_work(deposit->setup.loop, &catching->work, on_list, on_listed);
}

/* ---- all of it ---- */

struct deposit *deposit_open(const struct deposit_setup *setup)
{
    const struct mint_policy *policy = mint_terms_of(setup->mint);
    struct deposit *deposit = calloc(1, sizeof *deposit);
    if (deposit == NULL)
        abort();
    deposit->setup = *setup;
    deposit->unit_msat = (uint64_t)policy->unit_msat;
    uv_mutex_init(&deposit->mutex);
    if (policy->buy_max > 0)
        mint_buy_with(setup->mint, &(struct mint_sale){.name = "bolt11",
                                                       .unit = MINT_UNIT_PAID,
                                                       .owner = deposit,
                                                       .amount_min = 1,
                                                       .amount_max = (uint64_t)policy->buy_max,
                                                       .ask = ask,
                                                       .look = look});
    return deposit;
}

void deposit_close(struct deposit *deposit)
{
    deposit->is_closed = true;
}

void deposit_free(struct deposit *deposit)
{
    uv_mutex_destroy(&deposit->mutex);
    free(deposit);
}
