/* search_sql.h - the statements of a search.
 *
 * Each looks at a bounded number of events that its source gives, keeps those with the words (of
 * these, too, a bounded number), and only then ranks and limits.
 */
#pragma once

#include <libpq-fe.h>

#include "shared/base.h"

/* Where the events come from that are looked at: the newest of all, of some authors, with one of
 * some tags; these ids; the newest of all and what the index of words has, in no order. */
enum search_source { SEARCH_NEWEST, SEARCH_AUTHORS, SEARCH_TAGS, SEARCH_IDS, SEARCH_WORDS };
enum { SEARCH_SOURCE_COUNT = SEARCH_WORDS + 1 };

/* LOOKED_MAX: events looked at; INDEXED_MAX: besides, of SEARCH_WORDS. FOUND_MAX: of them, those
 * that match and are ranked. BYTES_MAX: of an answer, about. */
#define SEARCH_LOOKED_MAX 10000
#define SEARCH_INDEXED_MAX 50000
enum { SEARCH_FOUND_MAX = 2000, SEARCH_BYTES_MAX = 2 << 20 };

/* Rows are those of row.h and the rank, best first. After them comes one without id: in place of
 * created_at how many were looked at, of kind how many were found. */
enum { SEARCH_LOOKED = 2, SEARCH_FOUND = 3, SEARCH_RANK = 7 };

#define SEARCH_KEY "search_key" /* the schema's key: tag_hash_key_read */

const char *search_sql_name(enum search_source source);

/* For db_setup.prepare; context is a struct shard. */
MUST_CHECK bool search_sql_prepare(PGconn *conn, const void *context);
