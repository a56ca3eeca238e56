#include "relay/health.h"

#include <stdlib.h>

#include "relay/shards.h"

struct health {
    uv_loop_t *loop;
    struct shards *store;
    uv_timer_t timeout; /* runs while somebody waits */
    struct health_wait *waiting;
    enum health_state state;
    uint64_t found_at_ms;
    bool is_probing; /* one probe at a time, however long it takes */
    bool is_freed, is_closed;
};

static void free_when_done(struct health *health)
{
    if (health->is_closed && !health->is_probing)
        free(health);
}

static void settle(struct health *health, enum health_state state)
{
    health->state = state;
    health->found_at_ms = uv_now(health->loop);
    uv_timer_stop(&health->timeout);
    struct health_wait *waiting = health->waiting;
    health->waiting = NULL;
    while (waiting != NULL) {
        struct health_wait *wait = waiting;
        waiting = wait->next;
        health_answer_fn *answer = wait->answer;
        *wait = (struct health_wait){.owner = wait->owner};
        answer(wait->owner);
    }
}

static void on_probed(void *owner, enum store_verdict verdict)
{
    struct health *health = owner;
    health->is_probing = false;
    if (health->is_freed)
        free_when_done(health);
    else
        settle(health, verdict == STORE_NEW ? HEALTH_GOOD : HEALTH_FAILED);
}

static void on_timeout(uv_timer_t *timer)
{
    settle(timer->data, HEALTH_TIMEOUT);
}

struct health *health_new(uv_loop_t *loop, struct shards *store)
{
    struct health *health = calloc(1, sizeof *health);
    if (health == NULL)
        abort();
    health->loop = loop;
    health->store = store;
    uv_timer_init(loop, &health->timeout);
    health->timeout.data = health;
    return health;
}

static void on_closed(uv_handle_t *handle)
{
    struct health *health = handle->data;
    health->is_closed = true;
    free_when_done(health);
}

void health_free(struct health *health)
{
    health->is_freed = true;
    uv_close((uv_handle_t *)&health->timeout, on_closed);
}

enum health_state health_state(const struct health *health)
{
    if (health->found_at_ms == 0 || uv_now(health->loop) - health->found_at_ms > HEALTH_FRESH_MS)
        return HEALTH_UNKNOWN;
    if (health->state == HEALTH_GOOD && !shards_is_ready(health->store)) /* not any more */
        return HEALTH_FAILED;
    return health->state;
}

void health_ask(struct health *health, struct health_wait *wait, health_answer_fn *answer,
                void *owner)
{
    if (health->waiting == NULL)
        uv_timer_start(&health->timeout, on_timeout, HEALTH_WAIT_MS_MAX, 0);
    *wait = (struct health_wait){health->waiting, answer, owner};
    health->waiting = wait;
    if (health->is_probing)
        return;
    health->is_probing = true;
    shards_probe(health->store, on_probed, health);
}

void health_forget(struct health *health, struct health_wait *wait)
{
    for (struct health_wait **at = &health->waiting; *at != NULL; at = &(*at)->next) {
        if (*at == wait) {
            *at = wait->next;
            return;
        }
    }
}
