#include "relay/ingest.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "relay/frame.h"
#include "relay/live.h"
#include "relay/metrics.h"
#include "relay/plugin.h"
#include "relay/policy.h"
#include "relay/reply.h"
#include "relay/rules.h"
#include "relay/session.h"
#include "relay/shards.h"
#include "relay/trust.h"
#include "relay/verifier.h"
#include "relay/window.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"

/* JOBS_MAX, BYTES_MAX: what may be under way at once, answered or not; past it: rate-limited. */
enum { JOBS_MAX = 8192, BYTES_MAX = 128 << 20, NANOSECONDS = 1000000000 };

/* One event on its way. */
struct job {
    struct list_node stored; /* waits to be announced */
    struct verification verification;
    struct ingest *ingest;
    struct arena arena; /* event's spans */
    struct event event;
    uint64_t session_id;
    int64_t received_at; /* unix seconds */
    bool is_auth;
    size_t bytes;        /* about what it takes */
    uint64_t since_ns;   /* received */
    uint64_t serial;     /* of the newest subscription when it was stored */
    struct frame *frame; /* once it is stored */
    struct window_ticket ticket;
};

struct ingest {
    struct ingest_setup setup;
    struct verifier *verifier;
    struct list stored; /* jobs to be announced */
    uint32_t unanswered;
    uint64_t answered; /* ever */
    uint32_t jobs;     /* all, the answered that wait to be announced as well */
    size_t bytes;
};

static void free_job(struct job *job)
{
    job->ingest->jobs--;
    job->ingest->bytes -= job->bytes;
    if (job->frame != NULL)
        frame_drop(job->frame);
    arena_clear(&job->arena);
    free(job);
}

void ingest_free(struct ingest *ingest)
{
    assert(ingest->unanswered == 0);
    for (struct job *job; (job = list_first(&ingest->stored)) != NULL;) {
        list_remove(&ingest->stored, &job->stored);
        free_job(job);
    }
    assert(ingest->jobs == 0);
    verifier_free(ingest->verifier);
    free(ingest);
}

/* The one answer; the session may be gone by now. */
static void answer(struct job *job, bool accepted, const struct err *why)
{
    struct ingest *ingest = job->ingest;
    struct session *session = session_find(ingest->setup.sessions, job->session_id);
    ingest->unanswered--;
    ingest->answered++;
    if (session == NULL)
        return;
    reply_ok(session, &job->event.id, accepted, why);
    if (!job->is_auth)
        metrics_observe(METRIC_ACK_SECONDS, (double)(uv_hrtime() - job->since_ns) / NANOSECONDS);
}

static void refuse(struct job *job, enum err_code code, const char *text)
{
    struct err why;
    err_fill(&why, code, "%s", text);
    answer(job, false, &why);
}

static void tell_trust(struct ingest *ingest, const struct event *event)
{
    if (ingest->setup.trust != NULL)
        trust_saw(ingest->setup.trust, event);
}

static void on_announced(void *owner)
{
    struct job *job = owner;
    list_remove(&job->ingest->stored, &job->stored);
    (void)live_publish(job->ingest->setup.live, &job->event, job->frame, job->serial);
    tell_trust(job->ingest, &job->event);
    free_job(job);
}

static void on_settled(void *owner, enum store_verdict verdict)
{
    struct job *job = owner;
    struct window *window = job->ingest->setup.window;
    struct err known;
    if (verdict == STORE_NEW)
        job->frame = frame_of_event(&job->event);
    window_settled(window, &job->ticket, verdict == STORE_NEW ? &job->event : NULL, job->frame);
    switch (verdict) {
    case STORE_NEW:
        job->serial = live_serial(job->ingest->setup.live);
        list_append(&job->ingest->stored, &job->stored, job);
        answer(job, true, NULL);
        return; /* on_announced frees it */
    case STORE_DUPLICATE:
        err_fill(&known, ERR_DUPLICATE, "already have this event");
        answer(job, true, &known);
        break;
    case STORE_OLDER:
        refuse(job, ERR_DUPLICATE, "a newer version is stored");
        break;
    case STORE_DELETED:
        refuse(job, ERR_BLOCKED, "deleted by its author");
        break;
    case STORE_FAILED:
        refuse(job, ERR_INTERNAL, "the database is unavailable; try again");
        break;
    }
    free_job(job);
}

static void finish_auth(struct job *job)
{
    struct session *session = session_find(job->ingest->setup.sessions, job->session_id);
    if (session != NULL && !session_add_key(session, &job->event.pubkey))
        refuse(job, ERR_RESTRICTED, "too many keys on one connection");
    else
        answer(job, true, NULL);
    free_job(job);
}

static void finish_ephemeral(struct job *job)
{
    struct ingest *ingest = job->ingest;
    metrics_add(METRIC_EVENTS_EPHEMERAL, 1);
    job->frame = frame_of_event(&job->event);
    (void)live_publish(ingest->setup.live, &job->event, job->frame, LIVE_EVERYBODY);
    shards_forward(ingest->setup.store, &job->event);
    answer(job, true, NULL);
    free_job(job);
}

static void go_on(struct job *job)
{
    if (kind_class(job->event.kind) == KIND_EPHEMERAL) {
        finish_ephemeral(job);
        return;
    }
    const struct store_put put = {&job->event, on_settled, on_announced, job};
    window_expect(job->ingest->setup.window, &job->ticket);
    shards_put(job->ingest->setup.store, &put);
}

static void on_judged(void *owner, enum plugin_action action, const struct err *why)
{
    struct job *job = owner;
    switch (action) {
    case PLUGIN_ACCEPT:
        go_on(job);
        return;
    case PLUGIN_REJECT:
        answer(job, false, why);
        break;
    case PLUGIN_SHADOW_REJECT:
        answer(job, true, NULL);
        break;
    }
    free_job(job);
}

static void ask_plugin(struct job *job)
{
    const struct session *session = session_find(job->ingest->setup.sessions, job->session_id);
    char address[INET6_ADDRSTRLEN] = "";
    bool is_6 = session != NULL && session->peer_ip_len == 16;
    if (session != NULL && session->peer_ip_len > 0)
        inet_ntop(is_6 ? AF_INET6 : AF_INET, session->peer_ip, address, sizeof address);
    const struct plugin_call call = {
        .event = &job->event,
        .received_at = job->received_at,
        .source_type = is_6 ? "IP6" : "IP4",
        .source_info = address,
        .authed = session != NULL && session->key_count > 0 ? session->keys : NULL,
        .reply = on_judged,
        .owner = job,
    };
    plugin_ask(job->ingest->setup.plugin, &call);
}

static void on_verified(void *owner)
{
    struct job *job = owner;
    metrics_set(METRIC_VERIFY_QUEUE, verifier_waiting(job->ingest->verifier));
    if (job->verification.proof != PROOF_GOOD) {
        refuse(job, ERR_INVALID,
               job->verification.proof == PROOF_BAD_ID ? "the id is not the hash of the event"
                                                       : "the signature is wrong");
        free_job(job);
        return;
    }
    if (job->is_auth) {
        finish_auth(job);
        return;
    }
    struct ingest *ingest = job->ingest;
    struct err why;
    if (ingest->setup.rules != NULL && !rules_pace(ingest->setup.rules, &job->event.pubkey,
                                                   (int64_t)(uv_hrtime() / 1000000), &why)) {
        answer(job, false, &why);
        free_job(job);
    } else if (ingest->setup.plugin != NULL)
        ask_plugin(job);
    else
        go_on(job);
}

struct ingest *ingest_new(uv_loop_t *loop, const struct ingest_setup *setup)
{
    const struct verifier_setup verifier = {
        .threads = setup->threads, .has_turns = true, .done = on_verified};
    struct ingest *ingest = calloc(1, sizeof *ingest);
    if (ingest == NULL)
        abort();
    ingest->setup = *setup;
    ingest->verifier = verifier_new(loop, &verifier);
    return ingest;
}

void ingest_turn_end(struct ingest *ingest)
{
    verifier_turn_end(ingest->verifier);
}

static bool has_room(const struct ingest *ingest, struct err *err)
{
    if (ingest->jobs >= JOBS_MAX || ingest->bytes >= BYTES_MAX)
        return err_set(err, ERR_RATE_LIMITED, "the relay is busy; try again");
    return true;
}

static void start(struct ingest *ingest, struct session *session, struct arena *arena,
                  const struct event *event, bool is_auth)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        abort();
    job->ingest = ingest;
    job->arena = *arena;
    *arena = (struct arena){0};
    job->event = *event;
    job->session_id = session->id;
    job->received_at = time(NULL);
    job->is_auth = is_auth;
    job->bytes = sizeof *job + event->content_json.len + 4 * event->tags_json.len;
    job->since_ns = uv_hrtime();
    ingest->jobs++;
    ingest->unanswered++;
    ingest->bytes += job->bytes;
    job->verification = (struct verification){.event = &job->event, .owner = job};
    verifier_add(ingest->verifier, &job->verification);
    metrics_set(METRIC_VERIFY_QUEUE, verifier_waiting(ingest->verifier));
}

/* Whether the event needs no signature: one of its id, which is the hash of all that is signed, was
 * checked before. Answers then. */
static bool is_known(const struct ingest *ingest, struct session *session,
                     const struct event *event)
{
    struct err known;
    if (!window_has(ingest->setup.window, &event->id) || !event_check_id(event))
        return false;
    metrics_add(METRIC_EVENTS_DUPLICATE, 1);
    err_fill(&known, ERR_DUPLICATE, "already have this event");
    reply_ok(session, &event->id, true, &known);
    return true;
}

void ingest_event(struct ingest *ingest, struct session *session, struct arena *arena,
                  const struct event *event)
{
    struct err err;
    metrics_add(METRIC_EVENTS_RECEIVED, 1);
    if (policy_event(ingest->setup.policy, event, session, time(NULL), &err) &&
        has_room(ingest, &err)) {
        if (is_known(ingest, session, event)) {
            arena_clear(arena);
            return;
        }
        start(ingest, session, arena, event, false);
        return;
    }
    reply_ok(session, &event->id, false, &err);
    arena_clear(arena);
}

void ingest_auth(struct ingest *ingest, struct session *session, struct arena *arena,
                 const struct event *event)
{
    struct err err;
    if (policy_auth(ingest->setup.policy, event, session, time(NULL), &err) &&
        has_room(ingest, &err)) {
        start(ingest, session, arena, event, true);
        return;
    }
    reply_ok(session, &event->id, false, &err);
    arena_clear(arena);
}

void ingest_foreign(struct ingest *ingest, const struct event *event)
{
    struct frame *frame = frame_of_event(event);
    window_foreign(ingest->setup.window, event, frame);
    (void)live_publish(ingest->setup.live, event, frame, LIVE_EVERYBODY);
    tell_trust(ingest, event);
    frame_drop(frame);
}

uint32_t ingest_pending(const struct ingest *ingest)
{
    return ingest->unanswered;
}

uint64_t ingest_answered(const struct ingest *ingest)
{
    return ingest->answered;
}
