#include "client/catalog_things.h"

#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/arena.h"

bool catalog_things(struct store *store, struct catalog_things *things, struct arena *arena,
                    const struct catalog_things_call *call, struct err *err)
{
    static const struct bytes32 nobody;
    struct sqlite3_stmt *row;
    bool is_row = true;
    *things = (struct catalog_things){0};
    bool ok =
        catalog_settle(store, err) &&
        sql_start(store->sql, &row, err,
                  "SELECT root, author, type, state, text, hlc FROM entity WHERE has_root"
                  " AND NOT is_deleted AND (?1 OR author = ?2) AND (?3 = '' OR type = ?3)"
                  " ORDER BY hlc DESC, root LIMIT ?4",
                  "ibsi", (int64_t)(call->author == NULL),
                  call->author != NULL ? call->author : &nobody, call->type, (int64_t)call->max);
    while (ok && is_row) {
        ok = sql_next(store->sql, row, &is_row, err);
        if (!ok || !is_row)
            break;
        things->at = arena_grow(arena, struct catalog_thing, things->at, things->count);
        things->at[things->count++] =
            (struct catalog_thing){.root = sql_id(row, 0),
                                   .author = sql_id(row, 1),
                                   .type = arena_copy(arena, sql_text(row, 2)),
                                   .state = arena_copy(arena, sql_text(row, 3)),
                                   .text = arena_copy(arena, sql_text(row, 4)),
                                   .hlc = (uint64_t)sql_int(row, 5)};
    }
    return ok;
}
