/* plan.h - how a filter is answered: which statement, with which parameters.
 *
 * One of a filter's conditions drives: its index gives candidates, newest first, at most a bucket
 * of them. The rest of the conditions, the residue, are checked on those alone. So the work of a
 * page is bounded whatever the filter, and a page says how far it came even if nothing on it
 * matched. Where several conditions could drive, a count of at most some thousand index entries
 * chooses first.
 *
 * Where one key, or one pair, drives and nothing is left to check, the statement is a direct one:
 * its index is read in order as far as the rows wanted, and that is all.
 *
 * Statements look at conditions by 64-bit keys (tag_hash.h) and may leave some to the reader: what
 * they answer is a superset.
 *
 *   units    pairs: (key, kind), each a descent into an index
 *   threads  immutable but for plan_prepare, which blocks
 */
#pragma once

#include <libpq-fe.h>

#include "relay/page.h"

struct hash_key;
struct param_list;
struct text;

enum plan_driver {
    PLAN_ALL,
    PLAN_IDS,
    PLAN_KINDS,
    PLAN_AUTHORS_KINDS,
    PLAN_AUTHORS,
    PLAN_TAG_KINDS,
    PLAN_TAG,
    PLAN_DRIVER_COUNT
};

enum {
    PLAN_BUCKET_COUNT = 4,
    PLAN_PAIRS_MAX = 4096,
    PLAN_TAGS_MAX = 3,       /* conditions on tags that a statement looks at, besides the driver */
    PLAN_TAG_VALUES_MAX = 32 /* of one of those: above, the reader looks */
};

/* Names one statement for pages. */
struct plan_shape {
    enum plan_driver driver;
    uint32_t bucket; /* index: of few, some or many candidates; 0 of a direct one */
    bool brief;
    bool is_direct;
};

enum { PLAN_SHAPES_MAX = 2 * PLAN_DRIVER_COUNT * (PLAN_BUCKET_COUNT + 1) };

/* All that plan_choose can name: room for PLAN_SHAPES_MAX; how many. */
uint32_t plan_shapes(struct plan_shape *shapes);

struct plan {
    struct plan_shape shape;
    uint32_t tag;  /* which of filter->tags drives */
    bool is_empty; /* nothing can match: no keys are asked for */
    int64_t since;
    int64_t until, tie; /* the first place of the page */
};

/* What could drive: authors, then tags. Entries found, at most PLAN_PAIRS_MAX. */
struct plan_counts {
    int64_t authors, tags[PLAN_TAGS_MAX];
};

/* Rows of a page are those of row.h and, behind its columns, the tie. After them comes one without
 * id, if there were candidates: created_at and tie of the last, and in place of kind how many there
 * were, or PLAN_TOO_WIDE. Rows end before the candidates do when as many as wanted are found, or
 * with the one whose tags and content reach PLAN_BYTES_MAX together with those before it.
 *
 * A direct statement's rows are all events, the expired as well: they end where one more than
 * wanted, or as many bytes, are there, or nothing is behind them. */
enum { PLAN_CREATED_AT = 2, PLAN_TOTAL = 3, PLAN_TAGS = 4, PLAN_CONTENT = 6, PLAN_TIE = 7 };
enum { PLAN_TOO_WIDE = -1, PLAN_BYTES_MAX = 2 << 20 };

/* True when a count has to choose. */
bool plan_is_open(const struct filter *filter);

/* counts: NULL when the plan is not open. */
struct plan plan_choose(const struct store_read *read, const struct plan_counts *counts);

/* The driver has too many kinds under its keys: one that has not. */
void plan_widen(struct plan *plan, const struct store_read *read);

uint32_t plan_bucket_rows(const struct plan_shape *shape);

enum { PLAN_NAME_MAX = 40 };

/* Room for PLAN_NAME_MAX. */
void plan_name(char *name, const struct plan_shape *shape);

#define PLAN_COUNT "count"
#define PLAN_COUNT_KINDS "count_kinds"
/* Of the statement that plan_bind_count binds. */
const char *plan_count_name(const struct filter *filter);

void plan_bind(struct param_list *params, const struct plan *plan, const struct store_read *read,
               const struct hash_key *key);
void plan_bind_count(struct param_list *params, const struct store_read *read,
                     const struct hash_key *key);

#define PLAN_HASH_KEY "hash_key" /* the schema's key: tag_hash_key_read */

/* Appends "PREPARE name (types) AS ..." */
void plan_write(struct text *out, const struct plan_shape *shape);

/* Prepares every statement. False: conn says why. */
MUST_CHECK bool plan_prepare(PGconn *conn);
