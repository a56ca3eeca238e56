/* Two relays, as on two machines, of two processes each, over one database: each event reaches
 * every subscriber of every process once, whatever is killed meanwhile.
 *
 * Then the same in network namespaces, joined by a bridge, where that is allowed.
 *
 *     relay_scaleout [KILLS]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/audience.h"
#include "tests/pg.h"
#include "tests/random.h"
#include "tests/stage.h"

enum { KILLS = 12, RELAYS = 2, READERS = 8, WRITERS = 4, EVENTS_MAX = 20000, BETWEEN = 60 };

static uint32_t kills = KILLS;
static struct pg pg;
static const char *machines_up; /* what machines.sh is to take down again */

enum victim { WORKER, RELAY, POSTGRES, NOBODY, VICTIMS };
static const char *const victim_names[] = {"worker", "relay", "postgres", "nobody (a reload)"};

struct machine {
    struct relay relay;
    struct relay_setup setup;
    const char *options[8];
};

static void begin(struct machine *machine, const char *schema, const char *host, const char *binary)
{
    *machine = (struct machine){
        .options = {"processes=2", "limit_max=100000", "outbox_bytes_max=67108864",
                    scratch_format("listen_address=%s", host)},
    };
    machine->setup = (struct relay_setup){
        .options = machine->options, .database = pg.conninfo, .schema = schema, .binary = binary};
    relay_start(&machine->relay, &machine->setup);
    /* where it is found again after a kill */
    machine->options[4] = scratch_format("listen_port=%u", machine->relay.port);
    machine->setup.schema = scratch_format("%s", machine->relay.schema);
}

static void kill_worker(const struct machine *machine)
{
    pid_t pids[8];
    size_t count = relay_children(&machine->relay, "shoal-relay", pids, ARRAY_LEN(pids));
    if (count > 0)
        kill(pids[random_below((uint32_t)count)], SIGKILL);
}

static void strike(struct machine *machine, enum victim victim)
{
    switch (victim) {
    case WORKER:
        kill_worker(machine);
        return;
    case RELAY:
        relay_kill(&machine->relay);
        relay_start(&machine->relay, &machine->setup);
        return;
    case POSTGRES:
        pg_halt(&pg);
        pg_resume(&pg);
        return;
    case NOBODY:
        machine->relay.ready[0] = '\0';
        kill(machine->relay.pid, SIGHUP);
        relay_await_ready(&machine->relay);
        return;
    case VICTIMS:
        break;
    }
    abort();
}

static void exercise(struct machine *machines, const char *const *hosts)
{
    struct audience_setup setup = {.place_count = RELAYS,
                                   .readers = READERS,
                                   .writers = WRITERS,
                                   .events_max = EVENTS_MAX,
                                   .first_person = 340};
    uint32_t struck[VICTIMS] = {0};
    for (int i = 0; i < RELAYS; i++)
        setup.places[i] = (struct audience_place){hosts[i], machines[i].relay.port};
    struct audience *audience = audience_new(&setup);
    for (uint32_t i = 0; i < kills; i++) {
        enum victim victim = i < VICTIMS ? (enum victim)i : (enum victim)random_below(VICTIMS);
        audience_await(audience, 1 + random_below(BETWEEN));
        strike(&machines[random_below(RELAYS)], victim);
        struck[victim]++;
    }
    audience_await(audience, BETWEEN);
    struct audience_verdict verdict = audience_judge(audience);
    audience_free(audience);
    for (int i = 0; i < VICTIMS; i++)
        print_message("struck: %s %u times\n", victim_names[i], struck[i]);
    print_message("%u events acknowledged, %d subscribers of %d processes, %u connections: "
                  "missed %u, doubled %u\n",
                  verdict.acknowledged, READERS, 2 * RELAYS, verdict.connections, verdict.missed,
                  verdict.doubled);
    assert_int_equal(verdict.missed, 0);
    assert_int_equal(verdict.doubled, 0);
}

static void test_one_machine(void **state)
{
    static const char *const hosts[RELAYS] = {"127.0.0.1", "127.0.0.1"};
    static struct machine machines[RELAYS];
    (void)state;
    pg_start(&pg);
    begin(&machines[0], NULL, hosts[0], NULL);
    begin(&machines[1], machines[0].setup.schema, hosts[1], NULL);
    exercise(machines, hosts);
    for (int i = 0; i < RELAYS; i++)
        relay_stop(&machines[i].relay);
    pg_remove(&pg);
}

/* A program that is shoal-relay on another machine. */
static const char *binary_on(const char *machine)
{
    const char *path = scratch_format("%s/%s", pg.directory, machine);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\nexec ip netns exec %s '%s' \"$@\"\n", machine, relay_binary());
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
    return path;
}

static bool run_script(const char *arguments)
{
    int status = system(scratch_format("'" MACHINES_SH "' %s", arguments)); // NOLINT(cert-env33-c)
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 0;
}

static void test_machines(void **state)
{
    static struct machine machines[RELAYS];
    const char *name = scratch_format("sm%d", (int)getpid() % 100000);
    int octet = (int)getpid() % 250;
    const char *hosts[RELAYS];
    (void)state;
    if (geteuid() != 0 || !run_script(scratch_format("up %s %d %d", name, octet, RELAYS))) {
        print_message("skipped: network namespaces are not allowed here\n");
        skip();
    }
    machines_up = name;
    pg_start_at(&pg, scratch_format("10.78.%d.1", octet));
    for (int i = 0; i < RELAYS; i++) {
        hosts[i] = scratch_format("10.78.%d.1%d", octet, i + 1);
        begin(&machines[i], i > 0 ? machines[0].setup.schema : NULL, hosts[i],
              binary_on(scratch_format("%s%d", name, i + 1)));
    }
    exercise(machines, hosts);
    for (int i = 0; i < RELAYS; i++)
        relay_stop(&machines[i].relay);
    pg_remove(&pg);
}

static int take_down(void **state)
{
    (void)state;
    return machines_up == NULL || run_script(scratch_format("down %s %d", machines_up, RELAYS))
               ? 0
               : -1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_machine),
                                       cmocka_unit_test_teardown(test_machines, take_down)};
    if (argc == 2)
        kills = (uint32_t)strtoul(argv[1], NULL, 10);
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
