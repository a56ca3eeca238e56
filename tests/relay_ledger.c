/* The ledger: publishers note what was acknowledged while the relay, its workers, PostgreSQL and
 * its backends are killed at random moments. In the end everything acknowledged is there.
 *
 *     relay_ledger [SECONDS]     without: until there were KILLS of them
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/hex.h"
#include "tests/random.h"
#include "tests/stage.h"

enum {
    KILLS = 50,
    PUBLISHERS = 4,
    WINDOW = 16,        /* events on their way, by publisher */
    ACKS_MAX = 120,     /* at most so many between two kills */
    SILENCE_MS = 60000, /* longer without an acknowledgement, and the relay does not heal */
    RETRY_MS = 10,
    ANSWER_MS = 5000,
    IDS_A_REQ = 200,
};

static int64_t run_ms; /* 0: until KILLS */

static struct ledger {
    struct bytes32 *ids;
    size_t count, capacity;
    int pipe; /* of acknowledged ids, 32 bytes each */
} ledger;

enum victim { SUPERVISOR, WORKER, POSTMASTER, BACKEND, EVERYTHING, VICTIMS };
static const char *const victim_names[] = {"relay", "worker", "postgres", "backend", "everything"};

/* --- a publisher: a process of its own, until it is killed --- */

struct publisher {
    struct ws ws;
    uint16_t port;
    uint32_t person;
    int64_t next; /* created_at of the next event */
    int acks;     /* pipe to the ledger */
};

static void publish_one(struct publisher *publisher)
{
    const struct signer_event *event =
        SIGN(.person = publisher->person, .kind = 1, .created_at = 1600000000 + publisher->next++,
             .tags = "[[\"t\",\"ledger\"]]");
    const char *text = scratch_format("[\"EVENT\",%s]", event->json);
    ws_send_text(&publisher->ws, (struct span){text, strlen(text)});
    scratch_clear();
}

/* One answer: an acknowledged id goes to the ledger. False when the connection is of no more
 * use. */
static bool hear_one(struct publisher *publisher)
{
    static const char ok[] = "[\"OK\",\"";
    static const char accepted[] = "\",true,";
    struct bytes32 id;
    if (ws_receive(&publisher->ws, wire_now_ms() + ANSWER_MS) != WS_MESSAGE)
        return false;
    const struct text *message = &publisher->ws.message;
    if (message->len < sizeof ok - 1 + 64 + sizeof accepted ||
        memcmp(message->at, ok, sizeof ok - 1) != 0 ||
        memcmp(message->at + sizeof ok - 1 + 64, accepted, sizeof accepted - 1) != 0)
        return true;
    if (hex_decode(id.at, sizeof id.at, (struct span){message->at + sizeof ok - 1, 64}) &&
        write(publisher->acks, id.at, sizeof id.at) != sizeof id.at)
        _exit(1);
    return true;
}

static _Noreturn void publish_forever(struct publisher *publisher)
{
    for (;;) {
        bool ok =
            ws_open(&publisher->ws,
                    &(struct ws_options){.address = {"127.0.0.1", publisher->port, NULL, NULL, 0}});
        ok = ok && hear_one(publisher); /* the challenge */
        for (int i = 0; ok && i < WINDOW; i++)
            publish_one(publisher);
        while (ok && hear_one(publisher))
            publish_one(publisher);
        ws_close(&publisher->ws);
        poll(NULL, 0, RETRY_MS); /* nobody can tell a client when to try again */
    }
}

static pid_t start_publisher(uint16_t port, uint32_t number, int acks)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct publisher publisher = {.port = port, .person = 240 + number, .acks = acks};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        publish_forever(&publisher);
    }
    return pid;
}

/* --- the ledger --- */

/* One more acknowledgement. */
static void note_one(const struct relay *relay)
{
    struct pollfd poller = {.fd = ledger.pipe, .events = POLLIN};
    if (poll(&poller, 1, SILENCE_MS) != 1)
        fail_msg("nothing was acknowledged for %d s; the relay's log is %s", SILENCE_MS / 1000,
                 relay->log_path);
    if (ledger.count == ledger.capacity) {
        ledger.capacity = ledger.capacity == 0 ? 4096 : 2 * ledger.capacity;
        ledger.ids = realloc(ledger.ids, ledger.capacity * sizeof *ledger.ids);
        assert_non_null(ledger.ids);
    }
    assert_int_equal(read(ledger.pipe, ledger.ids[ledger.count].at, 32), 32);
    ledger.count++;
}

/* What was acknowledged before the publishers ended. */
static void note_rest(const struct relay *relay)
{
    struct pollfd poller = {.fd = ledger.pipe, .events = POLLIN};
    while (poll(&poller, 1, 0) == 1 && (poller.revents & POLLIN) != 0)
        note_one(relay);
}

static size_t count_missing(const struct relay *relay)
{
    struct talk talk;
    size_t missing = 0;
    talk_open(&talk, relay);
    for (size_t begin = 0; begin < ledger.count; begin += IDS_A_REQ) {
        const char *list = "";
        size_t end = begin + IDS_A_REQ < ledger.count ? begin + IDS_A_REQ : ledger.count;
        for (size_t i = begin; i < end; i++) {
            char hex[65] = "";
            hex_encode(hex, ledger.ids[i].at, sizeof ledger.ids[i].at);
            list = scratch_format("%s%s\"%s\"", list, i > begin ? "," : "", hex);
        }
        missing += end - begin - talk_find(&talk, scratch_format("{\"ids\":[%s]}", list)).count;
    }
    talk_close(&talk);
    return missing;
}

/* Until it has recovered from the last kill. */
static void await_store(const struct relay *relay)
{
    int64_t deadline_ms = wire_now_ms() + SILENCE_MS;
    bool stored = false;
    while (!stored) {
        struct talk talk;
        talk_open(&talk, relay);
        stored = talk_publish(&talk, SIGN(.person = 239, .kind = 1)).accepted;
        talk_close(&talk);
        assert_true(wire_now_ms() < deadline_ms);
    }
}

/* --- the killer --- */

static void kill_children(const struct relay *relay, const char *name, bool all)
{
    pid_t pids[64];
    size_t count = relay_children(relay, name, pids, ARRAY_LEN(pids));
    if (count > 0 && !all)
        kill(pids[random_below((uint32_t)count)], SIGKILL);
    for (size_t i = 0; all && i < count; i++)
        kill(pids[i], SIGKILL);
}

static void kill_backend(const struct relay *relay)
{
    struct relay postmaster = {0};
    if (relay_children(relay, "postgres", &postmaster.pid, 1) == 1)
        kill_children(&postmaster, "postgres", false);
}

static void strike(struct relay *relay, const struct relay_setup *setup, enum victim victim)
{
    switch (victim) {
    case WORKER:
        kill_children(relay, "shoal-relay", false);
        return;
    case POSTMASTER:
        kill_children(relay, "postgres", false);
        return;
    case BACKEND:
        kill_backend(relay);
        return;
    case EVERYTHING:
        kill(relay->pid, SIGSTOP); /* it must not heal what is about to go with it */
        kill_children(relay, "shoal-relay", true);
        kill_children(relay, "postgres", true);
        break;
    case SUPERVISOR:
    case VICTIMS:
        break;
    }
    relay_kill(relay);
    relay_start(relay, setup);
}

static void test_ledger(void **state)
{
    struct relay relay;
    pid_t publishers[PUBLISHERS];
    int pipes[2], kills = 0, by_victim[VICTIMS] = {0};
    struct relay_setup setup = {.database = "",
                                .schema = "shoal",
                                .data_dir = relay_new_folder(),
                                .options = OPTIONS("processes=2")};
    (void)state;
    random_start();
    relay_start(&relay, &setup);
    setup.options =
        OPTIONS("processes=2", scratch_format("listen_port=%u", relay.port)); /* the same again */
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    ledger.pipe = pipes[0];
    for (uint32_t i = 0; i < PUBLISHERS; i++)
        publishers[i] = start_publisher(relay.port, i, pipes[1]);

    int64_t begin_ms = wire_now_ms();
    while (run_ms > 0 ? wire_now_ms() - begin_ms < run_ms : kills < KILLS) {
        for (uint32_t acks = random_below(ACKS_MAX); acks > 0; acks--)
            note_one(&relay);
        enum victim victim = random_below(VICTIMS);
        strike(&relay, &setup, victim);
        by_victim[victim]++;
        kills++;
    }
    for (int i = 0; i < PUBLISHERS; i++) {
        kill(publishers[i], SIGKILL);
        waitpid(publishers[i], NULL, 0);
    }
    note_rest(&relay);
    await_store(&relay);
    relay_stop(&relay); /* and what a clean start makes of it all */
    relay_start(&relay, &setup);
    size_t lost = count_missing(&relay);
    print_message("%zu events acknowledged, %d kills (", ledger.count, kills);
    for (int i = 0; i < VICTIMS; i++)
        print_message("%s%s %d", i > 0 ? ", " : "", victim_names[i], by_victim[i]);
    print_message("), %zu lost, %.1f s\n", lost, (double)(wire_now_ms() - begin_ms) / 1000);
    relay_stop(&relay);
    free(ledger.ids);
    relay_remove_folder(setup.data_dir);
    assert_true(ledger.count > 0);
    assert_int_equal(lost, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ledger)};
    if (argc > 1)
        run_ms = 1000 * strtoll(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
