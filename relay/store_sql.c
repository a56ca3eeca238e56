#include "relay/store_sql.h"

#include "relay/route.h"
#include "relay/schema.h"
#include "relay/tag_hash.h"

enum { STORE_STATEMENT_MS_MAX = 30000 };

/* The tag rows of the events in gone. */
#define DELETE_TAGS                                                                      \
    "DELETE FROM etag WHERE ctid = ANY (ARRAY(SELECT t.ctid FROM gone g"                 \
    " CROSS JOIN LATERAL unnest(g.tag_hashes) u(h)"                                      \
    " CROSS JOIN LATERAL (SELECT x.ctid FROM etag x WHERE x.h = u.h AND x.kind = g.kind" \
    "  AND x.created_at = g.created_at AND x.tie = g.tie OFFSET 0) t))"

#define DELETE_EVENTS(chosen)                                              \
    "WITH gone AS (DELETE FROM event WHERE ctid = ANY (ARRAY(" chosen "))" \
    " RETURNING created_at, tie, kind, tag_hashes) " DELETE_TAGS

/* The deletion that asks, d, is stored: it may have come too late itself. */
#define IS_STORED \
    "EXISTS (SELECT FROM event x WHERE x.created_at = d.created_at AND x.tie = d.tie OFFSET 0)"

/* The author of u has ever deleted something, or vanished: few have. */
#define AUTHOR_DELETES \
    "EXISTS (SELECT FROM event x WHERE x.pubkey = u.pubkey AND x.kind IN (5, 62) OFFSET 0)"

/* The event u is named by a deletion of its author. */
#define IS_DELETED                                                                 \
    "EXISTS (SELECT FROM etag x WHERE x.h = u.id_mark AND x.kind = 5 OFFSET 0) OR" \
    " EXISTS (SELECT FROM etag x WHERE x.h = u.address_mark AND x.kind = 5"        \
    "  AND x.created_at >= u.created_at OFFSET 0)"

/* Somebody vanished at the time of u, a table with created_at, or later. */
#define HAS_VANISHED(pkp, more)                                     \
    "EXISTS (SELECT FROM event x WHERE"                             \
    " (x.pkp, x.kind, x.created_at) >= (" pkp ", 62, u.created_at)" \
    " AND (x.pkp, x.kind) <= (" pkp ", 62)" more                    \
    " ORDER BY x.pkp, x.kind, x.created_at LIMIT 1 OFFSET 0)"

#define AT_ADDRESS(of)                                                         \
    "(x.pubkey, x.kind, x.dh) >= (" of ".pubkey, " of ".kind, " of ".dh)"      \
    " AND (x.pubkey, x.kind, x.dh) <= (" of ".pubkey, " of ".kind, " of ".dh)" \
    " AND x.dh IS NOT NULL"
#define BY_ADDRESS " ORDER BY x.pubkey, x.kind, x.dh LIMIT 1 OFFSET 0"

#define AUTHOR_HAS_VANISHED HAS_VANISHED("u.pkp", " AND x.pubkey = u.pubkey")

#define IS_GONE AUTHOR_DELETES " AND (" IS_DELETED " OR " AUTHOR_HAS_VANISHED ")"

#define IS_KNOWN \
    "EXISTS (SELECT FROM event x WHERE x.created_at = u.created_at AND x.tie = u.tie OFFSET 0)"

/* Its author, or for a deletion any author, has moved since it was sent here. */
#define HAS_MOVED \
    "EXISTS (SELECT FROM fence x WHERE x.bucket = u.bucket AND x.version > u.version OFFSET 0)"

/* The gift wrap u is named by a deletion of one whom it names, or one of those vanished. */
#define WRAP_IS_DELETED                                                          \
    "EXISTS (SELECT FROM unnest(($19::int8[])[u.first_named:u.last_named]) m(h)" \
    " CROSS JOIN LATERAL"                                                        \
    " (SELECT FROM etag x WHERE x.h = m.h AND x.kind = 5 LIMIT 1 OFFSET 0) x OFFSET 0)"
#define NAMED_HAS_VANISHED                                                         \
    "EXISTS (SELECT FROM unnest(($20::int8[])[u.first_named:u.last_named]) m(pkp)" \
    " WHERE " HAS_VANISHED("m.pkp", "") " OFFSET 0)"

/* NIP-01 "Kinds": the newer one stays, and of the same time the one with the lowest id. */
#define IS_REPLACED \
    AT_ADDRESS("u") \
    " AND (x.created_at < u.created_at OR (x.created_at = u.created_at AND x.id > u.id))"

/* What REPLACE has left at the address of u is as new, or newer. */
#define HAS_NEWER "EXISTS (SELECT FROM event x WHERE " AT_ADDRESS("u") BY_ADDRESS ")"

/* Items are sorted by tie, so that two batches with the same events wait for each other in one
 * order. A gift wrap is deleted, too, by those whom it names. What has no bucket is a copy of
 * another shard's deletion, which tells of it: by that xid no tail will. A tag row is there only if
 * its event is, so it conflicts with none; in order, so that the index's upper pages, and some of
 * its leaves, are still in the processor's cache from the row before. */
#define INSERT(on_conflict)                                                                      \
    "WITH u AS MATERIALIZED (SELECT u.*, ($18::int8[])[u.first_hash:u.last_hash] AS tag_hashes," \
    " CASE WHEN " HAS_MOVED " THEN 4"                                                            \
    "  WHEN " IS_KNOWN " THEN 1"                                                                 \
    "  WHEN " IS_GONE " THEN 3"                                                                  \
    "  WHEN u.last_named >= u.first_named AND (" WRAP_IS_DELETED " OR " NAMED_HAS_VANISHED       \
    ") THEN 3"                                                                                   \
    "  WHEN u.dh IS NOT NULL AND " HAS_NEWER " THEN 2"                                           \
    "  ELSE 0 END AS verdict"                                                                    \
    " FROM (SELECT unnest($1::int8[]) AS created_at, unnest($2::int8[]) AS tie, "                \
    "  unnest($3::int8[]) AS pkp, unnest($4::int8[]) AS dh, "                                    \
    "  unnest($5::int8[]) AS expires, unnest($6::int4[]) AS kind, "                              \
    "  unnest($7::bytea[]) AS id, unnest($8::bytea[]) AS pubkey, "                               \
    "  unnest($9::bytea[]) AS sig, unnest($10::text[]) AS tags, "                                \
    "  unnest($11::text[]) AS content, unnest($12::int8[]) AS id_mark, "                         \
    "  unnest($13::int8[]) AS address_mark, unnest($14::int4[]) AS first_hash, "                 \
    "  unnest($15::int4[]) AS last_hash, unnest($16::int4[]) AS first_named, "                   \
    "  unnest($17::int4[]) AS last_named, unnest($21::int4[]) AS bucket, "                       \
    "  unnest($22::int8[]) AS version) u),"                                                      \
    " w AS (SELECT * FROM u WHERE verdict = 0),"                                                 \
    " ins AS (INSERT INTO event (created_at, tie, pkp, dh, expires, kind, id, pubkey, sig,"      \
    "   tag_hashes, tags, content, xid)"                                                         \
    "  SELECT created_at, tie, pkp, dh, expires, kind, id, pubkey, sig, tag_hashes, tags,"       \
    "   content, CASE WHEN bucket IS NULL THEN " ROUTE_XID_COPY                                  \
    " ELSE pg_current_xact_id()::text::int8 END"                                                 \
    "  FROM w" on_conflict " RETURNING created_at, tie, pkp, kind, tag_hashes),"                 \
    " tagged AS (INSERT INTO etag (h, created_at, tie, pkp, kind)"                               \
    "  SELECT m.h, i.created_at, i.tie, i.pkp, i.kind FROM ins i"                                \
    "  CROSS JOIN LATERAL unnest(i.tag_hashes) m(h) ORDER BY m.h)"                               \
    " SELECT tie, 0::int8 FROM ins UNION ALL SELECT tie, verdict::int8 FROM u WHERE verdict <> 0"

const struct store_sql_statement store_sql_statements[] = {
    /* Odd keys exclusive, in the order given: the same for every batch, so none waits in a ring. */
    {STORE_SQL_LOCK,
     "SELECT CASE WHEN k & 1 = 1 THEN pg_advisory_xact_lock(hashtextextended($1::text, 0) # (k >> "
     "1))"
     " ELSE pg_advisory_xact_lock_shared(hashtextextended($1::text, 0) # (k >> 1)) END"
     " FROM unnest($2::int8[]) u(k)"},

    {STORE_SQL_INSERT, INSERT("")},
    {STORE_SQL_INSERT_RACED, INSERT(" ON CONFLICT DO NOTHING")},

    /* The copies of deletions that find their home here. */
    {STORE_SQL_ADOPT,
     DELETE_EVENTS("SELECT e.ctid FROM unnest($1::int8[], $2::int8[]) u(created_at, tie)"
                   " CROSS JOIN LATERAL (SELECT x.ctid FROM event x WHERE"
                   "  x.created_at = u.created_at AND x.tie = u.tie AND x.xid = " ROUTE_XID_COPY
                   "  OFFSET 0) e")},

    {STORE_SQL_DELETE_IDS,
     DELETE_EVENTS(
         "SELECT e.ctid FROM unnest($1::int8[], $2::int8[], $3::bytea[], $4::int8[], $5::int8[],"
         "  $6::bytea[]) d(created_at, tie, pubkey, named, target_tie, target)"
         " CROSS JOIN LATERAL (SELECT x.ctid FROM event x"
         "  WHERE x.tie >= d.target_tie AND x.tie <= d.target_tie AND x.id = d.target AND"
         "   ((x.pubkey = d.pubkey AND x.kind NOT IN (5, 62)) OR"
         "    (x.kind = 1059 AND x.tag_hashes @> ARRAY[d.named]))"
         "  ORDER BY x.tie LIMIT 1 OFFSET 0) e WHERE " IS_STORED)},

    {STORE_SQL_DELETE_ADDRESSES,
     DELETE_EVENTS(
         "SELECT e.ctid FROM unnest($1::int8[], $2::int8[], $3::bytea[], $4::int4[], $5::int8[])"
         "  d(created_at, tie, pubkey, kind, dh)"
         " CROSS JOIN LATERAL (SELECT x.ctid FROM event x"
         "  WHERE " AT_ADDRESS("d") " AND x.created_at <= d.created_at" BY_ADDRESS ") e"
                                    " WHERE " IS_STORED)},

    {STORE_SQL_VANISH,
     DELETE_EVENTS(
         "SELECT e.ctid FROM unnest($1::int8[], $2::int8[], $3::bytea[], $4::int8[])"
         "  d(created_at, tie, pubkey, pkp)"
         " CROSS JOIN LATERAL (SELECT x.ctid FROM event x WHERE x.pkp >= d.pkp AND x.pkp <= d.pkp"
         "  AND x.pubkey = d.pubkey AND x.created_at <= d.created_at"
         "  AND (x.created_at, x.tie) <> (d.created_at, d.tie) ORDER BY x.pkp, x.kind OFFSET 0) e"
         " WHERE " IS_STORED
         " UNION ALL SELECT e.ctid FROM unnest($1::int8[], $2::int8[], $5::int8[])"
         "  d(created_at, tie, named)"
         " CROSS JOIN LATERAL (SELECT x.created_at, x.tie FROM etag x WHERE x.h = d.named"
         "  AND x.kind = 1059 AND x.created_at <= d.created_at OFFSET 0) t"
         " CROSS JOIN LATERAL (SELECT x.ctid FROM event x WHERE x.created_at = t.created_at"
         "  AND x.tie = t.tie OFFSET 0) e WHERE " IS_STORED)},

    /* What a newer version that will be stored takes the place of. */
    {STORE_SQL_REPLACE,
     DELETE_EVENTS(
         "SELECT e.ctid FROM unnest($1::int8[], $2::bytea[], $3::bytea[], $4::int8[], $5::int4[],"
         "  $6::int8[], $7::int8[], $8::int8[])"
         "  u(created_at, id, pubkey, pkp, kind, dh, id_mark, address_mark)"
         " CROSS JOIN LATERAL (SELECT x.ctid FROM event x WHERE " IS_REPLACED BY_ADDRESS ") e"
         " WHERE NOT (" IS_GONE ")")},

    {STORE_SQL_MARK,
     "SELECT set_config('shoal.batch', t.xid::text || ' ' || $1::text, false), t.xid"
     " FROM (SELECT pg_current_xact_id_if_assigned()::text::int8 AS xid OFFSET 0) t"
     " WHERE EXISTS (SELECT FROM event x WHERE x.xid >= t.xid AND x.xid <= t.xid"
     "  ORDER BY x.xid LIMIT 1 OFFSET 0)"},

    {STORE_SQL_NOTIFY, "SELECT pg_notify($1::text, t.batch)"
                       " FROM (SELECT current_setting('shoal.batch', true) AS batch OFFSET 0) t"
                       " WHERE right(t.batch, length($2::text)) = $2::text"},
    {STORE_SQL_ROUTE, ROUTE_SQL},
    {STORE_SQL_HOLD, ROUTE_HOLD_SQL},
    {STORE_SQL_KEY, TAG_HASH_KEY_SQL},
    {STORE_SQL_PROBE, "UPDATE meta SET v = timestamptz_send(now()) WHERE k = 'probe'"},

    /* Several processes may try: one does it, and it waits for nobody. */
    {STORE_SQL_EXPIRE,
     "WITH elected AS MATERIALIZED (SELECT"
     "  pg_try_advisory_xact_lock(hashtextextended('purge ' || $2::text, 0)) AS is_it),"
     " gone AS (DELETE FROM event WHERE ctid = ANY (ARRAY(SELECT x.ctid FROM event x"
     "   WHERE x.expires IS NOT NULL AND x.expires <= $1::int8 AND (SELECT is_it FROM elected)"
     "   ORDER BY x.expires LIMIT $3::int8 FOR UPDATE SKIP LOCKED))"
     "  RETURNING created_at, tie, kind, tag_hashes),"
     " tags AS (" DELETE_TAGS ")"
     " SELECT count(*) FROM gone"},

    {STORE_SQL_KINDS,
     "WITH RECURSIVE elected AS MATERIALIZED (SELECT"
     "  pg_try_advisory_lock(hashtextextended('retention ' || $1::text, 0)) AS is_it),"
     " w(kind) AS (SELECT (SELECT e.kind FROM event e WHERE e.kind >= 0 ORDER BY e.kind LIMIT 1)"
     "  WHERE (SELECT is_it FROM elected)"
     "  UNION ALL SELECT (SELECT e.kind FROM event e WHERE e.kind > w.kind"
     "   ORDER BY e.kind LIMIT 1) FROM w WHERE w.kind IS NOT NULL)"
     " SELECT kind FROM w"},

    {STORE_SQL_RELEASE, "SELECT pg_advisory_unlock(hashtextextended('retention ' || $1::text, 0))"},

    {STORE_SQL_PURGE,
     "WITH gone AS (DELETE FROM event WHERE ctid = ANY (ARRAY(SELECT e.ctid"
     "   FROM unnest($1::int8[], $2::int8[]) u(created_at, tie)"
     "   CROSS JOIN LATERAL (SELECT x.ctid FROM event x WHERE x.created_at = u.created_at"
     "    AND x.tie = u.tie OFFSET 0) e))"
     "  RETURNING id, created_at, tie, kind, tag_hashes),"
     " tags AS (" DELETE_TAGS ")"
     " SELECT count(*), CASE WHEN count(*) > 0 THEN"
     "  pg_notify($3::text, 'purged ' || string_agg(encode(id, 'hex'), '')) END FROM gone"},
};

const size_t store_sql_statement_count = ARRAY_LEN(store_sql_statements);

/* What these statements want in order, an index has in order, even of a table so small that it
 * would not seem to matter: the plan stays when the table grows. */
static bool refuse_sorts(PGconn *conn)
{
    PGresult *result = PQexec(conn, "SET enable_sort TO off; SET enable_hashjoin TO off;"
                                    "SET enable_mergejoin TO off");
    bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return is_ok;
}

bool store_sql_prepare(PGconn *conn, const void *context)
{
    if (!schema_enter(conn, context, STORE_STATEMENT_MS_MAX) || !refuse_sorts(conn))
        return false;
    for (size_t i = 0; i < store_sql_statement_count; i++)
        if (!schema_prepare(conn, store_sql_statements[i].name, store_sql_statements[i].sql))
            return false;
    return true;
}
