#include "gpu/service_sell.h"

#include <stdlib.h>

#include "client/holder.h"
#include "gpu/journal.h"
#include "gpu/model.h"
#include "gpu/root.h"
#include "gpu/service_parts.h"
#include "gpu/shop.h"
#include "shared/err.h"

struct service_sale {
    struct shop *shop;
    struct holder *holder; /* NULL */
    char url[256];
};

static struct bytes32 root_of_model(const struct service *service, const char *folder)
{
    struct root root;
    root_read(&root, engine_model(service->engine), folder);
    struct bytes32 hash = root_whole(&root);
    root_clear(&root);
    return hash;
}

static bool open_shop(struct service *service, const struct service_sell_options *options,
                      const struct price *price, struct err *err)
{
    struct service_sale *sale = service->sale;
    const struct shop_setup setup = {.loop = &service->loop,
                                     .database = bank_database(service->bank),
                                     .mint = bank_mint(service->bank),
                                     .engine = service->engine,
                                     .root = root_of_model(service, options->roots),
                                     .model = {service->name, strlen(service->name)},
                                     .url = {sale->url, strlen(sale->url)},
                                     .holder = sale->holder,
                                     .price = *price,
                                     .jobs_max = options->parallel};
    sale->shop = shop_open(&setup, err);
    return sale->shop != NULL;
}

static bool check(const struct service *service, const struct service_sell_options *options,
                  struct price *price, struct err *err)
{
    if (!price_read(price, options->price, err))
        return false;
    if (service->engine == NULL)
        return err_set(err, ERR_INVALID, "--price is for a model of this node");
    return service->bank != NULL ||
           err_set(err, ERR_INVALID, "--price wants --mint, whose credit is taken");
}

bool service_sell_open(struct service *service, const struct service_sell_options *options,
                       const char *address, struct err *err)
{
    struct price price;
    if (options->price == NULL)
        return true;
    if (!check(service, options, &price, err))
        return false;
    struct service_sale *sale = calloc(1, sizeof *sale);
    if (sale == NULL)
        abort();
    snprintf(sale->url, sizeof sale->url, "%s", options->url != NULL ? options->url : address);
    bool ok = true;
    if (options->identity.key_file != NULL) {
        sale->holder = identity_open(&options->identity, err);
        ok = sale->holder != NULL;
    }
    service->sale = sale;
    if (ok && open_shop(service, options, &price, err)) {
        journal_line(JOURNAL_INFO, "serve: sells price=%s mint=%s receipts=%s", options->price,
                     sale->url, sale->holder != NULL ? "signed" : "none");
        return true;
    }
    holder_free(sale->holder);
    free(sale);
    service->sale = NULL;
    return false;
}

struct source *service_sell_source(struct service *service, bool is_paid)
{
    if (service->sale == NULL)
        return NULL;
    return is_paid ? shop_paid_source(service->sale->shop) : shop_free_source(service->sale->shop);
}

struct shop *service_sell_shop(const struct service *service)
{
    return service->sale != NULL ? service->sale->shop : NULL;
}

void service_sell_drain(struct service *service)
{
    if (service->sale != NULL)
        shop_drain(service->sale->shop);
}

void service_sell_yield(struct service *service)
{
    if (service->sale != NULL)
        shop_yield(service->sale->shop);
}

bool service_sell_is_idle(const struct service *service)
{
    return service->sale == NULL || shop_is_idle(service->sale->shop);
}

struct executor_statistics service_sell_statistics(const struct service *service)
{
    return service->sale != NULL ? shop_statistics(service->sale->shop)
                                 : (struct executor_statistics){0};
}

void service_sell_close(struct service *service)
{
    if (service->sale == NULL)
        return;
    shop_close(service->sale->shop);
    holder_free(service->sale->holder);
    free(service->sale);
    service->sale = NULL;
}
