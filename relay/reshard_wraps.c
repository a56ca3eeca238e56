/* Gift wraps that a deletion was too early for: it reached the target before they were copied
 * there, and their source after they had left it. */
#include <stdio.h>

#include "relay/db.h"
#include "relay/param.h"
#include "relay/reshard_base.h"
#include "relay/row.h"
#include "relay/store_insert.h"
#include "relay/store_mark.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"

/* A row for each key that a wrap names. */
static const char delete_sql[] =
    "WITH gone AS (DELETE FROM event WHERE ctid = ANY (ARRAY(SELECT e.ctid"
    "  FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[]) u(created_at, tie, mark, pkp)"
    "  JOIN event e ON e.created_at = u.created_at AND e.tie = u.tie"
    "  WHERE EXISTS (SELECT FROM etag x WHERE x.h = u.mark AND x.kind = 5)"
    "  OR EXISTS (SELECT FROM event x WHERE x.pkp = u.pkp AND x.kind = 62"
    "   AND x.created_at >= u.created_at))) RETURNING created_at, tie, kind, tag_hashes)"
    " DELETE FROM etag t USING gone g WHERE t.h = ANY (g.tag_hashes) AND t.kind = g.kind"
    "  AND t.created_at = g.created_at AND t.tie = g.tie";

static void add_wrap(struct param_list *params, const struct hash_key *key,
                     const struct event *event)
{
    for (uint32_t i = 0; i < event->tag_count; i++) {
        struct bytes32 whom;
        if (!store_tag_names(&event->tags[i], 'p', &whom))
            continue;
        param_add_int8(params, 0, event->created_at);
        param_add_int8(params, 1, tag_hash_tie(&event->id));
        param_add_int8(params, 2, store_mark_of_id(key, &whom, &event->id));
        param_add_int8(params, 3, tag_hash_prefix(&whom));
    }
}

bool reshard_delete_wraps(PGconn *conn, const char *condition, struct err *err)
{
    struct hash_key key;
    struct param_list params = {0};
    struct db_call call = {0};
    char query[256];
    if (!tag_hash_key_load(&key, conn))
        return err_set(err, ERR_INTERNAL, "no hash_key");
    snprintf(query, sizeof query,
             "SELECT id, pubkey, created_at, kind, tags, ''::bytea, '' FROM event WHERE"
             " kind = 1059 AND %s",
             condition);
    PGresult *wraps = PQexecParams(conn, query, 0, NULL, NULL, NULL, NULL, 1);
    for (int i = 0; i < 4; i++)
        (void)param_begin(&params, PARAM_INT8);
    for (int row = 0; row < PQntuples(wraps); row++) {
        struct arena arena = {0};
        struct event event;
        if (row_event(&event, &arena, wraps, row))
            add_wrap(&params, &key, &event);
        arena_clear(&arena);
    }
    param_call(&params, &call);
    PGresult *gone = PQexecParams(conn, delete_sql, call.count, NULL, call.values, call.lengths,
                                  call.formats, 0);
    bool is_ok =
        (PQresultStatus(wraps) == PGRES_TUPLES_OK && PQresultStatus(gone) == PGRES_COMMAND_OK) ||
        err_set(err, ERR_INTERNAL, "%.*s", (int)strcspn(PQerrorMessage(conn), "\n"),
                PQerrorMessage(conn));
    PQclear(wraps);
    PQclear(gone);
    param_clear(&params);
    return is_ok;
}
