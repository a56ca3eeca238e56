#include <stdio.h>
#include <stdlib.h>

#include "ops/bench/crowd.h"
#include "ops/bench/fatal.h"
#include "ops/bench/histogram.h"
#include "ops/bench/load.h"
#include "ops/bench/usage.h"

enum { STALL_S = 5 };

/* The same client against a server that does nothing but answer: the floor of all else. */
struct echo {
    struct crowd crowd;
    struct text message;
    uint32_t window;
    uint64_t answered, until_ns;
    uint64_t *sent_ns; /* by connection: its oldest in flight, when the window is 1 */
    struct histogram rounds;
};

static void say(struct echo *echo, struct member *member)
{
    while (member->in_flight < echo->window) {
        member_say(member, text_span(&echo->message), SPAN(""));
        member->in_flight++;
    }
    echo->sent_ns[member->number] = usage_now_ns();
    crowd_flush(&echo->crowd, member);
}

static void on_message(void *owner, struct member *member, struct span message, uint64_t now_ns)
{
    struct echo *echo = owner;
    if (message.len != echo->message.len)
        fatal("an echo of another length");
    if (echo->window == 1)
        histogram_add(&echo->rounds, now_ns - echo->sent_ns[member->number]);
    echo->answered++;
    if (--member->in_flight <= echo->window / 2)
        say(echo, member);
}

static bool is_done(void *owner)
{
    const struct echo *echo = owner;
    return usage_now_ns() > echo->until_ns;
}

bool load_echo(const struct load *load)
{
    struct echo echo = {.window = (uint32_t)load->window};
    uint64_t ended_ns;
    memset(text_reserve(&echo.message, load->bytes), 'x', load->bytes);
    echo.message.len = load->bytes;
    echo.sent_ns = fatal_alloc(load->connections, sizeof *echo.sent_ns);
    crowd_open(&echo.crowd, load->url, (uint32_t)load->connections, on_message, &echo);
    struct crowd_task task = {.is_done = is_done, .owner = &echo, .stall_s = STALL_S};
    struct usage before = usage_take(load->pids);
    echo.until_ns = before.at_ns + (uint64_t)(load->seconds * 1e9);
    for (uint32_t i = 0; i < echo.crowd.count; i++)
        say(&echo, &echo.crowd.members[i]);
    bool is_ok = crowd_run(&echo.crowd, &task, &ended_ns);
    struct usage after = usage_take(load->pids);
    printf("per_s %.0f\n", (double)echo.answered * 1e9 / (double)(after.at_ns - before.at_ns));
    if (echo.window == 1)
        printf("round_p50_us %.1f\n", histogram_us(&echo.rounds, 0.5));
    usage_print(&before, &after, echo.answered);
    crowd_close(&echo.crowd);
    text_clear(&echo.message);
    free(echo.sent_ns);
    return is_ok;
}
