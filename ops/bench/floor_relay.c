#include "ops/bench/fatal.h"
#include "ops/bench/floor.h"
#include "ops/bench/floor_host.h"
#include "ops/bench/reading.h"

static void say(struct floor_guest *guest, struct span head, struct span middle, struct span tail)
{
    struct text message = {0};
    text_add(&message, head);
    text_add(&message, middle);
    text_add(&message, tail);
    floor_frame(&guest->out, text_span(&message));
    text_clear(&message);
}

/* What is behind ["EVENT", is what ends the answer too: the event and the bracket. */
static void deliver(struct floor_host *host, const struct floor_guest *from, struct span event)
{
    struct text message = {0};
    struct text frame = {0};
    text_add(&message, SPAN("[\"EVENT\",\"live\","));
    text_add(&message, event);
    floor_frame(&frame, text_span(&message));
    for (uint32_t i = 0; i < host->count; i++)
        if (host->guests[i] != from)
            floor_send_bytes(host->guests[i], text_span(&frame));
    text_clear(&message);
    text_clear(&frame);
}

static void take(struct floor_host *host, struct floor_guest *guest, struct span message)
{
    struct span rest = message;
    struct span type = reading_string(&rest);
    if (span_eq(type, SPAN("REQ"))) {
        say(guest, SPAN("[\"EOSE\",\""), reading_string(&rest), SPAN("\"]"));
        return;
    }
    if (!span_eq(type, SPAN("EVENT")))
        fatal("a message that the bare relay does not know");
    say(guest, SPAN("[\"OK\",\""), reading_event_id(rest), SPAN("\",true,\"\"]"));
    floor_send_bytes(guest, text_span(&guest->out));
    guest->out.len = 0;
    deliver(host, guest, (struct span){rest.at + 1, rest.len - 1});
}

void floor_relay(void)
{
    struct floor_host host = {.on_message = take};
    floor_host_serve(&host);
}
