/* The keys of a circle when a role ends: a new one, that who had the role is not given; others may
 * go on with the old one until an admin has come by. */
#include "client/pen_circle.h"

#include "client/circle.h"
#include "client/holder.h"
#include "client/keys.h"
#include "client/store.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "tests/folder.h"
#include "tests/test.h"

enum { ADMIN, WRITER, GUEST, PEOPLE };

static const uint64_t start_ms = UINT64_C(1700000000000), hour_ms = 3600000;
static char folder[64], home[80];
static struct holder *people[PEOPLE];
static struct pen pen;

/* The same store, by somebody, at a time. */
static void as(int person, uint64_t now_ms)
{
    struct err err = {.text = ""};
    if (pen.store != NULL) {
        assert_true(store_commit(pen.store, &err));
        store_close(pen.store);
        arena_clear(&pen.arena);
    }
    pen = (struct pen){
        .store = store_open(home, now_ms, &err), .holder = people[person], .now_ms = now_ms};
    assert_string_equal(err.text, "");
    assert_true(store_begin(pen.store, &err));
}

static void grant(const struct bytes32 *circle, int person, int64_t until)
{
    struct event event;
    const struct act act = {.type = ACT_GRANT,
                            .who = *holder_pubkey(people[person]),
                            .role = ACT_WRITER,
                            .until = until};
    assert_true(pen_circle_act(&pen, &event, circle, &act, NULL));
}

static uint64_t share(const struct bytes32 *circle)
{
    uint64_t given;
    assert_true(pen_circle_share(&pen, &given, circle, NULL));
    return given;
}

static bool may(const struct bytes32 *root, uint16_t kind)
{
    struct circle *circle;
    assert_true(pen_circle_load(&pen, &circle, root, NULL));
    bool may = pen_circle_check(&pen, circle, NULL, kind, NULL);
    circle_free(circle);
    return may;
}

static void test_end(void **state)
{
    const struct act creation = {.type = ACT_CREATE, .name = SPAN("club")};
    struct event event;
    (void)state;
    as(ADMIN, start_ms);
    assert_true(pen_circle_create(&pen, &event, &creation, NULL));
    const struct bytes32 circle = event.id;
    grant(&circle, WRITER, 0);
    grant(&circle, GUEST, (int64_t)((start_ms + hour_ms) / 1000));
    assert_int_equal(share(&circle), 2);
    assert_int_equal(share(&circle), 0);
    as(GUEST, start_ms + hour_ms);
    assert_true(may(&circle, KIND_OP));
    as(GUEST, start_ms + hour_ms + 1000);
    assert_false(may(&circle, KIND_OP));
    as(WRITER, start_ms + 2 * hour_ms);
    assert_true(may(&circle, KIND_OP));
    assert_int_equal(share(&circle), 0); /* that is an admin's */
    as(ADMIN, start_ms + 2 * hour_ms);
    assert_int_equal(share(&circle), 2); /* a new one, for himself and the writer */
    assert_int_equal(share(&circle), 0);
    grant(&circle, GUEST, (int64_t)((start_ms + 9 * hour_ms) / 1000));
    assert_int_equal(share(&circle), 1); /* who is back has the same */
    as(GUEST, start_ms + 3 * hour_ms);
    assert_true(may(&circle, KIND_OP));
}

static int set_up(void **state)
{
    (void)state;
    folder_make(folder, sizeof folder);
    snprintf(home, sizeof home, "%s/home", folder);
    for (int i = 0; i < PEOPLE; i++)
        people[i] = holder_of_keys(keys_new(&(struct bytes32){{1, (uint8_t)i}}));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_close(pen.store);
    arena_clear(&pen.arena);
    for (int i = 0; i < PEOPLE; i++)
        holder_free(people[i]);
    folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_end)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
