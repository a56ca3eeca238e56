/* shop.h - what a node needs to sell its model's answers: orders, the executor that does them, the
 * cashier, and who tells them of each other.
 *
 *   ownership  shop_close, once it is idle, and the loop has run on; all of the setup is borrowed
 *   threads    loop thread only
 *   errors     ERR_INTERNAL the database
 */
#pragma once

#include <uv.h>

#include "gpu/cashier.h"
#include "gpu/executor.h"
#include "gpu/price.h"

struct engine;
struct holder;
struct inquiry;
struct shop;

struct shop_setup {
    uv_loop_t *loop;
    struct database *database;
    struct mint *mint; /* that gets its method "compute" here */
    struct engine *engine;
    struct bytes32 root;         /* of the model's weights */
    struct span model;           /* its name */
    struct span url;             /* of the mint */
    struct span offer;           /* the id of the event that offers it, hex digits; empty */
    const struct holder *holder; /* that signs receipts; NULL */
    struct price price;
    struct price_policy policy;
    uint32_t jobs_max; /* at once */
    uint32_t lease_ms; /* 0: the executor's own */
};

struct shop *shop_open(const struct shop_setup *setup, struct err *err);

/* Takes no more jobs; and stops those that it has, for others to do. */
void shop_drain(struct shop *shop);
void shop_yield(struct shop *shop);
bool shop_is_idle(struct shop *shop);
void shop_close(struct shop *shop);

/* The engine, for what is not paid for; and for what is, with a token. */
struct source *shop_free_source(struct shop *shop);
struct source *shop_paid_source(struct shop *shop);

struct orders *shop_orders(struct shop *shop);
struct compute *shop_compute(struct shop *shop);
const struct inquiry *shop_inquiry(const struct shop *shop);
struct executor_statistics shop_statistics(const struct shop *shop);

/* Whoever else is to be told of orders; NULL: any may have changed. One. */
typedef void shop_heard_fn(void *owner, const struct uuid *quote);
void shop_hear(struct shop *shop, shop_heard_fn *heard, void *owner);
