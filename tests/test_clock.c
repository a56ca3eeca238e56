/* A clock that is wrong by a day: nothing is lost, what is ahead counts when its time comes, and
 * the state is that of the clock, whatever it was before. */
#include <stdio.h>
#include <stdlib.h>

#include "client/catalog.h"
#include "client/draft.h"
#include "client/holder.h"
#include "client/keys.h"
#include "client/pen.h"
#include "client/store.h"
#include "shared/err.h"
#include "shared/event.h"
#include "tests/folder.h"
#include "tests/test.h"

#define NOW_MS UINT64_C(1700000000000)
#define DAY_MS UINT64_C(86400000)

static char folder[64];
static struct arena arena;
static struct holder *holder;

static struct store *open_store(const char *name, uint64_t now_ms)
{
    struct err err;
    char path[96];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    struct store *store = store_open(path, now_ms, &err);
    if (store == NULL)
        fail_msg("%s", err.text);
    return store;
}

/* Makes a note, or changes its title. False, and why, when that is refused. */
static bool write_title(struct store *store, struct bytes32 *root, bool is_new, const char *title,
                        uint64_t now_ms, struct err *err)
{
    struct pen pen = {.store = store, .holder = holder, .now_ms = now_ms};
    struct pen_change change = {0};
    struct event event;
    struct span json;
    assert_true(store_begin(store, NULL));
    bool ok =
        is_new ? pen_create(&pen, &change, SPAN("note"), err) : pen_load(&pen, &change, root, err);
    ok = ok && pen_value(&pen, &json, (struct span){title, strlen(title)}, false, err);
    if (ok)
        pen_op(&pen, &change, OP_SET, SPAN("title"))->value = json;
    ok = ok && pen_finish(&pen, &change, &event, err);
    if (ok)
        *root = *pen_root(&change, &event);
    pen_clear(&change);
    arena_clear(&pen.arena);
    if (ok)
        assert_true(store_commit(store, NULL));
    else
        store_rollback(store);
    return ok;
}

static void expect_title(struct store *store, const struct bytes32 *root, const char *title)
{
    struct catalog_entity entity;
    char wanted[96];
    assert_true(catalog_entity(store, &entity, &arena, root, NULL));
    snprintf(wanted, sizeof wanted, "{\"fields\":{\"title\":\"%s\"},\"type\":\"note\"}", title);
    if (!span_eq(entity.state, (struct span){wanted, strlen(wanted)}))
        fail_msg("expected %s, got %.*s", wanted, SPAN_ARG(entity.state));
}

static bool pass(void *owner, const struct bytes32 *id, struct span json)
{
    enum store_verdict verdict;
    struct event event;
    (void)id;
    assert_true(event_parse(&event, &arena, arena_copy(&arena, json), NULL));
    assert_true(store_put(owner, &verdict, &event, NULL, 0, NULL));
    return true;
}

static void expect_same(struct store *one, struct store *other)
{
    struct bytes32 here, there;
    bool is_equal;
    assert_true(catalog_hash(one, &here, NULL) && catalog_hash(other, &there, NULL));
    assert_memory_equal(here.at, there.at, sizeof here.at);
    assert_true(catalog_rebuild(one, &is_equal, false, NULL));
    assert_true(is_equal);
}

static uint64_t quarantined(struct store *store)
{
    struct catalog_counts counts;
    assert_true(catalog_counts(store, &counts, NULL));
    return counts.quarantined;
}

/* One device is a day ahead; then its clock is set right. */
static void test_ahead(void **state)
{
    struct store *right = open_store("right", NOW_MS),
                 *wrong = open_store("wrong", NOW_MS + DAY_MS);
    struct bytes32 root;
    (void)state;
    assert_true(write_title(right, &root, true, "today", NOW_MS, NULL));
    assert_true(store_each(right, pass, wrong, NULL));
    assert_true(write_title(wrong, &root, false, "tomorrow", NOW_MS + DAY_MS, NULL));
    expect_title(wrong, &root, "tomorrow");
    assert_true(store_each(wrong, pass, right, NULL));
    expect_title(right, &root, "today");
    assert_int_equal(quarantined(right), 1);
    assert_true(write_title(right, &root, false, "later today", NOW_MS + 1000, NULL));
    store_close(wrong);
    wrong = open_store("wrong", NOW_MS + 2000);
    expect_title(wrong, &root, "today");
    assert_int_equal(quarantined(wrong), 1); /* by its own clock, now */
    assert_true(write_title(wrong, &root, false, "in the evening", NOW_MS + 2000, NULL));
    assert_true(store_each(right, pass, wrong, NULL) && store_each(wrong, pass, right, NULL));
    expect_same(right, wrong);
    expect_title(right, &root, "in the evening");
    assert_true(store_advance(right, NOW_MS + DAY_MS, NULL) &&
                store_advance(wrong, NOW_MS + DAY_MS, NULL));
    expect_same(right, wrong);
    expect_title(wrong, &root, "tomorrow");
    assert_int_equal(quarantined(wrong), 0);
    store_close(right);
    store_close(wrong);
}

/* One device is a day behind: what comes waits, and it cannot spoil what it does not believe. */
static void test_behind(void **state)
{
    struct store *right = open_store("east", NOW_MS + DAY_MS), *wrong = open_store("west", NOW_MS);
    struct bytes32 root, own;
    struct err err;
    (void)state;
    assert_true(write_title(right, &root, true, "today", NOW_MS + DAY_MS, NULL));
    assert_true(store_each(right, pass, wrong, NULL));
    assert_int_equal(quarantined(wrong), 1);
    assert_false(write_title(wrong, &root, false, "yesterday", NOW_MS, &err));
    assert_true(err.text[0] != '\0');
    assert_true(write_title(wrong, &own, true, "mine", NOW_MS, NULL));
    assert_true(store_advance(wrong, NOW_MS + DAY_MS, NULL)); /* set right */
    assert_true(write_title(wrong, &root, false, "both", NOW_MS + DAY_MS, NULL));
    assert_true(store_each(wrong, pass, right, NULL));
    expect_same(right, wrong);
    expect_title(right, &root, "both");
    expect_title(right, &own, "mine");
    store_close(right);
    store_close(wrong);
}

static void write_post(struct store *store, const char *words, int64_t created_at)
{
    struct pen pen = {.store = store, .holder = holder};
    struct draft draft = {.kind = 1, .created_at = created_at};
    struct event event;
    text_addf(&draft.content, "%s", words);
    assert_true(pen_sign(&pen, &event, &draft, NULL) && pen_put(&pen, &event, NULL));
    arena_clear(&pen.arena);
}

static void expect_found(struct store *store, size_t count)
{
    struct catalog_finds finds;
    assert_true(catalog_find(store, &finds, &arena, SPAN("oyster"), 9, NULL));
    assert_int_equal(finds.count, count);
    assert_int_equal(quarantined(store), 2 - count);
}

/* Words of what is ahead of a clock that was set back are not found. */
static void test_words(void **state)
{
    struct store *store = open_store("words", NOW_MS + DAY_MS);
    struct bytes32 root;
    (void)state;
    assert_true(write_title(store, &root, true, "oyster", NOW_MS + DAY_MS, NULL));
    write_post(store, "an oyster", (NOW_MS + DAY_MS) / 1000);
    expect_found(store, 2);
    store_close(store);
    store = open_store("words", NOW_MS);
    expect_found(store, 0);
    assert_true(store_advance(store, NOW_MS + DAY_MS, NULL));
    expect_found(store, 2);
    store_close(store);
}

int main(void)
{
    const struct bytes32 secret = {{7}};
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ahead), cmocka_unit_test(test_behind),
                                       cmocka_unit_test(test_words)};
    folder_make(folder, sizeof folder);
    holder = holder_of_keys(keys_new(&secret));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    holder_free(holder);
    arena_clear(&arena);
    folder_remove(folder);
    return failed;
}
