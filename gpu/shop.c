#include "gpu/shop.h"

#include <stdlib.h>

#include "gpu/bell.h"
#include "gpu/engine.h"
#include "gpu/inquiry.h"
#include "gpu/junction.h"
#include "gpu/mint.h"
#include "shared/err.h"

enum { END_FREE, END_EXECUTOR };

struct shop {
    struct junction *junction;
    struct orders *orders;
    struct compute *compute;
    struct inquiry inquiry;
    struct executor *executor;
    struct cashier *cashier;
    struct bell *bell;
    shop_heard_fn *heard;
    void *owner;
    bool is_draining;
};

static void on_job(void *owner, const char *payload)
{
    struct shop *shop = owner;
    (void)payload; /* of another model, there is none to be claimed */
    executor_ring(shop->executor);
}

static void on_window(void *owner, const char *payload)
{
    struct shop *shop = owner;
    struct uuid quote;
    bool is_known = payload != NULL && uuid_read(&quote, (struct span){payload, strlen(payload)});
    if (payload != NULL && !is_known)
        return;
    cashier_ring(shop->cashier, is_known ? &quote : NULL);
    if (shop->heard != NULL)
        shop->heard(shop->owner, is_known ? &quote : NULL);
}

static void on_cancel(void *owner, const char *payload)
{
    struct shop *shop = owner;
    struct uuid quote;
    if (payload != NULL && uuid_read(&quote, (struct span){payload, strlen(payload)}))
        executor_cancel(shop->executor, &quote);
}

static void open_orders(struct shop *shop, const struct shop_setup *setup)
{
    const struct orders_setup orders = {.database = setup->database,
                                        .mint = setup->mint,
                                        .holder = setup->holder,
                                        .model = setup->root,
                                        .profile = "cpu",
                                        .policy = setup->policy};
    shop->orders = orders_open(&orders);
    shop->inquiry = (struct inquiry){shop->orders, setup->mint};
    const struct compute_setup compute = {.orders = shop->orders,
                                          .measure = engine_measure(setup->engine),
                                          .model = setup->model,
                                          .price = setup->price,
                                          .offer = setup->offer};
    shop->compute = compute_open(&compute);
    const struct mint_method method = compute_method(shop->compute);
    mint_spend_by(setup->mint, &method);
}

static void open_executor(struct shop *shop, const struct shop_setup *setup)
{
    const struct executor_setup executor = {.loop = setup->loop,
                                            .orders = shop->orders,
                                            .source = junction_end(shop->junction, END_EXECUTOR),
                                            .model = setup->model,
                                            .jobs_max = setup->jobs_max,
                                            .lease_ms = setup->lease_ms};
    const struct cashier_setup cashier = {.loop = setup->loop,
                                          .orders = shop->orders,
                                          .mint = setup->mint,
                                          .compute = shop->compute,
                                          .url = setup->url,
                                          .unit = SPAN("ccr")};
    shop->executor = executor_open(&executor);
    shop->cashier = cashier_open(&cashier);
}

struct shop *shop_open(const struct shop_setup *setup, struct err *err)
{
    struct shop *shop = calloc(1, sizeof *shop);
    if (shop == NULL)
        abort();
    const struct bell_listener listeners[] = {
        {"job", on_job, shop}, {"window", on_window, shop}, {"cancel", on_cancel, shop}};
    shop->bell = bell_open(setup->loop, setup->database, listeners, ARRAY_LEN(listeners), err);
    if (shop->bell == NULL) {
        free(shop);
        return NULL;
    }
    shop->junction = junction_new(engine_source(setup->engine));
    open_orders(shop, setup);
    open_executor(shop, setup);
    return shop;
}

/* What was bought here is done still. */
void shop_drain(struct shop *shop)
{
    shop->is_draining = true;
}

void shop_yield(struct shop *shop)
{
    executor_yield(shop->executor);
}

bool shop_is_idle(struct shop *shop)
{
    if (shop->is_draining && cashier_is_idle(shop->cashier))
        executor_drain(shop->executor);
    return executor_is_idle(shop->executor) && cashier_is_idle(shop->cashier);
}

void shop_close(struct shop *shop)
{
    bell_close(shop->bell);
    executor_close(shop->executor);
    cashier_close(shop->cashier);
    compute_close(shop->compute);
    orders_close(shop->orders);
    junction_free(shop->junction);
    free(shop);
}

struct source *shop_free_source(struct shop *shop)
{
    return junction_end(shop->junction, END_FREE);
}

struct source *shop_paid_source(struct shop *shop)
{
    return cashier_source(shop->cashier);
}

struct orders *shop_orders(struct shop *shop)
{
    return shop->orders;
}

struct compute *shop_compute(struct shop *shop)
{
    return shop->compute;
}

const struct inquiry *shop_inquiry(const struct shop *shop)
{
    return &shop->inquiry;
}

struct executor_statistics shop_statistics(const struct shop *shop)
{
    return executor_statistics(shop->executor);
}

void shop_hear(struct shop *shop, shop_heard_fn *heard, void *owner)
{
    shop->heard = heard;
    shop->owner = owner;
}
