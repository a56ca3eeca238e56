/* price.h - what a job costs, and who gets which part of that.
 *
 * Money is whole units throughout. A charge is rounded up once, when all of it is known, so it is
 * never more than what was quoted: the prompt's price and the most that the output can cost, each
 * rounded up.
 *
 *   units      prices: units for 10^6 tokens, of a request in units; ppm: millionths
 *   threads    pure
 *   errors     ERR_INVALID a price or a sum past PRICE_UNITS_MAX
 */
#pragma once

#include "shared/base.h"

struct err;

#define PRICE_UNITS_MAX ((uint64_t)INT64_MAX)

enum { PRICE_PPM = 1000000, PRICE_STAGE_UNITS_MAX = 500 }; /* of a stage: 5 credits an inference */

struct price {
    uint64_t prompt, cached, output; /* cached: tokens of a prompt that were known from before */
    uint64_t request;
};

struct price_usage {
    uint32_t prompt, cached, output; /* cached: of the prompt's */
};

struct price_quote {
    uint64_t amount;  /* of the prompt and the request */
    uint64_t reserve; /* the most that the output can cost */
};

/* Whether nothing costs anything. */
bool price_is_zero(const struct price *price);

/* usage->output: the most that there can be. */
MUST_CHECK bool price_quote(struct price_quote *quote, const struct price *price,
                            const struct price_usage *usage, struct err *err);

MUST_CHECK bool price_charge(uint64_t *units, const struct price *price,
                             const struct price_usage *usage, struct err *err);

/* "PROMPT/OUTPUT", and "/CACHED", "/REQUEST" behind it or not: cached is the prompt's then, and a
 * request free. */
MUST_CHECK bool price_read(struct price *price, const char *text, struct err *err);

struct price_policy {
    uint32_t fee_ppm, burn_ppm; /* burn: of the fee; the rest of it is the treasury's */
};

struct price_split {
    uint64_t provider, fee, burn, treasury; /* provider + fee, and burn + treasury = fee */
};

/* A fee is 1 unit at least, unless there is nothing to take it from. */
struct price_split price_split(uint64_t units, const struct price_policy *policy);

/* What each stage gets of units, by its work (layers times tokens): rounded down, and
 * PRICE_STAGE_UNITS_MAX at most. The rest, which is returned, is the lead's. */
uint64_t price_stages(uint64_t *shares, const uint64_t *works, uint32_t count, uint64_t units);
