/* Any event as an offer and as a heartbeat: what is read is within its bounds, and is written and
 * read again the same. */
#include <assert.h>
#include <stdint.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/offer.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_offer(struct event *event, struct arena *arena)
{
    struct offer offer, again;
    struct event written;
    struct err err;
    event->kind = KIND_OFFER;
    if (!offer_parse(&offer, event, &err)) {
        assert(err.code == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    assert(offer.first < offer.end && offer.end <= offer.layers);
    assert(offer.unit_count <= OFFER_UNITS_MAX && offer.mint_count <= OFFER_MINTS_MAX &&
           offer.relay_count <= OFFER_RELAYS_MAX);
    const struct offer_usage most = {OFFER_TOKENS_MAX, 0, OFFER_TOKENS_MAX};
    assert(offer_cost(&offer.price, &most) <= INT64_MAX);
    offer_event(&written, arena, &offer, event->created_at);
    bool is_read = offer_parse(&again, &written, NULL);
    assert(is_read && span_eq(again.model, offer.model) && again.expires_at == offer.expires_at &&
           memcmp(&again.price, &offer.price, sizeof offer.price) == 0);
}

static void check_pulse(struct event *event, struct arena *arena)
{
    struct offer_pulse pulse, again;
    struct event written;
    event->kind = KIND_PULSE;
    if (!offer_pulse_parse(&pulse, event, NULL))
        return;
    offer_pulse_event(&written, arena, &pulse, event->created_at);
    bool is_read = offer_pulse_parse(&again, &written, NULL);
    assert(is_read && again.free == pulse.free && again.speed == pulse.speed &&
           span_eq(again.identifier, pulse.identifier));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct event event = {.created_at = 1000, .content_json = SPAN("")};
    if (event_parse_tags(&event, &arena, (struct span){(const char *)data, size}, NULL)) {
        check_offer(&event, &arena);
        check_pulse(&event, &arena);
    }
    arena_clear(&arena);
    return 0;
}
