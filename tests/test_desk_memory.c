/* What a desk remembers: the answer of who asked, under that name and no other, until others have
 * taken its room. */
#include "gpu/desk_memory.h"

#include <stdio.h>

#include "gpu/desk.h"
#include "tests/test.h"

static const struct bytes32 alice = {{1}}, bob = {{2}};
static struct desk_memory *memory;

static int begin(void **state)
{
    (void)state;
    memory = desk_memory_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    desk_memory_free(memory);
    return 0;
}

static void keep(const struct bytes32 *buyer, const char *id, uint32_t status, size_t bytes)
{
    struct desk_answer answer = {.status = status};
    for (size_t i = 0; i < bytes; i++)
        text_add(&answer.body, SPAN("x"));
    desk_memory_keep(memory, buyer, (struct span){id, strlen(id)}, &answer);
    text_clear(&answer.body);
}

/* -1: never asked; 0: not answered yet. */
static int status_of(const struct bytes32 *buyer, const char *id, size_t bytes)
{
    const struct desk_answer *answer;
    if (!desk_memory_find(memory, &answer, buyer, (struct span){id, strlen(id)}))
        return -1;
    if (answer == NULL)
        return 0;
    assert_int_equal(answer->body.len, bytes);
    return (int)answer->status;
}

static void test_remembers(void **state)
{
    (void)state;
    assert_int_equal(status_of(&alice, "a", 0), -1);
    desk_memory_begin(memory, &alice, SPAN("a"));
    assert_int_equal(status_of(&alice, "a", 0), 0);
    assert_int_equal(status_of(&bob, "a", 0), -1);
    assert_int_equal(status_of(&alice, "b", 0), -1);
    keep(&bob, "a", 200, 1); /* which was never begun */
    assert_int_equal(status_of(&bob, "a", 0), -1);
    keep(&alice, "a", 400, 3);
    assert_int_equal(status_of(&alice, "a", 3), 400);
    keep(&alice, "a", 200, 2);
    assert_int_equal(status_of(&alice, "a", 2), 200);
}

/* The oldest goes first, of questions and of bytes. */
static void test_forgets(void **state)
{
    char id[16];
    (void)state;
    for (int i = 0; i < DESK_MEMORY_MAX + 1; i++) {
        snprintf(id, sizeof id, "n%d", i);
        desk_memory_begin(memory, &alice, (struct span){id, strlen(id)});
        keep(&alice, id, 200, 1);
    }
    assert_int_equal(status_of(&alice, "n0", 0), -1);
    assert_int_equal(status_of(&alice, "n1", 1), 200);
    keep(&alice, "n2", 200, DESK_MEMORY_BYTES_MAX + 1);
    assert_int_equal(status_of(&alice, "n2", 1), 200);
    keep(&alice, "n2", 201, DESK_MEMORY_BYTES_MAX - DESK_MEMORY_MAX + 1);
    assert_int_equal(status_of(&alice, "n1", 1), 200);
    keep(&alice, "n3", 202, 4);
    assert_int_equal(status_of(&alice, "n1", 0), -1);
    assert_int_equal(status_of(&alice, "n2", 0), -1);
    assert_int_equal(status_of(&alice, "n3", 4), 202);
    snprintf(id, sizeof id, "n%d", DESK_MEMORY_MAX);
    assert_int_equal(status_of(&alice, id, 1), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_remembers, begin, end),
                                       cmocka_unit_test_setup_teardown(test_forgets, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
