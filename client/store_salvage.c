/* store_salvage.c - what can be read of a damaged store, put into a new one.
 *
 * First all that SQLite still gives, from either end of the log; then whatever in the bytes of the
 * files looks like an event. Nothing is taken over that its author did not sign. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"

#define BEGINNING "{\"id\":\"" /* of each event, as event_write writes them */

bool store_put_stub(struct store *to, const struct event *event, struct err *err)
{
    struct text body = {0};
    event_write(&body, event);
    bool ok = sql_run(to->sql, err,
                      "INSERT INTO log(h, id, put_ms, is_redacted, body) VALUES (?, ?, 0, 1, ?)",
                      "ibs", store_hash_of(&event->id), &event->id, text_span(&body));
    text_clear(&body);
    return ok;
}

static bool put_stub(struct store *to, const struct event *event, uint64_t *saved, struct err *err)
{
    bool ok = store_put_stub(to, event, err);
    *saved += ok;
    return ok;
}

static bool put_event(struct store *to, const struct event *event, uint64_t *saved, struct err *err)
{
    enum store_verdict verdict;
    if (!sig_verify(&event->sig, &event->id, &event->pubkey))
        return true;
    if (!event_check_id(event))
        return event->content_json.len > 0 || put_stub(to, event, saved, err);
    if (!store_put(to, &verdict, event, NULL, 0, err))
        return false;
    *saved += verdict == STORE_NEW || verdict == STORE_QUARANTINED;
    return true;
}

/* True, too, for what is no event, or not one that its author signed. */
static bool take(struct store *to, struct span text, uint64_t *saved, struct err *err)
{
    struct arena arena = {0};
    struct event event;
    struct scan scan = scan_begin(text);
    bool has = true;
    bool ok = !event_scan(&event, &arena, &scan, NULL) || store_has(to, &has, &event.id, err);
    ok = ok && (has || put_event(to, &event, saved, err));
    arena_clear(&arena);
    return ok;
}

/* Until the first row that cannot be read. */
static bool take_rows(struct store *to, struct sql *from, const char *query, uint64_t *saved,
                      struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row, ok = true;
    if (!sql_start(from, &row, NULL, query, ""))
        return true;
    while (ok && sql_next(from, row, &is_row, NULL) && is_row)
        ok = take(to, sql_text(row, 0), saved, err);
    sql_end(row);
    return ok;
}

static bool take_relays(struct store *to, struct sql *from, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row, ok = true;
    if (!sql_start(from, &row, NULL, "SELECT url FROM relay WHERE is_used", ""))
        return true;
    while (ok && sql_next(from, row, &is_row, NULL) && is_row)
        ok = store_add_relay(to, sql_text(row, 0), err);
    sql_end(row);
    return ok;
}

static bool take_outbox(struct store *to, struct sql *from, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row, ok = true;
    int64_t n, relay;
    if (!sql_start(from, &row, NULL,
                   "SELECT id, url, state, tries, next_ms, reason FROM outbox"
                   " JOIN relay USING (r) JOIN log USING (n)",
                   ""))
        return true;
    while (ok && sql_next(from, row, &is_row, NULL) && is_row) {
        struct bytes32 id = sql_id(row, 0);
        ok = store_find(to, &n, &id, err) && store_relay(to, &relay, sql_text(row, 1), err) &&
             (n == 0 ||
              sql_run(to->sql, err, "INSERT OR IGNORE INTO outbox VALUES (?, ?, ?, ?, ?, ?)",
                      "iiiiis", n, relay, sql_int(row, 2), sql_int(row, 3), sql_int(row, 4),
                      sql_text(row, 5)));
    }
    sql_end(row);
    return ok;
}

static bool take_unrouted(struct store *to, struct sql *from, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row, ok = true;
    int64_t n;
    if (!sql_start(from, &row, NULL, "SELECT id FROM unrouted JOIN log USING (n)", ""))
        return true;
    while (ok && sql_next(from, row, &is_row, NULL) && is_row) {
        struct bytes32 id = sql_id(row, 0);
        ok = store_find(to, &n, &id, err) &&
             (n == 0 || sql_run(to->sql, err, "INSERT OR IGNORE INTO unrouted VALUES (?)", "i", n));
    }
    sql_end(row);
    return ok;
}

static bool take_epochs(struct store *to, struct sql *from, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row, ok = true;
    if (!sql_start(from, &row, NULL, "SELECT name, circle, key FROM epoch", ""))
        return true;
    while (ok && sql_next(from, row, &is_row, NULL) && is_row) {
        struct bytes32 name = sql_id(row, 0), circle = sql_id(row, 1), key = sql_id(row, 2);
        ok = sql_run(to->sql, err, "INSERT OR IGNORE INTO epoch VALUES (?, ?, ?)", "bbb", &name,
                     &circle, &key);
    }
    sql_end(row);
    return ok;
}

static bool take_database(struct store *to, const char *path, uint64_t *saved, struct err *err)
{
    struct sql *from = sql_open(path, false, NULL);
    if (from == NULL)
        return true;
    bool ok = take_rows(to, from, "SELECT body FROM log ORDER BY n", saved, err) &&
              take_rows(to, from, "SELECT body FROM log ORDER BY n DESC", saved, err) &&
              take_relays(to, from, err) && take_outbox(to, from, err) &&
              take_unrouted(to, from, err) && take_epochs(to, from, err) &&
              store_salvage_purse(to, from, err);
    sql_close(from);
    return ok;
}

static bool take_bytes(struct store *to, struct span bytes, uint64_t *saved, struct err *err)
{
    const char *at = bytes.at, *end = bytes.at + bytes.len;
    while (at < end &&
           (at = memmem(at, (size_t)(end - at), BEGINNING, strlen(BEGINNING))) != NULL) {
        if (!take(to, (struct span){at, (size_t)(end - at)}, saved, err))
            return false;
        at++;
    }
    return true;
}

/* A file that is not there holds nothing. */
static bool take_file(struct store *to, const char *path, uint64_t *saved, struct err *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = true;
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0) {
        size_t len = (size_t)status.st_size;
        void *at = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
        if (at != MAP_FAILED) {
            ok = take_bytes(to, (struct span){at, len}, saved, err);
            munmap(at, len);
        }
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

/* The paths of one salvage. */
struct paths {
    char store[STORE_PATH_MAX], wal[STORE_PATH_MAX], shm[STORE_PATH_MAX], fresh[STORE_PATH_MAX];
    char aside[STORE_PATH_MAX], aside_wal[STORE_PATH_MAX];
};

static void name(char path[STORE_PATH_MAX], const char *folder, const char *file)
{
    if ((size_t)snprintf(path, STORE_PATH_MAX, "%s/%s", folder, file) >= STORE_PATH_MAX)
        path[0] = '\0'; /* which names no file */
}

static void name_all(struct paths *paths, const char *folder, uint64_t now_ms)
{
    char aside[64];
    name(paths->store, folder, "store.db");
    name(paths->wal, folder, "store.db-wal");
    name(paths->shm, folder, "store.db-shm");
    name(paths->fresh, folder, "new.db");
    snprintf(aside, sizeof aside, "damaged-%llu.db", (unsigned long long)now_ms);
    name(paths->aside, folder, aside);
    snprintf(aside, sizeof aside, "damaged-%llu.db-wal", (unsigned long long)now_ms);
    name(paths->aside_wal, folder, aside);
}

/* The damaged files are moved aside, not removed. */
static bool swap(const struct paths *paths, struct err *err)
{
    unlink(paths->shm);
    if ((rename(paths->wal, paths->aside_wal) == 0 || errno == ENOENT) &&
        rename(paths->store, paths->aside) == 0 && rename(paths->fresh, paths->store) == 0)
        return true;
    return err_set(err, ERR_INTERNAL, "cannot put the saved store in place: %s",
                   strerrordesc_np(errno));
}

/* The bytes first: to open the database may change them. */
static bool fill(struct store *to, const struct paths *paths, uint64_t *saved, struct err *err)
{
    bool ok = store_begin(to, err) && take_file(to, paths->wal, saved, err) &&
              take_file(to, paths->store, saved, err) &&
              take_database(to, paths->store, saved, err);
    return store_leave(to, true, ok, err);
}

static bool salvage(const struct paths *paths, uint64_t now_ms, uint64_t *saved, struct err *err)
{
    struct store to = {.lock_fd = -1, .now_ms = now_ms};
    if (!store_make(paths->fresh, err))
        return false;
    to.sql = sql_open(paths->fresh, false, err);
    bool ok = to.sql != NULL && fill(&to, paths, saved, err);
    sql_close(to.sql);
    return ok && swap(paths, err);
}

bool store_salvage(const char *folder, uint64_t now_ms, uint64_t *saved, struct err *err)
{
    struct paths paths;
    char lock[STORE_PATH_MAX];
    *saved = 0;
    name_all(&paths, folder, now_ms);
    name(lock, folder, "lock");
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_set(err, ERR_INTERNAL, "cannot open the lock: %s", strerrordesc_np(errno));
    bool ok = flock(fd, LOCK_EX | LOCK_NB) == 0
                  ? salvage(&paths, now_ms, saved, err)
                  : err_set(err, ERR_INTERNAL, "another shoal has the store open: end it first");
    close(fd);
    return ok;
}
