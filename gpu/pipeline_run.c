#include "gpu/pipeline_run.h"

#include <semaphore.h>
#include <stdlib.h>

#include "gpu/generation.h"
#include "gpu/model.h"
#include "gpu/root.h"
#include "shared/err.h"

enum { NEXT_BYTES_MAX = 2048 };

/* What is told of the answer. */
struct reader {
    const struct generation_call *call;
    struct generation *generation;
    struct err *err;
    bool ok;
    sem_t end;
};

static bool on_piece(void *owner, const struct answer_piece *piece)
{
    struct reader *reader = owner;
    return piece->text.len == 0 || reader->call->tell(reader->call->owner, piece->text);
}

static void on_end(void *owner, const struct scheduler_end *end)
{
    static const enum generation_end ends[] = {[ANSWER_ENDED] = GENERATION_ENDED,
                                               [ANSWER_STOPPED] = GENERATION_STOPPED,
                                               [ANSWER_FULL] = GENERATION_FULL,
                                               [ANSWER_LEFT] = GENERATION_LEFT};
    struct reader *reader = owner;
    reader->ok = end->end <= ANSWER_LEFT;
    if (reader->ok)
        *reader->generation = (struct generation){.prompt_tokens = end->usage.prompt_tokens,
                                                  .tokens = end->usage.tokens,
                                                  .end = ends[end->end],
                                                  .first_nanoseconds = end->usage.first_nanoseconds,
                                                  .nanoseconds = end->usage.nanoseconds};
    else
        err_fill(reader->err, ERR_INTERNAL, "%s", end->why != NULL ? end->why : "it was ended");
    sem_post(&reader->end);
}

static void on_note(void *owner, const char *text)
{
    const struct pipeline_run *run = owner;
    fprintf(run->notes, "stage: %s\n", text);
}

static bool ask(struct pipeline *pipeline, struct generation *generation,
                const struct generation_call *call, struct err *err)
{
    struct reader reader = {.call = call, .generation = generation, .err = err};
    uint64_t ticket;
    struct scheduler_job job = {.request = {.prompt = call->prompt->at,
                                            .prompt_count = (uint32_t)call->prompt->count,
                                            .tokens_max = call->tokens_max,
                                            .end_token = call->end_token,
                                            .sampler = *call->sampler,
                                            .stops = call->stops,
                                            .stop_count = call->stop_count,
                                            .tell = on_piece,
                                            .owner = &reader},
                                .end = on_end};
    if (sem_init(&reader.end, 0, 0) != 0)
        abort();
    bool ok = pipeline_submit(pipeline, &ticket, &job, err);
    while (ok && sem_wait(&reader.end) != 0)
        continue;
    sem_destroy(&reader.end);
    return ok && reader.ok;
}

static void say_note(void *owner, const char *text)
{
    (void)owner;
    fprintf(stderr, "stage: %s\n", text);
}

/* The options are in lists and files, the pipeline's as values. */
static bool read_options(struct pipeline_options *options, struct exec_options *shard, char *next,
                         const struct pipeline_place *place, struct err *err)
{
    const struct outpost_options *stage = place->stage;
    struct root root;
    snprintf(next, NEXT_BYTES_MAX, "%s", stage->next != NULL ? stage->next : "");
    options->is_lead = stage->is_lead;
    if (!outpost_layers(&shard->layer_begin, &shard->layer_end, stage->layers, place->model, err) ||
        !outpost_next(options->next, &options->next_count, next, err) ||
        !outpost_key(&options->key, stage->key_file, "127.0.0.1", err))
        return false;
    if (!activation_find(&options->activation, stage->wire))
        return err_set(err, ERR_INVALID, "--wire is f32, f16, bf16 or i8");
    shard->has_embedding = shard->layer_begin == 0;
    shard->has_head = shard->layer_end == place->model->hyper.layers;
    root_read(&root, place->model, stage->roots);
    options->root = root_whole(&root);
    root_clear(&root);
    return true;
}

bool pipeline_open_place(struct pipeline **pipeline, struct exec **exec,
                         const struct pipeline_place *place, struct err *err)
{
    char next[NEXT_BYTES_MAX];
    struct exec_options shard = place->shard;
    struct pipeline_options options = {.waiting_max = place->waiting_max,
                                       .note = place->note != NULL ? place->note : say_note,
                                       .owner = place->owner};
    if (!read_options(&options, &shard, next, place, err) ||
        !exec_open(exec, place->model, &shard, err))
        return false;
    if (pipeline_open(pipeline, *exec, place->tokenizer, &options, err))
        return true;
    exec_close(*exec);
    return false;
}

bool pipeline_run_generate(void *owner, struct generation *generation, const struct model *model,
                           const struct generation_call *call, struct err *err)
{
    struct pipeline_run *run = owner;
    struct pipeline *pipeline;
    struct exec *exec;
    struct pipeline_place place = {.model = model,
                                   .tokenizer = call->tokenizer,
                                   .stage = run->options,
                                   .shard = exec_options_whole(model, call->context),
                                   .waiting_max = 1,
                                   .note = on_note,
                                   .owner = run};
    place.shard.rows_max = call->rows_max;
    place.shard.threads = run->options->threads;
    place.shard.weights = run->options->weights;
    place.shard.card = run->options->card;
    if (!pipeline_open_place(&pipeline, &exec, &place, err))
        return false;
    bool ok = ask(pipeline, generation, call, err);
    pipeline_close(pipeline, false);
    exec_close(exec);
    return ok;
}
