#include "gpu/vigil.h"

#include <stdio.h>
#include <stdlib.h>

#include "gpu/fault.h"
#include "gpu/mint.h"

struct watch {
    struct watch *next;
    struct vigil *vigil;
    uv_work_t work;
    struct text pending; /* the body that says so */
    char path[MINT_NEXT_MAX + 1];
    struct mint_answer found;
    vigil_fn *ended;
    void *owner;
    bool is_looking, looks_again, is_over; /* over: freed when the look has ended */
};

struct vigil {
    uv_loop_t *loop;
    struct mint *mint;
    struct watch *watches;
    uint32_t count; /* of those not over */
    bool is_ended, is_closed;
};

struct vigil *vigil_open(uv_loop_t *loop, struct mint *mint)
{
    struct vigil *vigil = calloc(1, sizeof *vigil);
    if (vigil == NULL)
        abort();
    *vigil = (struct vigil){.loop = loop, .mint = mint};
    return vigil;
}

static void free_if_done(struct vigil *vigil)
{
    if (vigil->is_closed && vigil->watches == NULL)
        free(vigil);
}

static void free_watch(struct watch *watch)
{
    struct vigil *vigil = watch->vigil;
    struct watch **at = &vigil->watches;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    text_clear(&watch->pending);
    text_clear(&watch->found.body);
    free(watch);
}

static void tell(struct watch *watch, const struct mint_answer *answer)
{
    watch->is_over = true;
    watch->vigil->count--;
    watch->ended(watch->owner, answer);
}

static void tell_pending(struct watch *watch)
{
    const struct mint_answer answer = {.status = 200, .body = watch->pending};
    tell(watch, &answer);
}

/* What was held has been given back. */
static void tell_failure(struct watch *watch)
{
    struct mint_answer answer = {.status = 400};
    text_addf(&answer.body, "{\"detail\":\"" MINT_MELT_GIVEN_BACK "\",\"code\":%d}",
              FAULT_PAYMENT_FAILED);
    tell(watch, &answer);
    text_clear(&answer.body);
}

/* ---- looking ---- */

static void on_look(uv_work_t *work)
{
    struct watch *watch = work->data;
    text_clear(&watch->found.body);
    mint_call(watch->vigil->mint, &watch->found,
              &(struct mint_call){.method = "GET", .path = watch->path});
}

static void look(struct watch *watch);

static void on_looked(uv_work_t *work, int status)
{
    struct watch *watch = work->data;
    struct vigil *vigil = watch->vigil;
    (void)status;
    watch->is_looking = false;
    if (!watch->is_over && watch->found.melting == MINT_MELT_PAID)
        tell(watch, &watch->found);
    else if (!watch->is_over && watch->found.melting == MINT_MELT_FREE)
        tell_failure(watch);
    if (watch->is_over)
        free_watch(watch);
    else if (watch->looks_again)
        look(watch);
    free_if_done(vigil);
}

static void look(struct watch *watch)
{
    watch->looks_again = watch->is_looking;
    if (watch->is_looking)
        return;
    watch->is_looking = true;
    watch->work.data = watch;
    uv_queue_work(watch->vigil->loop, &watch->work, on_look, on_looked);
}

bool vigil_keep(struct vigil *vigil, const struct mint_answer *pending, vigil_fn *ended,
                void *owner)
{
    if (vigil->is_ended || vigil->count == VIGIL_MAX)
        return false;
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        abort();
    *watch = (struct watch){.next = vigil->watches, .vigil = vigil, .ended = ended, .owner = owner};
    text_add(&watch->pending, text_span(&pending->body));
    snprintf(watch->path, sizeof watch->path, "%s", pending->next);
    vigil->watches = watch;
    vigil->count++;
    look(watch); /* it may be over since */
    return true;
}

void vigil_ring(struct vigil *vigil, const char *quote)
{
    for (struct watch *at = vigil->watches; at != NULL; at = at->next)
        if (!at->is_over && (quote == NULL || strstr(at->path, quote) != NULL))
            look(at);
}

/* ---- the end ---- */

static void end_all(struct vigil *vigil, bool tells)
{
    struct watch *next;
    vigil->is_ended = true;
    for (struct watch *at = vigil->watches; at != NULL; at = next) {
        next = at->next;
        if (!at->is_over && tells)
            tell_pending(at);
        at->is_over = true;
        if (!at->is_looking)
            free_watch(at);
    }
}

void vigil_end(struct vigil *vigil)
{
    end_all(vigil, true);
}

void vigil_close(struct vigil *vigil)
{
    end_all(vigil, false);
    vigil->is_closed = true;
    free_if_done(vigil);
}
