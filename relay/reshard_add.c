/* One more shard: the tables, the secret that hashes are made with, and a place in the list. */
#include <inttypes.h>
#include <stdio.h>

#include "relay/reshard_base.h"
#include "shared/err.h"

static const struct shard *find(const struct reshard_desk *desk, const struct shard *shard)
{
    for (uint32_t i = 0; i < desk->route->shard_count; i++) {
        const struct shard *other = desk->route->shards[i];
        if (strcmp(other->schema, shard->schema) == 0 &&
            strcmp(other->conninfo, shard->conninfo) == 0)
            return other;
    }
    return NULL;
}

/* Hashes are compared across shards, and rows with hashes in them move. */
static bool share_secret(struct reshard_desk *desk, PGconn *new, struct err *err)
{
    int64_t count = 0, same = 0;
    PGresult *key =
        PQexec(desk->conns[0], "SELECT encode(v, 'hex') FROM meta WHERE k = 'hash_key'");
    char hex[65] = "";
    if (PQntuples(key) == 1)
        snprintf(hex, sizeof hex, "%s", PQgetvalue(key, 0, 0));
    PQclear(key);
    return (hex[0] != '\0' || err_set(err, ERR_INTERNAL, "the first shard has no hash_key")) &&
           reshard_ask(new, &count, err, "SELECT count(*) FROM event WHERE created_at >= 0") &&
           reshard_ask(new, &same, err,
                       "SELECT count(*) FROM meta WHERE k = 'hash_key' AND v = '\\x%s'", hex) &&
           (same == 0 || err_set(err, ERR_INVALID, "that is a shard already")) &&
           (count == 0 ||
            err_set(err, ERR_INVALID, "there are events in it: import them instead")) &&
           reshard_do(new, err, "UPDATE meta SET v = '\\x%s' WHERE k = 'hash_key'", hex);
}

/* From here on a deletion by someone who does not know of the new shard is refused everywhere. */
static bool fence(struct reshard_desk *desk, struct err *err)
{
    for (uint32_t i = 0; i < desk->route->shard_count; i++)
        if (!reshard_lock(desk->conns[i], desk->route->shards[i], 0, ROUTE_LOCKS - 1, err) ||
            !reshard_do(desk->conns[i], err,
                        "INSERT INTO fence VALUES (%d, %" PRId64 ") ON CONFLICT (bucket) DO UPDATE"
                        " SET version = excluded.version; COMMIT",
                        ROUTE_EVERYWHERE, desk->route->version + 1))
            return false;
    return true;
}

static bool list(struct reshard_desk *desk, const char *conninfo, const char *schema,
                 struct err *err)
{
    char number[8];
    const char *const values[] = {number, conninfo, schema};
    snprintf(number, sizeof number, "%u", desk->route->shard_count);
    PGresult *result = PQexecParams(desk->conns[0], "INSERT INTO shard VALUES ($1::int4, $2, $3)",
                                    3, NULL, values, NULL, NULL, 0);
    bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK ||
                 err_set(err, ERR_INTERNAL, "%.80s", PQerrorMessage(desk->conns[0]));
    PQclear(result);
    return is_ok && reshard_publish(desk, false, err);
}

bool reshard_add(struct reshard_desk *desk, const char *conninfo, const char *schema,
                 struct err *err)
{
    const struct shard *first = desk->route->shards[0];
    const struct shard shard = {.conninfo = conninfo[0] != '\0' ? conninfo : first->conninfo,
                                .schema = schema};
    PGconn *new;
    if (find(desk, &shard) != NULL)
        return err_set(err, ERR_INVALID, "that is a shard already");
    if (desk->route->shard_count == ROUTE_SHARDS_MAX)
        return err_set(err, ERR_INVALID, "there are %d shards, the most there can be",
                       ROUTE_SHARDS_MAX);
    if (!schema_migrate(&shard, err) || !reshard_connect(&new, &shard, err))
        return false;
    bool is_ok = share_secret(desk, new, err) && fence(desk, err) &&
                 reshard_do(desk->conns[0], err, "BEGIN") && list(desk, conninfo, schema, err) &&
                 reshard_do(desk->conns[0], err, "COMMIT") && reshard_await(desk, err) &&
                 reshard_copy_deletions(desk, new, err);
    PQfinish(new);
    return is_ok;
}
