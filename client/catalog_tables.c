/* catalog_tables.c - the tables of the catalog, and the hash over them. */
#include <sodium.h>

#include "client/catalog_parts.h"
#include "client/sql.h"
#include "client/store_parts.h"

enum { VERSION = 5 }; /* of the tables: another is thrown away and made anew */

/* event: ms: its time, exactly; root: of the entity, NULL of what is no part of one; is_withheld:
 * relays are told of it only sealed. edge: what comes after what. entity: idle: events of it that
 * do nothing. sealed: inner: the event that was found inside. writer: who signed on which device
 * with which count. words: rowid is n, of an entity its root's. */
static const char tables[] =
    "DROP TABLE IF EXISTS event; DROP TABLE IF EXISTS tag; DROP TABLE IF EXISTS edge;"
    "DROP TABLE IF EXISTS entity; DROP TABLE IF EXISTS head; DROP TABLE IF EXISTS missing;"
    "DROP TABLE IF EXISTS quarantine; DROP TABLE IF EXISTS redaction;"
    "DROP TABLE IF EXISTS writer; DROP TABLE IF EXISTS words; DROP TABLE IF EXISTS sealed;"
    "DROP TABLE IF EXISTS vanish;"
    "DROP TABLE IF EXISTS person;"
    "CREATE TABLE event(n INTEGER PRIMARY KEY, kind INTEGER NOT NULL, pk BLOB NOT NULL,"
    " ts INTEGER NOT NULL, ms INTEGER NOT NULL, root BLOB, circle BLOB,"
    " is_withheld INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX event_circle ON event(circle, pk) WHERE circle IS NOT NULL;"
    "CREATE INDEX event_root ON event(root) WHERE root IS NOT NULL;"
    "CREATE INDEX event_kind ON event(kind, ts);"
    "CREATE INDEX event_author ON event(pk, ts);"
    "CREATE INDEX event_ts ON event(ts);"
    "CREATE TABLE tag(name TEXT NOT NULL, value BLOB NOT NULL, n INTEGER NOT NULL,"
    " PRIMARY KEY(name, value, n)) WITHOUT ROWID;"
    "CREATE TABLE edge(parent BLOB NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(parent, n))"
    " WITHOUT ROWID;"
    "CREATE TABLE entity(root BLOB NOT NULL UNIQUE, is_dirty INTEGER NOT NULL DEFAULT 1,"
    " has_root INTEGER, author BLOB, type TEXT, state TEXT, text TEXT, hash BLOB, hlc INTEGER,"
    " is_deleted INTEGER, applied INTEGER, waiting INTEGER, contradictions INTEGER, idle INTEGER,"
    " circle BLOB, is_open INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX entity_circle ON entity(circle) WHERE circle IS NOT NULL;"
    "CREATE TABLE sealed(n INTEGER PRIMARY KEY, circle BLOB NOT NULL, epoch BLOB NOT NULL,"
    " inner BLOB);"
    "CREATE INDEX sealed_epoch ON sealed(epoch);"
    "CREATE INDEX sealed_inner ON sealed(inner) WHERE inner IS NOT NULL;"
    "CREATE INDEX entity_dirty ON entity(root) WHERE is_dirty;"
    "CREATE TABLE head(root BLOB NOT NULL, id BLOB NOT NULL, PRIMARY KEY(root, id)) WITHOUT ROWID;"
    "CREATE TABLE missing(root BLOB NOT NULL, id BLOB NOT NULL, PRIMARY KEY(root, id))"
    " WITHOUT ROWID;"
    "CREATE TABLE quarantine(n INTEGER PRIMARY KEY, due_ms INTEGER NOT NULL);"
    "CREATE TABLE redaction(id BLOB NOT NULL, author BLOB NOT NULL, PRIMARY KEY(id, author))"
    " WITHOUT ROWID;"
    "CREATE TABLE person(circle BLOB NOT NULL, pk BLOB NOT NULL, print BLOB NOT NULL,"
    " PRIMARY KEY(circle, pk)) WITHOUT ROWID;"
    "CREATE TABLE vanish(author BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE writer(pk BLOB NOT NULL, device INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " n INTEGER NOT NULL, PRIMARY KEY(pk, device, seq, n)) WITHOUT ROWID;"
    "CREATE VIRTUAL TABLE words USING fts5(text, tokenize = 'unicode61 remove_diacritics 2');";

static const char events[] =
    "SELECT id, kind, pk, ts, ms, root, circle, is_withheld, is_redacted, body"
    " FROM log JOIN event USING (n) ORDER BY 1";

static const char entities[] =
    "SELECT root, is_dirty, has_root, author, type, state, text, hash, hlc, is_deleted, applied,"
    " waiting, contradictions, idle, circle, is_open FROM entity ORDER BY root";

/* All of it, in orders that say nothing of when events came. */
static const char *const contents[] = {
    events,
    "SELECT name, value, id FROM tag JOIN log USING (n) ORDER BY name, value, id",
    "SELECT parent, id FROM edge JOIN log USING (n) ORDER BY parent, id",
    entities,
    "SELECT root, id FROM head ORDER BY root, id",
    "SELECT root, id FROM missing ORDER BY root, id",
    "SELECT id, due_ms FROM quarantine JOIN log USING (n) ORDER BY id",
    "SELECT id, author FROM redaction ORDER BY id, author",
    "SELECT author, until FROM vanish ORDER BY author",
    "SELECT pk, device, seq, id FROM writer JOIN log USING (n) ORDER BY pk, device, seq, id",
    "SELECT id, circle, epoch, inner FROM sealed JOIN log USING (n) ORDER BY id",
    "SELECT id, text FROM words JOIN log ON log.n = words.rowid ORDER BY id",
};

bool catalog_make(struct sql *sql, struct err *err)
{
    return sql_script(sql, tables, err) &&
           sql_run(sql, err, "INSERT OR REPLACE INTO meta VALUES ('catalog', ?)", "i",
                   (int64_t)VERSION) &&
           sql_run(sql, err, "INSERT OR REPLACE INTO meta VALUES ('settled', 0)", "");
}

bool catalog_is_made(struct sql *sql, bool *is_made, struct err *err)
{
    int64_t version;
    bool ok = sql_number(sql, &version, 0, err, "SELECT value FROM meta WHERE key = 'catalog'", "");
    *is_made = ok && version == VERSION;
    return ok;
}

static void add_value(crypto_hash_sha256_state *hash, struct span value)
{
    uint64_t len = value.len;
    crypto_hash_sha256_update(hash, (const uint8_t *)&len, sizeof len);
    crypto_hash_sha256_update(hash, (const uint8_t *)value.at, value.len);
}

static bool add_table(crypto_hash_sha256_state *hash, struct sql *sql, const char *query,
                      struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row = true;
    bool ok = sql_start(sql, &row, err, query, "");
    while (ok && is_row) {
        ok = sql_next(sql, row, &is_row, err);
        for (int column = 0; ok && is_row && column < sql_columns(row); column++)
            add_value(hash, sql_text(row, column));
    }
    add_value(hash, SPAN("."));
    return ok;
}

bool catalog_hash(struct store *store, struct bytes32 *hash, struct err *err)
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    if (!catalog_settle(store, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(contents); i++)
        if (!add_table(&state, store->sql, contents[i], err))
            return false;
    crypto_hash_sha256_final(&state, hash->at);
    return true;
}
