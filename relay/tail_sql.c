#include "relay/tail_sql.h"

#include <stdio.h>
#include <stdlib.h>

#include "relay/row.h"
#include "relay/schema.h"
#include "relay/tail_live.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/kind.h"

enum { TAIL_STATEMENT_MS_MAX = 10000 };

bool tail_sql_prepare(PGconn *conn, const void *context)
{
    const struct shard *shard = context;
    char sql[512];
    if (!schema_enter(conn, shard, TAIL_STATEMENT_MS_MAX))
        return false;
    /* What this connection writes are only notifications: those of ephemeral events. */
    snprintf(sql, sizeof sql,
             "SET synchronous_commit TO off; SET enable_sort TO off; LISTEN \"shoal_%.*s\"; LISTEN "
             "\"shoal_%.*s_live\"",
             SCHEMA_NAME_MAX, shard->schema, SCHEMA_NAME_MAX, shard->schema);
    PGresult *result = PQexec(conn, sql);
    bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return is_ok && schema_prepare(conn, TAIL_FETCH, TAIL_FETCH_SQL) &&
           schema_prepare(conn, TAIL_LIST, TAIL_LIST_SQL) &&
           schema_prepare(conn, TAIL_LIVE_STATEMENT, TAIL_LIVE_SQL);
}

struct fetched {
    int64_t place;
    struct event event;
};

/* Within a transaction the order is that of time, as far as it is known. */
static int compare_places(const void *a, const void *b)
{
    const struct fetched *left = a;
    const struct fetched *right = b;
    if (left->place != right->place)
        return left->place < right->place ? -1 : 1;
    if (left->event.created_at != right->event.created_at)
        return left->event.created_at < right->event.created_at ? -1 : 1;
    return memcmp(&right->event.id, &left->event.id, sizeof left->event.id);
}

const struct event *tail_sql_events(struct arena *arena, const PGresult *result, uint32_t *count)
{
    int rows = PQntuples(result);
    struct fetched *fetched = arena_array(arena, struct fetched, (size_t)rows + 1);
    struct event *events = arena_array(arena, struct event, (size_t)rows + 1);
    *count = 0;
    for (int row = 0; row < rows; row++) {
        fetched[*count].place = row_int8(result, row, ROW_COLUMN_COUNT);
        if (row_event(&fetched[*count].event, arena, result, row))
            *count += 1;
    }
    qsort(fetched, *count, sizeof *fetched, compare_places);
    for (uint32_t i = 0; i < *count; i++)
        events[i] = fetched[i].event;
    return events;
}

bool tail_sql_deletes(const struct event *events, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (events[i].kind == KIND_DELETION || events[i].kind == KIND_VANISH)
            return true;
    return false;
}
