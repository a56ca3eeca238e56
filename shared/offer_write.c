#include "shared/offer.h"

#include <assert.h>

#include "shared/arena.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/text.h"

static void add_tag(struct text *tags, const char *name, const struct span *values, size_t count)
{
    text_addf(tags, "%s[\"%s\"", tags->len > 1 ? "," : "", name);
    for (size_t i = 0; i < count; i++) {
        text_add(tags, SPAN(","));
        text_add_json(tags, values[i]);
    }
    text_add(tags, SPAN("]"));
}

static void add_each(struct text *tags, const char *name, const struct span *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_tag(tags, name, &values[i], 1);
}

static void add_number(struct text *tags, const char *name, uint64_t value)
{
    text_addf(tags, "%s[\"%s\",\"%llu\"]", tags->len > 1 ? "," : "", name,
              (unsigned long long)value);
}

static void add_hash(struct text *tags, const char *name, bool is_there, const struct bytes32 *hash)
{
    char hex[2 * sizeof hash->at];
    if (!is_there)
        return;
    hex_encode(hex, hash->at, sizeof hash->at);
    add_tag(tags, name, &SPAN_OF(hex), 1);
}

/* Tags and content, in the arena. */
static void finish(struct event *event, struct arena *arena, struct text *tags, uint16_t kind,
                   int64_t now)
{
    text_add(tags, SPAN("]"));
    *event = (struct event){.kind = kind, .created_at = now, .content_json = SPAN("")};
    bool ok = event_parse_tags(event, arena, arena_copy(arena, text_span(tags)), NULL);
    assert(ok); /* else what was written is not UTF-8 */
    text_clear(tags);
}

void offer_write_identifier(struct text *out, const struct offer *offer)
{
    text_add_hex(out, offer->root.at, sizeof offer->root.at);
    text_addf(out, ":%u:%u:%.*s", offer->first, offer->end, SPAN_ARG(offer->dtype));
}

void offer_write_address(struct text *out, const struct offer *offer, const struct bytes32 *node)
{
    text_addf(out, "%d:", KIND_OFFER);
    text_add_hex(out, node->at, sizeof node->at);
    text_add(out, SPAN(":"));
    offer_write_identifier(out, offer);
}

void offer_event(struct event *event, struct arena *arena, const struct offer *offer, int64_t now)
{
    const struct offer_price *price = &offer->price;
    struct text tags = {0}, d = {0};
    offer_write_identifier(&d, offer);
    text_add(&tags, SPAN("["));
    add_tag(&tags, "d", &(struct span){d.at, d.len}, 1);
    add_tag(&tags, "model", &offer->model, 1);
    text_addf(&tags, ",[\"layers\",\"%u\",\"%u\",\"%u\"]", offer->first, offer->end, offer->layers);
    add_hash(&tags, "tokenizer", offer->has_tokenizer, &offer->tokenizer);
    add_hash(&tags, "template", offer->has_template, &offer->template);
    text_addf(&tags, ",[\"price\",\"%llu\",\"%llu\",\"%llu\",\"%llu\"]",
              (unsigned long long)price->in, (unsigned long long)price->cached,
              (unsigned long long)price->out, (unsigned long long)price->request);
    add_each(&tags, "unit", offer->units, offer->unit_count);
    add_each(&tags, "mint", offer->mints, offer->mint_count);
    add_each(&tags, "relay", offer->relays, offer->relay_count);
    add_each(&tags, "stage", offer->stages, offer->stage_count);
    add_number(&tags, "cap", offer->capacity);
    add_number(&tags, "context", offer->context);
    add_each(&tags, "gpu", &offer->gpu, offer->gpu.len > 0);
    add_number(&tags, "expiration", (uint64_t)offer->expires_at);
    add_tag(&tags, "alt", &SPAN("a model for hire; whoever computes an answer can read the prompt"),
            1);
    text_clear(&d);
    finish(event, arena, &tags, KIND_OFFER, now);
}

void offer_pulse_event(struct event *event, struct arena *arena, const struct offer_pulse *pulse,
                       int64_t now)
{
    struct text tags = {0}, address = {0};
    text_addf(&address, "%d:", KIND_OFFER);
    text_add_hex(&address, pulse->node.at, sizeof pulse->node.at);
    text_addf(&address, ":%.*s", SPAN_ARG(pulse->identifier));
    text_add(&tags, SPAN("["));
    add_tag(&tags, "a", &(struct span){address.at, address.len}, 1);
    add_number(&tags, "free", pulse->free);
    add_number(&tags, "queue", pulse->queue);
    add_number(&tags, "ttft", pulse->ttft_ms);
    text_addf(&tags, ",[\"tps\",\"%u.%u\"]", pulse->speed / 10, pulse->speed % 10);
    text_clear(&address);
    finish(event, arena, &tags, KIND_PULSE, now);
    event->pubkey = pulse->node;
}
