/* filter.h - what a subscriber asked for: parse a NIP-01 filter, match events.
 *
 * A filter is a conjunction of conditions; a condition is a disjunction of values.
 * A list that is present and empty has no value to match, so nothing matches the filter.
 *
 *   units      since, until: unix seconds, inclusive; limit: events
 *   ownership  values live in the arena, or point into the text, given to filter_parse
 *   threads    immutable once parsed; any thread may match
 *   errors     ERR_INVALID malformed; ERR_UNSUPPORTED unknown key
 *   spec       NIP-01 "From client to relay"; NIP-50; NIP-91 "&t"
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct event;
struct scan;
struct text;

/* FILTER_ALL_MAX: values that must all be there, "&t", in one filter.
 * FILTER_TAGS_MAX: those, and one "#x" for each letter. */
enum { FILTER_ALL_MAX = 64, FILTER_TAGS_MAX = 52 + FILTER_ALL_MAX, FILTER_NO_LIMIT = -1 };

struct filter_keys {
    uint32_t count;           /* 0: no condition */
    const struct bytes32 *at; /* sorted, each once */
};

struct filter_kinds {
    uint32_t count;
    const uint16_t *at; /* sorted, each once */
};

/* One of some values: what "#x" asks for, and each single value of "&x". A value of "&x" plays no
 * part in "#x". */
struct filter_tag {
    char letter;               /* the x of "#x" and "&x" */
    uint32_t count;            /* >= 1 */
    const struct span *values; /* decoded, sorted by bytes, each once; 'e' and 'p': 64 hex digits */
};

struct filter {
    int64_t since, until; /* 0 and INT64_MAX when absent */
    int64_t limit;        /* FILTER_NO_LIMIT when absent */
    bool matches_nothing; /* some list is empty */
    struct filter_keys ids, authors;
    struct filter_kinds kinds;
    uint32_t tag_count;
    struct span search;            /* NIP-50, decoded; len 0 when nothing is searched for */
    const struct filter_tag *tags; /* by letter, then the fewest values, then by value */
};

/* Parses one filter object; text must hold nothing else but whitespace. "search" is refused: it
 * plays no part in filter_match, and who asks for less must not get all. */
MUST_CHECK bool filter_parse(struct filter *filter, struct arena *arena, struct span text,
                             struct err *err);

/* The same, for a filter inside a longer text; scan ends up behind it. */
MUST_CHECK bool filter_scan(struct filter *filter, struct arena *arena, struct scan *scan,
                            struct err *err);

/* limit plays no part: it bounds the initial query, not the stream. Nor does search. */
bool filter_match(const struct filter *filter, const struct event *event);

/* The filter as one line of JSON; parsing it gives an equal filter. */
void filter_write(struct text *out, const struct filter *filter);

/* A copy that lives as long as the arena. */
void filter_copy(struct filter *to, struct arena *arena, const struct filter *from);

/* Values in all lists together: what filter_values_max bounds. */
uint32_t filter_value_count(const struct filter *filter);

bool filter_names_kind(const struct filter *filter, uint16_t kind);
