/* store_schema.c - the tables, and how a store of another version is met. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/err.h"

enum { APPLICATION = 0x53686f61 }; /* "Shoa" */

/* Each brings the tables one version further; the last is ours. What is not derived:
 *   log     each event once: h of its id, when it came, its JSON (redacted: without its content)
 *   relay   URLs by number; is_used: new events are queued for it
 *   outbox  state: enum outbox_state
 *   cursor  how far a relay was asked
 *   unrouted  events that more relays are to get, once it is known which
 *   epoch   keys of circles, by the names of their epochs: secret
 *   purse   the wallet's seed, sealed by its owner for himself
 *   mint    those asked, and what a typical job costs there
 *   keyset  their keys; counter: the next coin's of the seed
 *   coin    y: of its secret, which is secret; state: enum coin_state; o: the trade it is in
 *   deed    answers that were bought: id of the receipt; tokens: JSON
 *   trade   enum purse_kind, enum purse_state; body: the request, secret, until it is over;
 *           amounts: of what is to be signed, the first given of them for somebody else
 *   provider  sealed: its key, by its owner for himself; day, request: -1: no limit
 *   provider_model  what it has, and for how much
 *   expense  what answers cost; most: while is_open, as nobody knows yet */
static const char *const versions[] = {
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE log(n INTEGER PRIMARY KEY, h INTEGER NOT NULL, id BLOB NOT NULL,"
    " put_ms INTEGER NOT NULL, is_redacted INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL);"
    "CREATE INDEX log_h ON log(h);"
    "CREATE TABLE relay(r INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE,"
    " is_used INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE outbox(n INTEGER NOT NULL, r INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,"
    " tries INTEGER NOT NULL DEFAULT 0, next_ms INTEGER NOT NULL DEFAULT 0,"
    " reason TEXT NOT NULL DEFAULT '', PRIMARY KEY(n, r)) WITHOUT ROWID;"
    "CREATE INDEX outbox_due ON outbox(r, next_ms) WHERE state = 0;"
    "CREATE TABLE cursor(r INTEGER NOT NULL, key TEXT NOT NULL, since INTEGER NOT NULL,"
    " until INTEGER NOT NULL, PRIMARY KEY(r, key)) WITHOUT ROWID;",
    "CREATE TABLE epoch(name BLOB PRIMARY KEY, circle BLOB NOT NULL, key BLOB NOT NULL)"
    " WITHOUT ROWID;",
    "CREATE TABLE unrouted(n INTEGER PRIMARY KEY);",
    "CREATE TABLE purse(owner BLOB PRIMARY KEY, sealed TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE mint(m INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE,"
    " typical INTEGER NOT NULL);"
    "CREATE TABLE keyset(id BLOB PRIMARY KEY, m INTEGER NOT NULL, unit TEXT NOT NULL,"
    " fee_ppk INTEGER NOT NULL, final_expiry INTEGER NOT NULL, is_active INTEGER NOT NULL,"
    " keys BLOB NOT NULL, counter INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
    "CREATE TABLE coin(y BLOB PRIMARY KEY, keyset BLOB NOT NULL, amount INTEGER NOT NULL,"
    " state INTEGER NOT NULL, o INTEGER NOT NULL DEFAULT 0, secret TEXT NOT NULL,"
    " witness TEXT NOT NULL DEFAULT '', c BLOB NOT NULL, e BLOB NOT NULL, s BLOB NOT NULL,"
    " r BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX coin_state ON coin(state, keyset);"
    "CREATE INDEX coin_trade ON coin(o);"
    "CREATE TABLE trade(o INTEGER PRIMARY KEY, kind INTEGER NOT NULL, state INTEGER NOT NULL,"
    " m INTEGER NOT NULL, unit TEXT NOT NULL, amount INTEGER NOT NULL,"
    " fee INTEGER NOT NULL DEFAULT 0, began_ms INTEGER NOT NULL,"
    " ended_ms INTEGER NOT NULL DEFAULT 0, method TEXT NOT NULL DEFAULT '',"
    " quote TEXT NOT NULL DEFAULT '', key BLOB NOT NULL DEFAULT x'',"
    " path TEXT NOT NULL DEFAULT '', body TEXT NOT NULL DEFAULT '',"
    " keyset BLOB NOT NULL DEFAULT x'', counter INTEGER NOT NULL DEFAULT 0,"
    " amounts TEXT NOT NULL DEFAULT '', given INTEGER NOT NULL DEFAULT 0,"
    " token TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX trade_open ON trade(m) WHERE state < 2;",
    "CREATE TABLE provider(name TEXT PRIMARY KEY, url TEXT NOT NULL, idiom INTEGER NOT NULL,"
    " sealed TEXT NOT NULL, per_minute INTEGER NOT NULL, day INTEGER NOT NULL,"
    " request INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE provider_model(provider TEXT NOT NULL, model TEXT NOT NULL,"
    " price_in INTEGER NOT NULL, price_out INTEGER NOT NULL, PRIMARY KEY(provider, model))"
    " WITHOUT ROWID;"
    "CREATE TABLE expense(x INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, provider TEXT NOT NULL,"
    " model TEXT NOT NULL, most INTEGER NOT NULL, cost INTEGER NOT NULL, is_open INTEGER NOT NULL,"
    " prompt_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX expense_at ON expense(at_ms);",
    "CREATE TABLE deed(id BLOB PRIMARY KEY, job BLOB NOT NULL, made_at INTEGER NOT NULL,"
    " prompt TEXT NOT NULL, tokens TEXT NOT NULL, seed INTEGER NOT NULL,"
    " tokens_max INTEGER NOT NULL, receipt TEXT NOT NULL) WITHOUT ROWID;",
};

enum { VERSION = sizeof versions / sizeof versions[0] };

static bool set_version(struct sql *sql, struct err *err)
{
    _Static_assert(APPLICATION == 1399353185 && VERSION == 6, "written out below");
    return sql_script(sql, "PRAGMA application_id = 1399353185; PRAGMA user_version = 6", err);
}

static bool bring(struct sql *sql, int64_t version, struct err *err)
{
    for (; version < VERSION; version++)
        if (!sql_script(sql, versions[version], err))
            return false;
    return true;
}

static bool fill(struct sql *sql, struct err *err)
{
    int64_t device;
    randombytes_buf(&device, sizeof device);
    return sql_script(sql, "BEGIN IMMEDIATE", err) && bring(sql, 0, err) &&
           sql_run(sql, err, "INSERT INTO meta VALUES ('device', ?)", "i", device) &&
           set_version(sql, err) && sql_script(sql, "COMMIT", err);
}

/* Of a making that was killed; what its journals say is not to become part of another. */
static bool remove_rest(const char *path, struct err *err)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char rest[STORE_PATH_MAX];
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        snprintf(rest, sizeof rest, "%s%s", path, ends[i]);
        if (unlink(rest) != 0 && errno != ENOENT)
            return err_set(err, ERR_INTERNAL, "cannot remove %.60s: %s", rest,
                           strerrordesc_np(errno));
    }
    return true;
}

bool store_make(const char *path, struct err *err)
{
    if (!remove_rest(path, err))
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, ERR_INTERNAL, "cannot make %.60s: %s", path, strerrordesc_np(errno));
    close(fd);

    struct sql *sql = sql_open(path, true, err);
    /* The journal only then: all would lie in it, and be lost where it cannot be written back. */
    bool ok = sql != NULL && sql_script(sql, "PRAGMA page_size = 8192", err) && fill(sql, err) &&
              sql_script(sql, "PRAGMA journal_mode = WAL", err);
    sql_close(sql);
    return ok;
}

/* Somebody else may have done it meanwhile. What fails is undone when the store is closed. */
static bool renew(struct sql *sql, struct err *err)
{
    int64_t version;
    return sql_script(sql, "BEGIN IMMEDIATE", err) &&
           sql_number(sql, &version, 0, err, "PRAGMA user_version", "") &&
           bring(sql, version, err) && set_version(sql, err) && sql_script(sql, "COMMIT", err);
}

bool store_migrate(struct sql *sql, struct err *err)
{
    int64_t application, version;
    if (!sql_number(sql, &application, 0, err, "PRAGMA application_id", "") ||
        !sql_number(sql, &version, 0, err, "PRAGMA user_version", ""))
        return false;
    if (application != APPLICATION)
        return err_set(err, ERR_UNSUPPORTED, "the file is no store of shoal");
    if (version > VERSION)
        return err_set(err, ERR_UNSUPPORTED,
                       "a newer shoal made the store (version %lld, this one knows %d): update",
                       (long long)version, VERSION);
    return version == VERSION || renew(sql, err);
}
