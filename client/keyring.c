#include "client/keyring.h"

#include "client/catalog.h"
#include "client/epoch.h"
#include "client/holder.h"
#include "client/inbox.h"
#include "client/secret.h"
#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/text.h"

bool keyring_find(struct store *store, bool *has, struct bytes32 *key, const struct bytes32 *epoch,
                  struct err *err)
{
    struct sqlite3_stmt *row;
    if (!sql_start(store->sql, &row, err, "SELECT key FROM epoch WHERE name = ?", "b", epoch) ||
        !sql_next(store->sql, row, has, err))
        return false;
    if (*has) {
        *key = sql_id(row, 0);
        sql_end(row);
    }
    return true;
}

bool keyring_any(struct store *store, struct bytes32 *key, const struct bytes32 *circle,
                 struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    *key = (struct bytes32){{0}};
    if (!sql_start(store->sql, &row, err, "SELECT key FROM epoch WHERE circle = ? LIMIT 1", "b",
                   circle) ||
        !sql_next(store->sql, row, &is_row, err))
        return false;
    if (is_row) {
        *key = sql_id(row, 0);
        sql_end(row);
    }
    return true;
}

/* What is no event that we understand stays sealed. */
static bool open_one(struct store *store, int64_t n, const struct event *outer,
                     const struct bytes32 *key, struct err *err)
{
    struct arena arena = {0};
    struct event inner;
    enum store_verdict verdict;
    bool ok = true;
    if (epoch_unseal(&inner, &arena, key, outer, NULL))
        ok =
            store_put(store, &verdict, &inner, NULL, 0, err) &&
            sql_run(store->sql, err, "UPDATE sealed SET inner = ? WHERE n = ?", "bi", &inner.id, n);
    arena_clear(&arena);
    return ok;
}

bool keyring_take(struct store *store, int64_t n, const struct event *event, struct err *err)
{
    struct epoch_sealed sealed;
    struct bytes32 key;
    bool has;
    if (event->kind != KIND_SEALED_OP || !epoch_sealed(&sealed, event, NULL))
        return true;
    if (!sql_run(store->sql, err, "INSERT INTO sealed(n, circle, epoch) VALUES (?, ?, ?)", "ibb", n,
                 &sealed.circle, &sealed.epoch) ||
        !keyring_find(store, &has, &key, &sealed.epoch, err))
        return false;
    bool ok = !has || open_one(store, n, event, &key, err);
    secret_wipe(&key, sizeof key);
    return ok;
}

/* One more that waits for the key, after the place. */
static bool open_next(struct store *store, int64_t *place, const struct bytes32 *epoch,
                      const struct bytes32 *key, struct err *err)
{
    struct arena arena = {0};
    struct sqlite3_stmt *row;
    struct event outer;
    bool is_row;
    if (!sql_start(store->sql, &row, err,
                   "SELECT n, body FROM sealed JOIN log USING (n)"
                   " WHERE epoch = ? AND inner IS NULL AND n > ? ORDER BY n LIMIT 1",
                   "bi", epoch, *place) ||
        !sql_next(store->sql, row, &is_row, err))
        return false;
    if (!is_row) {
        *place = INT64_MAX;
        return true;
    }
    *place = sql_int(row, 0);
    struct span body = arena_copy(&arena, sql_text(row, 1));
    sql_end(row);
    bool ok = event_parse(&outer, &arena, body, err) && open_one(store, *place, &outer, key, err);
    arena_clear(&arena);
    return ok;
}

static bool add(struct store *store, const struct bytes32 *circle, const struct bytes32 *key,
                struct err *err)
{
    struct bytes32 name = epoch_name(circle, key);
    int64_t place = 0;
    if (!sql_run(store->sql, err, "INSERT OR IGNORE INTO epoch VALUES (?, ?, ?)", "bbb", &name,
                 circle, key))
        return false;
    while (place < INT64_MAX)
        if (!open_next(store, &place, &name, key, err))
            return false;
    return true;
}

bool keyring_add(struct store *store, const struct bytes32 *circle, const struct bytes32 *key,
                 struct err *err)
{
    bool is_own;
    if (!catalog_settle(store, err) || !store_enter(store, &is_own, err))
        return false;
    return store_leave(store, is_own, add(store, circle, key, err), err);
}

/* ---- what others have sealed for us ---- */

struct letters {
    struct arena arena;
    struct event *at;
    size_t count;
};

static bool add_letter(void *owner, const struct catalog_event *found)
{
    struct letters *letters = owner;
    struct event event;
    if (!event_parse(&event, &letters->arena, arena_copy(&letters->arena, found->json), NULL))
        return true;
    letters->at = arena_grow(&letters->arena, struct event, letters->at, letters->count);
    letters->at[letters->count++] = event;
    return true;
}

static bool read_name(struct bytes32 *name, const struct event *event, struct span tag)
{
    const struct span *value = event_tag_value(event, tag);
    return value != NULL && hex_decode(name->at, sizeof name->at, *value);
}

static bool add_new(struct store *store, uint64_t *count, const struct bytes32 *circle,
                    const struct bytes32 *key, struct err *err)
{
    struct bytes32 name = epoch_name(circle, key), found;
    bool has;
    if (!keyring_find(store, &has, &found, &name, err))
        return false;
    *count += !has;
    return has || keyring_add(store, circle, key, err);
}

/* The key that one event brings, and those behind it. One that is not right is passed over. */
static bool open_letter(struct store *store, const struct holder *holder, uint64_t *count,
                        const struct event *event, struct err *err)
{
    struct arena arena = {0};
    struct bytes32 name, circle, key;
    size_t earlier_count = 0;
    bool has, ok = true;
    if (!read_name(&name, event, SPAN("epoch")) || !read_name(&circle, event, SPAN("h")))
        return true;
    if (!keyring_find(store, &has, &key, &name, err))
        return false;
    if (!has && !epoch_open(&key, holder, event, &circle, NULL))
        return true;
    struct bytes32 *earlier = epoch_earlier(&earlier_count, &arena, event, &key);
    ok = add_new(store, count, &circle, &key, err);
    for (size_t i = 0; ok && i < earlier_count; i++)
        ok = add_new(store, count, &circle, &earlier[i], err);
    secret_wipe(&key, sizeof key);
    arena_clear(&arena);
    return ok;
}

/* All that bring keys: of circles' histories, some of which only other keys open, and of wraps. */
static bool gather(struct store *store, struct letters *letters, const struct holder *holder,
                   struct err *err)
{
    static const uint16_t kind = KIND_KEY_EPOCH;
    struct inbox_letters wrapped;
    const struct inbox_call call = {.reader = holder_pubkey(holder), .kind = &kind};
    const struct filter filter = {
        .until = INT64_MAX, .limit = FILTER_NO_LIMIT, .kinds = {.count = 1, .at = &kind}};
    arena_clear(&letters->arena);
    *letters = (struct letters){0};
    if (!catalog_each(store, &filter, add_letter, letters, err) ||
        !inbox_list(store, &wrapped, &letters->arena, &call, err))
        return false;
    for (size_t i = 0; i < wrapped.count; i++) {
        struct event rumor;
        if (!event_parse_rumor(&rumor, &letters->arena, wrapped.at[i].rumor, NULL))
            continue;
        letters->at = arena_grow(&letters->arena, struct event, letters->at, letters->count);
        letters->at[letters->count++] = rumor;
    }
    return true;
}

bool keyring_open(struct store *store, const struct holder *holder, uint64_t *count,
                  struct err *err)
{
    struct letters letters = {0};
    struct inbox_counts counts;
    *count = 0;
    bool ok = inbox_open(store, &counts, holder, err);
    for (uint64_t before = UINT64_MAX; ok && before != *count;) { /* one key opens others */
        before = *count;
        ok = gather(store, &letters, holder, err);
        for (size_t i = 0; ok && i < letters.count; i++)
            ok = open_letter(store, holder, count, &letters.at[i], err);
    }
    arena_clear(&letters.arena);
    return ok;
}
