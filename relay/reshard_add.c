/* One more shard: the tables, the secret that hashes are made with, and a place in the list. */
#include <inttypes.h>
#include <stdio.h>

#include "relay/hash.h"
#include "relay/reshard_base.h"
#include "shared/err.h"

/* Whatever it is called: what is written there is not read in any of ours. */
static bool is_elsewhere(const struct reshard_desk *desk, PGconn *new, struct err *err)
{
    struct hash_key random = hash_key_random();
    char nonce[33];
    bool is_ok = true;
    snprintf(nonce, sizeof nonce, "%016" PRIx64 "%016" PRIx64, random.low, random.high);
    if (!reshard_do(new, err,
                    "INSERT INTO meta VALUES ('joins', '\\x%s') ON CONFLICT (k) DO UPDATE"
                    " SET v = excluded.v",
                    nonce))
        return false;
    for (uint32_t i = 0; is_ok && i < desk->route->shard_count; i++) {
        int64_t count;
        is_ok = reshard_ask(desk->conns[i], &count, err,
                            "SELECT count(*) FROM meta WHERE k = 'joins' AND v = '\\x%s'", nonce) &&
                (count == 0 || err_set(err, ERR_INVALID, "that is shard %u already", i));
    }
    return is_ok;
}

/* Hashes are compared across shards, and rows with hashes in them move. */
static bool share_secret(const struct reshard_desk *desk, PGconn *new, struct err *err)
{
    int64_t count = 0;
    PGresult *key =
        PQexec(desk->conns[0], "SELECT encode(v, 'hex') FROM meta WHERE k = 'hash_key'");
    char hex[65] = "";
    if (PQntuples(key) == 1)
        snprintf(hex, sizeof hex, "%s", PQgetvalue(key, 0, 0));
    PQclear(key);
    return (hex[0] != '\0' || err_set(err, ERR_INTERNAL, "the first shard has no hash_key")) &&
           reshard_ask(
               new, &count, err,
               "SELECT count(*) FROM (SELECT FROM event WHERE created_at >= 0 LIMIT 1) e") &&
           (count == 0 ||
            err_set(err, ERR_INVALID, "there are events in it: import them instead")) &&
           reshard_do(new, err, "UPDATE meta SET v = '\\x%s' WHERE k = 'hash_key'", hex);
}

static bool write(const struct reshard_desk *desk, const char *statement, const char *const *values,
                  int count, struct err *err)
{
    PGresult *result = PQexecParams(desk->conns[0], statement, count, NULL, values, NULL, NULL, 0);
    bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK ||
                 err_set(err, ERR_INTERNAL, "%.80s", PQerrorMessage(desk->conns[0]));
    PQclear(result);
    return is_ok;
}

static bool insert(const struct reshard_desk *desk, const char *conninfo, const char *schema,
                   struct err *err)
{
    char number[8];
    const char *const values[] = {number, conninfo, schema};
    snprintf(number, sizeof number, "%u", desk->route->shard_count);
    return write(desk, "INSERT INTO shard (number, conninfo, schema) VALUES ($1::int4, $2, $3)",
                 values, 3, err);
}

bool reshard_put_standbys(const struct reshard_desk *desk, uint32_t shard, const char *conninfo,
                          struct err *err)
{
    char number[8];
    const char *const values[] = {number, conninfo};
    snprintf(number, sizeof number, "%u", shard);
    return write(desk, "UPDATE shard SET standbys = $2 WHERE number = $1::int4", values, 2, err);
}

/* From here on a deletion by someone who does not know of the new shard is refused everywhere; once
 * committed. */
static bool fence(const struct reshard_desk *desk, struct err *err)
{
    for (uint32_t i = 0; i < desk->route->shard_count; i++)
        if (!reshard_lock(desk->conns[i], desk->route->shards[i], 0, ROUTE_LOCKS - 1, err) ||
            !reshard_do(desk->conns[i], err,
                        "INSERT INTO fence VALUES (%d, %" PRId64 ") ON CONFLICT (bucket) DO UPDATE"
                        " SET version = excluded.version",
                        ROUTE_EVERYWHERE, desk->route->version + 1))
            return false;
    return true;
}

/* The first shard's commit decides: whatever is cut short before it has not happened, and who dies
 * after it has left nobody waiting. */
static bool list(struct reshard_desk *desk, const char *conninfo, const char *schema,
                 struct err *err)
{
    bool is_ok = fence(desk, err) && insert(desk, conninfo, schema, err) &&
                 reshard_publish(desk, false, err);
    for (uint32_t i = 0; is_ok && i < desk->route->shard_count; i++)
        is_ok = reshard_do(desk->conns[i], err, "COMMIT");
    return is_ok;
}

bool reshard_add(struct reshard_desk *desk, const char *conninfo, const char *schema,
                 struct err *err)
{
    const struct shard *first = desk->route->shards[0];
    const struct shard shard = {.conninfo = conninfo[0] != '\0' ? conninfo : first->conninfo,
                                .schema = schema};
    PGconn *new;
    if (desk->route->shard_count == ROUTE_SHARDS_MAX)
        return err_set(err, ERR_INVALID, "there are %d shards, the most there can be",
                       ROUTE_SHARDS_MAX);
    if (!schema_migrate(&shard, err) || !reshard_connect(&new, &shard, err))
        return false;
    bool is_ok = is_elsewhere(desk, new, err) && reshard_be_alone(new, err) &&
                 share_secret(desk, new, err) && list(desk, conninfo, schema, err) &&
                 reshard_await(desk, err) && reshard_copy_deletions(desk, new, err);
    PQfinish(new);
    return is_ok;
}
