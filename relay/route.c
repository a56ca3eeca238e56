#include "relay/route.h"

#include <stdlib.h>

#include "relay/db.h"
#include "relay/log.h"
#include "relay/row.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"

enum { BUCKET_BITS = 10 };
_Static_assert(1 << BUCKET_BITS == ROUTE_BUCKETS, "a bucket is the first bits of a key");

/* Connections keep pointers to these, also while they are made on the pool: shards are few, and
 * none is forgotten while the process lives. */
struct known {
    struct known *next;
    struct shard shard;
    const char *standbys; /* empty: none */
    char text[];
};

static struct known *known;

static const struct shard *intern(const char *conninfo, const char *schema, const char *standbys)
{
    for (const struct known *at = known; at != NULL; at = at->next)
        if (strcmp(at->shard.conninfo, conninfo) == 0 && strcmp(at->shard.schema, schema) == 0 &&
            strcmp(at->standbys, standbys) == 0)
            return &at->shard;
    size_t len = strlen(conninfo) + 1;
    size_t schema_len = strlen(schema) + 1;
    size_t standbys_len = strlen(standbys) + 1;
    struct known *new = malloc(sizeof *new + len + schema_len + standbys_len);
    if (new == NULL)
        abort();
    memcpy(new->text, conninfo, len);
    memcpy(new->text + len, schema, schema_len);
    new->standbys = memcpy(new->text + len + schema_len, standbys, standbys_len);
    new->shard = (struct shard){.conninfo = new->text,
                                .schema = new->text + len,
                                .standbys = standbys[0] != '\0' ? new->standbys : NULL};
    new->next = known;
    known = new;
    return &new->shard;
}

uint32_t route_bucket(const struct bytes32 *pubkey)
{
    return (uint32_t)(pubkey->at[0] << 8 | pubkey->at[1]) >> (16 - BUCKET_BITS);
}

uint32_t route_bucket_lock(uint32_t bucket)
{
    return bucket % ROUTE_LOCKS;
}

uint32_t route_lock(int64_t pkp)
{
    uint64_t prefix = (uint64_t)pkp ^ (uint64_t)1 << 63; /* as tag_hash_prefix made it */
    return route_bucket_lock((uint32_t)(prefix >> (64 - BUCKET_BITS)));
}

uint32_t route_home(const struct route *route, const struct bytes32 *pubkey)
{
    return route->homes[route_bucket(pubkey)];
}

bool route_is_everywhere(const struct event *event)
{
    static const struct span name = {"e", 1};
    return event->kind == KIND_VANISH ||
           (event->kind == KIND_DELETION && event_tag_value(event, name) != NULL);
}

static bool read_shards(struct route *route, const PGresult *result)
{
    route->shard_count = 1;
    for (int row = 0; row < PQntuples(result) && !PQgetisnull(result, row, 3); row++) {
        const struct shard *first = route->shards[0];
        const char *conninfo = PQgetvalue(result, row, 4);
        const char *standbys = PQgetvalue(result, row, 6);
        if (row_int4(result, row, 3) != (int32_t)route->shard_count ||
            route->shard_count == ROUTE_SHARDS_MAX)
            return false;
        if (conninfo[0] == '\0')
            conninfo = first->conninfo;
        /* The standbys of the first shard's database have all the schemas in it. */
        if (standbys[0] == '\0' && first->standbys != NULL &&
            strcmp(conninfo, first->conninfo) == 0)
            standbys = first->standbys;
        route->shards[route->shard_count++] =
            intern(conninfo, PQgetvalue(result, row, 5), standbys);
    }
    return true;
}

struct route *route_read(const PGresult *result, const struct shard *first)
{
    struct route *route = calloc(1, sizeof *route);
    if (route == NULL)
        abort();
    route->references = 1;
    route->version = row_int8(result, 0, 0);
    route->is_moving = row_int4(result, 0, 1) != 0;
    route->shards[0] = first;
    bool is_good = PQgetlength(result, 0, 2) == ROUTE_BUCKETS && read_shards(route, result);
    if (is_good)
        memcpy(route->homes, PQgetvalue(result, 0, 2), ROUTE_BUCKETS);
    for (int i = 0; is_good && i < ROUTE_BUCKETS; i++)
        is_good = route->homes[i] < route->shard_count;
    if (is_good)
        return route;
    log_error("route", "the table of shards makes no sense");
    free(route);
    return NULL;
}

struct route *route_keep(struct route *route)
{
    route->references++;
    return route;
}

void route_drop(struct route *route)
{
    if (route != NULL && --route->references == 0)
        free(route);
}

struct route *route_load(PGconn *conn, const struct shard *first, struct err *err)
{
    const char *const values[] = {"0"};
    PGresult *result = PQexecParams(conn, ROUTE_SQL, 1, NULL, values, NULL, NULL, 1);
    struct route *route = NULL;
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) == 0)
        err_fill(err, ERR_INTERNAL, "%.*s", (int)strcspn(PQerrorMessage(conn), "\n"),
                 PQerrorMessage(conn));
    else if ((route = route_read(result, first)) == NULL)
        err_fill(err, ERR_INTERNAL, "the table of shards makes no sense");
    PQclear(result);
    return route;
}

static struct route *load(const struct shard *first, struct err *err)
{
    PGconn *conn = db_connect(first->conninfo);
    struct route *route = NULL;
    if (!schema_enter(conn, first, 0))
        err_fill(err, ERR_INTERNAL, "%.*s", (int)strcspn(PQerrorMessage(conn), "\n"),
                 PQerrorMessage(conn));
    else
        route = route_load(conn, first, err);
    PQfinish(conn);
    return route;
}

bool route_migrate(const struct shard *first, bool *is_refused, struct err *err)
{
    *is_refused = false;
    struct route *route = NULL;
    bool is_ok = schema_migrate(first, err) && (route = load(first, err)) != NULL;
    if (!is_ok)
        *is_refused = PQping(first->conninfo) == PQPING_OK;
    for (uint32_t i = 1; is_ok && i < route->shard_count; i++) {
        struct err why;
        is_ok = schema_migrate(route->shards[i], &why);
        if (is_ok)
            continue;
        err_fill(err, ERR_INTERNAL, "shard %u: %s", i, why.text);
        *is_refused = PQping(route->shards[i]->conninfo) == PQPING_OK;
    }
    route_drop(route);
    return is_ok;
}
