/* service_market.h - what a node that serves has to do with the market: it announces its model at
 * relays, and its mint answers there. Part of service.
 *
 *   ownership  the service's engine and name outlive it
 *   threads    loop thread only
 */
#pragma once

#include "gpu/dtype.h"
#include "gpu/identity.h"

#include "gpu/post.h"

struct engine;
struct mint;
struct service_market;
struct shop;

struct service_market_options {
    bool announces;
    const char *relays[POST_RELAYS_MAX];
    uint32_t relay_count;
    struct identity_options identity;
    const char *roots; /* the folder of hashes; NULL: none */
    uint32_t parallel; /* answers at once */
    const char *device;
    enum dtype_made weights;
    struct mint *mint; /* that is asked over relays, too; NULL: none */
    const char *price; /* of jobs, as price.h reads it; NULL: none are sold */
    const char *url;   /* of the mint, where jobs are bought, too; NULL: nobody else gets there */
};

/* Sets *market to NULL where nothing is announced. */
MUST_CHECK bool service_market_open(struct service_market **market, uv_loop_t *loop,
                                    const struct service_market_options *options,
                                    struct engine *engine, const char *name, struct err *err);

/* What the shop sells is delivered over relays, too. Of a market that may be NULL, as below. */
void service_market_deliver(struct service_market *market, uv_loop_t *loop, struct shop *shop);

/* Whether nobody asks the database: the shop may close. */
bool service_market_is_idle(const struct service_market *market);

/* Of a market that may be NULL: what was announced is withdrawn; whether the relays that are there
 * have heard of it; and all is let go, memory when the last handle has closed. */
void service_market_withdraw(struct service_market *market);
bool service_market_is_quiet(const struct service_market *market);
void service_market_close(struct service_market *market);
