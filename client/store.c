#include "client/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/hlc.h"
#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"

enum { OTHERS = 077, NAME_CHARS_MAX = 16 }; /* of a file in the folder, with its slash */

static bool fail(struct err *err, const char *path, const char *what)
{
    return err_set(err, ERR_INTERNAL, "cannot %s %.60s: %s", what, path, strerrordesc_np(errno));
}

static bool put_path(char path[STORE_PATH_MAX], const char *begin, const char *end, struct err *err)
{
    size_t len = (size_t)snprintf(path, STORE_PATH_MAX, "%s%s", begin, end);
    if (len >= STORE_PATH_MAX - NAME_CHARS_MAX)
        return err_set(err, ERR_INVALID, "a path of over %d bytes",
                       STORE_PATH_MAX - NAME_CHARS_MAX - 1);
    return true;
}

bool store_folder(char folder[STORE_PATH_MAX], const char *named, struct err *err)
{
    const char *own = named != NULL ? named : secure_getenv("SHOAL_HOME");
    const char *data = secure_getenv("XDG_DATA_HOME"), *home = secure_getenv("HOME");
    if (own != NULL && own[0] != '\0')
        return put_path(folder, own, "", err);
    if (data != NULL && data[0] == '/')
        return put_path(folder, data, "/shoal", err);
    if (home == NULL)
        return err_set(err, ERR_INVALID, "no HOME to keep a store in: name a folder with --home");
    return put_path(folder, home, "/.local/share/shoal", err);
}

/* Makes folder and those that it is in. */
static bool make_folder(const char *folder, struct err *err)
{
    char path[STORE_PATH_MAX];
    struct stat status;
    if (!put_path(path, folder, "/", err))
        return false;
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return fail(err, path, "make");
        *slash = '/';
    }
    if (stat(folder, &status) != 0)
        return fail(err, folder, "open");
    if (!S_ISDIR(status.st_mode))
        return err_set(err, ERR_INTERNAL, "%.60s is no folder", folder);
    if ((status.st_mode & OTHERS) != 0)
        return err_set(err, ERR_RESTRICTED, "others may read %.60s: chmod 700 it", folder);
    return true;
}

bool store_lock_path(char path[STORE_PATH_MAX], const char *folder, struct err *err)
{
    return put_path(path, folder, "/lock", err);
}

/* Held as long as the store is open. */
static int lock_folder(const char *folder, struct err *err)
{
    char path[STORE_PATH_MAX];
    if (!store_lock_path(path, folder, err))
        return -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        err_fill(err, ERR_INTERNAL, "cannot open %.60s: %s", path, strerrordesc_np(errno));
    return fd;
}

/* Makes the database under another name, so that there is a whole one or none. */
static bool make_database(const char *folder, const char *path, struct err *err)
{
    char fresh[STORE_PATH_MAX];
    if (!put_path(fresh, folder, "/new.db", err))
        return false;
    if (!store_make(fresh, err))
        return false;
    return rename(fresh, path) == 0 || fail(err, path, "make");
}

/* The first to come makes it, while the others wait. */
static bool find_database(struct store *store, const char *folder, char path[STORE_PATH_MAX],
                          struct err *err)
{
    if (!put_path(path, folder, "/store.db", err))
        return false;
    if (flock(store->lock_fd, LOCK_SH) != 0)
        return fail(err, folder, "lock");
    if (access(path, F_OK) == 0)
        return true;
    if (flock(store->lock_fd, LOCK_EX) != 0)
        return fail(err, folder, "lock");
    if (access(path, F_OK) != 0 && !make_database(folder, path, err))
        return false;
    return flock(store->lock_fd, LOCK_SH) == 0 || fail(err, folder, "lock");
}

static bool open_database(struct store *store, const char *path, struct err *err)
{
    int64_t device;
    store->sql = sql_open(path, false, err);
    if (store->sql == NULL || !store_migrate(store->sql, err) ||
        !sql_number(store->sql, &device, 0, err, "SELECT value FROM meta WHERE key = 'device'", ""))
        return false;
    store->device = (uint64_t)device;
    return true;
}

struct store *store_open(const char *folder, uint64_t now_ms, struct err *err)
{
    char path[STORE_PATH_MAX];
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL)
        abort();
    store->lock_fd = -1;
    if (make_folder(folder, err))
        store->lock_fd = lock_folder(folder, err);
    if (store->lock_fd >= 0 && find_database(store, folder, path, err) &&
        open_database(store, path, err) && store_advance(store, now_ms, err))
        return store;
    store_close(store);
    return NULL;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    catalog_tags_clear(&store->tags);
    sql_close(store->sql);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    free(store);
}

bool store_advance(struct store *store, uint64_t now_ms, struct err *err)
{
    (void)err;
    if (now_ms > store->now_ms)
        store->now_ms = now_ms;
    return true;
}

bool store_begin(struct store *store, struct err *err)
{
    store->is_begun = sql_script(store->sql, "BEGIN IMMEDIATE", err);
    return store->is_begun;
}

bool store_commit(struct store *store, struct err *err)
{
    if (!sql_script(store->sql, "COMMIT", err)) {
        store_rollback(store);
        return false;
    }
    store->is_begun = false;
    (void)futimens(store->lock_fd, NULL); /* who waits is told; who is not looks later */
    return true;
}

void store_rollback(struct store *store)
{
    store->is_begun = false;
    if (sql_is_open(store->sql) && !sql_script(store->sql, "ROLLBACK", NULL))
        abort(); /* which cannot fail while no statement runs */
}

bool store_enter(struct store *store, bool *is_own, struct err *err)
{
    *is_own = !store->is_begun;
    if (!*is_own && !sql_is_open(store->sql))
        return err_set(err, ERR_INTERNAL, "the transaction failed before");
    return !*is_own || store_begin(store, err);
}

bool store_leave(struct store *store, bool is_own, bool ok, struct err *err)
{
    if (!is_own)
        return ok;
    if (ok)
        return store_commit(store, err);
    store_rollback(store);
    return false;
}

int64_t store_hash_of(const struct bytes32 *id)
{
    uint64_t hash = 0;
    for (int i = 0; i < 8; i++)
        hash = hash << 8 | id->at[i];
    return (int64_t)(hash ^ UINT64_C(1) << 63); /* signed, in the same order */
}

bool store_find(struct store *store, int64_t *n, const struct bytes32 *id, struct err *err)
{
    return sql_number(store->sql, n, 0, err, "SELECT n FROM log WHERE h = ? AND id = ?", "ib",
                      store_hash_of(id), id);
}

bool store_has(struct store *store, bool *has, const struct bytes32 *id, struct err *err)
{
    int64_t n;
    bool ok = store_find(store, &n, id, err);
    *has = ok && n != 0;
    return ok;
}

bool store_get(struct store *store, struct span *json, struct arena *arena,
               const struct bytes32 *id, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    *json = (struct span){0};
    if (!sql_start(store->sql, &row, err, "SELECT body FROM log WHERE h = ? AND id = ?", "ib",
                   store_hash_of(id), id) ||
        !sql_next(store->sql, row, &is_row, err))
        return false;
    if (is_row) {
        *json = arena_copy(arena, sql_text(row, 0));
        sql_end(row);
    }
    return true;
}

static bool insert(struct store *store, int64_t *n, const struct event *event, struct err *err)
{
    struct text body = {0};
    event_write(&body, event);
    bool ok =
        sql_run(store->sql, err, "INSERT INTO log(h, id, put_ms, body) VALUES (?, ?, ?, ?)", "ibis",
                store_hash_of(&event->id), &event->id, (int64_t)store->now_ms, text_span(&body));
    *n = sql_row(store->sql);
    text_clear(&body);
    return ok;
}

/* When it says that it was made. */
static uint64_t time_of(const struct event *event)
{
    const uint64_t seconds_max = UINT64_MAX / 1000;
    uint64_t seconds = (uint64_t)event->created_at;
    return seconds > seconds_max ? UINT64_MAX : seconds * 1000;
}

static bool put(struct store *store, enum store_verdict *verdict, const struct event *event,
                const struct span *relays, size_t relay_count, struct err *err)
{
    int64_t n, relay;
    if (!store_find(store, &n, &event->id, err))
        return false;
    *verdict = STORE_DUPLICATE;
    if (n == 0) {
        bool is_ahead = time_of(event) > store->now_ms + HLC_AHEAD_MAX_MS;
        *verdict = is_ahead ? STORE_QUARANTINED : STORE_NEW;
        if (!insert(store, &n, event, err))
            return false;
    }
    for (size_t i = 0; i < relay_count; i++)
        if (!store_relay(store, &relay, relays[i], err) ||
            !sql_run(store->sql, err, "INSERT OR IGNORE INTO outbox(n, r) VALUES (?, ?)", "ii", n,
                     relay))
            return false;
    return true;
}

bool store_put(struct store *store, enum store_verdict *verdict, const struct event *event,
               const struct span *relays, size_t relay_count, struct err *err)
{
    bool is_own;
    *verdict = STORE_EPHEMERAL;
    if (kind_class(event->kind) == KIND_EPHEMERAL)
        return true;
    if (!store_enter(store, &is_own, err))
        return false;
    bool ok = put(store, verdict, event, relays, relay_count, err);
    return store_leave(store, is_own, ok, err);
}

uint64_t store_device(const struct store *store)
{
    return store->device;
}

struct sql *store_sql(struct store *store)
{
    return store->sql;
}
