/* catalog_tags.h - what events are found by, on its way into the table. Part of catalog.
 *
 * The rows of many events are put in together and in the order of the table, which costs less than
 * one by one where they belong: neighbours share pages.
 *
 *   ownership  catalog_tags_clear frees
 *   threads, errors  the store's
 */
#pragma once

#include "shared/arena.h"

struct err;
struct event;
struct sql;

struct catalog_tags {
    struct arena arena;
    struct catalog_tag *at;
    size_t count;
};

/* Remembers those of an event, whose number is n. */
void catalog_tags_add(struct catalog_tags *tags, int64_t n, const struct event *event);

/* Puts in what is remembered, and forgets it. */
MUST_CHECK bool catalog_tags_flush(struct catalog_tags *tags, struct sql *sql, struct err *err);
void catalog_tags_clear(struct catalog_tags *tags);

/* Takes those of an event out again. */
MUST_CHECK bool catalog_tags_remove(struct catalog_tags *tags, struct sql *sql, int64_t n,
                                    const struct event *event, struct err *err);
