#include <stdio.h>
#include <time.h>

#include "ops/bench/load.h"
#include "ops/bench/publisher.h"
#include "ops/bench/reading.h"
#include "ops/bench/usage.h"

enum { SUBSCRIBE_STALL_S = 20, STALL_S = 5, QUIET_NS = 500000000 };

/* One connection publishes, the others subscribe to all kinds. */
struct fanout {
    struct publisher publisher;
    struct crowd crowd;
    uint32_t subscribers, subscribed;
    bool is_live;
    uint64_t expected, delivered, unknown;
    struct histogram latencies;
};

static void take_event(struct fanout *fanout, struct span rest, uint64_t now_ns)
{
    if (!fanout->is_live)
        return; /* a stored one */
    uint64_t sent_ns = publisher_sent_ns(&fanout->publisher, reading_event_id(rest));
    if (sent_ns == 0) {
        fanout->unknown++;
        return;
    }
    histogram_add(&fanout->latencies, now_ns - sent_ns);
    fanout->delivered++;
}

static void on_message(void *owner, struct member *member, struct span message, uint64_t now_ns)
{
    struct fanout *fanout = owner;
    struct span rest = message;
    struct span type = reading_string(&rest);
    if (span_eq(type, SPAN("EVENT")))
        take_event(fanout, rest, now_ns);
    else if (span_eq(type, SPAN("OK")))
        publisher_take(&fanout->publisher, member, rest, now_ns);
    else if (span_eq(type, SPAN("EOSE")))
        fanout->subscribed++;
    else if (!span_eq(type, SPAN("AUTH")))
        reading_odd(message);
}

static bool is_subscribed(void *owner)
{
    const struct fanout *fanout = owner;
    return fanout->subscribed >= fanout->subscribers;
}

static bool is_done(void *owner)
{
    const struct fanout *fanout = owner;
    return publisher_is_done(&fanout->publisher) && fanout->delivered >= fanout->expected;
}

static uint64_t work(void *owner)
{
    struct fanout *fanout = owner;
    return publisher_work(&fanout->publisher);
}

static bool subscribe(struct fanout *fanout)
{
    uint64_t ended_ns;
    for (uint32_t i = 0; i < fanout->subscribers; i++) {
        struct member *member = &fanout->crowd.members[i];
        member_say(member, SPAN("[\"REQ\",\"live\",{\"kinds\":[0,1,3,7,30023],\"limit\":1}]"),
                   SPAN(""));
        crowd_flush(&fanout->crowd, member);
    }
    struct crowd_task task = {
        .is_done = is_subscribed, .owner = fanout, .stall_s = SUBSCRIBE_STALL_S};
    if (!crowd_run(&fanout->crowd, &task, &ended_ns))
        return false;
    struct timespec quiet = {.tv_nsec = QUIET_NS};
    nanosleep(&quiet, NULL);
    return true;
}

static void print(const struct fanout *fanout, const struct usage *before,
                  const struct usage *after)
{
    double wall_s = (double)(after->at_ns - before->at_ns) / 1e9;
    printf("per_s %.1f\nexpected %lu\ndelivered %lu\nunknown %lu\n",
           (double)fanout->delivered / wall_s, fanout->expected, fanout->delivered,
           fanout->unknown);
    printf("deliver_p50_us %.1f\ndeliver_p99_us %.1f\n", histogram_us(&fanout->latencies, 0.5),
           histogram_us(&fanout->latencies, 0.99));
    publisher_print(&fanout->publisher);
    usage_print(before, after, fanout->delivered);
}

bool load_fanout(const struct load *load)
{
    struct corpus corpus;
    struct fanout fanout = {.subscribers = (uint32_t)load->connections};
    fanout.publisher = (struct publisher){.first = fanout.subscribers,
                                          .connections = 1,
                                          .window = (uint32_t)load->window,
                                          .per_s = load->per_s};
    corpus_open(&corpus, load->file, load->skip, load->events);
    crowd_open(&fanout.crowd, load->url, fanout.subscribers + 1, on_message, &fanout);
    publisher_open(&fanout.publisher, &fanout.crowd, &corpus);
    bool is_ok = subscribe(&fanout);
    if (is_ok) {
        uint64_t ended_ns = 0;
        struct crowd_task task = {
            .is_done = is_done, .work = work, .owner = &fanout, .stall_s = STALL_S};
        fanout.expected = (uint64_t)corpus.count * fanout.subscribers;
        fanout.is_live = true;
        struct usage before = usage_take(load->pids);
        publisher_start(&fanout.publisher);
        is_ok = crowd_run(&fanout.crowd, &task, &ended_ns);
        struct usage after = usage_take(load->pids);
        after.at_ns = ended_ns;
        print(&fanout, &before, &after);
    }
    crowd_close(&fanout.crowd);
    publisher_clear(&fanout.publisher);
    corpus_clear(&corpus);
    return is_ok;
}
