#include "relay/search_sql.h"

#include "relay/row.h"
#include "relay/schema.h"
#include "relay/tag_hash.h"
#include "shared/text.h"

enum { STATEMENT_MS_MAX = 2000 };

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)
#define LOOKED_MAX TEXT(SEARCH_LOOKED_MAX)
#define INDEXED_MAX TEXT(SEARCH_INDEXED_MAX)

/* Parameters: $1 words, $2 configuration, $3 since, $4 until, $5 kinds, $6 authors, $7 $8 $9 tags,
 * $10 ids, $11 rows, $12 language. Those of $6 to $10, and $12, are NULL where nothing is asked. */
#define TYPES "(text, text, int8, int8, int4[], int8[], int8[], int8[], int8[], int8[], int8, text)"

#define RANGE "created_at >= $3 AND created_at <= $4"
#define ORDER "ORDER BY created_at DESC, tie DESC"

#define NEWEST "SELECT created_at, tie FROM search WHERE " RANGE " " ORDER " LIMIT " LOOKED_MAX

/* Newest first under each pair of a key and a kind. */
#define BY_PAIRS(keys, table, key)                                                     \
    "SELECT y.created_at, y.tie FROM unnest(" keys ") a(p) CROSS JOIN unnest($5) b(k)" \
    " CROSS JOIN LATERAL (SELECT created_at, tie FROM " table " WHERE " key            \
    " = a.p AND kind = b.k"                                                            \
    " AND " RANGE " " ORDER " LIMIT " LOOKED_MAX ") y LIMIT " LOOKED_MAX

static const struct {
    const char *name, *sql;
} sources[SEARCH_SOURCE_COUNT] = {
    [SEARCH_NEWEST] = {"search_newest", NEWEST},
    [SEARCH_AUTHORS] = {"search_authors", BY_PAIRS("$6", "event", "pkp")},
    [SEARCH_TAGS] = {"search_tags", BY_PAIRS("$7", "etag", "h")},
    [SEARCH_IDS] = {"search_ids", "SELECT created_at, tie FROM event WHERE tie = ANY($10)"
                                  " AND " RANGE " LIMIT " LOOKED_MAX},
    [SEARCH_WORDS] = {"search_words",
                      "(" NEWEST ") UNION (SELECT created_at, tie FROM search"
                      " WHERE words @@ (SELECT words FROM query) LIMIT " INDEXED_MAX ")"},
};

/* Only words that an event has can be found: of what it must not have alone, there is no index. */
#define QUERY                                                                             \
    "query AS MATERIALIZED (SELECT words FROM (SELECT websearch_to_tsquery('simple', $1)" \
    " || websearch_to_tsquery($2::regconfig, $1) AS words) z"                             \
    " WHERE querytree(words) NOT IN ('', 'T'))"

/* An event that says nothing of its language may be in any. Conditions on tags need the event. */
#define RESIDUE                                                                         \
    "s.kind = ANY($5) AND s.created_at >= $3 AND s.created_at <= $4"                    \
    " AND ($6 IS NULL OR s.pkp = ANY($6)) AND ($10 IS NULL OR s.tie = ANY($10))"        \
    " AND ($12 IS NULL OR s.language IS NULL OR s.language = $12)"                      \
    " AND ($7 IS NULL OR EXISTS (SELECT FROM event x WHERE x.created_at = s.created_at" \
    "  AND x.tie = s.tie AND x.tag_hashes && $7 AND ($8 IS NULL OR x.tag_hashes && $8)" \
    "  AND ($9 IS NULL OR x.tag_hashes && $9) OFFSET 0))"

static void write_statement(struct text *out, enum search_source source)
{
    text_addf(out, "PREPARE %s " TYPES " AS WITH " QUERY ", looked AS MATERIALIZED (%s), ",
              sources[source].name, sources[source].sql);
    text_addf(out,
              "found AS MATERIALIZED (SELECT s.created_at, s.tie,"
              " (ts_rank(s.words, q.words, 1) * 1000000)::int8 AS rank"
              " FROM query q CROSS JOIN looked l CROSS JOIN LATERAL (SELECT * FROM search"
              "  WHERE created_at = l.created_at AND tie = l.tie OFFSET 0) s"
              " WHERE s.words @@ q.words AND " RESIDUE " LIMIT %d), ",
              SEARCH_FOUND_MAX);
    text_addf(out, "best AS MATERIALIZED (SELECT e.*, f.rank FROM found f CROSS JOIN LATERAL ("
                   "SELECT id, pubkey, created_at, kind, tags, sig, content, tie,"
                   " octet_length(tags) + octet_length(content) AS bytes FROM event x"
                   " WHERE x.created_at = f.created_at AND x.tie = f.tie AND (x.expires IS NULL OR"
                   "  x.expires > (SELECT floor(extract(epoch FROM now()))::int8)) OFFSET 0) e"
                   " ORDER BY f.rank DESC, f.created_at DESC, f.tie DESC LIMIT $11) ");
    text_addf(out,
              "(SELECT " ROW_COLUMNS ", e.rank FROM (SELECT b.*, sum(b.bytes) OVER ("
              "ORDER BY b.rank DESC, b.created_at DESC, b.tie DESC ROWS UNBOUNDED PRECEDING)"
              " FROM best b) e WHERE e.sum - e.bytes < %d"
              " ORDER BY e.rank DESC, e.created_at DESC, e.tie DESC)"
              " UNION ALL SELECT NULL, NULL, (SELECT count(*) FROM looked),"
              " (SELECT count(*) FROM found)::int4, NULL, NULL, NULL, NULL;",
              SEARCH_BYTES_MAX);
}

const char *search_sql_name(enum search_source source)
{
    return sources[source].name;
}

/* The index of words is only read as a bitmap. */
bool search_sql_prepare(PGconn *conn, const void *context)
{
    struct text sql = {0};
    if (!schema_enter(conn, context, STATEMENT_MS_MAX))
        return false;
    text_add(&sql, SPAN("SET default_transaction_read_only TO on; SET enable_bitmapscan TO on;"));
    for (int source = 0; source < SEARCH_SOURCE_COUNT; source++)
        write_statement(&sql, (enum search_source)source);
    text_add(&sql, SPAN("PREPARE search_key AS " TAG_HASH_KEY_SQL));
    text_add(&sql, (struct span){"", 1});
    PGresult *result = PQexec(conn, sql.at);
    bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    text_clear(&sql);
    return is_ok;
}
