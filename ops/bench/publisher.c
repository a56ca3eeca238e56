#include "ops/bench/publisher.h"

#include <stdio.h>
#include <stdlib.h>

#include "ops/bench/fatal.h"
#include "ops/bench/reading.h"
#include "ops/bench/usage.h"

#define IDLE_NS UINT64_C(1000000000)

void publisher_open(struct publisher *publisher, struct crowd *crowd, const struct corpus *corpus)
{
    publisher->crowd = crowd;
    publisher->corpus = corpus;
    publisher->sent_ns = fatal_alloc(corpus->count, sizeof *publisher->sent_ns);
}

void publisher_clear(struct publisher *publisher)
{
    free(publisher->sent_ns);
    *publisher = (struct publisher){0};
}

static void publish(struct publisher *publisher, struct member *member, uint64_t at_ns)
{
    size_t number = publisher->next++;
    publisher->sent_ns[number] = at_ns;
    struct text message = {0};
    text_add(&message, publisher->corpus->events[number].json);
    text_addf(&message, "]");
    member_say(member, SPAN("[\"EVENT\","), text_span(&message));
    text_clear(&message);
    member->in_flight++;
}

static void fill(struct publisher *publisher, struct member *member)
{
    uint64_t now_ns = usage_now_ns();
    while (member->in_flight < publisher->window && publisher->next < publisher->corpus->count)
        publish(publisher, member, now_ns);
    crowd_flush(publisher->crowd, member);
}

void publisher_start(struct publisher *publisher)
{
    publisher->start_ns = usage_now_ns();
    for (uint32_t i = 0; publisher->per_s <= 0 && i < publisher->connections; i++)
        fill(publisher, &publisher->crowd->members[publisher->first + i]);
}

bool publisher_is_done(const struct publisher *publisher)
{
    return publisher->answered >= publisher->corpus->count;
}

uint64_t publisher_work(struct publisher *publisher)
{
    if (publisher->per_s <= 0)
        return IDLE_NS;
    while (publisher->next < publisher->corpus->count) {
        uint64_t due_ns =
            publisher->start_ns + (uint64_t)((double)publisher->next * 1e9 / publisher->per_s);
        uint64_t now_ns = usage_now_ns();
        if (due_ns > now_ns)
            return due_ns - now_ns;
        uint32_t number = (uint32_t)(publisher->next % publisher->connections);
        struct member *member = &publisher->crowd->members[publisher->first + number];
        publish(publisher, member, due_ns);
        crowd_flush(publisher->crowd, member);
    }
    return IDLE_NS;
}

void publisher_take(struct publisher *publisher, struct member *member, struct span message,
                    uint64_t now_ns)
{
    struct span rest = message;
    uint64_t sent_ns = publisher_sent_ns(publisher, reading_string(&rest));
    if (sent_ns == 0) {
        reading_odd(message);
        return;
    }
    histogram_add(&publisher->acks, now_ns - sent_ns);
    publisher->answered++;
    member->in_flight--;
    bool is_accepted = reading_is_true(rest);
    struct span why = reading_string(&rest);
    bool is_duplicate = why.len >= 10 && memcmp(why.at, "duplicate:", 10) == 0;
    publisher->accepted += is_accepted;
    publisher->refused += !is_accepted;
    publisher->duplicates += is_accepted && is_duplicate;
    if (!is_accepted && !is_duplicate && memmem(why.at, why.len, "newer", 5) == NULL)
        reading_odd(message);
    if (publisher->per_s <= 0)
        fill(publisher, member);
}

uint64_t publisher_sent_ns(const struct publisher *publisher, struct span id)
{
    const struct corpus_event *event = corpus_find(publisher->corpus, id);
    return event != NULL ? publisher->sent_ns[event - publisher->corpus->events] : 0;
}

void publisher_print(const struct publisher *publisher)
{
    printf("accepted %zu\nrefused %zu\nduplicates %zu\nunanswered %zu\n", publisher->accepted,
           publisher->refused, publisher->duplicates,
           publisher->corpus->count - publisher->answered);
    printf("ack_p50_us %.1f\nack_p99_us %.1f\n", histogram_us(&publisher->acks, 0.5),
           histogram_us(&publisher->acks, 0.99));
}
