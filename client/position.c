#include "client/position.h"

#include "shared/err.h"
#include "shared/text.h"

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

enum { BASE = sizeof alphabet - 1, RANDOM_DIGITS = 3 };

static int digit_of(char c)
{
    const char *found = memchr(alphabet, c, BASE);
    return found != NULL ? (int)(found - alphabet) : -1;
}

bool position_is(struct span word)
{
    if (word.len == 0 || word.len > POSITION_CHARS_MAX || word.at[word.len - 1] == alphabet[0])
        return false;
    for (size_t i = 0; i < word.len; i++)
        if (digit_of(word.at[i]) < 0)
            return false;
    return true;
}

static bool is_before(struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.at, b.at, shorter);
    return order != 0 ? order < 0 : a.len < b.len;
}

static void add_digit(struct text *out, uint32_t digit)
{
    text_add(out, (struct span){&alphabet[digit], 1});
}

bool position_between(struct text *out, struct span low, struct span high, uint32_t random,
                      struct err *err)
{
    if ((low.len > 0 && !position_is(low)) || (high.len > 0 && !position_is(high)) ||
        (low.len > 0 && high.len > 0 && !is_before(low, high)))
        return err_set(err, ERR_INVALID, "no place between two positions that are not in order");
    /* Digit by digit: what both begin with, until there is a digit between theirs. Below a digit
     * that is high's own nothing of high is a bound any more, above one that is low's nothing of
     * low. */
    bool is_under = high.len == 0;
    bool is_last = high.len == 0 && low.len > 0, is_first = low.len == 0 && high.len > 0;
    size_t begin = out->len;
    for (size_t i = 0; out->len - begin < POSITION_CHARS_MAX - RANDOM_DIGITS - 1; i++) {
        int lower = i < low.len ? digit_of(low.at[i]) : 0;
        int upper = is_under ? BASE : digit_of(high.at[i]);
        if (upper - lower > 1) {
            int digit = is_last ? lower + 1 : is_first ? upper - 1 : (lower + upper) / 2;
            add_digit(out, (uint32_t)digit);
            for (int j = 0; j < RANDOM_DIGITS - 1; j++, random /= BASE)
                add_digit(out, random % BASE);
            add_digit(out, 1 + random % (BASE - 1)); /* not 0, which may not be last */
            return true;
        }
        add_digit(out, (uint32_t)lower);
        is_under |= lower < upper;
    }
    out->len = begin;
    return err_set(err, ERR_INVALID, "no position of %d characters is between those two",
                   POSITION_CHARS_MAX);
}
