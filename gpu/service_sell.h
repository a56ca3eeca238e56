/* service_sell.h - what a node that serves has to do to be paid for it. Part of service.
 *
 *   ownership  the service's engine, bank, httpd and name outlive it
 *   threads    loop thread only
 *   errors     ERR_INVALID a price; those of identity and shop
 */
#pragma once

#include "gpu/executor.h"
#include "gpu/identity.h"

struct service;
struct shop;
struct err;

struct service_sell_options {
    const char *price; /* NULL: nothing is sold */
    const char *url;   /* of the mint, as tokens name it; NULL: where the node listens */
    const char *roots; /* the folder of hashes; NULL: none */
    uint32_t parallel; /* jobs at once */
    struct identity_options identity; /* that signs receipts; its key_file NULL: nobody does */
};

/* With an engine and a bank. */
MUST_CHECK bool service_sell_open(struct service *service,
                                  const struct service_sell_options *options, const char *address,
                                  struct err *err);

/* Of a service that sells nothing, it does nothing, and is idle. */
void service_sell_drain(struct service *service);
void service_sell_yield(struct service *service);
bool service_sell_is_idle(const struct service *service);
struct executor_statistics service_sell_statistics(const struct service *service);
void service_sell_close(struct service *service);

/* NULL: nothing is sold. */
struct shop *service_sell_shop(const struct service *service);

/* The engine, for what is paid for and for what is not; NULL: nothing is sold. */
struct source *service_sell_source(struct service *service, bool is_paid);
