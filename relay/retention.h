/* retention.h - how long events are kept: the rules of retention_s and retention_kinds.
 *
 * "7=30d 20000-29999=1h 1984=1y 0=2y": the first rule that names a kind tells its age; 0 is for
 * ever. Of kinds that no rule names, those of which the newest version stays (replaceable and
 * addressable) and those that say what is gone (5 and 62) are kept for ever, and all others for the
 * age of retention_s.
 *
 *   units    seconds; a day has 86,400, a year 365 days
 *   threads  immutable once parsed
 *   errors   ERR_INVALID, naming the rule
 */
#pragma once

#include "shared/base.h"

struct err;

enum { RETENTION_RULES_MAX = 64 };

struct retention_rule {
    uint16_t first, last; /* kinds */
    int64_t age_s;
};

struct retention {
    int64_t age_s; /* of what no rule names; 0: for ever */
    uint32_t count;
    struct retention_rule rules[RETENTION_RULES_MAX];
};

MUST_CHECK bool retention_parse(struct retention *retention, int64_t age_s, const char *rules,
                                struct err *err);

/* 0: for ever. */
int64_t retention_age(const struct retention *retention, uint16_t kind);

/* The least of all ages; 0: everything is kept for ever. */
int64_t retention_age_min(const struct retention *retention);
