/* Fail-over as it is in earnest: two relays of two processes each over a primary and a standby
 * under Patroni, which are struck in turn in each way there is. What ops/bench/failover runs.
 *
 *     bench_failover FOLDER CONNINFO ROUNDS [WAY]
 *
 * FOLDER: of a cluster that ops/failover has started. WAY: this alone, in every round.
 * A round ends when what was struck follows the other; so the next one strikes the other, and each
 * takes over in turn. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/audience.h"
#include "tests/random.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/test.h"

enum {
    RELAYS = 2,
    READERS = 8,
    WRITERS = 4,
    EVENTS_MAX = 15000,
    PAUSE_MS = 20,
    BETWEEN = 200,
    FIRST_PERSON = 400,
    LOST_PRINTED = 5,
};

struct bench {
    const char *folder, *conninfo;
    struct relay relays[RELAYS];
};

struct way {
    const char *name, *meaning;
    bool is_noticed; /* by relays, which then wait for the other */
};

static const struct way ways[] = {
    {"postgres", "PostgreSQL killed (-9)", true},
    {"machine", "PostgreSQL, Patroni and etcd killed (-9)", true},
    {"freeze", "all of a machine stands still, and comes back late", true},
    {"patroni", "Patroni killed (-9), and PostgreSQL by what watches it", true},
    {"hang", "Patroni stands still, and PostgreSQL goes on", false},
    {"switch", "taken over in good order", true},
};

struct total {
    uint32_t acknowledged, lost, missed, doubled;
};

/* Returns the number that it prints, of those that print one. */
static int operate(const struct bench *bench, const char *words)
{
    char line[32] = "";
    const char *command = scratch_format("'%s' %s '%s'", FAILOVER, words, bench->folder);
    FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c): a script of ours */
    assert_non_null(pipe);
    const char *read = fgets(line, sizeof line, pipe);
    if (pclose(pipe) != 0)
        fail_msg("%s", command);
    return read != NULL ? (int)strtol(line, NULL, 10) : 0;
}

/* Of all that is acknowledged, how many events the primary does not have. */
static uint32_t count_lost(const struct bench *bench, const struct audience *audience,
                           uint32_t first_person)
{
    uint32_t count, lost = 0;
    bool *missing = audience_list(audience, &count);
    const char *list = "";
    for (uint32_t i = 0; i < WRITERS; i++)
        list =
            scratch_format("%s%s'\\x%s'", list, i > 0 ? "," : "", signer_pubkey(first_person + i));
    PGconn *conn = PQconnectdb(bench->conninfo);
    PGresult *result =
        PQexec(conn, scratch_format("SELECT content FROM \"%s\".event WHERE pubkey IN (%s)",
                                    bench->relays[0].schema, list));
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("cannot count: %s", PQerrorMessage(conn));
    for (int row = 0; row < PQntuples(result); row++)
        missing[strtoul(PQgetvalue(result, row, 0), NULL, 10)] = false;
    for (uint32_t i = 0; i < count; i++)
        if (missing[i] && lost++ < LOST_PRINTED)
            printf("    lost: %u\n", i);
    PQclear(result);
    PQfinish(conn);
    free(missing);
    return lost;
}

/* The old primary comes back only when the other has taken over. */
static void strike(const struct bench *bench, struct audience *audience, const struct way *way)
{
    int struck = operate(bench, "primary");
    audience_silence_ms(audience);
    if (strcmp(way->name, "switch") == 0) {
        operate(bench, "switch");
    } else {
        operate(bench, scratch_format("strike %s %d", way->name, struck));
        operate(bench, scratch_format("await %d", 3 - struck));
        if (way->is_noticed)
            audience_await(audience, BETWEEN);
        operate(bench, scratch_format("heal %d", struck));
    }
    operate(bench, "await");
    audience_await(audience, BETWEEN);
    if (operate(bench, "primary") == struck)
        fail_msg("machine %d is primary still", struck);
}

static void play(const struct bench *bench, const struct way *way, uint32_t round,
                 struct total *total)
{
    struct audience_setup setup = {.place_count = RELAYS,
                                   .readers = READERS,
                                   .writers = WRITERS,
                                   .events_max = EVENTS_MAX,
                                   .first_person = FIRST_PERSON + round * WRITERS,
                                   .pause_ms = PAUSE_MS};
    for (int i = 0; i < RELAYS; i++)
        setup.places[i] = (struct audience_place){"127.0.0.1", bench->relays[i].port};
    struct audience *audience = audience_new(&setup);
    audience_await(audience, BETWEEN + random_below(BETWEEN));
    strike(bench, audience, way);
    double silence_s = (double)audience_silence_ms(audience) / 1000;
    struct audience_verdict verdict = audience_judge(audience);
    uint32_t lost = count_lost(bench, audience, setup.first_person);
    audience_free(audience);
    printf("%-52s %6u acknowledged, lost %u, missed %u, doubled %u, %5.1f s without writes\n",
           way->meaning, verdict.acknowledged, lost, verdict.missed, verdict.doubled, silence_s);
    fflush(stdout);
    total->acknowledged += verdict.acknowledged;
    total->lost += lost;
    total->missed += verdict.missed;
    total->doubled += verdict.doubled;
    scratch_clear();
}

/* The second has no window, and asks whichever is the standby. */
static void open_relays(struct bench *bench)
{
    static char schema[sizeof bench->relays[0].schema];
    const char *hosts_end = strstr(bench->conninfo, " target_session_attrs=");
    if (hosts_end == NULL)
        fail_msg("no target_session_attrs at the end: %s", bench->conninfo);
    const char *read =
        scratch_format("database_read=%.*s", (int)(hosts_end - bench->conninfo), bench->conninfo);
    for (int i = 0; i < RELAYS; i++) {
        const char *const options[] = {"processes=2",
                                       "limit_max=100000",
                                       "outbox_bytes_max=67108864",
                                       i > 0 ? "window_bytes_max=0" : NULL,
                                       read,
                                       NULL};
        const struct relay_setup setup = {
            .database = bench->conninfo, .schema = i > 0 ? schema : NULL, .options = options};
        relay_start(&bench->relays[i], &setup);
        memcpy(schema, bench->relays[i].schema, sizeof schema);
    }
}

static const struct way *find_way(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        if (strcmp(ways[i].name, name) == 0)
            return &ways[i];
    return NULL;
}

int main(int argc, char **argv)
{
    const struct way *only = argc == 5 ? find_way(argv[4]) : NULL;
    if (argc < 4 || argc > 5 || (argc == 5 && only == NULL)) {
        fprintf(stderr, "usage: bench_failover FOLDER CONNINFO ROUNDS [WAY]\n");
        return 2;
    }
    struct bench bench = {.folder = argv[1], .conninfo = argv[2]};
    struct total total = {0};
    uint32_t rounds = (uint32_t)strtoul(argv[3], NULL, 10);
    random_start();
    open_relays(&bench);
    for (uint32_t round = 0; round < rounds; round++)
        play(&bench, only != NULL ? only : &ways[round % ARRAY_LEN(ways)], round, &total);
    printf("%u fail-overs, %d subscribers of %d processes: %u events acknowledged, lost %u; "
           "deliveries missed %u, doubled %u\n",
           rounds, READERS, 2 * RELAYS, total.acknowledged, total.lost, total.missed,
           total.doubled);
    for (int i = 0; i < RELAYS; i++)
        relay_stop(&bench.relays[i]);
    return total.lost + total.missed + total.doubled == 0 && total.acknowledged > 0 ? 0 : 1;
}
