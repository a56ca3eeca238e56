/* audience.h - writers and readers of several relays over one database, each a process of its own,
 * while the relays are killed under them: who was told of what.
 *
 * A writer repeats an event until it is acknowledged. A reader subscribes to all of it and counts;
 * when its connection ends it connects again, to the same relay. So what every reader has been sent
 * on its last connection must be all that was acknowledged, each event once; and on each earlier
 * connection nothing twice.
 *
 *   ownership  audience_new begins, audience_free ends it; its processes end with the caller's
 *   threads    one
 *   errors     a failed assertion of the running test
 */
#pragma once

#include "shared/base.h"

struct audience;

enum { AUDIENCE_PLACES_MAX = 8 };

struct audience_setup {
    struct audience_place {
        const char *host; /* an IP address */
        uint16_t port;
    } places[AUDIENCE_PLACES_MAX]; /* relays */
    uint32_t place_count;
    uint32_t readers, writers; /* spread over the places */
    uint32_t events_max;       /* of one writer: then it is silent */
    uint32_t first_person;     /* the writers' keys */
    uint32_t pause_ms;         /* of a writer between two events */
};

struct audience *audience_new(const struct audience_setup *setup);
void audience_free(struct audience *audience);

/* Acknowledged so far. */
uint32_t audience_acknowledged(const struct audience *audience);

/* A copy, to be freed, of what is acknowledged: true at the number that is an event's content. */
bool *audience_list(const struct audience *audience, uint32_t *count);

/* The longest time without an acknowledgement since the last call, the present one included. */
int64_t audience_silence_ms(struct audience *audience);

/* Waits until so many more are; fails when nobody acknowledges anything for two minutes. */
void audience_await(const struct audience *audience, uint32_t more);

struct audience_verdict {
    uint32_t acknowledged;
    uint32_t connections; /* of all readers, ever */
    uint32_t missed;      /* over all readers: acknowledged, and not delivered */
    uint32_t doubled;     /* delivered once more on one connection */
};

/* The writers end; waits until the readers have everything, or half a minute without progress. */
struct audience_verdict audience_judge(struct audience *audience);
