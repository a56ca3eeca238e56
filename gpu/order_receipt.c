/* order_receipt.c - the receipt of a settled order: an event of kind 8430. */
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "client/holder.h"
#include "gpu/journal.h"
#include "gpu/order_parts.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/receipt.h"
#include "shared/sig.h"
#include "shared/text.h"

static struct receipt receipt_of(const struct orders *orders, const struct order_paper *paper,
                                 struct span quote)
{
    const struct order_row *row = paper->row;
    const struct orders_setup *setup = &orders->setup;
    struct price_split split = price_split(paper->cost, &setup->policy);
    return (struct receipt){.job = row->request,
                            .model = setup->model,
                            .tokens = paper->tokens,
                            .seed = sig_sha256(SPAN_OF(row->seed)),
                            .quote = quote,
                            .profile = {setup->profile, strlen(setup->profile)},
                            .unit = row->unit,
                            .prompt_tokens = row->prompt_tokens,
                            .cached_tokens = paper->cached_tokens,
                            .output_tokens = row->delivered,
                            .amount = paper->cost,
                            .fee = split.fee,
                            .burn = split.burn,
                            .first_ms = row->begun_ms,
                            .ms = row->ms};
}

static bool sign(struct orders *orders, struct event *event)
{
    struct bytes32 aux;
    struct err err;
    if (getrandom(&aux, sizeof aux, 0) != (ssize_t)sizeof aux)
        abort();
    pthread_mutex_lock(&orders->lock);
    bool ok = holder_sign(orders->setup.holder, event, &aux, &err);
    pthread_mutex_unlock(&orders->lock);
    if (!ok)
        journal_line(JOURNAL_WARNING, "order: no receipt why=%s", err.text);
    return ok;
}

void order_write_receipt(struct orders *orders, struct text *out, struct bytes32 *id,
                         const struct order_paper *paper)
{
    char quote[UUID_TEXT_LEN + 1];
    struct text tags = {0};
    if (orders->setup.holder == NULL)
        return;
    uuid_write(quote, &paper->row->quote);
    struct receipt receipt = receipt_of(orders, paper, (struct span){quote, UUID_TEXT_LEN});
    receipt_write(&tags, &receipt);
    struct event event = {.created_at = time(NULL),
                          .kind = KIND_RECEIPT,
                          .tags_json = text_span(&tags),
                          .content_json = SPAN("")};
    if (sign(orders, &event)) {
        event_write(out, &event);
        *id = event.id;
    }
    text_clear(&tags);
}
