/* Who sends most: measured in a table of addresses, told from process to process. */
#include "relay/talkers.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/address.h"
#include "tests/test.h"

static struct talker talker(uint8_t last, float events_per_s)
{
    return (struct talker){
        .ip = {10, 0, 0, last}, .ip_len = 4, .connections = 1, .events_per_s = events_per_s};
}

static void test_measure(void **state)
{
    static const struct address_limits limits = {.connections_max = 0};
    struct address_table *table = address_table_new(&limits);
    struct talker out[TALKERS_MAX];
    (void)state;
    for (uint8_t i = 0; i < 40; i++) {
        const uint8_t ip[4] = {10, 0, 0, i};
        struct address *address =
            address_open(table, (struct span){(const char *)ip, sizeof ip}, 0, NULL);
        for (int j = 0; j < i; j++)
            assert_true(address_may_publish(address, 0, NULL));
        if (i == 5)
            for (int j = 0; j < 100; j++)
                assert_true(address_may_query(address, 0, NULL));
    }
    assert_int_equal(address_busiest(table, out, TALKERS_MAX, 1000), TALKERS_MAX);
    assert_int_equal(out[0].ip[3], 5);
    for (uint32_t i = 1; i < TALKERS_MAX; i++)
        assert_int_equal(out[i].ip[3], 40 - i);
    assert_true(out[0].reqs_per_s > 25 && out[0].reqs_per_s < 35);
    float before = out[0].reqs_per_s;
    for (int i = 2; i < 30; i++) /* what was is forgotten */
        (void)address_busiest(table, out, TALKERS_MAX, (int64_t)1000 * i);
    assert_true(out[0].reqs_per_s < before / 100);
    address_table_free(table);
}

/* Of all processes: added up, sorted, and of one that came back only what it says now. */
static void test_processes(void **state)
{
    struct talker own[] = {talker(1, 5), talker(2, 7)}, others[] = {talker(3, 6), talker(1, 4)};
    struct talker all[TALKERS_ALL_MAX];
    (void)state;
    talkers_open();
    talkers_use(0);
    talkers_write(own, 2);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        talkers_use(1);
        talkers_write(others, 2);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(talkers_read(all), 3);
    assert_int_equal(all[0].ip[3], 1);
    assert_true(all[0].events_per_s > 8.9F && all[0].connections == 2);
    assert_int_equal(all[1].ip[3], 2);
    assert_int_equal(all[2].ip[3], 3);
    talkers_use(0);
    assert_int_equal(talkers_read(all), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_measure),
                                       cmocka_unit_test(test_processes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
