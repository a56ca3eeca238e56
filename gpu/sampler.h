/* sampler.h - which token follows, from the logits of all: a choice that can be replayed.
 *
 * In this order: biases are added; penalties are taken from what the text has already; the
 * temperature divides; only the top_k best stay; of these only the best that together reach top_p;
 * and of these what has at least min_p of the best one's probability. At least one stays.
 *
 * Chance comes from the seed of a job, the position that is chosen for and the token alone:
 * the choice is what is greatest after -log(-log(u)) was added, u being uniform for each token,
 * which picks each with its probability (Gumbel-max). So whoever has the seed and the logits
 * makes the same choice. At temperature 0 it is the best, and of two alike the first.
 *
 *     key  the first 8 bytes of sha256(seed, position), little-endian as the position is
 *     x    the (token + 1)-th number of splitmix64 from key on
 *     u    ((x >> 12) + 0.5) / 2^52
 *
 *   units      positions of the text; probabilities
 *   ownership  sampler_clear frees the room it works in; biases are borrowed
 *   threads    one at a time
 *   errors     ERR_INVALID a value out of range; ERR_INTERNAL logits that no choice can be made of
 */
#pragma once

#include "shared/base.h"

struct err;

enum { SAMPLER_BIASES_MAX = 1024 };

struct sampler_bias {
    uint32_t token;
    float bias; /* -infinity: never */
};

struct sampler_options {
    float temperature; /* 0 to 100 */
    uint32_t top_k;    /* 0: all */
    float top_p;       /* past 0, up to 1: all */
    float min_p;       /* 0: all, to 1: the best */
    float repetition;  /* past 0: divides what is above 0, multiplies what is below; 1: nothing */
    float frequency;   /* taken from a logit for each time that the text has its token */
    float presence;    /* taken once */
    uint32_t last;     /* tokens at the end of the text that count as said; 0: all */
    struct bytes32 seed;
    const struct sampler_bias *biases;
    size_t bias_count;
};

struct sampler_candidate {
    float logit;
    uint32_t token;
};

struct sampler {
    struct sampler_options options;
    uint32_t vocabulary;
    struct sampler_candidate *candidates;
    uint32_t *said; /* how often, by token */
};

/* The best token always. */
struct sampler_options sampler_options_greedy(void);

MUST_CHECK bool sampler_open(struct sampler *sampler, const struct sampler_options *options,
                             uint32_t vocabulary, struct err *err);
void sampler_clear(struct sampler *sampler);

/* What has been said, oldest first. */
struct sampler_text {
    const uint32_t *tokens;
    size_t count;
};

/* The token for a position. */
MUST_CHECK bool sampler_pick(struct sampler *sampler, uint32_t *token, const float *logits,
                             uint64_t position, struct sampler_text said, struct err *err);
