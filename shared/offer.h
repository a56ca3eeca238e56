/* offer.h - what a node sells: a model, or some of its layers, and how it fares right now.
 *
 * An offer is an addressable event of kind 38430 with all in its tags; its identifier says what it
 * is of, so that one that is newer takes the place of the same thing offered before:
 *
 *     d          root:first:end:dtype   the root of the whole model's weights, in hex; the layers
 *                                       from first up to end; how the weights are kept in memory
 *     model      its name               layers   first, end, how many the model has
 *     tokenizer  template               sha256 in hex, either may be missing
 *     price      in, cached, out, request
 *     unit mint relay                   any of them may be there more than once, or not at all
 *     stage                             ws://host:port, the same: where a lead sends rows to these
 *                                       layers (gpu/cable.h); who it is there, the offer's key says
 *     cap        answers at once        context  positions of one
 *     gpu        what computes it       expiration
 *
 * A pulse is an ephemeral event of kind 28430: how many more answers the node of that offer would
 * begin now, how many wait, and how fast it has been of late. Neither is checked for its signature
 * or against a clock here.
 *
 *   units      prices: in the mint's unit, for a million tokens; of a request, for each. Unix
 *              seconds; ttft milliseconds; speed tenths of a token a second
 *   ownership  what was parsed points into the event
 *   threads    any
 *   errors     ERR_INVALID: it offers nothing
 *   spec       the registry of Shoal's own kinds; NIP-40
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct event;
struct text;

enum {
    OFFER_MODEL_BYTES_MAX = 128,
    OFFER_WORD_BYTES_MAX = 16, /* of a unit, of a dtype */
    OFFER_GPU_BYTES_MAX = 64,
    OFFER_PLACE_BYTES_MAX = 512, /* of a mint, of a relay */
    OFFER_STAGE_BYTES_MAX = 256, /* of where a stage is */
    OFFER_UNITS_MAX = 4,
    OFFER_MINTS_MAX = 4,
    OFFER_RELAYS_MAX = 8,
    OFFER_STAGES_MAX = 4,
    OFFER_LAYERS_MAX = 1024,
    OFFER_CAPACITY_MAX = 1 << 16,
    OFFER_CONTEXT_MAX = 1 << 24,
    OFFER_LIFE_S_MAX = 86400, /* from when it was made */
    OFFER_TOKENS_MAX = 1 << 28
};
#define OFFER_PRICE_MAX 10000000000ULL /* so that no cost is past an int64_t */

struct offer_price {
    uint64_t in, cached, out; /* for a million tokens */
    uint64_t request;
};

struct offer {
    struct bytes32 root;
    uint32_t first, end, layers;
    struct span dtype, model, gpu; /* gpu: len 0 where it is not said */
    bool has_tokenizer, has_template;
    struct bytes32 tokenizer, template;
    struct offer_price price;
    uint32_t unit_count, mint_count, relay_count, stage_count;
    struct span units[OFFER_UNITS_MAX];
    struct span mints[OFFER_MINTS_MAX]; /* http://, https:// or nostr:nprofile1 */
    struct span relays[OFFER_RELAYS_MAX];
    struct span stages[OFFER_STAGES_MAX]; /* none: these layers are not to be had alone */
    uint32_t capacity, context;
    int64_t expires_at;
};

MUST_CHECK bool offer_parse(struct offer *offer, const struct event *event, struct err *err);

/* The event, in the arena, without pubkey, id and signature. The offer is one that offer_parse
 * would read. */
void offer_event(struct event *event, struct arena *arena, const struct offer *offer, int64_t now);

/* Appends its identifier; and its address, kind:pubkey:identifier. */
void offer_write_identifier(struct text *out, const struct offer *offer);
void offer_write_address(struct text *out, const struct offer *offer, const struct bytes32 *node);

/* Whether it is of all layers. */
static inline bool offer_is_whole(const struct offer *offer)
{
    return offer->first == 0 && offer->end == offer->layers;
}

struct offer_usage {
    uint32_t in, cached, out; /* tokens, each at most OFFER_TOKENS_MAX; cached: of in */
};

/* What it costs, rounded up once at the end. Prices are at most OFFER_PRICE_MAX. */
uint64_t offer_cost(const struct offer_price *price, const struct offer_usage *usage);

/* ---- how it fares ---- */

struct offer_pulse {
    struct bytes32 node;    /* whose offer it is; who signed it must be the same */
    struct span identifier; /* of the offer */
    uint32_t free, queue;
    uint32_t ttft_ms, speed; /* 0: not measured yet */
};

MUST_CHECK bool offer_pulse_parse(struct offer_pulse *pulse, const struct event *event,
                                  struct err *err);

/* As offer_event. */
void offer_pulse_event(struct event *event, struct arena *arena, const struct offer_pulse *pulse,
                       int64_t now);
