#include <stdio.h>

#include "ops/bench/load.h"
#include "ops/bench/publisher.h"
#include "ops/bench/reading.h"
#include "ops/bench/usage.h"

enum { STALL_S = 20 };

static void on_message(void *owner, struct member *member, struct span message, uint64_t now_ns)
{
    struct span rest = message;
    struct span type = reading_string(&rest);
    if (span_eq(type, SPAN("OK")))
        publisher_take(owner, member, rest, now_ns);
    else if (!span_eq(type, SPAN("AUTH")))
        reading_odd(message);
}

static bool is_done(void *owner)
{
    return publisher_is_done(owner);
}

static uint64_t work(void *owner)
{
    return publisher_work(owner);
}

bool load_ingest(const struct load *load)
{
    struct corpus corpus;
    struct crowd crowd;
    struct publisher publisher = {.connections = (uint32_t)load->connections,
                                  .window = (uint32_t)load->window,
                                  .per_s = load->per_s};
    corpus_open(&corpus, load->file, load->skip, load->events);
    crowd_open(&crowd, load->url, publisher.connections, on_message, &publisher);
    publisher_open(&publisher, &crowd, &corpus);
    struct crowd_task task = {
        .is_done = is_done, .work = work, .owner = &publisher, .stall_s = STALL_S};
    uint64_t ended_ns = 0;
    struct usage before = usage_take(load->pids);
    publisher_start(&publisher);
    bool is_ok = crowd_run(&crowd, &task, &ended_ns);
    struct usage after = usage_take(load->pids);
    after.at_ns = ended_ns;
    printf("per_s %.1f\n", (double)publisher.answered * 1e9 / (double)(after.at_ns - before.at_ns));
    publisher_print(&publisher);
    usage_print(&before, &after, publisher.answered);
    crowd_close(&crowd);
    publisher_clear(&publisher);
    corpus_clear(&corpus);
    return is_ok;
}
