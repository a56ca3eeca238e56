#include "gpu/engine.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "gpu/exec.h"
#include "gpu/measure.h"
#include "gpu/model.h"
#include "gpu/pipeline_run.h"
#include "gpu/prompt.h"
#include "gpu/stint.h"
#include "gpu/vocabulary.h"
#include "shared/err.h"

enum { CONTEXT_MAX = 8192, ROWS = 512 };

/* One job, from when it is submitted until its end has been told. */
struct order {
    struct engine *engine;
    struct order *next; /* of all */
    uint64_t number, ticket;
    const struct ask *ask;
    uint32_t index;
    uv_work_t work;
    struct tokens tokens;
    bool is_refused, is_cancelled, is_scheduled;
    struct refusal refusal;
    struct order *next_ready; /* from here on under the engine's lock */
    bool is_ready, has_ended;
    struct text pending; /* said, and not told yet */
    struct tokens added; /* the same, of tokens */
    struct source_end ended;
    float *embedding;
    struct stint_list stints;
};

struct engine {
    struct source source;
    uv_loop_t *loop;
    uv_async_t wake;
    struct model model;
    struct tokenizer tokenizer;
    struct measure measure; /* its format, its context */
    struct exec *exec;
    struct scheduler *scheduler; /* NULL: it has a pipeline */
    struct pipeline *pipeline;
    uint32_t end_token;
    struct order *orders;
    pthread_mutex_t lock;
    struct order *ready, **ready_tail;
    uint64_t first_nanoseconds; /* until the first token, a mean that forgets; under the lock */
};

/* ---- on the scheduler's thread ---- */

/* Under the lock. */
static void make_ready(struct order *order)
{
    struct engine *engine = order->engine;
    if (order->is_ready)
        return;
    order->is_ready = true;
    order->next_ready = NULL;
    *engine->ready_tail = order;
    engine->ready_tail = &order->next_ready;
    uv_async_send(&engine->wake);
}

static bool on_piece(void *owner, const struct answer_piece *piece)
{
    struct order *order = owner;
    if (piece->text.len == 0 && !piece->has_token)
        return true;
    pthread_mutex_lock(&order->engine->lock);
    text_add(&order->pending, piece->text);
    if (piece->has_token)
        tokens_add(&order->added, piece->token.token);
    make_ready(order);
    pthread_mutex_unlock(&order->engine->lock);
    return true;
}

/* Of length 1, as those who compare embeddings expect. */
static float *copy_embedding(const float *from, uint32_t width)
{
    float *vector = calloc(width, sizeof *vector);
    double square = 0;
    if (vector == NULL)
        abort();
    for (uint32_t i = 0; i < width; i++)
        square += (double)from[i] * (double)from[i];
    for (uint32_t i = 0; i < width; i++)
        vector[i] = square > 0 ? (float)((double)from[i] / sqrt(square)) : 0;
    return vector;
}

/* Under the lock. */
static void take_first(struct engine *engine, const struct scheduler_usage *usage)
{
    uint64_t first = usage->waited_nanoseconds + usage->first_nanoseconds;
    uint64_t *mean = &engine->first_nanoseconds;
    if (usage->tokens > 0)
        *mean = *mean == 0 ? first : *mean - *mean / 8 + first / 8;
}

static void take_end(struct order *order, const struct scheduler_end *end)
{
    const struct scheduler_usage *usage = &end->usage;
    struct source_end *ended = &order->ended;
    take_first(order->engine, usage);
    *ended = (struct source_end){.end = end->end,
                                 .width = order->engine->model.hyper.width,
                                 .usage = {.prompt_tokens = usage->prompt_tokens,
                                           .kept_tokens = usage->kept_tokens,
                                           .tokens = usage->tokens,
                                           .waited_nanoseconds = usage->waited_nanoseconds,
                                           .prompt_nanoseconds = usage->first_nanoseconds,
                                           .nanoseconds = usage->nanoseconds}};
    if (end->embedding != NULL)
        order->embedding = copy_embedding(end->embedding, ended->width);
    stint_add_all(&order->stints, end->stints);
    ended->stints = &order->stints;
    ended->embedding = order->embedding;
    if (order->ask->claimed_count > 0 && end->end == ANSWER_ENDED)
        text_addf(&order->pending, "{\"checked\":%u,\"same\":%u,\"first\":%u}", end->claims.checked,
                  end->claims.same, end->claims.first);
    if (end->end == ANSWER_CLOSED)
        ended->is_refused = !refusal_set(&ended->refusal, 503, NULL, "the node is stopping");
    if (end->end == ANSWER_FAILED)
        ended->is_refused = !refusal_set(&ended->refusal, 500, NULL, "%s",
                                         end->why != NULL ? end->why : "the model has failed");
}

static void on_end(void *owner, const struct scheduler_end *end)
{
    struct order *order = owner;
    pthread_mutex_lock(&order->engine->lock);
    take_end(order, end);
    order->has_ended = true;
    make_ready(order);
    pthread_mutex_unlock(&order->engine->lock);
}

/* ---- on the loop's thread ---- */

static void free_order(struct order *order)
{
    struct order **at = &order->engine->orders;
    while (*at != order)
        at = &(*at)->next;
    *at = order->next;
    tokens_clear(&order->tokens);
    tokens_clear(&order->added);
    text_clear(&order->pending);
    free(order->embedding);
    stint_clear(&order->stints);
    free(order);
}

static void tell_end(struct order *order)
{
    struct source *source = &order->engine->source;
    source->end(source->owner, order->number, &order->ended);
    free_order(order);
}

static void on_wake(uv_async_t *wake)
{
    struct engine *engine = wake->data;
    struct source *source = &engine->source;
    for (;;) {
        pthread_mutex_lock(&engine->lock);
        struct order *order = engine->ready;
        struct text said = {0};
        struct tokens added = {0};
        bool has_ended = order != NULL && order->has_ended;
        if (order != NULL) {
            engine->ready = order->next_ready;
            if (engine->ready == NULL)
                engine->ready_tail = &engine->ready;
            order->is_ready = false;
            said = order->pending;
            order->pending = (struct text){0};
            added = order->added;
            order->added = (struct tokens){0};
        }
        pthread_mutex_unlock(&engine->lock);
        if (order == NULL)
            return;
        struct source_piece piece = {text_span(&said), added.at, (uint32_t)added.count};
        if (!order->is_cancelled && (said.len > 0 || added.count > 0))
            source->piece(source->owner, order->number, &piece);
        text_clear(&said);
        tokens_clear(&added);
        if (has_ended)
            tell_end(order);
    }
}

/* On the loop's pool. */
static void prepare(uv_work_t *work)
{
    struct order *order = work->data;
    order->is_refused = !measure_tokens(&order->engine->measure, &order->tokens, order->ask,
                                        order->index, &order->refusal);
}

static bool schedule(struct order *order, struct err *err)
{
    const struct engine *engine = order->engine;
    const struct ask *ask = order->ask;
    struct scheduler_job job = {
        .request = {.prompt = order->tokens.at,
                    .prompt_count = (uint32_t)order->tokens.count,
                    .tokens_max = ask->tokens_max,
                    .end_token = ask->kind == ASK_CHAT ? engine->end_token : VOCABULARY_NONE,
                    .sampler = ask->sampler,
                    .stops = ask->stops,
                    .stop_count = ask->stop_count,
                    .tell = on_piece,
                    .owner = order},
        .level = SCHEDULER_LEVELS / 2,
        .claimed = ask->claimed_count,
        .wants_embedding = ask->kind == ASK_EMBEDDING,
        .end = on_end};
    if (ask->claimed_count > 0 && engine->pipeline != NULL)
        return err_set(err, ERR_UNSUPPORTED, "a node whose model goes on elsewhere checks nothing");
    if (!ask->has_seed && getrandom(&job.request.sampler.seed, sizeof(struct bytes32), 0) !=
                              (ssize_t)sizeof(struct bytes32))
        return err_set(err, ERR_INTERNAL, "the system has no random numbers");
    return engine->pipeline != NULL
               ? pipeline_submit(engine->pipeline, &order->ticket, &job, err)
               : scheduler_submit(engine->scheduler, &order->ticket, &job, err);
}

static void on_prepared(uv_work_t *work, int status)
{
    struct order *order = work->data;
    struct err err;
    (void)status;
    order->ended = (struct source_end){.end = ANSWER_LEFT};
    if (order->is_cancelled) {
        tell_end(order);
        return;
    }
    if (!order->is_refused) {
        order->is_scheduled = true;
        if (schedule(order, &err))
            return;
        refusal_take(&order->refusal, &err);
    }
    order->ended.is_refused = true;
    order->ended.refusal = order->refusal;
    tell_end(order);
}

static void submit(struct source *source, uint64_t number, const struct ask *ask, uint32_t index)
{
    struct engine *engine = (struct engine *)source;
    struct order *order = calloc(1, sizeof *order);
    if (order == NULL)
        abort();
    order->engine = engine;
    order->number = number;
    order->ask = ask;
    order->index = index;
    order->next = engine->orders;
    engine->orders = order;
    order->work.data = order;
    uv_queue_work(engine->loop, &order->work, prepare, on_prepared);
}

static void cancel(struct source *source, uint64_t number)
{
    struct engine *engine = (struct engine *)source;
    for (struct order *order = engine->orders; order != NULL; order = order->next)
        if (order->number == number && !order->is_cancelled) {
            order->is_cancelled = true;
            if (order->is_scheduled && engine->pipeline != NULL)
                pipeline_cancel(engine->pipeline, order->ticket);
            else if (order->is_scheduled)
                scheduler_cancel(engine->scheduler, order->ticket);
        }
}

/* ---- all of it ---- */

static bool open_scheduler(struct engine *engine, const struct engine_options *options,
                           struct err *err)
{
    uint32_t own = engine->model.hyper.context;
    uint32_t wanted = options->context > 0 ? options->context : CONTEXT_MAX;
    engine->measure.context = wanted < own ? wanted : own;
    struct exec_options shard = exec_options_whole(&engine->model, engine->measure.context);
    shard.positions = engine->measure.context * options->parallel;
    shard.sessions_max = options->parallel;
    shard.rows_max = ROWS;
    shard.threads = options->threads;
    shard.weights = options->weights;
    shard.card = options->card;
    struct pipeline_place place = {.model = &engine->model,
                                   .tokenizer = &engine->tokenizer,
                                   .stage = options->stage,
                                   .shard = shard,
                                   .waiting_max = options->waiting};
    if (options->stage != NULL)
        return pipeline_open_place(&engine->pipeline, &engine->exec, &place, err);
    if (!exec_open(&engine->exec, &engine->model, &shard, err))
        return false;
    struct scheduler_options scheduling = scheduler_options_for(engine->exec);
    scheduling.positions_max = engine->measure.context;
    scheduling.waiting_max = options->waiting;
    if (scheduler_open(&engine->scheduler, engine->exec, &engine->tokenizer, &scheduling, err))
        return true;
    exec_close(engine->exec);
    return false;
}

struct engine *engine_open(uv_loop_t *loop, const struct engine_options *options, struct err *err)
{
    struct engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL || pthread_mutex_init(&engine->lock, NULL) != 0)
        abort();
    engine->loop = loop;
    engine->ready_tail = &engine->ready;
    engine->source = (struct source){.submit = submit, .cancel = cancel};
    engine->measure.tokenizer = &engine->tokenizer;
    bool is_open = model_open(&engine->model, options->model, err);
    bool has_words = is_open && tokenizer_open(&engine->tokenizer, &engine->model, err);
    bool ok = has_words &&
              prompt_find_format(&engine->measure.format, &engine->tokenizer, options->chat, err) &&
              open_scheduler(engine, options, err);
    if (ok) {
        engine->measure.vocabulary = engine->model.hyper.vocabulary;
        engine->end_token = prompt_end_token(engine->measure.format, &engine->tokenizer);
        uv_async_init(loop, &engine->wake, on_wake);
        engine->wake.data = engine;
        return engine;
    }
    if (has_words)
        tokenizer_close(&engine->tokenizer);
    if (is_open)
        model_close(&engine->model);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
    return NULL;
}

static void on_closed(uv_handle_t *handle)
{
    struct engine *engine = handle->data;
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}

void engine_close(struct engine *engine)
{
    if (engine->pipeline != NULL)
        pipeline_close(engine->pipeline, false);
    scheduler_close(engine->scheduler, false);
    exec_close(engine->exec);
    tokenizer_close(&engine->tokenizer);
    model_close(&engine->model);
    uv_close((uv_handle_t *)&engine->wake, on_closed);
}

struct source *engine_source(struct engine *engine)
{
    return &engine->source;
}

const struct model *engine_model(const struct engine *engine)
{
    return &engine->model;
}

const struct measure *engine_measure(const struct engine *engine)
{
    return &engine->measure;
}

uint32_t engine_context(const struct engine *engine)
{
    return engine->measure.context;
}

const struct chat_format *engine_chat(const struct engine *engine)
{
    return engine->measure.format;
}

struct span engine_template(const struct engine *engine)
{
    return engine->tokenizer.chat_template;
}

const struct tokenizer *engine_tokenizer(const struct engine *engine)
{
    return &engine->tokenizer;
}

void engine_route(struct engine *engine, const struct lead_stage *stages, uint32_t count)
{
    if (engine->pipeline != NULL)
        pipeline_route(engine->pipeline, stages, count);
}

bool engine_meeting(struct engine *engine, uint64_t number, struct pipeline_meeting *meeting)
{
    return engine->pipeline != NULL && pipeline_meeting(engine->pipeline, number, meeting);
}

uint32_t engine_first_ms(struct engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    uint64_t nanoseconds = engine->first_nanoseconds;
    pthread_mutex_unlock(&engine->lock);
    return nanoseconds == 0 ? 0 : (uint32_t)(nanoseconds / 1000000 + 1);
}

struct scheduler_statistics engine_statistics(struct engine *engine)
{
    if (engine->pipeline == NULL)
        return scheduler_statistics(engine->scheduler);
    struct pipeline_statistics piped = pipeline_statistics(engine->pipeline);
    return (struct scheduler_statistics){
        .running = piped.running, .waiting = piped.waiting, .tokens = piped.tokens};
}
