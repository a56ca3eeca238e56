/* What a desk looks at: no more than it can open, of now, and nothing twice. */
#include "gpu/desk_gate.h"

#include "gpu/desk.h"
#include "tests/test.h"

enum { NOW = 1800000000 };

static struct bytes32 id_of(uint32_t number)
{
    struct bytes32 id = {{0}};
    memcpy(id.at, &number, sizeof number);
    return id;
}

static void test_rates(void **state)
{
    struct desk_gate *gate = desk_gate_new();
    const struct bytes32 one = id_of(1), other = id_of(2);
    int admitted = 0, heard = 0;
    (void)state;
    while (desk_gate_admits(gate, 1000))
        admitted++;
    assert_int_equal(admitted, DESK_BURST);
    assert_false(desk_gate_admits(gate, 1000 + 1000 / DESK_RATE - 1));
    assert_true(desk_gate_admits(gate, 1000 + 1000 / DESK_RATE));
    assert_false(desk_gate_admits(gate, 1000 + 1000 / DESK_RATE));
    for (int i = 0; i < DESK_RATE; i++)
        assert_true(desk_gate_admits(gate, 2021));

    while (desk_gate_hears(gate, &one, 1000))
        heard++;
    assert_int_equal(heard, DESK_KEY_BURST);
    assert_true(desk_gate_hears(gate, &other, 1000)); /* each has its own */
    assert_true(desk_gate_hears(gate, &one, 1000 + 1000 / DESK_KEY_RATE));
    assert_false(desk_gate_hears(gate, &one, 1000 + 1000 / DESK_KEY_RATE));
    desk_gate_free(gate);
}

/* Many keys put out those that were silent for the longest, not one that is talking. */
static void test_keys_are_bounded(void **state)
{
    struct desk_gate *gate = desk_gate_new();
    const struct bytes32 loud = id_of(0);
    (void)state;
    while (desk_gate_hears(gate, &loud, 1000))
        continue;
    for (uint32_t i = 1; i < 5000; i++) {
        const struct bytes32 key = id_of(i);
        assert_true(desk_gate_hears(gate, &key, 1000));
        if (i % 500 == 0)
            assert_false(desk_gate_hears(gate, &loud, 1001));
    }
    desk_gate_free(gate);
}

static void test_news(void **state)
{
    struct desk_gate *gate = desk_gate_new();
    const uint32_t most = 2 * DESK_SKEW_S * DESK_RATE;
    (void)state;
    const struct bytes32 first = id_of(0);
    assert_true(desk_gate_is_new(gate, &first, NOW - DESK_SKEW_S, NOW));
    assert_false(desk_gate_is_new(gate, &first, NOW, NOW));
    const struct bytes32 late = id_of(1), early = id_of(2);
    assert_false(desk_gate_is_new(gate, &late, NOW - DESK_SKEW_S - 1, NOW));
    assert_false(desk_gate_is_new(gate, &early, NOW + DESK_SKEW_S + 1, NOW));
    assert_true(desk_gate_is_new(gate, &early, NOW + DESK_SKEW_S, NOW));

    /* As many as can come while a stamp is good: the first is known still. */
    for (uint32_t i = 3; i < most; i++) {
        const struct bytes32 id = id_of(i);
        assert_true(desk_gate_is_new(gate, &id, NOW, NOW));
    }
    assert_false(desk_gate_is_new(gate, &first, NOW, NOW));
    desk_gate_free(gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rates),
                                       cmocka_unit_test(test_keys_are_bounded),
                                       cmocka_unit_test(test_news)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
