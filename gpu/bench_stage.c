#include "gpu/bench_stage.h"

#include <stdlib.h>
#include <time.h>

#include "gpu/exec.h"
#include "gpu/model.h"
#include "shared/err.h"

enum { STEPS = BENCH_STAGE_STEPS };

struct stage_bench {
    const struct bench_stage_setup *setup;
    struct exec *exec;
    bool is_first, is_last;
    size_t width;
    float *in, *out;           /* (prompt + STEPS, width): what the stage is given, and gives */
    float *logits;             /* (vocabulary) */
    double seconds[1 + STEPS]; /* of the prompt, and of each token after it */
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* Positions from first on, and how long they took. */
static bool step(struct stage_bench *bench, uint32_t first, uint32_t count, double *seconds,
                 struct err *err)
{
    struct exec_span span = {.position = first,
                             .count = count,
                             .tokens = bench->setup->tokens + first,
                             .in = bench->is_first ? NULL : bench->in + first * bench->width,
                             .hidden = bench->is_last ? NULL : bench->out + first * bench->width,
                             .logits = bench->is_last ? bench->logits : NULL,
                             .logit_count = bench->is_last ? 1 : 0};
    double begin = now();
    if (!exec_step(bench->exec, &span, 1, err))
        return false;
    *seconds = now() - begin;
    return span.verdict == EXEC_DONE ||
           err_set(err, ERR_INTERNAL, "a step was refused: %d", (int)span.verdict);
}

static bool measure(struct stage_bench *bench, const struct exec_options *shard, struct err *err)
{
    uint32_t prompt = bench->setup->prompt;
    if (!exec_open(&bench->exec, bench->setup->model, shard, err))
        return false;
    bool ok = exec_session_open(bench->exec, 0, prompt + STEPS, err) &&
              step(bench, 0, prompt, bench->seconds, err);
    for (uint32_t i = 0; ok && i < STEPS; i++)
        ok = step(bench, prompt + i, 1, bench->seconds + 1 + i, err);
    exec_close(bench->exec);
    qsort(bench->seconds + 1, STEPS, sizeof *bench->seconds, compare);
    return ok;
}

static void tell(const struct stage_bench *bench, const struct exec_options *shard, FILE *out)
{
    double prompt = bench->seconds[0] * 1e3;
    double token = bench->seconds[1 + STEPS / 2] * 1e3;
    size_t sent = bench->is_last ? 0 : bench->width * sizeof(float);
    uint32_t last = shard->layer_end - 1;
    if (bench->setup->is_json)
        fprintf(out,
                "%s{\"layers\":\"%u-%u\",\"token_milliseconds\":%.4g,"
                "\"prompt_milliseconds\":%.4g,\"sent_bytes\":%zu}",
                bench->is_first ? "" : ",", shard->layer_begin, last, token, prompt, sent);
    else
        fprintf(out, "layers %u-%-4u %9.2f ms a token %9.2f ms a prompt of %u, sends %zu bytes\n",
                shard->layer_begin, last, token, prompt, bench->setup->prompt, sent);
}

bool bench_stages(const struct bench_stage_setup *setup, FILE *out, struct err *err)
{
    const struct hyper *hyper = &setup->model->hyper;
    size_t numbers = (size_t)(setup->prompt + STEPS) * hyper->width;
    struct stage_bench bench = {.setup = setup,
                                .width = hyper->width,
                                .in = calloc(numbers, sizeof(float)),
                                .out = calloc(numbers, sizeof(float)),
                                .logits = calloc(hyper->vocabulary, sizeof(float))};
    bool ok = setup->stages <= hyper->layers ||
              err_set(err, ERR_INVALID, "%u stages of a model with %u layers", setup->stages,
                      hyper->layers);
    if (bench.in == NULL || bench.out == NULL || bench.logits == NULL)
        abort();
    for (uint32_t i = 0; ok && i < setup->stages; i++) {
        struct exec_options shard = *setup->whole;
        shard.layer_begin = (uint32_t)((uint64_t)hyper->layers * i / setup->stages);
        shard.layer_end = (uint32_t)((uint64_t)hyper->layers * (i + 1) / setup->stages);
        shard.has_embedding = bench.is_first = i == 0;
        shard.has_head = bench.is_last = i + 1 == setup->stages;
        ok = measure(&bench, &shard, err);
        if (ok)
            tell(&bench, &shard, out);
        float *given = bench.out;
        bench.out = bench.in;
        bench.in = given;
    }
    free(bench.in);
    free(bench.out);
    free(bench.logits);
    return ok;
}
