/* Threads that wait for what the loop hears. */
#include <stdlib.h>

#include "gpu/lightning_parts.h"
#include "shared/arena.h"
#include "shared/err.h"

struct call {
    struct lightning *lightning;
    struct caller *caller;
};

static void end_call(struct lightning *lightning, struct caller *caller, struct span answer)
{
    uv_mutex_lock(&lightning->mutex);
    text_add(&caller->answer, answer);
    caller->is_over = true;
    uv_cond_broadcast(&lightning->changed);
    uv_mutex_unlock(&lightning->mutex);
}

static void on_call_answered(void *owner, const struct nwc_answer *answer)
{
    struct call *call = owner;
    end_call(call->lightning, call->caller,
             answer != NULL ? call->lightning->opened : (struct span){0});
    free(call);
}

static struct caller *next_caller(struct lightning *lightning)
{
    uv_mutex_lock(&lightning->mutex);
    struct caller *caller = lightning->callers;
    if (caller != NULL)
        lightning->callers = caller->next;
    uv_mutex_unlock(&lightning->mutex);
    return caller;
}

void lightning_on_async(uv_async_t *async)
{
    struct lightning *lightning = async->data;
    struct caller *caller;
    while ((caller = next_caller(lightning)) != NULL) {
        struct call *call = calloc(1, sizeof *call);
        if (call == NULL)
            abort();
        *call = (struct call){lightning, caller};
        lightning_ask(lightning, caller->request, LIGHTNING_ANSWER_MS, on_call_answered, call);
    }
}

void lightning_end_calls(struct lightning *lightning)
{
    struct caller *caller;
    while ((caller = next_caller(lightning)) != NULL)
        end_call(lightning, caller, (struct span){0});
}

bool lightning_call(struct lightning *lightning, struct nwc_answer *answer, struct arena *arena,
                    struct span request, struct err *err)
{
    struct caller caller = {.request = request};
    uv_mutex_lock(&lightning->mutex);
    bool is_busy = lightning->calls == LIGHTNING_CALLS_MAX;
    bool is_away = lightning->is_closed || !lightning->is_there;
    if (!is_busy && !is_away) {
        lightning->calls++;
        caller.next = lightning->callers;
        lightning->callers = &caller;
        uv_async_send(&lightning->async);
        while (!caller.is_over)
            uv_cond_wait(&lightning->changed, &lightning->mutex);
        lightning->calls--;
    }
    uv_mutex_unlock(&lightning->mutex);
    if (is_busy)
        return err_set(err, ERR_RATE_LIMITED, "too many wait for the wallet service: again later");
    struct span text = arena_copy(arena, text_span(&caller.answer));
    text_clear(&caller.answer);
    if (text.len == 0)
        return err_set(err, ERR_INTERNAL, "the wallet service does not answer");
    return nwc_read_answer(answer, arena, text, err);
}
