/* shoal models: what nodes offer, where, at what price, and how many have each layer. */
#include <stdlib.h>

#include "client/command_survey.h"
#include "shared/err.h"
#include "shared/text.h"

struct listing {
    struct text *out;
    struct arena *arena;
    const struct market_entry *entries;
    size_t count;
};

/* By model, then by first layer, then by node. */
static int compare_entries(const void *left, const void *right)
{
    const struct market_entry *a = left, *b = right;
    int order = memcmp(&a->offer.root, &b->offer.root, sizeof a->offer.root);
    if (order == 0)
        order = (a->offer.layers > b->offer.layers) - (a->offer.layers < b->offer.layers);
    if (order == 0)
        order = (a->offer.first > b->offer.first) - (a->offer.first < b->offer.first);
    return order != 0 ? order : memcmp(&a->node, &b->node, sizeof a->node);
}

static bool is_same_model(const struct market_entry *a, const struct market_entry *b)
{
    return a->offer.layers == b->offer.layers &&
           memcmp(&a->offer.root, &b->offer.root, sizeof a->offer.root) == 0;
}

/* "0-11 2, 12-21 1": stretches that as many have. */
static void write_replicas(struct text *out, const struct listing *listing,
                           const struct offer *model)
{
    const uint32_t *replicas =
        market_replicas(listing->arena, listing->entries, listing->count, model);
    for (uint32_t begin = 0, end; begin < model->layers; begin = end) {
        for (end = begin; end < model->layers && replicas[end] == replicas[begin];)
            end++;
        text_addf(out, "%s%u-%u %u", begin > 0 ? ", " : "", begin, end - 1, replicas[begin]);
    }
}

static void write_price(struct text *out, const struct offer *offer)
{
    const struct offer_price *price = &offer->price;
    if (offer->mint_count == 0 && offer->stage_count == 0) {
        text_add(out, SPAN("names no mint: nothing to be bought"));
        return;
    }
    text_addf(out, "%llu/%llu/%llu a million in/cached/out", (unsigned long long)price->in,
              (unsigned long long)price->cached, (unsigned long long)price->out);
    if (price->request > 0)
        text_addf(out, " + %llu a request", (unsigned long long)price->request);
    for (uint32_t i = 0; i < offer->unit_count; i++)
        text_addf(out, "%s%.*s", i == 0 ? " " : ", ", SPAN_ARG(offer->units[i]));
}

static void write_life(struct text *out, const struct market_entry *entry)
{
    if (!entry->has_pulse) {
        text_add(out, SPAN("no heartbeat heard"));
        return;
    }
    text_addf(out, "%s%u of %u free, %u waiting", entry->life == MARKET_GONE ? "gone; had " : "",
              entry->free, entry->offer.capacity, entry->queue);
    if (entry->ttft_ms > 0)
        text_addf(out, ", first token %u ms", entry->ttft_ms);
    if (entry->speed > 0)
        text_addf(out, ", %u.%u tokens/s", entry->speed / 10, entry->speed % 10);
}

static void write_places(struct text *out, const char *name, const struct span *places,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        text_addf(out, "      %s %.*s\n", name, SPAN_ARG(places[i]));
}

static void write_model(const struct listing *listing, const struct market_entry *entry)
{
    struct text *out = listing->out;
    const struct offer *offer = &entry->offer;
    text_addf(out, "%.*s  root ", SPAN_ARG(offer->model));
    text_add_hex(out, offer->root.at, 8);
    text_addf(out, ", %u layers; alive: ", offer->layers);
    write_replicas(out, listing, offer);
    text_add(out, SPAN("\n"));
}

static void write_node(struct text *out, const struct market_entry *entry)
{
    const struct offer *offer = &entry->offer;
    text_add(out, SPAN("    "));
    text_add_hex(out, entry->node.at, 8);
    text_addf(out, "  layers %u-%u as %.*s", offer->first, offer->end - 1, SPAN_ARG(offer->dtype));
    if (offer->gpu.len > 0)
        text_addf(out, " on %.*s", SPAN_ARG(offer->gpu));
    text_addf(out, ", context %u\n      ", offer->context);
    write_price(out, offer);
    text_add(out, SPAN("\n      "));
    write_life(out, entry);
    text_add(out, SPAN("\n"));
    write_places(out, "mint", offer->mints, offer->mint_count);
    write_places(out, "at", offer->relays, offer->relay_count);
    write_places(out, "stage", offer->stages, offer->stage_count);
}

/* ---- JSON ---- */

static void write_list(struct text *out, const char *name, const struct span *values,
                       uint32_t count)
{
    text_addf(out, ",\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++) {
        text_add(out, i > 0 ? SPAN(",") : SPAN(""));
        text_add_json(out, values[i]);
    }
    text_add(out, SPAN("]"));
}

static void write_json(const struct listing *listing, const struct market_entry *entry)
{
    struct text *out = listing->out;
    const struct offer *offer = &entry->offer;
    const uint32_t *replicas =
        market_replicas(listing->arena, listing->entries, listing->count, offer);
    text_add(out, SPAN("{"));
    home_write_hex(out, "node", &entry->node);
    text_add(out, SPAN(",\"model\":"));
    text_add_json(out, offer->model);
    text_add(out, SPAN(","));
    home_write_hex(out, "root", &offer->root);
    text_addf(out, ",\"layers\":{\"first\":%u,\"end\":%u,\"all\":%u,\"alive\":[", offer->first,
              offer->end, offer->layers);
    for (uint32_t i = 0; i < offer->layers; i++)
        text_addf(out, "%s%u", i > 0 ? "," : "", replicas[i]);
    text_add(out, SPAN("]},\"dtype\":"));
    text_add_json(out, offer->dtype);
    text_add(out, SPAN(",\"gpu\":"));
    text_add_json(out, offer->gpu);
    text_addf(out,
              ",\"context\":%u,\"capacity\":%u,\"price\":{\"in\":%llu,\"cached\":%llu,"
              "\"out\":%llu,\"request\":%llu}",
              offer->context, offer->capacity, (unsigned long long)offer->price.in,
              (unsigned long long)offer->price.cached, (unsigned long long)offer->price.out,
              (unsigned long long)offer->price.request);
    write_list(out, "units", offer->units, offer->unit_count);
    write_list(out, "mints", offer->mints, offer->mint_count);
    write_list(out, "relays", offer->relays, offer->relay_count);
    write_list(out, "stages", offer->stages, offer->stage_count);
    text_addf(out, ",\"alive\":%s", entry->life == MARKET_HEARD ? "true" : "false");
    if (entry->has_pulse)
        text_addf(out, ",\"free\":%u,\"queue\":%u,\"ttft_ms\":%u,\"tps\":%u.%u", entry->free,
                  entry->queue, entry->ttft_ms, entry->speed / 10, entry->speed % 10);
    text_addf(out, ",\"expires_at\":%lld}\n", (long long)offer->expires_at);
}

/* ---- the command ---- */

static void write_all(struct text *out, const struct survey_list *heard, bool is_json)
{
    const struct listing listing = {out, heard->arena, heard->entries, heard->count};
    if (heard->count > 0)
        qsort(heard->entries, heard->count, sizeof *heard->entries, compare_entries);
    for (size_t i = 0; i < listing.count; i++) {
        const struct market_entry *entry = &listing.entries[i];
        if (is_json) {
            write_json(&listing, entry);
            continue;
        }
        if (i == 0 || !is_same_model(entry, entry - 1))
            write_model(&listing, entry);
        write_node(out, entry);
    }
    if (listing.count == 0 && !is_json)
        text_add(out, SPAN("nobody offers a model there\n"));
}

static enum command_status run_models(struct command_call *call)
{
    return survey_list(call, write_all);
}

static const struct command_option options[] = {SURVEY_OPTIONS, COMMAND_OPTION_JSON};

const struct command command_models = {
    .name = "models",
    .words = "",
    .help = "what nodes offer at your relays: models, prices, and how many have each layer",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run_models};
