#include "relay/admin.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "relay/admin_job.h"
#include "relay/config.h"

enum { TICK_MS = 500 };

static void answer(struct admin_job *job, int status, struct span body)
{
    struct admin_wait *wait = job->wait;
    struct admin *admin = job->admin;
    list_remove(&admin->jobs, &job->listed);
    if (wait != NULL) {
        wait->status = status;
        text_add(&wait->body, body);
        wait->job = NULL;
        if (wait->answer != NULL)
            wait->answer(wait->owner);
    }
    free(job->owned);
    arena_clear(&job->arena);
    free(job);
}

void admin_finish(struct admin_job *job, struct span result)
{
    struct text body = {0};
    text_add(&body, SPAN("{\"result\":"));
    text_add(&body, result);
    text_add(&body, SPAN("}"));
    answer(job, 200, text_span(&body));
    text_clear(&body);
}

void admin_fail(struct admin_job *job, int status, const struct err *why)
{
    struct text words = {0}, body = {0};
    text_addf(&words, "%s: %s", err_prefix(why->code), why->text);
    text_add(&body, SPAN("{\"error\":"));
    text_add_json(&body, text_span(&words));
    text_add(&body, SPAN("}"));
    answer(job, status, text_span(&body));
    text_clear(&words);
    text_clear(&body);
}

void admin_refuse(struct admin_job *job, int status, const char *text)
{
    struct err why;
    enum err_code code = status == 400   ? ERR_INVALID
                         : status == 401 ? ERR_AUTH_REQUIRED
                         : status == 403 ? ERR_RESTRICTED
                                         : ERR_INTERNAL;
    err_fill(&why, code, "%s", text);
    admin_fail(job, status, &why);
}

/* What was done and is only being waited for goes on without the one who asked. */
static void on_tick(uv_timer_t *tick)
{
    struct admin *admin = tick->data;
    uint64_t now = uv_now(admin->loop);
    struct admin_job *next;
    for (struct admin_job *job = list_first(&admin->jobs); job != NULL; job = next) {
        next = list_next(&job->listed);
        if (job->deadline_ms == 0 || now < job->deadline_ms || job->wait == NULL)
            continue;
        struct admin_wait *wait = job->wait;
        job->wait = NULL; /* the job itself is still its purge's owner */
        wait->status = 200;
        text_add(&wait->body, SPAN("{\"result\":true}"));
        wait->job = NULL;
        wait->answer(wait->owner);
    }
    admin_purge_tick(admin);
    admin_survey_tick(admin);
}

struct admin *admin_new(uv_loop_t *loop, const struct admin_setup *setup)
{
    struct admin *admin = calloc(1, sizeof *admin);
    if (admin == NULL)
        abort();
    admin->loop = loop;
    admin->setup = *setup;
    uv_timer_init(loop, &admin->tick);
    admin->tick.data = admin;
    if (admin_is_on(admin))
        uv_timer_start(&admin->tick, on_tick, TICK_MS, TICK_MS);
    return admin;
}

static void on_closed(uv_handle_t *tick)
{
    free(tick->data);
}

void admin_free(struct admin *admin)
{
    assert(list_first(&admin->jobs) == NULL);
    admin_purge_clear(admin);
    uv_close((uv_handle_t *)&admin->tick, on_closed);
}

void admin_forget_all(struct admin *admin)
{
    for (struct admin_job *job = list_first(&admin->jobs); job != NULL;
         job = list_next(&job->listed)) {
        if (job->wait != NULL)
            job->wait->job = NULL;
        job->wait = NULL;
    }
    admin_survey_end(admin);
}

bool admin_is_on(const struct admin *admin)
{
    return admin->setup.config->admin_pubkeys[0] != '\0';
}

/* What can be said without the database. Cryptography is last, and only for those who say that
 * they are somebody. */
static bool check(struct admin_job *job, const struct admin_request *request, int *status,
                  struct err *err)
{
    const struct ticket_request own = {.public_url = job->admin->setup.config->public_url,
                                       .local_ip = request->local_ip,
                                       .method = SPAN("POST"),
                                       .body = request->body,
                                       .now = job->now};
    struct ticket *ticket = &job->ticket;
    struct span authorization = arena_copy(&job->arena, request->authorization);
    *status = 401;
    if (!ticket_read(ticket, &job->arena, authorization, err))
        return false;
    if (ticket->is_token)
        return true;
    if (!ticket_check(ticket, &own, err))
        return false;
    *status = 403;
    if (!admin_knows(job->admin, &ticket->event.pubkey))
        return err_set(err, ERR_RESTRICTED, "this key may not manage the relay");
    *status = 401;
    return ticket_prove(ticket, err);
}

void admin_ask(struct admin *admin, const struct admin_request *request, struct admin_wait *wait,
               void (*answer_fn)(void *owner), void *owner)
{
    struct admin_job *job = calloc(1, sizeof *job);
    struct err err;
    int status;
    if (job == NULL)
        abort();
    *wait = (struct admin_wait){.job = job};
    job->admin = admin;
    job->wait = wait;
    job->now = time(NULL);
    list_append(&admin->jobs, &job->listed, job);
    if (!check(job, request, &status, &err)) {
        admin_fail(job, status, &err);
        return;
    }
    job->body = arena_copy(&job->arena, request->body);
    admin_use_ticket(job);
    wait->answer = answer_fn; /* from now on it is later */
    wait->owner = owner;
}

void admin_forget(struct admin_wait *wait)
{
    if (wait->job != NULL)
        wait->job->wait = NULL;
    text_clear(&wait->body);
    *wait = (struct admin_wait){0};
}
