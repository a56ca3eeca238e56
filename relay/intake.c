#include "relay/intake.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "relay/log.h"
#include "relay/plugin.h"
#include "relay/policy.h"
#include "relay/shards.h"
#include "relay/verifier.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"

/* ASKED_MAX: what the plugin has before it at once. */
enum {
    THREADS_MAX = 4,
    ASKED_MAX = 16,
    JOBS_FULL = 1024,
    BYTES_FULL = 16 << 20,
};

struct job {
    struct list_node unasked; /* waits for the plugin */
    struct verification verification;
    struct intake *intake;
    struct arena arena;
    struct event event;
    const char *source; /* in the arena */
    void *tag;
    size_t bytes; /* about what it takes */
    struct err why;
};

struct intake {
    struct intake_setup setup;
    struct verifier *verifier;
    struct list unasked; /* jobs that wait for the plugin */
    uint32_t asked;
    uint32_t jobs; /* all */
    size_t bytes;
    bool was_full;
};

void intake_free(struct intake *intake)
{
    assert(intake->jobs == 0);
    verifier_free(intake->verifier);
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
        list_remove(&intake->unasked, &job->unasked);
        intake->asked++;
        plugin_ask(intake->setup.plugin, &call);
    }
}

static void on_verified(void *owner)
{
    struct job *job = owner;
    struct intake *intake = job->intake;
    if (job->verification.proof != PROOF_GOOD) {
        err_fill(&job->why, ERR_INVALID,
                 job->verification.proof == PROOF_BAD_ID ? "the id is not the hash of the event"
                                                         : "the signature is not the author's");
        settle(job, INTAKE_REFUSED);
    } else if (!policy_fetched(intake->setup.policy, &job->event, time(NULL), &job->why)) {
        leave_out(job);
    } else if (intake->setup.plugin == NULL) {
        store(job);
    } else {
        list_append(&intake->unasked, &job->unasked, job);
        ask_plugin(intake);
    }
}

struct intake *intake_new(uv_loop_t *loop, const struct intake_setup *setup)
{
    const struct verifier_setup verifier = {.threads = THREADS_MAX, .done = on_verified};
    struct intake *intake = calloc(1, sizeof *intake);
    if (intake == NULL)
        abort();
    intake->setup = *setup;
    intake->verifier = verifier_new(loop, &verifier);
    return intake;
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
    job->verification = (struct verification){.event = &job->event, .owner = job};
    verifier_add(intake->verifier, &job->verification);
}
