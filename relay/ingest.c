#include "relay/ingest.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "relay/frame.h"
#include "relay/list.h"
#include "relay/live.h"
#include "relay/metrics.h"
#include "relay/plugin.h"
#include "relay/policy.h"
#include "relay/reply.h"
#include "relay/rules.h"
#include "relay/session.h"
#include "relay/shards.h"
#include "relay/trust.h"
#include "relay/window.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/sig.h"

/* JOBS_MAX, BYTES_MAX: what may be under way at once, answered or not; past it: rate-limited. */
enum { PIECE_JOBS_MAX = 32, JOBS_MAX = 8192, BYTES_MAX = 128 << 20, NANOSECONDS = 1000000000 };

enum proof { PROOF_GOOD, PROOF_BAD_ID, PROOF_BAD_SIG };

/* One event on its way. */
struct job {
    struct list_node queued; /* waiting, in a piece, or stored */
    struct ingest *ingest;
    struct arena arena; /* event's spans */
    struct event event;
    uint64_t session_id;
    int64_t received_at; /* unix seconds */
    bool is_auth;
    enum proof proof;    /* set on the pool */
    size_t bytes;        /* about what it takes */
    uint64_t since_ns;   /* received */
    uint64_t serial;     /* of the newest subscription when it was stored */
    struct frame *frame; /* once it is stored */
    struct window_ticket ticket;
};

/* What one pool thread does at a time. Pieces are delivered in the order they were sent out,
 * whichever is done first: so events of one session stay in order. */
struct piece {
    uv_work_t work;
    struct ingest *ingest;
    struct sig_keys *keys; /* while it is on the pool */
    struct list jobs;
    struct list_node listed; /* in ingest->out */
    bool is_done;
};

struct ingest {
    uv_loop_t *loop;
    struct ingest_setup setup;
    struct list queue; /* jobs that wait for the pool */
    uint32_t waiting;
    struct list out;        /* pieces not delivered yet, in the order they were sent out */
    uint32_t busy;          /* of these, not done yet */
    struct sig_keys **keys; /* for each piece that may be busy; those in use come first */
    struct list stored;     /* jobs to be announced */
    uint32_t unanswered;
    uint64_t answered; /* ever */
    uint32_t jobs;     /* all, the answered that wait to be announced as well */
    size_t bytes;
};

struct ingest *ingest_new(uv_loop_t *loop, const struct ingest_setup *setup)
{
    struct ingest *ingest = calloc(1, sizeof *ingest);
    if (ingest == NULL)
        abort();
    ingest->loop = loop;
    ingest->setup = *setup;
    if (ingest->setup.threads == 0)
        ingest->setup.threads = 1;
    ingest->keys = calloc(ingest->setup.threads, sizeof(struct sig_keys *));
    if (ingest->keys == NULL)
        abort();
    for (uint32_t i = 0; i < ingest->setup.threads; i++)
        ingest->keys[i] = sig_keys_new();
    return ingest;
}

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
    assert(ingest->unanswered == 0 && ingest->out.head == NULL);
    for (struct job *job; (job = list_first(&ingest->stored)) != NULL;) {
        list_remove(&ingest->stored, &job->queued);
        free_job(job);
    }
    assert(ingest->jobs == 0);
    for (uint32_t i = 0; i < ingest->setup.threads; i++)
        sig_keys_free(ingest->keys[i]);
    free(ingest->keys);
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
    list_remove(&job->ingest->stored, &job->queued);
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
        list_append(&job->ingest->stored, &job->queued, job);
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

/* The pool has had its say. */
static void deliver(struct job *job)
{
    if (job->proof != PROOF_GOOD) {
        refuse(job, ERR_INVALID,
               job->proof == PROOF_BAD_ID ? "the id is not the hash of the event"
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

static void deliver_done(struct ingest *ingest)
{
    struct piece *piece;
    while ((piece = list_first(&ingest->out)) != NULL && piece->is_done) {
        list_remove(&ingest->out, &piece->listed);
        for (struct job *job; (job = list_first(&piece->jobs)) != NULL;) {
            list_remove(&piece->jobs, &job->queued);
            deliver(job);
        }
        free(piece);
    }
}

static enum proof prove(struct sig_keys *keys, const struct event *event)
{
    if (!event_check_id(event))
        return PROOF_BAD_ID;
    return sig_verify_with(keys, &event->sig, &event->id, &event->pubkey) ? PROOF_GOOD
                                                                          : PROOF_BAD_SIG;
}

/* On the pool. */
static void verify(uv_work_t *work)
{
    struct piece *piece = work->data;
    for (struct job *job = list_first(&piece->jobs); job != NULL; job = list_next(&job->queued))
        job->proof = prove(piece->keys, &job->event);
}

static void send_pieces(struct ingest *ingest);

static void on_verified(uv_work_t *work, int status)
{
    struct piece *piece = work->data;
    struct ingest *ingest = piece->ingest;
    assert(status == 0); /* pieces are not cancelled */
    piece->is_done = true;
    ingest->keys[--ingest->busy] = piece->keys;
    send_pieces(ingest); /* first: a thread is idle */
    deliver_done(ingest);
}

/* Moves the oldest jobs from the queue: a share that leaves as much to each thread. */
static void take_share(struct ingest *ingest, struct list *jobs)
{
    uint32_t share = (ingest->waiting + ingest->setup.threads - 1) / ingest->setup.threads;
    if (share > PIECE_JOBS_MAX)
        share = PIECE_JOBS_MAX;
    ingest->waiting -= share;
    for (uint32_t i = 0; i < share; i++) {
        struct job *job = list_first(&ingest->queue);
        list_remove(&ingest->queue, &job->queued);
        list_append(jobs, &job->queued, job);
    }
}

static void send_pieces(struct ingest *ingest)
{
    while (ingest->busy < ingest->setup.threads && ingest->waiting > 0) {
        struct piece *piece = calloc(1, sizeof *piece);
        if (piece == NULL)
            abort();
        piece->work.data = piece;
        piece->ingest = ingest;
        take_share(ingest, &piece->jobs);
        list_append(&ingest->out, &piece->listed, piece);
        piece->keys = ingest->keys[ingest->busy++];
        if (uv_queue_work(ingest->loop, &piece->work, verify, on_verified) != 0)
            abort();
    }
    metrics_set(METRIC_VERIFY_QUEUE, ingest->waiting);
}

/* An event that finds nothing under way waits until the turn's end whether others come. */
static void enqueue(struct ingest *ingest, struct job *job)
{
    list_append(&ingest->queue, &job->queued, job);
    ingest->waiting++;
    ingest->jobs++;
    ingest->unanswered++;
    ingest->bytes += job->bytes;
    if (ingest->waiting > 1 || ingest->out.head != NULL)
        send_pieces(ingest);
}

void ingest_turn_end(struct ingest *ingest)
{
    struct job *job = list_first(&ingest->queue);
    if (job == NULL || ingest->out.head != NULL)
        return;
    /* None did: to wake a thread, and be woken by it, would take longer than the check. */
    list_remove(&ingest->queue, &job->queued);
    ingest->waiting--;
    job->proof = prove(ingest->keys[0], &job->event);
    deliver(job);
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
    enqueue(ingest, job);
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
