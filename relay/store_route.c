#include "relay/store_route.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/log.h"
#include "relay/route.h"
#include "relay/store_sql.h"
#include "shared/err.h"

struct asking {
    const struct shard *shard;
    store_route_fn *reply;
    void *owner;
};

static void on_route(void *owner, const PGresult *result)
{
    struct asking asking = *(struct asking *)owner;
    bool is_good = PQresultStatus(result) == PGRES_TUPLES_OK;
    struct route *route = NULL;
    free(owner);
    if (is_good && PQntuples(result) > 0) {
        route = route_read(result, asking.shard);
        is_good = route != NULL;
    }
    asking.reply(asking.owner, route, is_good);
}

bool store_route_ask(struct db *db, const struct shard *shard, const struct route *known,
                     store_route_fn *reply, void *owner)
{
    char version[24];
    const char *const values[] = {version};
    struct asking *asking = malloc(sizeof *asking);
    if (asking == NULL)
        abort();
    *asking = (struct asking){shard, reply, owner};
    snprintf(version, sizeof version, "%" PRId64, known != NULL ? known->version : 0);
    const struct db_call call = {.statement = STORE_SQL_ROUTE,
                                 .values = values,
                                 .count = 1,
                                 .reply = on_route,
                                 .owner = asking};
    struct err err;
    if (db_query(db, &call, &err))
        return true;
    free(asking);
    return false;
}

static void on_held(void *owner, const PGresult *result)
{
    (void)owner;
    if (result != NULL && PQresultStatus(result) != PGRES_TUPLES_OK)
        log_error("store", "routes: %s", db_error(result));
}

void store_route_hold(struct db *db, const struct route *route, const struct route *old)
{
    char versions[2][24];
    const char *const values[] = {versions[0], versions[1]};
    struct err err;
    snprintf(versions[0], sizeof versions[0], "%" PRId64, route->version);
    snprintf(versions[1], sizeof versions[1], "%" PRId64, old != NULL ? old->version : 0);
    const struct db_call call = {
        .statement = STORE_SQL_HOLD, .values = values, .count = 2, .reply = on_held};
    if (!db_query(db, &call, &err)) /* a lost connection holds nothing, and the next holds anew */
        log_debug("store", "routes: %s", err.text);
}
