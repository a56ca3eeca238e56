/* The primary dies under load and its standby is promoted: what was acknowledged is there, and
 * every subscriber of every process has it once.
 *
 *     relay_failover [TIMES]
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/audience.h"
#include "tests/pg.h"
#include "tests/random.h"
#include "tests/stage.h"

enum { TIMES = 2, READERS = 8, WRITERS = 4, EVENTS_MAX = 20000, BETWEEN = 400 };

static uint32_t times = TIMES;

/* The same folders, whoever is primary: a standby is made anew where the dead one was. */
static void fail_over(struct pg *primary, struct pg *standby)
{
    struct pg promoted = *standby;
    pg_halt(primary);
    pg_promote(&promoted);
    *standby = *primary;
    *primary = promoted;
}

static void test_fail_over(void **state)
{
    struct pg primary, standby;
    struct relay relay;
    (void)state;
    pg_start(&primary);
    pg_start_standby(&standby, &primary);
    const char *conninfo =
        scratch_format("host=%s,%s user=postgres dbname=postgres target_session_attrs=read-write",
                       primary.directory, standby.directory);
    relay_start(&relay, &(struct relay_setup){.database = conninfo,
                                              .options = OPTIONS("processes=2", "limit_max=100000",
                                                                 "outbox_bytes_max=67108864")});
    const struct audience_setup setup = {.places = {{"127.0.0.1", relay.port}},
                                         .place_count = 1,
                                         .readers = READERS,
                                         .writers = WRITERS,
                                         .events_max = EVENTS_MAX,
                                         .first_person = 350};
    struct audience *audience = audience_new(&setup);
    for (uint32_t i = 0; i < times; i++) {
        audience_await(audience, BETWEEN + random_below(BETWEEN));
        fail_over(&primary, &standby);
        audience_await(audience, BETWEEN);
        pg_rebuild_standby(&standby, &primary);
    }
    audience_await(audience, BETWEEN);
    struct audience_verdict verdict = audience_judge(audience);
    audience_free(audience);
    print_message("%u fail-overs, %u events acknowledged, %d subscribers, %u connections: "
                  "missed %u, doubled %u\n",
                  times, verdict.acknowledged, READERS, verdict.connections, verdict.missed,
                  verdict.doubled);
    assert_int_equal(verdict.missed, 0);
    assert_int_equal(verdict.doubled, 0);
    relay_stop(&relay);
    pg_remove(&standby);
    pg_remove(&primary);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fail_over)};
    if (argc == 2)
        times = (uint32_t)strtoul(argv[1], NULL, 10);
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
