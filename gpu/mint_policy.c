#include "gpu/mint_policy.h"

#include <inttypes.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/text.h"

enum {
    MILLION = 1000000,
    DAY_S = 86400,
    POW_BITS_MAX = 28,
    UNIT_MSAT_MAX = 1000000000, /* so that no invoice is past an int64_t */
    INVOICE_UNITS_MAX = 1000000000
};

#define AMOUNT_MAX ((int64_t)1 << 62)

struct member {
    const char *name;
    size_t offset;
    int64_t min, max;
};

#define AT(member) offsetof(struct mint_policy, member)
static const struct member members[] = {
    {"paid_cap", AT(paid_cap), 0, AMOUNT_MAX},
    {"promo_cap", AT(promo_cap), 0, AMOUNT_MAX},
    {"began_at", AT(began_at), 0, INT64_MAX},
    {"epoch_s", AT(epoch_s), 1, INT64_MAX},
    {"epoch_grant", AT(epoch_grant), 0, AMOUNT_MAX},
    {"day_grant", AT(day_grant), 0, AMOUNT_MAX},
    {"address_grant", AT(address_grant), 0, AMOUNT_MAX},
    {"relay_grant", AT(relay_grant), 0, AMOUNT_MAX},
    {"pow_bits", AT(pow_bits), 0, POW_BITS_MAX},
    {"input_fee_ppk", AT(input_fee_ppk), 0, UINT16_MAX},
    {"promo_days", AT(promo_days), 1, 36500},
    {"fee_ppm", AT(fee_ppm), 0, MILLION},
    {"fee_min", AT(fee_min), 0, AMOUNT_MAX},
    {"burn_ppm", AT(burn_ppm), 0, MILLION},
    {"reward_max", AT(reward_max), 0, AMOUNT_MAX},
    {"unit_msat", AT(unit_msat), 1, UNIT_MSAT_MAX},
    {"buy_max", AT(buy_max), 0, INVOICE_UNITS_MAX},
    {"pay_max", AT(pay_max), 0, INVOICE_UNITS_MAX},
    {"pay_fee_ppm", AT(pay_fee_ppm), 0, MILLION},
    {"pay_fee_min", AT(pay_fee_min), 0, INVOICE_UNITS_MAX},
};
#undef AT

struct mint_policy mint_policy_default(void)
{
    return (struct mint_policy){
        .paid_cap = 2100000000,
        .promo_cap = 210000000,
        .began_at = 1767225600, /* 2026 */
        .epoch_s = 365 * (int64_t)DAY_S,
        .epoch_grant = 105000000,
        .day_grant = 100000,
        .address_grant = 20000,
        .relay_grant = 20000,
        .pow_bits = 20,
        .stages = {1000, 5000, 2000, 2000},
        .promo_days = 90,
        .fee_ppm = 10000,
        .fee_min = 1,
        .burn_ppm = 500000,
        .reward_max = 500,
        .unit_msat = 1000,
        .buy_max = 100000,
        .pay_max = 100000,
        .pay_fee_ppm = 10000,
        .pay_fee_min = 2,
    };
}

static int64_t *at(struct mint_policy *policy, const struct member *member)
{
    return (int64_t *)(void *)((char *)policy + member->offset);
}

static bool read_stages(struct mint_policy *policy, struct scan *scan, struct err *err)
{
    struct scan_list list;
    uint32_t count = 0;
    if (!scan_array(scan, &list, err))
        return false;
    for (; list.more; count++) {
        if (count == MINT_POLICY_STAGES)
            break;
        if (!scan_integer(scan, policy->stages + count, AMOUNT_MAX, err) ||
            !scan_next(scan, &list, err))
            return false;
    }
    return (count == MINT_POLICY_STAGES && !list.more) ||
           err_set(err, ERR_INVALID, "stages: there are %d", MINT_POLICY_STAGES);
}

static bool read_member(struct mint_policy *policy, struct scan *scan, struct span key,
                        struct err *err)
{
    if (span_eq(key, SPAN("stages")))
        return read_stages(policy, scan, err);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const struct member *member = members + i;
        if (!span_eq(key, (struct span){member->name, strlen(member->name)}))
            continue;
        int64_t *value = at(policy, member);
        return scan_integer(scan, value, member->max, err) &&
               (*value >= member->min ||
                err_set(err, ERR_INVALID, "%s: at least %" PRId64, member->name, member->min));
    }
    return err_set(err, ERR_INVALID, "a policy has no '%s'", scan_word(key).at);
}

bool mint_policy_read(struct mint_policy *policy, struct span text, struct err *err)
{
    struct arena arena = {0};
    struct scan scan = scan_begin(text);
    struct scan_list list;
    bool ok = scan_object(&scan, &list, err);
    while (ok && list.more) {
        ok = scan_key(&scan, &arena, &scan.subject, err) &&
             read_member(policy, &scan, scan.subject, err) && scan_next(&scan, &list, err);
        scan.subject = (struct span){0};
    }
    ok = ok && scan_end(&scan, err);
    arena_clear(&arena);
    return ok;
}

void mint_policy_write(struct text *out, const struct mint_policy *policy)
{
    struct mint_policy copy = *policy;
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        text_addf(out, "\"%s\":%" PRId64 ",", members[i].name, *at(&copy, members + i));
    text_add(out, SPAN("\"stages\":["));
    for (uint32_t i = 0; i < MINT_POLICY_STAGES; i++)
        text_addf(out, "%s%" PRId64, i > 0 ? "," : "", policy->stages[i]);
    text_add(out, SPAN("]"));
}

int64_t mint_policy_epoch(const struct mint_policy *policy, int64_t now)
{
    return now < policy->began_at ? 0 : (now - policy->began_at) / policy->epoch_s;
}

uint64_t mint_policy_epoch_grant(const struct mint_policy *policy, int64_t epoch)
{
    return epoch < 63 ? (uint64_t)policy->epoch_grant >> epoch : 0;
}

/* amount * ppm / 10^6, rounded down; amount is at most 2^63. */
static uint64_t part(uint64_t amount, int64_t ppm)
{
    return amount / MILLION * (uint64_t)ppm + amount % MILLION * (uint64_t)ppm / MILLION;
}

struct mint_share mint_policy_share(const struct mint_policy *policy, uint64_t cost)
{
    uint64_t fee = part(cost, policy->fee_ppm);
    fee = fee < (uint64_t)policy->fee_min ? (uint64_t)policy->fee_min : fee;
    fee = fee < cost ? fee : cost;
    uint64_t burn = part(fee, policy->burn_ppm);
    return (struct mint_share){.provider = cost - fee, .burn = burn, .treasury = fee - burn};
}

uint64_t mint_policy_reward(const struct mint_policy *policy, uint64_t reward)
{
    return reward < (uint64_t)policy->reward_max ? reward : (uint64_t)policy->reward_max;
}
