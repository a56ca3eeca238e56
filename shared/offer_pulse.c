#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/offer_parts.h"

enum { PULSE_NUMBER_MAX = 1000000000 };

/* Tokens a second with one digit behind the point, or none. */
static bool read_speed(uint32_t *speed, struct span text)
{
    uint32_t whole, tenths = 0;
    if (text.len >= 2 && text.at[text.len - 2] == '.') {
        if (!offer_read_count(&tenths, (struct span){text.at + text.len - 1, 1}, 0, 9))
            return false;
        text.len -= 2;
    }
    if (!offer_read_count(&whole, text, 0, PULSE_NUMBER_MAX / 10))
        return false;
    *speed = 10 * whole + tenths;
    return true;
}

static bool read_address(struct offer_pulse *pulse, struct span text)
{
    enum { HEAD = 6, KEY = 64 }; /* "38430:" and the key */
    if (text.len <= HEAD + KEY + 1 || memcmp(text.at, "38430:", HEAD) != 0 ||
        text.at[HEAD + KEY] != ':' ||
        !hex_decode(pulse->node.at, sizeof pulse->node.at, (struct span){text.at + HEAD, KEY}))
        return false;
    pulse->identifier = (struct span){text.at + HEAD + KEY + 1, text.len - HEAD - KEY - 1};
    return offer_is_words(pulse->identifier, OFFER_PLACE_BYTES_MAX);
}

bool offer_pulse_parse(struct offer_pulse *pulse, const struct event *event, struct err *err)
{
    const struct span *address = event_tag_value(event, SPAN("a"));
    const struct span *free = event_tag_value(event, SPAN("free"));
    const struct span *queue = event_tag_value(event, SPAN("queue"));
    const struct span *ttft = event_tag_value(event, SPAN("ttft"));
    const struct span *speed = event_tag_value(event, SPAN("tps"));
    *pulse = (struct offer_pulse){0};
    if (event->kind != KIND_PULSE || address == NULL || !read_address(pulse, *address))
        return err_set(err, ERR_INVALID, "a heartbeat of no offer");
    if (memcmp(pulse->node.at, event->pubkey.at, sizeof pulse->node.at) != 0)
        return err_set(err, ERR_INVALID, "a heartbeat of another node's offer");
    if (free == NULL || !offer_read_count(&pulse->free, *free, 0, OFFER_CAPACITY_MAX) ||
        queue == NULL || !offer_read_count(&pulse->queue, *queue, 0, PULSE_NUMBER_MAX))
        return err_set(err, ERR_INVALID, "a heartbeat that does not say what is free");
    return ((ttft == NULL || offer_read_count(&pulse->ttft_ms, *ttft, 0, PULSE_NUMBER_MAX)) &&
            (speed == NULL || read_speed(&pulse->speed, *speed))) ||
           err_set(err, ERR_INVALID, "a heartbeat of no known speed");
}
