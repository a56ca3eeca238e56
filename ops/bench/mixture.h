/* mixture.h - the events of the benchmark: notes, reactions, wraps, articles, profiles, contacts.
 *
 * Of 100 events 52 are notes, 25 reactions, 10 gift wraps, 5 articles, 5 profiles, 3 contact lists;
 * a few authors write most of them, and replies name recent notes. 969 bytes each on average. What
 * is made depends on the setup alone, so that figures of different days and relays compare.
 *
 *   units      end_at, span_s: unix seconds and seconds: events lie in [end_at - span_s, end_at]
 *   ownership  mixture_new ... mixture_free
 */
#pragma once

#include "shared/event.h"
#include "shared/text.h"

struct mixture_setup {
    uint64_t count, seed;
    uint64_t stream; /* another number: other events by the same authors */
    uint64_t end_at, span_s, authors;
    bool only_notes;
};

/* An event but for its signature. Its spans point into tags and content. */
struct mixture_event {
    struct event event;
    struct bytes32 secret; /* of its author */
    struct text tags, content;
};

struct mixture;
struct mixture *mixture_new(const struct mixture_setup *setup);
void mixture_free(struct mixture *mixture);

/* The next one, into made, whose buffers are used again. */
void mixture_next(struct mixture *mixture, struct mixture_event *made);

void mixture_event_clear(struct mixture_event *made);
