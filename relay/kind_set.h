/* kind_set.h - a set of kinds, as an operator writes it: "0 1 30023 20000-29999".
 *
 *   threads  immutable once read
 *   errors   ERR_INVALID: what is no kind
 */
#pragma once

#include "shared/base.h"

struct err;

struct kind_set {
    uint32_t count;
    uint64_t bits[1024];
};

/* Numbers and ranges, separated by spaces or commas. "" is the empty set. */
MUST_CHECK bool kind_set_read(struct kind_set *set, const char *text, struct err *err);

static inline bool kind_set_has(const struct kind_set *set, uint16_t kind)
{
    return (set->bits[kind / 64] >> (kind % 64) & 1) != 0;
}
