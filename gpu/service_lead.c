#include "gpu/service_lead.h"

#include <stdlib.h>

#include "client/holder.h"
#include "gpu/engine.h"
#include "gpu/label.h"
#include "gpu/model.h"
#include "gpu/outpost.h"
#include "gpu/price.h"
#include "gpu/recruit.h"
#include "gpu/root.h"
#include "gpu/service_parts.h"
#include "shared/err.h"

struct service_leading {
    struct holder *holder;
    struct recruit *recruit;
    struct label_dtype dtype;
};

static bool read_wish(struct chain_wish *wish, struct service_leading *leading,
                      const struct service *service, const struct service_options *options,
                      struct err *err)
{
    const struct model *model = engine_model(service->engine);
    struct price price = {0};
    struct root root;
    uint32_t begin;
    if (options->sell.price != NULL && !price_read(&price, options->sell.price, err))
        return false;
    leading->dtype = label_dtype(model, options->engine.weights);
    *wish = (struct chain_wish){.layers = model->hyper.layers,
                                .dtype = {leading->dtype.text, strlen(leading->dtype.text)},
                                .context = engine_context(service->engine),
                                .price = {price.prompt, price.cached, price.output, price.request}};
    root_read(&root, model, options->market.roots);
    wish->root = root_whole(&root);
    root_clear(&root);
    return outpost_layers(&begin, &wish->begin, options->engine.stage->layers, model, err);
}

bool service_lead_open(struct service *service, const struct service_options *options,
                       struct err *err)
{
    const struct service_market_options *market = &options->market;
    if (options->engine.stage == NULL || !options->engine.stage->is_lead)
        return true;
    struct service_leading *leading = calloc(1, sizeof *leading);
    if (leading == NULL)
        abort();
    service->leading = leading;
    struct recruit_setup setup = {.loop = &service->loop,
                                  .relays = market->relays,
                                  .relay_count = market->relay_count,
                                  .engine = service->engine};
    leading->holder = identity_open(&market->identity, err);
    setup.holder = leading->holder;
    if (leading->holder != NULL && read_wish(&setup.wish, leading, service, options, err))
        leading->recruit = recruit_new(&setup, err);
    if (leading->recruit != NULL)
        return true;
    service_lead_close(service);
    return false;
}

void service_lead_close(struct service *service)
{
    struct service_leading *leading = service->leading;
    if (leading == NULL)
        return;
    recruit_free(leading->recruit);
    holder_free(leading->holder);
    free(leading);
    service->leading = NULL;
}
