#include "gpu/bench.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "gpu/bench_stage.h"
#include "gpu/exec.h"
#include "gpu/model.h"
#include "gpu/pool.h"
#include "gpu/simd.h"
#include "shared/err.h"

enum {
    PROMPT_MAX = 256,
    SESSIONS = 32,
    STEPS = 12,
    REPEATS = 3,
    READ_MIN = 64 << 20,
    READ_MAX = 1 << 30,
    READ_CHUNK = 1 << 21,
    NEAR_COLUMNS = 256, /* of a tile that stays in the nearest cache */
    NEAR_ROWS = 24,
    NEAR_TIMES = 400
};

struct bench {
    FILE *out;
    bool is_json;
    struct exec *exec;
    struct pool *pool;
    uint32_t vocabulary, prompt, threads;
    uint32_t *tokens;
    float *logits;
    char *memory; /* to be read */
    size_t memory_bytes;
    double read_rate;                /* the best so far: bytes a second */
    double matrix_rate;              /* operations a second */
    uint32_t sums[POOL_THREADS_MAX]; /* so that no read can be left out */
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void read_chunk(void *job, uint32_t chunk, uint32_t thread)
{
    struct bench *bench = job;
    bench->sums[thread] ^= simd_at(0)->read(bench->memory + (size_t)chunk * READ_CHUNK, READ_CHUNK);
}

static void multiply_chunk(void *job, uint32_t chunk, uint32_t thread)
{
    static const float tile[NEAR_COLUMNS * TILE_ROWS];
    static const float in[NEAR_ROWS * NEAR_COLUMNS];
    float out[NEAR_ROWS * TILE_ROWS];
    struct tile_call call = {.tile = (const char *)tile,
                             .type = DTYPE_F32,
                             .columns = NEAR_COLUMNS,
                             .count = NEAR_ROWS,
                             .in = in,
                             .out = out};
    (void)job;
    (void)chunk;
    (void)thread;
    for (uint32_t i = 0; i < NEAR_TIMES; i++)
        simd_at(0)->multiply(&call);
}

/* What the machine can do at most; the best of all that was measured is what counts. */
static void measure_floors(struct bench *bench)
{
    for (int i = 0; i < REPEATS; i++) {
        double begin = seconds();
        pool_run(bench->pool, read_chunk, bench, (uint32_t)(bench->memory_bytes / READ_CHUNK));
        double middle = seconds();
        pool_run(bench->pool, multiply_chunk, NULL, bench->threads);
        double end = seconds();
        double read = (double)bench->memory_bytes / (middle - begin);
        double operations = 2.0 * NEAR_COLUMNS * TILE_ROWS * NEAR_ROWS * NEAR_TIMES;
        double matrix = operations * bench->threads / (end - middle);
        bench->read_rate = read > bench->read_rate ? read : bench->read_rate;
        bench->matrix_rate = matrix > bench->matrix_rate ? matrix : bench->matrix_rate;
    }
}

/* What a step did, and how long it took. */
struct step {
    double seconds, bytes, operations;
};

static bool run(struct bench *bench, struct step *step, struct exec_span *spans, uint32_t count,
                struct err *err)
{
    struct exec_statistics before = exec_statistics(bench->exec);
    double begin = seconds();
    if (!exec_step(bench->exec, spans, count, err))
        return false;
    step->seconds = seconds() - begin;
    for (uint32_t i = 0; i < count; i++)
        if (spans[i].verdict != EXEC_DONE)
            return err_set(err, ERR_INTERNAL, "a step was refused: %d", (int)spans[i].verdict);
    struct exec_statistics after = exec_statistics(bench->exec);
    step->bytes = (double)(after.weight_bytes - before.weight_bytes);
    step->operations = (double)(after.operations - before.operations);
    return true;
}

static int compare_steps(const void *a, const void *b)
{
    double x = ((const struct step *)a)->seconds;
    double y = ((const struct step *)b)->seconds;
    return (x > y) - (x < y);
}

/* What was measured, beside what the machine can do. */
struct figure {
    uint32_t prompt, sessions; /* one of the two; the other is 0 */
    double tokens, seconds;    /* a second; of a step */
    double rate, floor;        /* operations of a prompt, bytes otherwise; a second */
};

static void tell(const struct bench *bench, const struct figure *figure)
{
    bool is_prompt = figure->prompt > 0;
    double unit = is_prompt ? 1e12 : 1e9;
    double of_floor = figure->rate / figure->floor;
    if (bench->is_json) {
        fprintf(bench->out,
                "%s{\"%s\":%u,\"tokens_per_second\":%.4g,\"milliseconds\":%.4g,"
                "\"%s_per_second\":%.4g,\"of_possible\":%.3f}",
                is_prompt ? "" : ",", is_prompt ? "prompt" : "decode",
                figure->prompt + figure->sessions, figure->tokens, figure->seconds * 1e3,
                is_prompt ? "operations" : "bytes", figure->rate, of_floor);
        return;
    }
    if (is_prompt)
        fprintf(bench->out, "prompt of %-4u ", figure->prompt);
    else
        fprintf(bench->out, "decode %-2u at once", figure->sessions);
    fprintf(bench->out, "%9.1f tokens/s %9.2f ms %9.3f %s %5.1f %% of %.3f\n", figure->tokens,
            figure->seconds * 1e3, figure->rate / unit, is_prompt ? "TFLOP/s" : "GB/s   ",
            100 * of_floor, figure->floor / unit);
}

static bool bench_prompt(struct bench *bench, struct err *err)
{
    struct step steps[REPEATS];
    measure_floors(bench);
    for (int i = 0; i < REPEATS; i++) {
        struct exec_span span = {.count = bench->prompt,
                                 .tokens = bench->tokens,
                                 .logits = bench->logits,
                                 .logit_count = 1};
        if (!run(bench, steps + i, &span, 1, err))
            return false;
    }
    measure_floors(bench);
    qsort(steps, REPEATS, sizeof *steps, compare_steps);
    struct step step = steps[REPEATS / 2];
    tell(bench, &(struct figure){.prompt = bench->prompt,
                                 .tokens = bench->prompt / step.seconds,
                                 .seconds = step.seconds,
                                 .rate = step.operations / step.seconds,
                                 .floor = bench->matrix_rate});
    return true;
}

/* A token for each of count sessions, again and again. */
static bool bench_batch(struct bench *bench, uint32_t count, struct err *err)
{
    struct step steps[STEPS];
    struct exec_span spans[SESSIONS];
    measure_floors(bench);
    for (uint32_t i = 0; i < STEPS; i++) {
        for (uint32_t j = 0; j < count; j++)
            spans[j] = (struct exec_span){.session = j,
                                          .position = exec_length(bench->exec, j),
                                          .count = 1,
                                          .tokens = bench->tokens + j,
                                          .logits = bench->logits + (size_t)j * bench->vocabulary,
                                          .logit_count = 1};
        if (!run(bench, steps + i, spans, count, err))
            return false;
    }
    measure_floors(bench);
    qsort(steps, STEPS, sizeof *steps, compare_steps);
    struct step step = steps[STEPS / 2];
    tell(bench, &(struct figure){.sessions = count,
                                 .tokens = count / step.seconds,
                                 .seconds = step.seconds,
                                 .rate = step.bytes / step.seconds,
                                 .floor = bench->read_rate});
    return true;
}

static bool bench_all(struct bench *bench, struct err *err)
{
    static const uint32_t batches[] = {1, 8, SESSIONS};
    fprintf(bench->out,
            bench->is_json ? "{\"registers\":\"%s\",\"threads\":%u,\"measured\":["
                           : "%s, %u threads\n",
            simd_at(0)->name, bench->threads);
    for (uint32_t i = 0; i < SESSIONS; i++)
        if (!exec_session_open(bench->exec, i, bench->prompt + STEPS * (uint32_t)ARRAY_LEN(batches),
                               err))
            return false;
    if (!bench_prompt(bench, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(batches); i++)
        if (!bench_batch(bench, batches[i], err))
            return false;
    return true;
}

/* And how long each stage takes, were the model cut. */
static bool bench_cut(struct bench *bench, const struct bench_stage_setup *stages, struct err *err)
{
    if (bench->is_json)
        fprintf(bench->out, stages->stages == 0 ? "]" : "],\"stages\":[");
    if (stages->stages > 0 && !bench_stages(stages, bench->out, err))
        return false;
    if (bench->is_json)
        fprintf(bench->out, stages->stages == 0 ? "}\n" : "]}\n");
    return true;
}

/* Of huge pages, as matrices are. */
static void *room(size_t size)
{
    size_t whole = (size + READ_CHUNK - 1) / READ_CHUNK * READ_CHUNK;
    void *at = aligned_alloc(READ_CHUNK, whole);
    if (at == NULL)
        abort();
    (void)madvise(at, whole, MADV_HUGEPAGE);
    return at;
}

static size_t memory_to_read(const struct model *model)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < model->weight_count && bytes < READ_MAX; i++)
        bytes += model->weights[i].tensor->data.len;
    bytes = bytes < READ_MIN ? READ_MIN : bytes > READ_MAX ? READ_MAX : bytes;
    return bytes / READ_CHUNK * READ_CHUNK;
}

bool bench_model(const struct bench_options *options, FILE *out, struct err *err)
{
    struct model model;
    if (!model_open(&model, options->model, err))
        return false;
    struct bench bench = {
        .out = out, .is_json = options->is_json, .vocabulary = model.hyper.vocabulary};
    uint32_t half = model.hyper.context / 2;
    bench.prompt = half < PROMPT_MAX ? half : PROMPT_MAX;
    struct exec_options shard = exec_options_whole(&model, 2 * PROMPT_MAX * SESSIONS);
    shard.sessions_max = SESSIONS;
    shard.threads = options->threads;
    shard.weights = options->weights;
    shard.card = options->card;
    bool ok = exec_open(&bench.exec, &model, &shard, err);
    if (ok) {
        bench.pool = pool_new(options->threads);
        bench.threads = pool_threads(bench.pool);
        bench.memory_bytes = memory_to_read(&model);
        bench.memory = room(bench.memory_bytes);
        memset(bench.memory, 1, bench.memory_bytes);
        bench.logits = room(sizeof(float) * SESSIONS * bench.vocabulary);
        bench.tokens = room(sizeof(uint32_t) * (PROMPT_MAX + BENCH_STAGE_STEPS));
        for (uint32_t i = 0; i < PROMPT_MAX + BENCH_STAGE_STEPS; i++)
            bench.tokens[i] = i * 7 % bench.vocabulary;
        const struct bench_stage_setup stages = {.model = &model,
                                                 .whole = &shard,
                                                 .stages = options->stages,
                                                 .prompt = bench.prompt,
                                                 .tokens = bench.tokens,
                                                 .is_json = options->is_json};
        ok = bench_all(&bench, err) && bench_cut(&bench, &stages, err);
        free(bench.memory);
        free(bench.logits);
        free(bench.tokens);
        pool_free(bench.pool);
        exec_close(bench.exec);
    }
    model_close(&model);
    return ok;
}
