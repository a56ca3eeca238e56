#include "gpu/service_market.h"

#include <stdlib.h>

#include "client/holder.h"
#include "gpu/announce.h"
#include "gpu/courier.h"
#include "gpu/desk.h"
#include "gpu/engine.h"
#include "gpu/inquiry.h"
#include "gpu/journal.h"
#include "gpu/label.h"
#include "gpu/mint.h"
#include "gpu/model.h"
#include "gpu/price.h"
#include "gpu/root.h"
#include "gpu/shop.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/sig.h"
#include "shared/text.h"

struct service_market {
    struct holder *holder;
    struct post *post;
    struct announce *announce;
    struct desk *desk; /* NULL: nothing is answered there */
    struct mint *mint;
    const struct inquiry *inquiry; /* NULL, with courier: nothing is sold */
    struct courier *courier;
    struct engine *engine;
    uint32_t parallel;
    struct label_dtype dtype;
    struct text place; /* where its mint is asked over relays: nostr:nprofile1... */
};

static void measure(void *owner, struct offer_pulse *pulse)
{
    struct service_market *market = owner;
    struct scheduler_statistics jobs = engine_statistics(market->engine);
    pulse->free = jobs.running < market->parallel ? market->parallel - jobs.running : 0;
    pulse->queue = jobs.waiting;
    pulse->ttft_ms = engine_first_ms(market->engine);
    pulse->speed = (uint32_t)(jobs.tokens_rate * 10);
}

/* What is for sale has a price, and a place where it is paid that others reach. */
static bool describe_price(const struct service_market *market, struct offer *offer,
                           const struct service_market_options *options, struct err *err)
{
    static const struct span units[] = {{"ccr", 3}, {"ccr-promo", 9}};
    struct price price;
    if (options->price == NULL || (options->url == NULL && market->place.len == 0))
        return true;
    if (!price_read(&price, options->price, err))
        return false;
    offer->price = (struct offer_price){price.prompt, price.cached, price.output, price.request};
    memcpy(offer->units, units, sizeof units);
    offer->unit_count = ARRAY_LEN(units);
    if (options->url != NULL)
        offer->mints[offer->mint_count++] = (struct span){options->url, strlen(options->url)};
    if (market->place.len > 0)
        offer->mints[offer->mint_count++] = text_span(&market->place);
    return true;
}

static void describe(struct service_market *market, struct offer *offer,
                     const struct service_market_options *options, const char *name)
{
    const struct model *model = engine_model(market->engine);
    struct span template = engine_template(market->engine);
    struct root root;
    market->dtype = label_dtype(model, options->weights);
    *offer = (struct offer){.end = model->hyper.layers,
                            .layers = model->hyper.layers,
                            .dtype = {market->dtype.text, strlen(market->dtype.text)},
                            .model = {name, strlen(name)},
                            .gpu = {options->device, strlen(options->device)},
                            .has_tokenizer = true,
                            .tokenizer = announce_tokenizer(engine_tokenizer(market->engine)),
                            .has_template = template.len > 0,
                            .capacity = options->parallel,
                            .context = engine_context(market->engine)};
    if (offer->has_template)
        offer->template = sig_sha256(template);
    for (uint32_t i = 0; i < options->relay_count; i++)
        offer->relays[offer->relay_count++] =
            (struct span){options->relays[i], strlen(options->relays[i])};
    root_read(&root, model, options->roots);
    offer->root = root_whole(&root);
    root_clear(&root);
}

static bool announce(struct service_market *market, uv_loop_t *loop, const struct offer *offer,
                     const struct service_market_options *options, struct err *err)
{
    const struct post_setup setup = {.loop = loop,
                                     .relays = options->relays,
                                     .relay_count = options->relay_count,
                                     .holder = market->holder};
    struct text key = {0};
    market->post = post_new(&setup, err);
    if (market->post == NULL)
        return false;
    market->announce = announce_new(&(struct announce_setup){
        .loop = loop, .post = market->post, .offer = offer, .measure = measure, .owner = market});
    text_add_hex(&key, holder_pubkey(market->holder)->at, sizeof(struct bytes32));
    journal_line(JOURNAL_INFO, "announce: node=%.*s name=%.*s relays=%u", (int)key.len, key.at,
                 SPAN_ARG(offer->model), options->relay_count);
    text_clear(&key);
    return true;
}

/* On the loop's pool. */
static void answer(void *owner, struct desk_answer *answer, const struct desk_question *question)
{
    struct service_market *market = owner;
    struct mint_answer said = {0};
    struct bytes33 y;
    if (question->body.len > MINT_BODY_BYTES_MAX) {
        answer->status = 413;
        text_add(&answer->body, SPAN("{\"detail\":\"too long\"}"));
        return;
    }
    if (market->inquiry != NULL &&
        inquiry_read(&y, question->method, question->path) != INQUIRY_NONE)
        inquiry_answer(market->inquiry, &said, question->method, question->path);
    else
        mint_call(market->mint, &said,
                  &(struct mint_call){
                      .method = question->method, .path = question->path, .body = question->body});
    answer->status = said.status;
    answer->body = said.body;
}

static bool take(void *owner, const struct desk_question *question, struct span id)
{
    struct service_market *market = owner;
    return market->courier != NULL && courier_take(market->courier, question, id);
}

/* By as many of its relays as an offer has room for. */
static void find_place(struct service_market *market, const struct service_market_options *options)
{
    struct bech32 place = {.type = BECH32_NPROFILE, .key = *holder_pubkey(market->holder)};
    for (uint32_t i = 0; i < options->relay_count; i++)
        place.relays[place.relay_count++] =
            (struct span){options->relays[i], strlen(options->relays[i])};
    do {
        market->place.len = 0;
        text_add(&market->place, SPAN("nostr:"));
        if (!bech32_encode(&market->place, &place))
            market->place.len = 0;
    } while (market->place.len > OFFER_PLACE_BYTES_MAX && --place.relay_count > 0);
}

static void open_desk(struct service_market *market, uv_loop_t *loop)
{
    market->desk = desk_new(&(struct desk_setup){
        .loop = loop, .post = market->post, .take = take, .answer = answer, .owner = market});
    journal_line(JOURNAL_INFO, "desk: mint=%.*s", (int)market->place.len, market->place.at);
}

static void free_market(struct service_market *market)
{
    text_clear(&market->place);
    holder_free(market->holder);
    free(market);
}

bool service_market_open(struct service_market **market, uv_loop_t *loop,
                         const struct service_market_options *options, struct engine *engine,
                         const char *name, struct err *err)
{
    struct offer offer;
    *market = NULL;
    if (!options->announces)
        return true;
    struct service_market *made = calloc(1, sizeof *made);
    if (made == NULL)
        abort();
    made->engine = engine;
    made->parallel = options->parallel;
    made->mint = options->mint;
    made->holder = identity_open(&options->identity, err);
    bool ok = made->holder != NULL;
    if (ok) {
        if (options->mint != NULL)
            find_place(made, options);
        describe(made, &offer, options, name);
        ok = describe_price(made, &offer, options, err) && announce_check(&offer, err) &&
             announce(made, loop, &offer, options, err);
    }
    if (ok) {
        if (options->mint != NULL)
            open_desk(made, loop);
        *market = made;
        return true;
    }
    free_market(made);
    return false;
}

static void on_shop(void *owner, const struct uuid *quote)
{
    courier_ring(owner, quote);
}

void service_market_deliver(struct service_market *market, uv_loop_t *loop, struct shop *shop)
{
    if (market == NULL || market->desk == NULL || shop == NULL)
        return;
    market->inquiry = shop_inquiry(shop);
    market->courier = courier_open(
        &(struct courier_setup){.loop = loop, .desk = market->desk, .inquiry = market->inquiry});
    shop_hear(shop, on_shop, market->courier);
}

bool service_market_is_idle(const struct service_market *market)
{
    return market == NULL || market->desk == NULL ||
           (desk_statistics(market->desk).busy == 0 && courier_is_idle(market->courier));
}

void service_market_withdraw(struct service_market *market)
{
    if (market != NULL)
        announce_withdraw(market->announce);
}

bool service_market_is_quiet(const struct service_market *market)
{
    return market == NULL || post_pending(market->post) == 0;
}

void service_market_close(struct service_market *market)
{
    if (market == NULL)
        return;
    announce_free(market->announce);
    courier_close(market->courier);
    desk_free(market->desk);
    post_free(market->post);
    free_market(market);
}
