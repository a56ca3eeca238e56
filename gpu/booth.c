#include "gpu/booth.h"

#include <stdlib.h>

#include "client/holder.h"
#include "gpu/announce.h"
#include "gpu/door.h"
#include "gpu/journal.h"
#include "gpu/label.h"
#include "gpu/model.h"
#include "gpu/price.h"
#include "shared/err.h"
#include "shared/text.h"

struct booth {
    struct booth_options options;
    struct holder *holder;
    struct price price;
    struct post *post;
    struct announce *announce;
    const struct station *station;
    uint32_t sessions;
    struct label_dtype dtype;
    char name[OFFER_MODEL_BYTES_MAX + 1];
    char url[OFFER_STAGE_BYTES_MAX + 1];
};

/* What listens on all addresses has none that others could call. */
static bool check_place(const struct booth_options *options, struct err *err)
{
    bool is_any =
        strncmp(options->listen, "0.0.0.0:", 8) == 0 || strncmp(options->listen, "[::]:", 5) == 0;
    return options->url != NULL || !is_any ||
           err_set(err, ERR_INVALID, "--announce of layers wants --stage-url, where they are");
}

struct booth *booth_open(const struct booth_options *options, struct err *err)
{
    struct price price = {0};
    if (!check_place(options, err) ||
        (options->price != NULL && !price_read(&price, options->price, err)))
        return NULL;
    struct holder *holder = identity_open(&options->identity, err);
    if (holder == NULL)
        return NULL;
    struct booth *booth = calloc(1, sizeof *booth);
    if (booth == NULL)
        abort();
    *booth = (struct booth){.options = *options, .holder = holder, .price = price};
    if (options->name != NULL)
        snprintf(booth->name, sizeof booth->name, "%s", options->name);
    else
        label_name(booth->name, sizeof booth->name, options->model);
    return booth;
}

void booth_close(struct booth *booth)
{
    announce_free(booth->announce);
    if (booth->post != NULL)
        post_free(booth->post);
    holder_free(booth->holder);
    free(booth);
}

/* ---- the agent of a stage ---- */

static struct hail_door door(void *owner)
{
    const struct booth *booth = owner;
    return door_of(booth->holder);
}

static void measure(void *owner, struct offer_pulse *pulse)
{
    const struct booth *booth = owner;
    struct station_statistics now = station_statistics(booth->station);
    pulse->free = now.sessions < booth->sessions ? booth->sessions - now.sessions : 0;
    if (now.steps > 0 && now.nanoseconds > 0) {
        pulse->ttft_ms = (uint32_t)(now.nanoseconds / now.steps / 1000000) + 1;
        pulse->speed = (uint32_t)((double)now.rows * 1e10 / (double)now.nanoseconds);
    }
}

/* The port that the system chose behind the host, where nothing else is said. */
static void write_url(struct booth *booth, uint16_t port)
{
    const char *listen = booth->options.listen;
    int host = (int)(strrchr(listen, ':') - listen);
    if (booth->options.url != NULL)
        snprintf(booth->url, sizeof booth->url, "%s", booth->options.url);
    else
        snprintf(booth->url, sizeof booth->url, "ws://%.*s:%u", host, listen, port);
}

static void describe(struct booth *booth, struct offer *offer, const struct outpost_facts *facts)
{
    static const struct span units[] = {{"ccr", 3}, {"ccr-promo", 9}};
    const struct booth_options *options = &booth->options;
    booth->dtype = label_dtype(facts->model, options->weights);
    *offer = (struct offer){.root = facts->root,
                            .first = facts->begin,
                            .end = facts->end,
                            .layers = facts->model->hyper.layers,
                            .dtype = {booth->dtype.text, strlen(booth->dtype.text)},
                            .model = {booth->name, strlen(booth->name)},
                            .gpu = {options->device, strlen(options->device)},
                            .price = {booth->price.prompt, booth->price.cached, booth->price.output,
                                      booth->price.request},
                            .capacity = facts->sessions,
                            .context = facts->context,
                            .stage_count = 1};
    offer->stages[0] = (struct span){booth->url, strlen(booth->url)};
    memcpy(offer->units, units, sizeof units);
    offer->unit_count = ARRAY_LEN(units);
    for (uint32_t i = 0; i < options->relay_count; i++)
        offer->relays[offer->relay_count++] =
            (struct span){options->relays[i], strlen(options->relays[i])};
}

static bool open_market(void *owner, uv_loop_t *loop, const struct outpost_facts *facts,
                        struct err *err)
{
    struct booth *booth = owner;
    struct offer offer;
    struct text key = {0};
    booth->station = facts->station;
    booth->sessions = facts->sessions;
    write_url(booth, facts->port);
    describe(booth, &offer, facts);
    if (!announce_check(&offer, err))
        return false;
    booth->post = post_new(&(struct post_setup){.loop = loop,
                                                .relays = booth->options.relays,
                                                .relay_count = booth->options.relay_count,
                                                .holder = booth->holder},
                           err);
    if (booth->post == NULL)
        return false;
    booth->announce = announce_new(&(struct announce_setup){
        .loop = loop, .post = booth->post, .offer = &offer, .measure = measure, .owner = booth});
    text_add_hex(&key, holder_pubkey(booth->holder)->at, sizeof(struct bytes32));
    journal_line(JOURNAL_INFO, "announce: node=%.*s name=%s layers=%u-%u at=%s", (int)key.len,
                 key.at, booth->name, facts->begin, facts->end - 1, booth->url);
    text_clear(&key);
    return true;
}

static bool leave(void *owner)
{
    const struct booth *booth = owner;
    announce_withdraw(booth->announce);
    return post_pending(booth->post) == 0;
}

static void close_market(void *owner)
{
    booth_close(owner);
}

struct outpost_agent booth_agent(struct booth *booth)
{
    return (struct outpost_agent){door, open_market, leave, close_market, booth};
}
