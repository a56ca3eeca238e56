/* mint_policy.h - how much credit there may be, who is given some, and how proceeds are split.
 *
 * Bounds of issue are budgets of the ledger: no process and no order of calls gets past them. What
 * is promo is given away and never more than half as much in an epoch as in the one before.
 *
 *   units      0.01 credit; unix seconds; ppm: millionths
 *   ownership  a plain value
 *   threads    pure
 *   errors     ERR_INVALID: which member is wrong
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;

#define MINT_UNIT_PROMO "ccr-promo"
#define MINT_UNIT_PAID "ccr"

enum { MINT_POLICY_STAGES = 4 };

struct mint_policy {
    int64_t paid_cap, promo_cap; /* issued ever */
    int64_t began_at, epoch_s;   /* epochs are counted from here */
    int64_t epoch_grant;         /* of the first; each has half of the one before */
    int64_t day_grant;           /* by all grants of a day; 0: no grants */
    int64_t address_grant;       /* the same, to one address */
    int64_t relay_grant;         /* and to all whose address is not known */
    int64_t pow_bits;
    int64_t stages[MINT_POLICY_STAGES]; /* of one key */
    int64_t input_fee_ppk, promo_days;  /* promo_days: that a promo keyset is signed with */
    int64_t fee_ppm, fee_min;           /* of proceeds, and at least so much */
    int64_t burn_ppm;                   /* of the fee; the rest is the treasury's */
    int64_t reward_max;                 /* for one shard of one inference */
    int64_t unit_msat;                  /* thousandths of a satoshi that 0.01 credit is sold for */
    int64_t buy_max, pay_max;           /* by one invoice; 0: none is bought, or paid */
    int64_t pay_fee_ppm, pay_fee_min;   /* reserved for the fees of paying one */
};

struct mint_policy mint_policy_default(void);

/* A JSON object of some of its members, by their names; stages is a list. */
MUST_CHECK bool mint_policy_read(struct mint_policy *policy, struct span text, struct err *err);

/* All of them: "paid_cap":...,... without braces. */
void mint_policy_write(struct text *out, const struct mint_policy *policy);

/* From 0; before began_at, it is 0, too. */
int64_t mint_policy_epoch(const struct mint_policy *policy, int64_t now);
uint64_t mint_policy_epoch_grant(const struct mint_policy *policy, int64_t epoch);

struct mint_share {
    uint64_t provider, burn, treasury; /* their sum is the cost */
};
struct mint_share mint_policy_share(const struct mint_policy *policy, uint64_t cost);
uint64_t mint_policy_reward(const struct mint_policy *policy, uint64_t reward);
