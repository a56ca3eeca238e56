#include <stdio.h>
#include <time.h>

#include "ops/bench/corpus.h"
#include "ops/bench/crowd.h"
#include "ops/bench/dice.h"
#include "ops/bench/load.h"
#include "ops/bench/reading.h"
#include "ops/bench/usage.h"

enum { STALL_S = 20 };

struct idle {
    struct crowd crowd;
    uint32_t subscribed;
};

static void on_message(void *owner, struct member *member, struct span message, uint64_t now_ns)
{
    (void)member;
    (void)now_ns;
    struct idle *idle = owner;
    struct span rest = message;
    struct span type = reading_string(&rest);
    if (span_eq(type, SPAN("EOSE")))
        idle->subscribed++;
    else if (!span_eq(type, SPAN("AUTH")) && !span_eq(type, SPAN("EVENT")))
        reading_odd(message);
}

static bool is_done(void *owner)
{
    const struct idle *idle = owner;
    return idle->subscribed >= idle->crowd.count;
}

static void rest_a_second(void)
{
    struct timespec second = {.tv_sec = 1};
    nanosleep(&second, NULL);
}

bool load_idle(const struct load *load)
{
    struct corpus corpus;
    struct idle idle = {0};
    struct dice dice = {load->seed};
    corpus_open(&corpus, load->file, load->skip, load->events);
    uint64_t before_bytes = usage_memory_bytes(load->pids);
    uint64_t start_ns = usage_now_ns();
    crowd_open(&idle.crowd, load->url, (uint32_t)load->connections, on_message, &idle);
    uint64_t open_ns = usage_now_ns() - start_ns;
    for (uint32_t i = 0; i < idle.crowd.count; i++) {
        struct text message = {0};
        text_addf(&message,
                  "[\"REQ\",\"idle\",{\"authors\":[\"%.64s\"],\"kinds\":[1],\"limit\":1}]",
                  corpus_pick(&corpus, &dice, 1)->pubkey);
        member_say(&idle.crowd.members[i], text_span(&message), SPAN(""));
        crowd_flush(&idle.crowd, &idle.crowd.members[i]);
        text_clear(&message);
    }
    uint64_t ended_ns;
    struct crowd_task task = {.is_done = is_done, .owner = &idle, .stall_s = STALL_S};
    bool is_ok = crowd_run(&idle.crowd, &task, &ended_ns);
    rest_a_second();
    uint64_t after_bytes = usage_memory_bytes(load->pids);
    printf("connects_per_s %.0f\n", (double)load->connections * 1e9 / (double)open_ns);
    if (after_bytes > 0)
        printf("bytes %.0f\n",
               ((double)after_bytes - (double)before_bytes) / (double)load->connections);
    crowd_close(&idle.crowd);
    corpus_clear(&corpus);
    return is_ok;
}

/* Until the server, and with it its vacuum and checkpoint, has come to rest. */
bool load_settle(const struct load *load)
{
    struct usage start = usage_take(load->pids);
    struct usage before = start;
    for (;;) {
        rest_a_second();
        struct usage after = usage_take(load->pids);
        double waited_s = (double)(after.at_ns - start.at_ns) / 1e9;
        bool is_calm = after.server_s - before.server_s < 0.03;
        before = after;
        if (is_calm || waited_s > load->seconds) {
            printf("waited_s %.1f\n", waited_s);
            return true;
        }
    }
}
