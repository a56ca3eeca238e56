#include "gpu/price.h"

#include "shared/err.h"
#include "shared/number.h"

static bool too_much(struct err *err)
{
    return err_set(err, ERR_INVALID, "a price that is not to be counted");
}

/* sum += tokens * price */
static bool add(uint64_t *sum, uint64_t tokens, uint64_t price, struct err *err)
{
    uint64_t units;
    if (__builtin_mul_overflow(tokens, price, &units) || __builtin_add_overflow(*sum, units, sum) ||
        *sum > PRICE_UNITS_MAX)
        return too_much(err);
    return true;
}

static uint64_t round_up(uint64_t millionths)
{
    return millionths / PRICE_PPM + (millionths % PRICE_PPM > 0);
}

static bool add_prompt(uint64_t *sum, const struct price *price, const struct price_usage *usage,
                       struct err *err)
{
    uint32_t cached = usage->cached < usage->prompt ? usage->cached : usage->prompt;
    return add(sum, usage->prompt - cached, price->prompt, err) &&
           add(sum, cached, price->cached, err);
}

bool price_is_zero(const struct price *price)
{
    return price->prompt == 0 && price->cached == 0 && price->output == 0 && price->request == 0;
}

bool price_quote(struct price_quote *quote, const struct price *price,
                 const struct price_usage *usage, struct err *err)
{
    uint64_t prompt = 0, output = 0;
    if (!add_prompt(&prompt, price, usage, err) || !add(&output, usage->output, price->output, err))
        return false;
    quote->amount = round_up(prompt);
    quote->reserve = round_up(output);
    if (price->request > PRICE_UNITS_MAX - quote->amount ||
        quote->reserve > PRICE_UNITS_MAX - quote->amount - price->request)
        return too_much(err);
    quote->amount += price->request;
    return true;
}

bool price_charge(uint64_t *units, const struct price *price, const struct price_usage *usage,
                  struct err *err)
{
    uint64_t sum = 0;
    if (!add_prompt(&sum, price, usage, err) || !add(&sum, usage->output, price->output, err))
        return false;
    *units = round_up(sum);
    if (price->request > PRICE_UNITS_MAX - *units)
        return too_much(err);
    *units += price->request;
    return true;
}

bool price_read(struct price *price, const char *text, struct err *err)
{
    uint64_t *const parts[] = {&price->prompt, &price->output, &price->cached, &price->request};
    size_t count = 0;
    const char *at = text;
    *price = (struct price){0};
    for (;;) {
        size_t len = strcspn(at, "/");
        int64_t value;
        if (count == ARRAY_LEN(parts) || !number_decimal(&value, (struct span){at, len}))
            return err_set(err, ERR_INVALID,
                           "no price: PROMPT/OUTPUT[/CACHED[/REQUEST]], not "
                           "'%.40s'",
                           text);
        *parts[count++] = (uint64_t)value;
        if (at[len] == '\0')
            break;
        at += len + 1;
    }
    if (count < 2)
        return err_set(err, ERR_INVALID, "a price has two parts at least: PROMPT/OUTPUT");
    if (count == 2)
        price->cached = price->prompt;
    return true;
}

/* units * part / whole, rounded down; part <= whole, and nothing overflows. */
static uint64_t share_of(uint64_t units, uint64_t part, uint64_t whole)
{
    while (units > 0 && whole > UINT64_MAX / units) {
        whole = whole / 2 + 1; /* no share is more than it would have been */
        part /= 2;
    }
    return units * part / whole;
}

struct price_split price_split(uint64_t units, const struct price_policy *policy)
{
    struct price_split split = {0};
    uint64_t fee =
        units / PRICE_PPM * policy->fee_ppm + units % PRICE_PPM * policy->fee_ppm / PRICE_PPM;
    split.fee = fee > 0 || units == 0 ? fee : 1;
    if (split.fee > units)
        split.fee = units;
    split.burn =
        share_of(split.fee, policy->burn_ppm < PRICE_PPM ? policy->burn_ppm : PRICE_PPM, PRICE_PPM);
    split.treasury = split.fee - split.burn;
    split.provider = units - split.fee;
    return split;
}

uint64_t price_stages(uint64_t *shares, const uint64_t *works, uint32_t count, uint64_t units)
{
    uint64_t work = 0, left = units;
    bool is_huge = false;
    for (uint32_t i = 0; i < count; i++)
        is_huge |= __builtin_add_overflow(work, works[i], &work);
    for (uint32_t i = 0; i < count; i++) {
        shares[i] = is_huge || work == 0 ? 0 : share_of(units, works[i], work);
        if (shares[i] > PRICE_STAGE_UNITS_MAX)
            shares[i] = PRICE_STAGE_UNITS_MAX;
        left -= shares[i];
    }
    return left;
}
