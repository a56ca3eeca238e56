#include "gpu/sampler.h"

#include <math.h>
#include <stdlib.h>

#include "shared/err.h"
#include "shared/sig.h"

struct sampler_options sampler_options_greedy(void)
{
    return (struct sampler_options){.top_p = 1, .repetition = 1};
}

static bool check(const struct sampler_options *options, uint32_t vocabulary, struct err *err)
{
    if (!(options->temperature >= 0 && options->temperature <= 100))
        return err_set(err, ERR_INVALID, "temperature is 0 to 100");
    if (!(options->top_p > 0 && options->top_p <= 1))
        return err_set(err, ERR_INVALID, "top_p is more than 0, and at most 1");
    if (!(options->min_p >= 0 && options->min_p <= 1))
        return err_set(err, ERR_INVALID, "min_p is 0 to 1");
    if (!(options->repetition > 0 && options->repetition <= 100))
        return err_set(err, ERR_INVALID, "the repetition penalty is more than 0, and at most 100");
    if (!(fabsf(options->frequency) <= 100 && fabsf(options->presence) <= 100))
        return err_set(err, ERR_INVALID, "frequency and presence penalties are -100 to 100");
    if (options->bias_count > SAMPLER_BIASES_MAX)
        return err_set(err, ERR_INVALID, "%zu biases; at most %d", options->bias_count,
                       SAMPLER_BIASES_MAX);
    for (size_t i = 0; i < options->bias_count; i++)
        if (options->biases[i].token >= vocabulary || isnan(options->biases[i].bias))
            return err_set(err, ERR_INVALID, "bias %zu is of no token, or no number", i);
    return true;
}

bool sampler_open(struct sampler *sampler, const struct sampler_options *options,
                  uint32_t vocabulary, struct err *err)
{
    if (!check(options, vocabulary, err))
        return false;
    *sampler = (struct sampler){.options = *options, .vocabulary = vocabulary};
    sampler->candidates = calloc((size_t)vocabulary + 1, sizeof *sampler->candidates);
    sampler->said = calloc((size_t)vocabulary + 1, sizeof *sampler->said);
    if (sampler->candidates == NULL || sampler->said == NULL)
        abort();
    return true;
}

void sampler_clear(struct sampler *sampler)
{
    free(sampler->candidates);
    free(sampler->said);
    *sampler = (struct sampler){0};
}

/* Takes from the logits of what was said. */
static void penalize(struct sampler *sampler, struct sampler_text said)
{
    const struct sampler_options *options = &sampler->options;
    if (said.count == 0 ||
        (options->repetition == 1 && options->frequency == 0 && options->presence == 0))
        return;
    size_t count = options->last > 0 && said.count > options->last ? options->last : said.count;
    const uint32_t *tokens = said.tokens + (said.count - count);
    for (size_t i = 0; i < count; i++)
        if (tokens[i] < sampler->vocabulary)
            sampler->said[tokens[i]]++;
    for (size_t i = 0; i < count; i++) {
        if (tokens[i] >= sampler->vocabulary || sampler->said[tokens[i]] == 0)
            continue; /* already */
        float *logit = &sampler->candidates[tokens[i]].logit;
        *logit = *logit > 0 ? *logit / options->repetition : *logit * options->repetition;
        *logit -= (float)sampler->said[tokens[i]] * options->frequency + options->presence;
        sampler->said[tokens[i]] = 0;
    }
}

/* Of two alike, the first token is the better. */
static bool is_better(struct sampler_candidate a, struct sampler_candidate b)
{
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

/* Lets what is at index sink to its place in the heap, whose root is the best. */
static void sink(struct sampler_candidate *heap, uint32_t count, uint32_t index)
{
    struct sampler_candidate moved = heap[index];
    while (2 * (uint64_t)index + 1 < count) {
        uint32_t child = 2 * index + 1;
        child += child + 1 < count && is_better(heap[child + 1], heap[child]);
        if (!is_better(heap[child], moved))
            break;
        heap[index] = heap[child];
        index = child;
    }
    heap[index] = moved;
}

/* Brings the best, up to count, to the end of the array, the best last; tells where they begin.
 * Ends earlier when their probabilities, the very best's being 1, are enough. */
static uint32_t take_best(struct sampler_candidate *heap, uint32_t all, uint32_t count,
                          double enough)
{
    double sum = 0;
    uint32_t begin = all;
    for (uint32_t i = all / 2; i-- > 0;)
        sink(heap, all, i);
    while (all - begin < count && sum < enough) {
        struct sampler_candidate taken = heap[0];
        sum += exp((double)taken.logit);
        heap[0] = heap[--begin];
        sink(heap, begin, 0);
        heap[begin] = taken;
    }
    return begin;
}

/* The sum of probabilities, the best's being 1. */
static double sum_of(const struct sampler_candidate *candidates, uint32_t count)
{
    double sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += exp((double)candidates[i].logit);
    return sum;
}

/* Where in the array of count the candidates begin that top_k and top_p leave. */
static uint32_t cut(const struct sampler_options *options, struct sampler_candidate *candidates,
                    uint32_t count)
{
    uint32_t keep = options->top_k > 0 && options->top_k < count ? options->top_k : count;
    uint32_t begin = 0;
    if (keep < count)
        begin = take_best(candidates, count, keep, INFINITY);
    if (options->top_p < 1) {
        double total = sum_of(candidates + begin, keep);
        begin += take_best(candidates + begin, keep, keep, (double)options->top_p * total);
    }
    return begin;
}

/* splitmix64's last steps: every bit of the input moves every bit of the output. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

/* What all tokens' noise at a position comes from. */
static uint64_t key_of(const struct bytes32 *seed, uint64_t position)
{
    uint8_t bytes[40];
    uint64_t key = 0;
    memcpy(bytes, seed->at, sizeof seed->at);
    for (size_t i = 0; i < 8; i++)
        bytes[32 + i] = (uint8_t)(position >> 8 * i);
    struct bytes32 hash = sig_sha256(SPAN_OF(bytes));
    for (size_t i = 0; i < 8; i++)
        key |= (uint64_t)hash.at[i] << 8 * i;
    return key;
}

static double noise(uint64_t key, uint32_t token)
{
    uint64_t bits = mix(key + (token + (uint64_t)1) * 0x9e3779b97f4a7c15);
    double uniform = ((double)(bits >> 12) + 0.5) * 0x1p-52; /* never 0, never 1 */
    return -log(-log(uniform));
}

static uint32_t draw(const struct sampler_options *options,
                     const struct sampler_candidate *candidates, uint32_t count, uint64_t position)
{
    uint64_t key = key_of(&options->seed, position);
    double least = options->min_p > 0 ? log((double)options->min_p) : -INFINITY;
    double most = -INFINITY;
    uint32_t found = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        struct sampler_candidate candidate = candidates[i];
        double value = (double)candidate.logit;
        if (value < least)
            continue;
        value += noise(key, candidate.token);
        if (value > most || (value == most && candidate.token < found)) {
            most = value;
            found = candidate.token;
        }
    }
    return found;
}

/* The logits as they are chosen from; those that cannot be go. How many are left. */
static uint32_t prepare(struct sampler *sampler, const float *logits, struct sampler_text said)
{
    const struct sampler_options *options = &sampler->options;
    struct sampler_candidate *candidates = sampler->candidates;
    uint32_t count = 0;
    for (uint32_t i = 0; i < sampler->vocabulary; i++)
        candidates[i] = (struct sampler_candidate){logits[i], i};
    for (size_t i = 0; i < options->bias_count; i++)
        candidates[options->biases[i].token].logit += options->biases[i].bias;
    penalize(sampler, said);
    for (uint32_t i = 0; i < sampler->vocabulary; i++)
        if (isfinite(candidates[i].logit))
            candidates[count++] = candidates[i];
    return count;
}

bool sampler_pick(struct sampler *sampler, uint32_t *token, const float *logits, uint64_t position,
                  struct sampler_text said, struct err *err)
{
    const struct sampler_options *options = &sampler->options;
    struct sampler_candidate *candidates = sampler->candidates;
    uint32_t count = prepare(sampler, logits, said);
    if (count == 0)
        return err_set(err, ERR_INTERNAL, "the model gives no token a finite logit");
    struct sampler_candidate best = candidates[0];
    for (uint32_t i = 1; i < count; i++)
        if (is_better(candidates[i], best))
            best = candidates[i];
    *token = best.token;
    if (options->temperature == 0)
        return true;
    for (uint32_t i = 0; i < count; i++) /* the best is 0 from here on */
        candidates[i].logit = (candidates[i].logit - best.logit) / options->temperature;
    uint32_t begin = cut(options, candidates, count);
    *token = draw(options, candidates + begin, count - begin, position);
    return true;
}
