/* The store on bad days: killed at every write, the disk full at every write, bytes of the file
 * overwritten. What was acknowledged is there, with its rows in the outbox; what was not is there
 * with all of them, or not at all; what can be read of a damaged file is saved, and that only. */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/catalog.h"
#include "client/draft.h"
#include "client/keys.h"
#include "client/outbox.h"
#include "client/store.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "tests/fault.h"
#include "tests/random.h"
#include "tests/test.h"

enum { EVENTS = 2, WRITES_MAX = 1000, NOW_S = 1700000000, DAMAGED = 10, DAMAGED_EVENTS = 60 };
#define NOW_MS (NOW_S * UINT64_C(1000))

static char folder[] = "/tmp/shoal-crash-XXXXXX";
static struct arena arena;
static struct keys *keys;
static const struct span relays[] = {{"wss://a", 7}, {"wss://b", 7}};

static void path_of(char path[64], const char *name)
{
    snprintf(path, 64, "%s/%s", folder, name);
}

static void remove_store(void)
{
    static const char *const names[] = {"store.db",
                                        "store.db-wal",
                                        "store.db-shm",
                                        "lock",
                                        "new.db",
                                        "new.db-wal",
                                        "new.db-shm",
                                        "damaged-1700000000000.db",
                                        "damaged-1700000000000.db-wal"};
    char path[64];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        path_of(path, names[i]);
        unlink(path);
    }
}

/* Every other one is the root of an entity. */
static struct event make(uint32_t number)
{
    struct draft draft = {.kind = number % 2 == 0 ? 1 : KIND_OP, .created_at = NOW_S};
    const struct bytes32 aux = {{1}};
    struct event event;
    text_addf(&draft.content, "{\"op\":\"create\",\"type\":\"t%u\"}", number);
    if (draft.kind == KIND_OP)
        draft_tag_pair(&draft, SPAN("hlc"), SPAN("018bcfe568000000"));
    draft_finish(&draft, &event, &arena);
    keys_sign(keys, &event, &aux);
    draft_clear(&draft);
    return event;
}

static struct store *open_store(void)
{
    struct err err = {.text = ""};
    struct store *store = store_open(folder, NOW_MS, &err);
    if (store == NULL)
        fail_msg("%s", err.text);
    return store;
}

/* What a command does; says so of each that is done. False, and why, at the first failure. */
static bool work(int acknowledge, struct err *err)
{
    struct store *store = store_open(folder, NOW_MS, err);
    bool ok = store != NULL;
    for (uint32_t i = 0; ok && i < EVENTS; i++) {
        const struct event event = make(i);
        enum store_verdict verdict;
        ok = store_put(store, &verdict, &event, relays, ARRAY_LEN(relays), err);
        if (ok && write(acknowledge, &i, sizeof i) != sizeof i)
            abort();
        ok = ok && catalog_settle(store, err);
    }
    store_close(store);
    return ok;
}

static size_t queued(struct store *store, const struct bytes32 *id)
{
    struct outbox_rows rows;
    size_t count = 0;
    assert_true(outbox_list(store, &rows, &arena, 100, NULL));
    for (size_t i = 0; i < rows.count; i++)
        count += memcmp(&rows.at[i].id, id, sizeof *id) == 0;
    return count;
}

/* acknowledged: how many, from the first. */
static void check_store(size_t acknowledged)
{
    struct store *store = open_store();
    bool is_equal, has;
    struct text words = {0};
    for (uint32_t i = 0; i < EVENTS; i++) {
        const struct event event = make(i);
        assert_true(store_has(store, &has, &event.id, NULL));
        assert_true(has || i >= acknowledged);
        assert_int_equal(queued(store, &event.id), has ? ARRAY_LEN(relays) : 0);
    }
    assert_true(store_check(store, &words, NULL));
    assert_int_equal(words.len, 0);
    assert_true(catalog_rebuild(store, &is_equal, false, NULL));
    assert_true(is_equal);
    store_close(store);
}

/* Runs until the write but so many; true when it got there. */
static bool run_until_killed(uint64_t after, size_t *acknowledged)
{
    int pipe_fds[2], status;
    uint32_t number;
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct err err;
        fault_arm(FAULT_KILL, after);
        _exit(work(pipe_fds[1], &err) ? 0 : 1);
    }
    close(pipe_fds[1]);
    for (*acknowledged = 0; read(pipe_fds[0], &number, sizeof number) == sizeof number;)
        ++*acknowledged;
    close(pipe_fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void test_killed(void **state)
{
    size_t acknowledged = 0;
    uint64_t after = 0, some = 0;
    bool is_killed = true;
    (void)state;
    for (; is_killed && after < WRITES_MAX; after++) {
        remove_store();
        is_killed = run_until_killed(after, &acknowledged);
        check_store(acknowledged);
        some += is_killed && acknowledged > 0;
        arena_clear(&arena);
    }
    assert_false(is_killed);
    assert_int_equal(acknowledged, EVENTS);
    assert_true(after > 20 && some > 2);
}

/* The same store is killed again and again, each time a bit later. */
static void test_killed_again(void **state)
{
    size_t acknowledged = 0;
    uint64_t after = 0;
    (void)state;
    remove_store();
    while (after < WRITES_MAX && run_until_killed(after, &acknowledged)) {
        check_store(acknowledged);
        arena_clear(&arena);
        after += 7;
    }
    assert_int_equal(acknowledged, EVENTS);
    remove_store();
}

static void test_full(void **state)
{
    uint64_t after = 0, failures = 0;
    bool is_full = true;
    (void)state;
    for (; is_full && after < WRITES_MAX; after++) {
        struct err err = {.text = ""};
        int pipe_fds[2];
        uint32_t number;
        size_t acknowledged = 0;
        remove_store();
        assert_int_equal(pipe(pipe_fds), 0);
        fault_arm(FAULT_FULL, after);
        bool ok = work(pipe_fds[1], &err);
        is_full = fault_happened();
        fault_arm(FAULT_NONE, 0);
        close(pipe_fds[1]);
        while (read(pipe_fds[0], &number, sizeof number) == sizeof number)
            acknowledged++;
        close(pipe_fds[0]);
        if (!ok)
            assert_non_null(strstr(err.text, "the disk is full: nothing was written to "));
        failures += !ok;
        check_store(acknowledged);
        arena_clear(&arena);
    }
    assert_true(!is_full && failures > 20);
    remove_store();
}

/* Anywhere; and its beginning, which nothing can be read without. */
static void damage(bool is_beheaded)
{
    char path[64];
    path_of(path, "store.db");
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    for (uint32_t i = 0; i <= random_below(3); i++) {
        assert_int_equal(fseek(file, (long)random_below((uint32_t)size), SEEK_SET), 0);
        for (uint32_t j = 0; j < 1 + random_below(3000); j++)
            fputc((int)random_below(256), file);
    }
    assert_int_equal(fseek(file, 0, SEEK_SET), 0);
    if (is_beheaded)
        fputs("no database", file);
    fclose(file);
}

static uint64_t saved_all, refused, survived;

static void check_saved(uint64_t saved)
{
    struct store *store = open_store();
    struct catalog_counts counts;
    struct err err = {.text = ""};
    if (!catalog_counts(store, &counts, &err))
        fail_msg("%s", err.text);
    assert_true(counts.events == saved && saved <= DAMAGED_EVENTS);
    saved_all += saved;
    store_close(store);
}

/* However it is damaged: nothing crashes, the store is open again, and holds most of it. */
static void test_damaged(void **state)
{
    (void)state;
    for (int round = 0; round < DAMAGED; round++) {
        enum store_verdict verdict;
        struct bytes32 hash;
        uint64_t saved;
        remove_store();
        struct store *store = open_store();
        assert_true(store_begin(store, NULL));
        for (uint32_t i = 0; i < DAMAGED_EVENTS; i++) {
            const struct event event = make(i);
            assert_true(store_put(store, &verdict, &event, relays, 1, NULL));
        }
        assert_true(store_commit(store, NULL));
        assert_true(catalog_settle(store, NULL));
        store_close(store);
        damage(round == 0);
        struct err err = {.text = ""};
        store = store_open(folder, NOW_MS, &err);
        bool ok = store != NULL && catalog_hash(store, &hash, &err);
        store_close(store);
        refused += !ok;
        survived += ok;
        assert_true(store_salvage(folder, NOW_MS, &saved, NULL));
        check_saved(saved);
        arena_clear(&arena);
    }
    remove_store();
    print_message("%llu of %d events saved; %llu stores read, %llu refused\n",
                  (unsigned long long)saved_all, DAMAGED * DAMAGED_EVENTS,
                  (unsigned long long)survived, (unsigned long long)refused);
    assert_true(saved_all > DAMAGED * DAMAGED_EVENTS / 2 && refused > 0);
}

int main(void)
{
    const struct bytes32 secret = {{7}};
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_killed),
                                       cmocka_unit_test(test_killed_again),
                                       cmocka_unit_test(test_full), cmocka_unit_test(test_damaged)};
    random_start();
    keys = keys_new(&secret);
    assert(keys != NULL);
    if (mkdtemp(folder) == NULL)
        return EXIT_FAILURE;
    fault_install();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_store();
    rmdir(folder);
    keys_free(keys);
    return failed;
}
