#include "relay/plan.h"
#include "relay/row.h"
#include "relay/tag_hash.h"
#include "shared/text.h"

/* PROBE: newest entries looked at of each pair before it is known which pairs matter.
 * COUNT_MAX: of one pair.
 * SKIP_MAX: pairs, and ends of keys, that a walk over the kinds under some keys may see. */
enum { PROBE = 4, COUNT_MAX = 1024, SKIP_MAX = 2 * PLAN_PAIRS_MAX };

static const uint32_t bucket_rows[PLAN_BUCKET_COUNT] = {32, 64, 128, STORE_PAGE_ROWS_MAX};

/* How each driver finds its candidates. */
struct source {
    const char *name;
    const char *table; /* NULL: not by pairs */
    const char *pairs; /* NULL: found by a walk */
    const char *key;   /* of the walk */
    const char *match; /* the entries of a pair */
    const char *one;   /* of the only pair there is, or the key; NULL: never direct */
};

#define PRODUCT "SELECT p, k FROM unnest($1) a(p) CROSS JOIN unnest($2) b(k)"

static const struct source sources[PLAN_DRIVER_COUNT] = {
    [PLAN_ALL] = {.name = "all", .one = "true"},
    [PLAN_IDS] = {.name = "ids", .one = "tie = ($1)[1]"},
    [PLAN_KINDS] = {"kinds", "event", "SELECT k AS p, k FROM unnest($2) b(k)", NULL,
                    "kind = pair.k", "kind = ($2)[1]"},
    [PLAN_AUTHORS_KINDS] = {"authors_kinds", "event", PRODUCT, NULL,
                            "pkp = pair.p AND kind = pair.k", "pkp = ($1)[1] AND kind = ($2)[1]"},
    [PLAN_AUTHORS] = {"authors", "event", NULL, "pkp", "pkp = pair.p AND kind = pair.k", NULL},
    [PLAN_TAG_KINDS] = {"tag_kinds", "etag", PRODUCT, NULL, "h = pair.p AND kind = pair.k",
                        "h = ($1)[1] AND kind = ($2)[1]"},
    [PLAN_TAG] = {"tag", "etag", NULL, "h", "h = pair.p AND kind = pair.k", NULL},
};

#define ORDER "ORDER BY created_at DESC, tie DESC"
#define RANGE "created_at >= $3 AND (created_at, tie) <= ($4, $5)"

uint32_t plan_bucket_rows(const struct plan_shape *shape)
{
    return bucket_rows[shape->bucket];
}

uint32_t plan_shapes(struct plan_shape *shapes)
{
    uint32_t count = 0;
    for (int driver = 0; driver < PLAN_DRIVER_COUNT; driver++)
        for (uint32_t i = 0; i < 2; i++) {
            for (uint32_t bucket = 0; bucket < PLAN_BUCKET_COUNT; bucket++)
                shapes[count++] =
                    (struct plan_shape){(enum plan_driver)driver, bucket, i == 1, false};
            if (sources[driver].one != NULL)
                shapes[count++] = (struct plan_shape){(enum plan_driver)driver, 0, i == 1, true};
        }
    return count;
}

void plan_name(char *name, const struct plan_shape *shape)
{
    struct text text = {0};
    text_addf(&text, "page_%s_", sources[shape->driver].name);
    if (shape->is_direct)
        text_addf(&text, "direct");
    else
        text_addf(&text, "%u", plan_bucket_rows(shape));
    text_addf(&text, shape->brief ? "_brief" : "");
    memcpy(name, text.at, text.len);
    name[text.len] = '\0';
    text_clear(&text);
}

/* From kind to next kind under each key: two descents a pair. More than SKIP_MAX: none at all, and
 * the statement answers one row that says so. */
static void write_walk(struct text *out, const struct source *source)
{
    text_addf(out,
              "RECURSIVE walk(p, k) AS ("
              "SELECT p, (SELECT kind FROM %s WHERE %s = p ORDER BY kind LIMIT 1)"
              " FROM unnest($1) a(p)"
              " UNION ALL"
              " SELECT w.p, (SELECT kind FROM %s WHERE %s = w.p AND kind > w.k"
              " ORDER BY kind LIMIT 1) FROM walk w WHERE w.k IS NOT NULL), ",
              source->table, source->key, source->table, source->key);
    text_addf(out,
              "seen AS MATERIALIZED (SELECT p, k FROM walk LIMIT %d), "
              "pair AS (SELECT p, k FROM seen WHERE k IS NOT NULL"
              " AND ($7 IS NULL OR k = ANY($7)) AND (SELECT count(*) FROM seen) < %d), ",
              SKIP_MAX, SKIP_MAX);
}

/* Exact, in two steps, so that many quiet pairs cost a short look each: the newest few of every
 * pair give a place that the page cannot go beyond; only pairs which may have more before it are
 * read on. One event can be under several pairs, hence DISTINCT and UNION. */
static void write_pairs(struct text *out, const struct source *source, uint32_t rows)
{
    text_add(out, SPAN("WITH "));
    if (source->pairs == NULL)
        write_walk(out, source);
    else
        text_addf(out, "pair AS (%s), ", source->pairs);
    text_addf(out,
              "probe AS MATERIALIZED (SELECT pair.p, pair.k, y.* FROM pair CROSS JOIN LATERAL ("
              "SELECT created_at, tie, row_number() OVER () AS place FROM ("
              "SELECT created_at, tie FROM %s WHERE %s AND " RANGE " " ORDER " LIMIT %d) z) y), ",
              source->table, source->match, PROBE);
    text_addf(out,
              "bound AS MATERIALIZED (SELECT coalesce(max(created_at), $3) AS created_at,"
              " coalesce(max(tie), -9223372036854775808) AS tie FROM ("
              "SELECT DISTINCT created_at, tie FROM probe " ORDER " OFFSET %u LIMIT 1) z), ",
              rows - 1);
    text_addf(out,
              "candidate AS (SELECT f.created_at, f.tie FROM probe f, bound b"
              " WHERE (f.created_at, f.tie) >= (b.created_at, b.tie)"
              " UNION SELECT y.created_at, y.tie FROM ("
              "SELECT f.p, f.k FROM probe f, bound b WHERE f.place = %d"
              " AND (f.created_at, f.tie) >= (b.created_at, b.tie)) pair CROSS JOIN LATERAL ("
              "SELECT created_at, tie FROM %s WHERE %s AND (created_at, tie) <= ($4, $5)"
              " AND (created_at, tie) >= ((SELECT created_at FROM bound), (SELECT tie FROM bound))"
              " " ORDER " OFFSET %d LIMIT %u) y)",
              PROBE, source->table, source->match, PROBE, rows - PROBE);
}

static void write_candidates(struct text *out, const struct plan_shape *shape)
{
    const struct source *source = &sources[shape->driver];
    if (source->table != NULL)
        write_pairs(out, source, plan_bucket_rows(shape));
    else if (shape->driver == PLAN_IDS)
        text_add(out, SPAN("WITH candidate AS (SELECT created_at, tie FROM (SELECT created_at, tie"
                           " FROM event WHERE tie = ANY($1) OFFSET 0) z WHERE " RANGE ")"));
    else
        text_add(out,
                 SPAN("WITH candidate AS (SELECT created_at, tie FROM event WHERE " RANGE ") "));
}

#define RESIDUE                                                                      \
    "(expires IS NULL OR expires > (SELECT floor(extract(epoch FROM now()))::int8))" \
    " AND ($6 IS NULL OR pkp = ANY($6)) AND ($7 IS NULL OR kind = ANY($7))"          \
    " AND ($8 IS NULL OR tag_hashes && $8) AND ($9 IS NULL OR tag_hashes && $9)"     \
    " AND ($10 IS NULL OR tag_hashes && $10)"

#define COLUMNS_OF(brief)                      \
    ((brief) ? ", octet_length(tags) AS bytes" \
             : ", sig, content, octet_length(tags) + octet_length(content) AS bytes")

/* The rows under one pair or key, in order, until as many as wanted are there. */
static void write_direct(struct text *out, const struct plan_shape *shape)
{
    const struct source *source = &sources[shape->driver];
    text_addf(out,
              "SELECT %s, e.tie FROM (SELECT v.*,"
              " sum(v.bytes) OVER (ROWS UNBOUNDED PRECEDING) FROM (",
              shape->brief ? ROW_COLUMNS_BRIEF : ROW_COLUMNS);
    if (shape->driver == PLAN_TAG_KINDS)
        text_addf(out,
                  "SELECT v.*, p.created_at AS at, p.tie FROM (SELECT created_at, tie FROM etag"
                  " WHERE %s AND " RANGE " " ORDER " LIMIT $11) p CROSS JOIN LATERAL ("
                  "SELECT id, pubkey, created_at, kind, tags%s FROM event"
                  " WHERE created_at = p.created_at AND tie = p.tie OFFSET 0) v",
                  source->one, COLUMNS_OF(shape->brief));
    else if (shape->driver == PLAN_IDS)
        text_addf(
            out,
            "SELECT * FROM (SELECT id, pubkey, created_at, created_at AS at, kind, tie, tags%s"
            " FROM event WHERE %s OFFSET 0) z WHERE " RANGE,
            COLUMNS_OF(shape->brief), source->one);
    else
        text_addf(out,
                  "SELECT id, pubkey, created_at, created_at AS at, kind, tie, tags%s FROM event"
                  " WHERE %s AND " RANGE " " ORDER " LIMIT $11",
                  COLUMNS_OF(shape->brief), source->one);
    text_addf(out, ") v) e WHERE e.sum - e.bytes < %d", PLAN_BYTES_MAX);
}

/* The rows that match, until enough are wanted no more, then one that says where the candidates
 * end. Tags and content are counted as they lie there, without being read. */
void plan_write(struct text *out, const struct plan_shape *shape)
{
    char name[PLAN_NAME_MAX];
    plan_name(name, shape);
    text_addf(out,
              "PREPARE %s (int8[], int4[], int8, int8, int8, int8[], int4[], int8[], int8[],"
              " int8[], int8) AS ",
              name);
    if (shape->is_direct) {
        write_direct(out, shape);
        return;
    }
    write_candidates(out, shape);
    text_addf(out,
              ", page AS MATERIALIZED (SELECT created_at, tie FROM candidate " ORDER " LIMIT %u) "
              "(SELECT %s, e.tie FROM (SELECT v.*, p.created_at AS at, p.tie,"
              " sum(v.bytes) OVER (ORDER BY p.created_at DESC, p.tie DESC ROWS UNBOUNDED PRECEDING)"
              " FROM (SELECT created_at, tie FROM page " ORDER " OFFSET 0) p CROSS JOIN LATERAL ("
              "SELECT id, pubkey, created_at, kind, tags%s FROM event"
              " WHERE created_at = p.created_at AND tie = p.tie AND " RESIDUE " OFFSET 0) v) e"
              " WHERE e.sum - e.bytes < %d ORDER BY e.at DESC, e.tie DESC LIMIT $11)",
              plan_bucket_rows(shape), shape->brief ? ROW_COLUMNS_BRIEF : ROW_COLUMNS,
              COLUMNS_OF(shape->brief), PLAN_BYTES_MAX);
    text_add(out, SPAN(" UNION ALL (SELECT NULL, NULL, created_at, (count(*) OVER ())::int4, NULL,"
                       " NULL, NULL, tie FROM page ORDER BY created_at, tie LIMIT 1)"));
    if (sources[shape->driver].key != NULL)
        text_addf(out,
                  " UNION ALL SELECT NULL, NULL, 0, -1, NULL, NULL, NULL, 0"
                  " WHERE (SELECT count(*) FROM seen) = %d",
                  SKIP_MAX);
}

/* Entries under the keys in one parameter, as far as a few thousand. */
static void write_count(struct text *out, const char *table, const char *key, int parameter,
                        bool has_kinds)
{
    text_addf(out, "(SELECT count(*) FROM (SELECT 1 FROM unnest($%d) a(p) ", parameter);
    if (has_kinds)
        text_addf(out,
                  "CROSS JOIN unnest($2) b(k) CROSS JOIN LATERAL (SELECT 1 FROM %s"
                  " WHERE %s = p AND kind = k AND " RANGE " LIMIT %d) y",
                  table, key, COUNT_MAX);
    else
        text_addf(out, "CROSS JOIN LATERAL (SELECT 1 FROM %s WHERE %s = p LIMIT %d) y", table, key,
                  COUNT_MAX);
    text_addf(out, " LIMIT %d) z)", PLAN_PAIRS_MAX);
}

static void write_counts(struct text *out, const char *name, bool has_kinds)
{
    text_addf(out,
              "PREPARE %s (int8[], int4[], int8, int8, int8, int8[], int8[], int8[]) AS SELECT ",
              name);
    write_count(out, "event", "pkp", 1, has_kinds);
    for (int i = 0; i < PLAN_TAGS_MAX; i++) {
        text_add(out, SPAN(", "));
        write_count(out, "etag", "h", 6 + i, has_kinds);
    }
}

bool plan_prepare(PGconn *conn)
{
    struct text sql = {0};
    struct plan_shape shapes[PLAN_SHAPES_MAX];
    uint32_t count = plan_shapes(shapes);
    for (uint32_t i = 0; i < count; i++) {
        plan_write(&sql, &shapes[i]);
        text_add(&sql, SPAN(";"));
    }
    write_counts(&sql, PLAN_COUNT, false);
    text_add(&sql, SPAN(";"));
    write_counts(&sql, PLAN_COUNT_KINDS, true);
    text_add(&sql, SPAN("; PREPARE " PLAN_HASH_KEY " AS " TAG_HASH_KEY_SQL));
    text_add(&sql, (struct span){"", 1});
    PGresult *result = PQexec(conn, sql.at);
    bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    text_clear(&sql);
    return is_ok;
}
