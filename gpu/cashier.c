#include "gpu/cashier.h"

#include <stdlib.h>

#include "gpu/cashier_parts.h"
#include "gpu/journal.h"

static void look_soon(struct sale *sale);

/* ---- on the loop's pool ---- */

static void pay(uv_work_t *work)
{
    struct sale *sale = work->data;
    sale->is_refused = !cashier_pay(sale);
}

static void look(uv_work_t *work)
{
    struct sale *sale = work->data;
    struct orders *orders = sale->cashier->setup.orders;
    struct err err;
    sale->answer = ORDER_DONE;
    if (sale->cancels)
        sale->answer = order_cancel(orders, &sale->quote, &err);
    if (sale->answer == ORDER_DONE)
        sale->answer =
            order_look(orders, &sale->view, &sale->view_arena, &sale->quote, sale->from, &err);
    if (sale->answer == ORDER_AWAY)
        journal_line(JOURNAL_WARNING, "cashier: no look why=%s", err.text);
    if (sale->answer == ORDER_DONE && order_has_ended(sale->view.state) && sale->view.cost > 0)
        cashier_change(sale);
}

/* ---- on the loop ---- */

static void end_sale(struct sale *sale, const struct source_end *end)
{
    struct cashier *cashier = sale->cashier;
    struct sale **at = &cashier->sales;
    while (*at != sale)
        at = &(*at)->next;
    *at = sale->next;
    cashier->source.end(cashier->source.owner, sale->number, end);
    text_clear(&sale->payment);
    arena_clear(&sale->arena);
    arena_clear(&sale->view_arena);
    free(sale);
}

static struct source_end end_of(const struct sale *sale)
{
    const struct order_view *view = &sale->view;
    struct source_end end = {
        .end = view->is_full ? ANSWER_FULL : ANSWER_ENDED,
        .usage = {.prompt_tokens = view->prompt_tokens,
                  .kept_tokens = view->cached_tokens,
                  .tokens = view->delivered,
                  .prompt_nanoseconds = view->begun_ms * UINT64_C(1000000),
                  .nanoseconds = (view->ms - view->begun_ms) * UINT64_C(1000000)},
        .payment = text_span(&sale->payment),
        .receipt = view->receipt,
        .tokens = view->tokens};
    if (view->state == ORDER_CANCELLED)
        end.end = ANSWER_LEFT;
    if (view->state == ORDER_FAILED || (view->state == ORDER_CANCELLED && !sale->is_cancelled))
        end.is_refused =
            !refusal_set(&end.refusal, 500, NULL, "the job has failed: %.*s%s", SPAN_ARG(view->why),
                         view->cost == 0 ? "; its token is good still" : "");
    return end;
}

static void on_looked(uv_work_t *work, int status)
{
    struct sale *sale = work->data;
    struct source *source = &sale->cashier->source;
    const struct order_view *view = &sale->view;
    (void)status;
    sale->is_working = false;
    if (sale->answer != ORDER_DONE) {
        if (sale->is_rung)
            look_soon(sale);
        return; /* until it is rung again, as it is when the database is back */
    }
    for (uint32_t i = 0; i < view->more_count && !sale->is_cancelled; i++) {
        struct source_piece piece = {.text = view->more[i].text};
        source->piece(source->owner, sale->number, &piece);
    }
    sale->from += view->more_count;
    if (order_has_ended(view->state)) {
        struct source_end end = end_of(sale);
        end_sale(sale, &end);
    } else if (sale->is_rung)
        look_soon(sale);
}

static void look_soon(struct sale *sale)
{
    sale->is_rung = true;
    if (sale->is_working || !sale->has_order)
        return;
    sale->is_rung = false;
    sale->is_working = true;
    sale->cancels = sale->is_cancelled;
    arena_clear(&sale->view_arena);
    uv_queue_work(sale->cashier->setup.loop, &sale->work, look, on_looked);
}

static void on_paid(uv_work_t *work, int status)
{
    struct sale *sale = work->data;
    struct source_end end = {.is_refused = true};
    (void)status;
    sale->is_working = false;
    if (!sale->is_refused) {
        sale->has_order = true;
        look_soon(sale);
        return;
    }
    end.refusal = sale->refusal;
    end.payment = text_span(&sale->payment);
    end_sale(sale, &end);
}

static void submit(struct source *source, uint64_t number, const struct ask *ask, uint32_t index)
{
    struct cashier *cashier = (struct cashier *)source;
    struct sale *sale = calloc(1, sizeof *sale);
    if (sale == NULL)
        abort();
    (void)index; /* there is one */
    sale->cashier = cashier;
    sale->number = number;
    sale->ask = ask;
    sale->next = cashier->sales;
    cashier->sales = sale;
    sale->work.data = sale;
    sale->is_working = true;
    uv_queue_work(cashier->setup.loop, &sale->work, pay, on_paid);
}

static void cancel(struct source *source, uint64_t number)
{
    struct cashier *cashier = (struct cashier *)source;
    for (struct sale *sale = cashier->sales; sale != NULL; sale = sale->next)
        if (sale->number == number && !sale->is_cancelled) {
            sale->is_cancelled = true;
            look_soon(sale);
        }
}

void cashier_ring(struct cashier *cashier, const struct uuid *quote)
{
    for (struct sale *sale = cashier->sales; sale != NULL; sale = sale->next)
        if (sale->has_order && (quote == NULL || memcmp(quote, &sale->quote, sizeof *quote) == 0))
            look_soon(sale);
}

struct cashier *cashier_open(const struct cashier_setup *setup)
{
    struct cashier *cashier = calloc(1, sizeof *cashier);
    if (cashier == NULL)
        abort();
    cashier->setup = *setup;
    cashier->source = (struct source){.submit = submit, .cancel = cancel};
    return cashier;
}

void cashier_close(struct cashier *cashier)
{
    free(cashier);
}

struct source *cashier_source(struct cashier *cashier)
{
    return &cashier->source;
}

bool cashier_is_idle(const struct cashier *cashier)
{
    return cashier->sales == NULL;
}
