#include "relay/intake.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "relay/list.h"
#include "relay/log.h"
#include "relay/plugin.h"
#include "relay/policy.h"
#include "relay/shards.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/sig.h"

/* ASKED_MAX: what the plugin has before it at once. */
enum {
    PIECE_JOBS_MAX = 32,
    PIECES_MAX = 4,
    ASKED_MAX = 16,
    JOBS_FULL = 1024,
    BYTES_FULL = 16 << 20,
};

struct job {
    struct list_node listed;
    struct intake *intake;
    struct arena arena;
    struct event event;
    const char *source; /* in the arena */
    void *tag;
    size_t bytes; /* about what it takes */
    bool is_good; /* set on the pool */
    struct err why;
};

struct piece {
    uv_work_t work;
    struct intake *intake;
    struct list jobs;
};

struct intake {
    struct intake_setup setup;
    uv_loop_t *loop;
    struct list queue;   /* jobs that wait for the pool */
    uint32_t pieces;     /* there */
    struct list unasked; /* jobs that wait for the plugin */
    uint32_t asked;
    uint32_t jobs; /* all */
    size_t bytes;
    bool was_full;
};

struct intake *intake_new(uv_loop_t *loop, const struct intake_setup *setup)
{
    struct intake *intake = calloc(1, sizeof *intake);
    if (intake == NULL)
        abort();
    intake->setup = *setup;
    intake->loop = loop;
    return intake;
}

void intake_free(struct intake *intake)
{
    assert(intake->jobs == 0);
    free(intake);
}

uint32_t intake_pending(const struct intake *intake)
{
    return intake->jobs;
}

bool intake_is_full(const struct intake *intake)
{
    return intake->jobs >= JOBS_FULL || intake->bytes >= BYTES_FULL;
}

static void settle(struct job *job, enum intake_fate fate)
{
    struct intake *intake = job->intake;
    intake->jobs--;
    intake->bytes -= job->bytes;
    intake->setup.settled(intake->setup.owner, job->tag, &job->event, fate,
                          fate == INTAKE_REFUSED ? &job->why : NULL);
    arena_clear(&job->arena);
    free(job);
    if (intake->was_full && intake->jobs < JOBS_FULL / 2 && intake->bytes < BYTES_FULL / 2) {
        intake->was_full = false;
        intake->setup.drained(intake->setup.owner);
    }
}

static void leave_out(struct job *job)
{
    log_debug("intake", "left out: %s", job->why.text);
    settle(job, INTAKE_LEFT_OUT);
}

static void on_settled(void *owner, enum store_verdict verdict)
{
    static const enum intake_fate fates[] = {
        [STORE_NEW] = INTAKE_NEW,       [STORE_DUPLICATE] = INTAKE_KNOWN,
        [STORE_OLDER] = INTAKE_OLDER,   [STORE_DELETED] = INTAKE_DELETED,
        [STORE_FAILED] = INTAKE_FAILED,
    };
    settle(owner, fates[verdict]);
}

static void store(struct job *job)
{
    const struct store_put put = {.event = &job->event, .settled = on_settled, .owner = job};
    shards_put(job->intake->setup.store, &put);
}

static void ask_plugin(struct intake *intake);

/* An operator's plugin that rejects has left it out; one that does not answer has not. */
static void on_judged(void *owner, enum plugin_action action, const struct err *why)
{
    struct job *job = owner;
    struct intake *intake = job->intake;
    intake->asked--;
    switch (action) {
    case PLUGIN_ACCEPT:
        store(job);
        break;
    case PLUGIN_REJECT:
        job->why = *why;
        if (why->code == ERR_INTERNAL)
            settle(job, INTAKE_REFUSED);
        else
            leave_out(job);
        break;
    case PLUGIN_SHADOW_REJECT:
        err_fill(&job->why, ERR_BLOCKED, "by the policy of this relay");
        leave_out(job);
        break;
    }
    ask_plugin(intake);
}

static void ask_plugin(struct intake *intake)
{
    struct job *job;
    while (intake->asked < ASKED_MAX && (job = list_first(&intake->unasked)) != NULL) {
        const struct plugin_call call = {.event = &job->event,
                                         .received_at = time(NULL),
                                         .source_type = intake->setup.source_type,
                                         .source_info = job->source,
                                         .reply = on_judged,
                                         .owner = job};
        list_remove(&intake->unasked, &job->listed);
        intake->asked++;
        plugin_ask(intake->setup.plugin, &call);
    }
}

static void judge(struct job *job)
{
    struct intake *intake = job->intake;
    if (!job->is_good)
        settle(job, INTAKE_REFUSED);
    else if (!policy_fetched(intake->setup.policy, &job->event, time(NULL), &job->why))
        leave_out(job);
    else if (intake->setup.plugin == NULL)
        store(job);
    else {
        list_append(&intake->unasked, &job->listed, job);
        ask_plugin(intake);
    }
}

/* On the pool. */
static void verify(uv_work_t *work)
{
    struct piece *piece = work->data;
    for (struct job *job = list_first(&piece->jobs); job != NULL; job = list_next(&job->listed)) {
        if (!event_check_id(&job->event))
            err_fill(&job->why, ERR_INVALID, "the id is not the hash of the event");
        else if (!sig_verify(&job->event.sig, &job->event.id, &job->event.pubkey))
            err_fill(&job->why, ERR_INVALID, "the signature is not the author's");
        else
            job->is_good = true;
    }
}

static void send_pieces(struct intake *intake);

static void on_verified(uv_work_t *work, int status)
{
    struct piece *piece = work->data;
    struct intake *intake = piece->intake;
    (void)status; /* nothing cancels it */
    intake->pieces--;
    for (struct job *job; (job = list_first(&piece->jobs)) != NULL;) {
        list_remove(&piece->jobs, &job->listed);
        judge(job);
    }
    free(piece);
    send_pieces(intake);
}

static void send_pieces(struct intake *intake)
{
    while (intake->pieces < PIECES_MAX && intake->queue.head != NULL) {
        struct piece *piece = calloc(1, sizeof *piece);
        struct job *job;
        if (piece == NULL)
            abort();
        piece->intake = intake;
        piece->work.data = piece;
        for (int i = 0; i < PIECE_JOBS_MAX && (job = list_first(&intake->queue)) != NULL; i++) {
            list_remove(&intake->queue, &job->listed);
            list_append(&piece->jobs, &job->listed, job);
        }
        intake->pieces++;
        if (uv_queue_work(intake->loop, &piece->work, verify, on_verified) != 0)
            abort();
    }
}

void intake_add(struct intake *intake, struct arena *arena, const struct event *event,
                const char *source, void *tag)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        abort();
    job->intake = intake;
    job->source = arena_copy(arena, (struct span){source, strlen(source) + 1}).at;
    job->arena = *arena;
    job->event = *event;
    job->tag = tag;
    job->bytes = sizeof *job + 3 * (event->tags_json.len + event->content_json.len);
    *arena = (struct arena){0};
    intake->jobs++;
    intake->bytes += job->bytes;
    intake->was_full |= intake_is_full(intake);
    list_append(&intake->queue, &job->listed, job);
    send_pieces(intake);
}
