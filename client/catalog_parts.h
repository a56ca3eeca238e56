/* catalog_parts.h - what the files of the catalog share.
 *
 *   ownership, threads, errors  catalog.h's
 */
#pragma once

#include "client/catalog.h"

struct circle;
struct event;
struct replica;
struct sql;
struct text;

/* The tables, empty; and whether they are there and of this version. */
MUST_CHECK bool catalog_make(struct sql *sql, struct err *err);
MUST_CHECK bool catalog_is_made(struct sql *sql, bool *is_made, struct err *err);

/* Takes in one event of the log. */
MUST_CHECK bool catalog_add(struct store *store, int64_t n, const struct event *event,
                            struct err *err);

/* What was ahead of its time and is not any more. */
MUST_CHECK bool catalog_release(struct store *store, struct err *err);

/* The words of an event that is no part of an entity. */
MUST_CHECK bool catalog_add_words(struct store *store, int64_t n, const struct event *event,
                                  struct err *err);

/* An entity is to be put together anew; and some of those that are to be, are. is_done: none is
 * left. */
MUST_CHECK bool catalog_mark(struct store *store, const struct bytes32 *root, struct err *err);
MUST_CHECK bool catalog_fold(struct store *store, bool *is_done, struct err *err);

/* What is to be put together anew where a circle's history is as it is now. */
MUST_CHECK bool catalog_touch(struct store *store, struct circle *circle,
                              const struct bytes32 *root, struct err *err);

/* All of a circle's history that is here, as of the horizon; to be freed. */
MUST_CHECK bool catalog_gather(struct store *store, struct circle **circle,
                               const struct bytes32 *root, uint64_t horizon_ms, struct err *err);

/* Puts the replica of an entity of a circle under it; any other stays as it is. */
MUST_CHECK bool catalog_govern(struct store *store, struct replica *replica,
                               const struct bytes32 *root, uint64_t horizon_ms, struct err *err);

/* Words as a search of the tables takes them: each quoted, so that none is an operator. */
void catalog_write_words(struct text *out, struct span words);

/* Of one column of the rank, scaled. */
#define CATALOG_RANK "CAST(rank * 1000000 AS INTEGER)"

/* Until when what is dated counts by the store's clock. */
uint64_t catalog_horizon(const struct store *store);
