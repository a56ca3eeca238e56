/* Marks: what is set while a ticket is out is there for that ticket, and for no later one. */
#include "relay/window_mark.h"

#include "tests/test.h"

enum { KEY = 7, OTHER = 8 };

static const struct store_cursor newest = {.created_at = INT64_MAX};

static bool covers(const struct window_marks *marks, uint64_t key, int64_t created_at,
                   uint64_t prefix, const struct window_ticket *ticket)
{
    const struct store_cursor place = {created_at, prefix};
    return window_mark_covers(marks, key, &place, ticket, WINDOW_ANYBODY);
}

static void test_place(void **state)
{
    struct window_marks marks = {0};
    struct window_ticket ticket = {0};
    (void)state;
    window_ticket_take(&marks, &ticket);
    window_mark(&marks, KEY, (struct store_cursor){100, 5}, WINDOW_OWN);
    assert_true(covers(&marks, KEY, 100, 5, &ticket));
    assert_true(covers(&marks, KEY, 100, 6, &ticket));
    assert_true(covers(&marks, KEY, 99, 0, &ticket));
    assert_false(covers(&marks, KEY, 100, 4, &ticket));
    assert_false(covers(&marks, KEY, 101, 9, &ticket));
    assert_false(covers(&marks, OTHER, 1, 1, &ticket));

    window_mark(&marks, KEY, (struct store_cursor){50, 0}, WINDOW_OWN); /* says no less */
    assert_true(covers(&marks, KEY, 100, 5, &ticket));
    window_mark(&marks, KEY, newest, WINDOW_OWN);
    assert_true(covers(&marks, KEY, 101, 9, &ticket));
    window_marks_clear(&marks);
}

static void test_tickets(void **state)
{
    struct window_marks marks = {0};
    struct window_ticket first = {0}, second = {0}, third = {0};
    (void)state;
    window_mark(&marks, KEY, newest, WINDOW_OWN); /* for nobody */
    window_ticket_take(&marks, &first);
    assert_false(covers(&marks, KEY, 1, 1, &first));

    window_mark(&marks, KEY, newest, WINDOW_OWN);
    window_ticket_take(&marks, &second);
    window_mark(&marks, OTHER, newest, WINDOW_OTHERS);
    window_ticket_take(&marks, &third);
    assert_true(covers(&marks, KEY, 1, 1, &first));
    assert_false(covers(&marks, KEY, 1, 1, &second));
    assert_true(covers(&marks, OTHER, 1, 1, &second));
    assert_false(covers(&marks, OTHER, 1, 1, &third));

    window_ticket_return(&marks, &second); /* not the oldest: all stays */
    assert_true(covers(&marks, KEY, 1, 1, &first));
    window_mark(&marks, KEY, newest, WINDOW_OWN); /* once more */
    assert_true(covers(&marks, KEY, 1, 1, &third));
    window_ticket_return(&marks, &first);
    assert_int_equal(marks.marks.count, 1); /* OTHER was set before third was taken */
    assert_true(covers(&marks, KEY, 1, 1, &third));
    window_ticket_return(&marks, &third);
    window_ticket_return(&marks, &third); /* does nothing */
    assert_int_equal(marks.marks.count, 0);
    assert_null(list_first(&marks.order));
}

static void test_whose(void **state)
{
    struct window_marks marks = {0};
    struct window_ticket ticket = {0};
    (void)state;
    window_ticket_take(&marks, &ticket);
    window_mark(&marks, KEY, newest, WINDOW_OWN);
    assert_true(window_mark_covers(&marks, KEY, &newest, &ticket, WINDOW_OWN));
    assert_false(window_mark_covers(&marks, KEY, &newest, &ticket, WINDOW_OTHERS));
    window_mark(&marks, KEY, newest, WINDOW_OTHERS);
    assert_true(window_mark_covers(&marks, KEY, &newest, &ticket, WINDOW_OTHERS));
    window_marks_clear(&marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_place), cmocka_unit_test(test_tickets),
                                       cmocka_unit_test(test_whose)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
