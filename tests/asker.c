#include "tests/asker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/holder.h"
#include "client/keys.h"
#include "gpu/door.h"
#include "gpu/exec.h"
#include "gpu/model.h"
#include "gpu/root.h"
#include "gpu/vocabulary.h"
#include "shared/err.h"
#include "tests/forge_folder.h"
#include "tests/forged.h"
#include "tests/test.h"
#include "tests/worker.h"

enum { CONTEXT = 1024, SESSIONS = 32, POSITIONS = 16384, ROWS = 256 };

static struct model model;
static struct bytes32 root;
static struct exec *exec;
static struct pipeline *pipeline;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
void (*asker_watch)(struct asker *asker);
uint32_t asker_hangup_s;

void asker_open(uint32_t layers)
{
    struct forge_model made = forge_model_of(FORGE_LLAMA, 11);
    struct root tree;
    made.layers = layers;
    made.context = CONTEXT;
    forge_folder_open();
    forged_open(&model, &made, WEIGHT_SAFETENSORS);
    root_read(&tree, &model, NULL);
    root = root_whole(&tree);
    root_clear(&tree);
}

void asker_close(void)
{
    model_close(&model);
    forge_folder_close();
}

const char *asker_model(void)
{
    return forge_folder_path("model.safetensors");
}

struct asker asker_of(uint32_t prompt_count, uint32_t tokens_max, uint32_t seed)
{
    struct asker asker = {.prompt_count = prompt_count,
                          .tokens_max = tokens_max,
                          .sampler = sampler_options_greedy(),
                          .likely = seed % 2 == 0 ? 2 : 0};
    asker.sampler.temperature = seed % 3 == 0 ? 0 : 0.8F;
    asker.sampler.top_k = seed % 3 == 1 ? 40 : 0;
    asker.sampler.seed.at[0] = (uint8_t)seed;
    for (uint32_t i = 0; i < prompt_count; i++)
        asker.prompt[i] = (i * 37 + seed * 11 + 5) % model.hyper.vocabulary;
    return asker;
}

static bool on_piece(void *owner, const struct answer_piece *piece)
{
    struct asker *asker = owner;
    if (!piece->has_token)
        return true;
    assert_true(asker->count < asker->tokens_max);
    asker->tokens[asker->count] = piece->token.token;
    if (asker->likely > 0) {
        asker->probabilities[asker->count] = piece->token.log_probability;
        asker->margins[asker->count] =
            piece->likely[0].log_probability - piece->likely[1].log_probability;
    }
    asker->count++;
    if (asker_watch != NULL)
        asker_watch(asker);
    return true;
}

static void on_end(void *owner, const struct scheduler_end *end)
{
    struct asker *asker = owner;
    pthread_mutex_lock(&lock);
    asker->has_ended = true;
    asker->end = end->end;
    stint_add_all(&asker->stints, end->stints);
    snprintf(asker->why, sizeof asker->why, "%s", end->why != NULL ? end->why : "");
    pthread_cond_signal(&change);
    pthread_mutex_unlock(&lock);
}

static struct scheduler_job job_of(struct asker *asker)
{
    return (struct scheduler_job){.request = {.prompt = asker->prompt,
                                              .prompt_count = asker->prompt_count,
                                              .tokens_max = asker->tokens_max,
                                              .end_token = VOCABULARY_NONE,
                                              .sampler = asker->sampler,
                                              .wants_probability = asker->likely > 0,
                                              .likely = asker->likely,
                                              .tell = on_piece,
                                              .owner = asker},
                                  .end = on_end};
}

static void open_exec(uint32_t layers)
{
    struct err err;
    struct exec_options options = exec_options_whole(&model, POSITIONS);
    options.layer_end = layers;
    options.has_head = layers == model.hyper.layers;
    options.sessions_max = SESSIONS;
    options.rows_max = ROWS;
    options.threads = 1;
    if (!exec_open(&exec, &model, &options, &err))
        fail_msg("%s", err.text);
}

void asker_ask_whole(struct asker *askers, uint32_t count)
{
    struct scheduler *scheduler;
    void (*watch)(struct asker *) = asker_watch;
    asker_watch = NULL;
    open_exec(model.hyper.layers);
    struct scheduler_options options = scheduler_options_for(exec);
    options.waiting_max = count;
    assert_true(scheduler_open(&scheduler, exec, NULL, &options, NULL));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t ticket;
        struct scheduler_job job = job_of(askers + i);
        assert_true(scheduler_submit(scheduler, &ticket, &job, NULL));
    }
    scheduler_close(scheduler, true);
    exec_close(exec);
    asker_watch = watch;
}

static void on_note(void *owner, const char *text)
{
    (void)owner;
    print_message("%s\n", text);
}

void asker_pipe(uint32_t layers, const char *const *next, uint32_t next_count, const char *wire)
{
    struct err err;
    struct pipeline_options options = {.root = root,
                                       .hangup_s = asker_hangup_s,
                                       .next_count = next_count,
                                       .waiting_max = 200,
                                       .note = on_note};
    for (uint32_t i = 0; i < next_count; i++)
        options.next[i] = next[i];
    assert_true(activation_find(&options.activation, wire));
    open_exec(layers);
    if (!pipeline_open(&pipeline, exec, NULL, &options, &err))
        fail_msg("%s", err.text);
}

/* ---- a lead ---- */

void asker_lead(uint32_t layers, const char *wire)
{
    struct err err;
    struct pipeline_options options = {.root = root,
                                       .hangup_s = asker_hangup_s,
                                       .is_lead = true,
                                       .waiting_max = 200,
                                       .note = on_note};
    assert_true(activation_find(&options.activation, wire));
    open_exec(layers);
    if (!pipeline_open(&pipeline, exec, NULL, &options, &err))
        fail_msg("%s", err.text);
}

/* The lead has the key 9. */
static struct lead_stage stage_of(const struct worker *worker)
{
    struct holder *holder = holder_of_keys(worker_keys(9));
    struct keys *keys = worker_keys(worker->door);
    struct lead_stage stage = {.number = (uint64_t)worker->port << 8 | worker->door};
    char *dash;
    uint32_t begin = (uint32_t)strtoul(worker->layers, &dash, 10);
    uint32_t end = (uint32_t)strtoul(dash + 1, NULL, 10);
    stage.stint = (struct stint){.node = *keys_pubkey(keys), .begin = begin, .end = end + 1};
    snprintf(stage.address, sizeof stage.address, "%s", worker->address);
    assert_true(door_pass(&stage.pass, holder, keys_pubkey(keys), NULL));
    holder_free(holder);
    keys_free(keys);
    return stage;
}

void asker_route(const struct worker *const *workers, uint32_t count)
{
    struct lead_stage stages[LEAD_STAGES_MAX];
    for (uint32_t i = 0; i < count; i++)
        stages[i] = stage_of(workers[i]);
    pipeline_route(pipeline, stages, count);
}

void asker_clear(struct asker *asker)
{
    stint_clear(&asker->stints);
}

void asker_ask_pipe(struct asker *askers, uint32_t count)
{
    struct err err;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t ticket;
        struct scheduler_job job = job_of(askers + i);
        if (!pipeline_submit(pipeline, &ticket, &job, &err))
            fail_msg("%s", err.text);
    }
    pthread_mutex_lock(&lock);
    for (uint32_t i = 0; i < count; i++)
        while (!askers[i].has_ended)
            pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
}

uint64_t asker_reopened(void)
{
    return pipeline_statistics(pipeline).reopened;
}

void asker_unpipe(void)
{
    pipeline_close(pipeline, true);
    exec_close(exec);
}

void asker_compare(const struct asker *askers, const struct asker *twins, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct asker *asker = askers + i;
        const struct asker *twin = twins + i;
        if (asker->end != ANSWER_FULL)
            fail_msg("asker %u: %d %s", i, (int)asker->end, asker->why);
        assert_int_equal(twin->end, ANSWER_FULL);
        assert_int_equal(asker->count, asker->tokens_max);
        assert_memory_equal(asker->tokens, twin->tokens, asker->count * sizeof *asker->tokens);
        assert_memory_equal(asker->probabilities, twin->probabilities,
                            asker->count * sizeof *asker->probabilities);
    }
}
