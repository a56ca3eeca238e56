/* The client's store: what is put is there, once, also after it was closed; the outbox, the cursors
 * and the relays; whose it is, and of which version. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/draft.h"
#include "client/keys.h"
#include "client/outbox.h"
#include "client/sql.h"
#include "client/store.h"
#include "client/store_parts.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"
#include "tests/test.h"

enum { NOW_S = 1700000000 };
#define NOW_MS (NOW_S * UINT64_C(1000))

static char folder[] = "/tmp/shoal-test-store-XXXXXX";
static char path[sizeof folder + 16];
static struct arena arena;
static struct keys *keys;

static const struct span relays[] = {{"wss://a", 7}, {"wss://b", 7}};

static void remove_database(void)
{
    const char *names[] = {"store.db", "store.db-wal", "store.db-shm", "lock", "new.db"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
}

static struct store *open_store(void)
{
    struct err err;
    struct store *store = store_open(folder, NOW_MS, &err);
    if (store == NULL)
        fail_msg("%s", err.text);
    return store;
}

static struct event make(const char *content, uint16_t kind, int64_t created_at)
{
    struct draft draft = {.kind = kind, .created_at = created_at};
    const struct bytes32 aux = {{1}};
    struct event event;
    text_add(&draft.content, (struct span){content, strlen(content)});
    draft_finish(&draft, &event, &arena);
    keys_sign(keys, &event, &aux);
    draft_clear(&draft);
    return event;
}

static enum store_verdict put(struct store *store, const struct event *event, size_t relay_count)
{
    enum store_verdict verdict;
    assert_true(store_put(store, &verdict, event, relays, relay_count, NULL));
    return verdict;
}

static void test_put(void **state)
{
    struct store *store = open_store();
    const struct event event = make("hello", 1, NOW_S), other = make("bye", 1, NOW_S);
    const struct event ahead = make("later", 1, NOW_S + 301), live = make("live", 20001, NOW_S);
    struct text line = {0};
    struct span json;
    bool has;
    (void)state;
    assert_int_equal(put(store, &event, 0), STORE_NEW);
    assert_int_equal(put(store, &event, 0), STORE_DUPLICATE);
    assert_int_equal(put(store, &ahead, 0), STORE_QUARANTINED);
    assert_int_equal(put(store, &ahead, 0), STORE_DUPLICATE);
    assert_int_equal(put(store, &live, 2), STORE_EPHEMERAL);
    uint64_t device = store_device(store);
    store_close(store);

    store = open_store();
    assert_true(store_device(store) == device);
    assert_true(store_get(store, &json, &arena, &event.id, NULL));
    event_write(&line, &event);
    assert_true(span_eq(json, text_span(&line)));
    assert_true(store_get(store, &json, &arena, &other.id, NULL));
    assert_int_equal(json.len, 0);
    assert_true(store_has(store, &has, &event.id, NULL) && has);
    assert_true(store_has(store, &has, &live.id, NULL) && !has);
    text_clear(&line);
    store_close(store);
}

/* All of a transaction, or nothing. */
static void test_transaction(void **state)
{
    struct store *store = open_store();
    const struct event event = make("in a transaction", 1, NOW_S);
    const struct event kept = make("kept", 1, NOW_S);
    struct outbox_rows rows;
    bool has;
    (void)state;
    assert_true(store_begin(store, NULL));
    assert_int_equal(put(store, &event, 2), STORE_NEW);
    store_rollback(store);
    assert_true(store_has(store, &has, &event.id, NULL) && !has);
    assert_true(outbox_list(store, &rows, &arena, 10, NULL));
    assert_int_equal(rows.count, 0);
    assert_true(store_begin(store, NULL));
    assert_int_equal(put(store, &kept, 0), STORE_NEW);
    assert_true(store_commit(store, NULL));
    assert_true(store_begin(store, NULL));
    assert_int_equal(put(store, &event, 0), STORE_NEW);
    store_close(store);
    store = open_store();
    assert_true(store_has(store, &has, &event.id, NULL) && !has);
    assert_true(store_has(store, &has, &kept.id, NULL) && has);
    store_close(store);
}

static void test_outbox(void **state)
{
    struct store *store = open_store();
    const struct event first = make("1", 1, NOW_S), second = make("2", 1, NOW_S);
    struct outbox_rows rows;
    const struct outbox_turn any = {.now_ms = NOW_MS, .max = 10};
    const struct outbox_turn second_relay = {relays[1], NOW_MS, 10};
    uint64_t next_ms, changed;
    (void)state;
    put(store, &first, 2);
    put(store, &second, 1);
    assert_true(outbox_due(store, &rows, &arena, &any, NULL));
    assert_int_equal(rows.count, 3);
    assert_memory_equal(&rows.at[0].id, &first.id, 32);
    assert_memory_equal(&rows.at[2].id, &second.id, 32);
    assert_true(outbox_due(store, &rows, &arena, &second_relay, NULL));
    assert_int_equal(rows.count, 1);
    assert_true(span_eq(rows.at[0].relay, relays[1]));
    assert_int_equal(rows.at[0].event.at[0], '{');

    assert_true(outbox_delivered(store, &first.id, relays[0], NULL));
    assert_true(
        outbox_failed(store, &first.id, relays[1], NOW_MS + 5000, SPAN("no network"), NULL));
    assert_true(outbox_refused(store, &second.id, relays[0], SPAN("blocked: no"), NULL));
    assert_true(outbox_due(store, &rows, &arena, &any, NULL));
    assert_int_equal(rows.count, 0);
    assert_true(outbox_next(store, &next_ms, SPAN(""), NULL));
    assert_true(next_ms == NOW_MS + 5000);
    assert_true(outbox_next(store, &next_ms, relays[0], NULL));
    assert_true(next_ms == UINT64_MAX);
    assert_true(outbox_list(store, &rows, &arena, 10, NULL));
    assert_int_equal(rows.count, 2);
    assert_int_equal(rows.at[0].tries, 1);
    assert_true(span_eq(rows.at[0].reason, SPAN("no network")));
    assert_int_equal(rows.at[1].state, OUTBOX_REFUSED);

    /* What was delivered or waits is not queued again by another put. */
    assert_int_equal(put(store, &first, 2), STORE_DUPLICATE);
    assert_true(outbox_due(store, &rows, &arena, &any, NULL));
    assert_int_equal(rows.count, 0);

    assert_true(outbox_retry(store, &changed, relays[0], NULL));
    assert_int_equal(changed, 1);
    assert_true(outbox_retry(store, &changed, SPAN(""), NULL));
    assert_int_equal(changed, 2);
    assert_true(outbox_due(store, &rows, &arena, &any, NULL));
    assert_int_equal(rows.count, 2);
    assert_true(outbox_drop(store, &changed, SPAN(""), NULL));
    assert_int_equal(changed, 2);
    assert_true(outbox_list(store, &rows, &arena, 10, NULL));
    assert_int_equal(rows.count, 0);
    store_close(store);
}

static void test_relays(void **state)
{
    struct store *store = open_store();
    const struct store_cursor cursor = {NOW_S, NOW_S - 5};
    const struct event event = make("for b", 1, NOW_S);
    struct store_cursor read;
    struct outbox_rows rows;
    struct span *urls;
    size_t count;
    bool was_there;
    (void)state;
    assert_true(store_add_relay(store, relays[1], NULL));
    assert_true(store_add_relay(store, relays[0], NULL));
    assert_true(store_add_relay(store, relays[0], NULL));
    assert_true(store_relays(store, &urls, &count, &arena, NULL));
    assert_int_equal(count, 2);
    assert_true(span_eq(urls[0], relays[0]) && span_eq(urls[1], relays[1]));

    assert_true(store_cursor(store, &read, relays[1], SPAN("notes"), NULL));
    assert_int_equal(read.since, 0);
    assert_true(store_set_cursor(store, &cursor, relays[1], SPAN("notes"), NULL));
    assert_true(store_cursor(store, &read, relays[1], SPAN("notes"), NULL));
    assert_true(read.since == cursor.since && read.until == cursor.until);
    assert_true(store_cursor(store, &read, relays[1], SPAN("others"), NULL));
    assert_int_equal(read.since, 0);

    put(store, &event, 2);
    assert_true(store_remove_relay(store, &was_there, relays[1], NULL) && was_there);
    assert_true(store_remove_relay(store, &was_there, relays[1], NULL) && !was_there);
    assert_true(store_relays(store, &urls, &count, &arena, NULL));
    assert_int_equal(count, 1);
    assert_true(store_cursor(store, &read, relays[1], SPAN("notes"), NULL));
    assert_int_equal(read.since, 0);
    assert_true(outbox_list(store, &rows, &arena, 10, NULL));
    assert_int_equal(rows.count, 1);
    store_close(store);
}

static void refuse(const char *words)
{
    struct err err;
    assert_null(store_open(folder, NOW_MS, &err));
    assert_non_null(strstr(err.text, words));
}

static void test_refused(void **state)
{
    struct store *store = open_store();
    struct stat status;
    (void)state;
    assert_int_equal(stat(path, &status), -1);
    snprintf(path, sizeof path, "%s/store.db", folder);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(sql_script(store_sql(store), "PRAGMA user_version = 99", NULL));
    store_close(store);
    refuse("a newer shoal made the store (version 99, this one knows 6): update");

    FILE *file = fopen(path, "w");
    assert_true(file != NULL && fputs("no database, whatever else it may be", file) > 0);
    fclose(file);
    refuse("damaged");

    assert_int_equal(chmod(folder, 0755), 0);
    refuse("others may read");
    assert_int_equal(chmod(folder, 0700), 0);
}

/* As the first version made them. */
static const char first_version[] =
    "PRAGMA page_size = 8192; BEGIN;"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE log(n INTEGER PRIMARY KEY, h INTEGER NOT NULL, id BLOB NOT NULL,"
    " put_ms INTEGER NOT NULL, is_redacted INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL);"
    "CREATE INDEX log_h ON log(h);"
    "CREATE TABLE relay(r INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE,"
    " is_used INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE outbox(n INTEGER NOT NULL, r INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,"
    " tries INTEGER NOT NULL DEFAULT 0, next_ms INTEGER NOT NULL DEFAULT 0,"
    " reason TEXT NOT NULL DEFAULT '', PRIMARY KEY(n, r)) WITHOUT ROWID;"
    "CREATE INDEX outbox_due ON outbox(r, next_ms) WHERE state = 0;"
    "CREATE TABLE cursor(r INTEGER NOT NULL, key TEXT NOT NULL, since INTEGER NOT NULL,"
    " until INTEGER NOT NULL, PRIMARY KEY(r, key)) WITHOUT ROWID;"
    "INSERT INTO meta VALUES ('device', 77);"
    "INSERT INTO relay VALUES (1, 'wss://a', 1);"
    "INSERT INTO outbox(n, r) VALUES (1, 1);"
    "INSERT INTO cursor VALUES (1, 'k', 5, 6);"
    "PRAGMA application_id = 1399353185; PRAGMA user_version = 1; COMMIT;"
    "PRAGMA journal_mode = WAL";

static void make_older(const struct event *event)
{
    struct text json = {0};
    struct err err;
    snprintf(path, sizeof path, "%s/store.db", folder);
    struct sql *sql = sql_open(path, true, &err);
    if (sql == NULL || !sql_script(sql, first_version, &err))
        fail_msg("%s", err.text);
    event_write(&json, event);
    assert_true(sql_run(sql, NULL, "INSERT INTO log VALUES (1, ?, ?, 0, 0, ?)", "ibs",
                        store_hash_of(&event->id), &event->id, text_span(&json)));
    text_clear(&json);
    sql_close(sql);
    assert_int_equal(chmod(path, 0600), 0);
}

/* A store of an older version becomes one of this, once, and nothing in it is lost. */
static void test_older(void **state)
{
    const struct event event = make("an old fish", 1, NOW_S);
    struct outbox_rows rows;
    struct store_cursor cursor;
    struct span json;
    int64_t version, keys_kept;
    (void)state;
    make_older(&event);
    for (int i = 0; i < 2; i++) {
        struct store *store = open_store();
        assert_true(sql_number(store_sql(store), &version, 0, NULL, "PRAGMA user_version", ""));
        assert_true(version > 1);
        assert_true(
            sql_number(store_sql(store), &keys_kept, 9, NULL, "SELECT count(*) FROM epoch", ""));
        assert_int_equal(keys_kept, 0);
        assert_true(store_device(store) == 77);
        assert_true(store_get(store, &json, &arena, &event.id, NULL));
        assert_true(json.len > 0);
        assert_true(outbox_list(store, &rows, &arena, 9, NULL));
        assert_int_equal(rows.count, 1);
        assert_memory_equal(&rows.at[0].id, &event.id, sizeof event.id);
        assert_true(store_cursor(store, &cursor, SPAN("wss://a"), SPAN("k"), NULL));
        assert_true(cursor.since == 5 && cursor.until == 6);
        store_close(store);
    }
}

/* Of a creation that was killed nothing is left but a file that is in nobody's way. */
static void test_half_made(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s/new.db", folder);
    FILE *file = fopen(path, "w");
    assert_true(file != NULL && fputs("half", file) > 0);
    fclose(file);
    store_close(open_store());
    assert_int_equal(access(path, F_OK), -1);
}

static int set_up(void **state)
{
    (void)state;
    remove_database();
    path[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_database();
    arena_clear(&arena);
    return 0;
}

int main(void)
{
    const struct bytes32 secret = {{7}};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_put, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_transaction, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_outbox, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_relays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_older, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_half_made, set_up, tear_down),
    };
    keys = keys_new(&secret);
    if (mkdtemp(folder) == NULL || keys == NULL)
        return EXIT_FAILURE;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    keys_free(keys);
    rmdir(folder);
    return failed;
}
