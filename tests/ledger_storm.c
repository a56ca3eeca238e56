/* ledger_storm [KILLS]: processes issue, swap and melt credit while they and PostgreSQL are
 * killed; then every unit is accounted for.
 *
 * Each worker has a wallet in memory that outlives it: coins, and what it is about to do. It is
 * killed (SIGKILL) anywhere in that; the next one asks for the same again, as a wallet does, and
 * must be answered as if nothing had been. Every tenth time the victim is one of PostgreSQL's
 * processes, upon which all of it goes down and recovers. The tables are audited as it goes on; at
 * last what is outstanding must be what the wallets have, coin by coin. */
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu/ledger_melt.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "tests/pg.h"
#include "tests/random.h"
#include "tests/test.h"
#include "tests/till.h"

enum {
    WORKERS = 3,
    COINS_MAX = 60,
    COINS_LOW = 6,
    COINS_MANY = 40,
    KILLS_DEFAULT = 40,
    KILLS_AUDIT = 20,
    KILLS_POSTGRES = 10,
    DONE_MAX = 12 /* things done between two kills, at most */
};

enum plan { PLAN_NONE, PLAN_ISSUE, PLAN_SWAP, PLAN_SETTLE, PLAN_CANCEL };

struct coin {
    struct ledger_proof proof;
    struct ledger_promise promise; /* that it was, blind */
};

struct memory {
    uint32_t count;
    struct coin coins[COINS_MAX];
    enum plan plan;
    uint32_t taken; /* of the last coins, that go in */
    uint32_t made;
    struct coin makes[2];
    struct uuid quote;
    struct bytes32 request;
    uint64_t cost;
};

/* Written beside, then turned to: a kill leaves the one or the other. */
struct wallet {
    struct memory sides[2];
    volatile uint32_t side;
    volatile uint64_t done;
};

struct shared {
    volatile bool is_over;
    struct wallet wallets[WORKERS];
};

static struct till till;
static struct shared *shared;
static int done_pipe[2];

static struct coin new_coin(uint64_t amount)
{
    return (struct coin){till_proof(&till.paid, amount), till_promise(&till.paid, amount)};
}

static uint64_t sum_taken(const struct memory *memory)
{
    uint64_t sum = 0;
    for (uint32_t i = memory->count - memory->taken; i < memory->count; i++)
        sum += memory->coins[i].proof.amount;
    return sum;
}

/* randombytes, not random: a worker's successor must not plan the same again. */
static void make_plan(struct memory *memory)
{
    memory->quote = uuid_new();
    memory->request = till_request();
    memory->taken = 0;
    memory->made = 1;
    if (memory->count < COINS_LOW) {
        memory->plan = PLAN_ISSUE;
        memory->makes[0] = new_coin(1 + randombytes_uniform(1000));
        return;
    }
    uint32_t swapped = randombytes_uniform(memory->count); /* another than the last to the end */
    struct coin coin = memory->coins[swapped];
    memory->coins[swapped] = memory->coins[memory->count - 1];
    memory->coins[memory->count - 1] = coin;
    memory->taken = memory->count > COINS_MANY ? 3 : 1 + randombytes_uniform(3);
    uint64_t sum = sum_taken(memory);
    memory->plan = (enum plan)(PLAN_SWAP + randombytes_uniform(3));
    memory->cost = randombytes_uniform((uint32_t)sum);
    if (memory->plan == PLAN_SETTLE)
        memory->makes[0] = new_coin(sum - memory->cost);
    if (memory->plan == PLAN_SWAP && sum > 1) {
        uint64_t part = 1 + randombytes_uniform((uint32_t)sum - 1);
        memory->makes[0] = new_coin(part);
        memory->makes[1] = new_coin(sum - part);
        memory->made = 2;
    } else if (memory->plan == PLAN_SWAP) {
        memory->makes[0] = new_coin(sum);
    }
    if (memory->plan == PLAN_CANCEL)
        memory->made = 0;
}

/* ---- asking the ledger for what is planned: as often as need be ---- */

static bool issue(const struct memory *memory, struct ledger *ledger, struct fault *fault)
{
    const struct ledger_budget budget = {"storm", (uint64_t)1 << 40};
    const struct ledger_budgets budgets = {&budget, 1};
    const struct mint_quote quote = {.id = memory->quote,
                                     .method = "grant",
                                     .unit = "ccr",
                                     .amount = memory->makes[0].proof.amount,
                                     .request = SPAN(""),
                                     .state = MINT_PAID};
    const struct ledger_issue call = {.quote = memory->quote,
                                      .request = memory->request,
                                      .outputs = &memory->makes[0].promise,
                                      .output_count = 1};
    return ledger_mint_quote_add(ledger, &quote, &budgets, fault) &&
           ledger_issue(ledger, &call, fault);
}

static void take(const struct memory *memory, struct ledger_proof inputs[3])
{
    for (uint32_t i = 0; i < memory->taken; i++)
        inputs[i] = memory->coins[memory->count - memory->taken + i].proof;
}

static bool swap(const struct memory *memory, struct ledger *ledger, struct fault *fault)
{
    struct ledger_proof inputs[3] = {0};
    const struct ledger_promise outputs[] = {memory->makes[0].promise, memory->makes[1].promise};
    struct ledger_swap call = till_swap(inputs, outputs);
    take(memory, inputs);
    call.request = memory->request;
    call.input_count = memory->taken;
    call.output_count = memory->made;
    if (!ledger_swap(ledger, &call, fault))
        return false;
    /* and somebody else comes with the same coins */
    struct fault expected = {0};
    struct ledger_promise other = till_promise(&till.paid, sum_taken(memory));
    struct ledger_swap second = till_swap(inputs, &other);
    second.input_count = memory->taken;
    if (ledger_swap(ledger, &second, &expected) ||
        (expected.code != FAULT_PROOF_SPENT && expected.code != FAULT_OURS))
        abort();
    return true;
}

struct melting {
    const struct memory *memory;
    struct fault *fault;
};

static bool add_quote(struct transaction *transaction, void *argument)
{
    const struct melting *melting = argument;
    uint64_t sum = sum_taken(melting->memory);
    const struct melt_quote quote = {.id = melting->memory->quote,
                                     .method = "compute",
                                     .unit = "ccr",
                                     .request = SPAN("a job"),
                                     .amount = sum / 2,
                                     .fee_reserve = sum - sum / 2};
    return ledger_melt_quote_add(transaction, &quote, melting->fault);
}

static bool melt(const struct memory *memory, struct ledger *ledger, struct fault *fault)
{
    struct ledger_proof inputs[3] = {0};
    struct err err = {0};
    struct melting melting = {memory, fault};
    struct ledger_blank blank = {memory->makes[0].promise.message, till.paid.number};
    const struct ledger_hold hold = {.quote = memory->quote,
                                     .request = memory->request,
                                     .inputs = inputs,
                                     .input_count = memory->taken,
                                     .blanks = &blank,
                                     .blank_count = memory->made};
    const struct ledger_settlement settlement = {.quote = memory->quote,
                                                 .cost = memory->cost,
                                                 .change = &memory->makes[0].promise,
                                                 .change_count = memory->made};
    take(memory, inputs);
    if (database_transact(ledger_database(ledger), add_quote, &melting, &err) != DATABASE_DONE)
        return fault_set(fault, FAULT_OURS, "%s", err.text);
    if (!till_hold(ledger, &hold, fault))
        return false;
    return memory->plan == PLAN_SETTLE ? till_settle(ledger, &settlement, fault)
                                       : till_cancel(ledger, &memory->quote, fault);
}

static bool ask(const struct memory *memory, struct ledger *ledger, struct fault *fault)
{
    switch (memory->plan) {
    case PLAN_NONE:
        return true;
    case PLAN_ISSUE:
        return issue(memory, ledger, fault);
    case PLAN_SWAP:
        return swap(memory, ledger, fault);
    case PLAN_SETTLE:
    case PLAN_CANCEL:
        return melt(memory, ledger, fault);
    }
    return false;
}

static void conclude(struct memory *memory)
{
    if (memory->plan != PLAN_CANCEL)
        memory->count -= memory->taken;
    for (uint32_t i = 0; i < memory->made && memory->count < COINS_MAX; i++)
        memory->coins[memory->count++] = memory->makes[i];
    memory->plan = PLAN_NONE;
}

/* Until it is killed, or all is over. */
static void work(struct wallet *wallet)
{
    struct ledger *ledger = till_join(&till, 1);
    while (!shared->is_over || wallet->sides[wallet->side].plan != PLAN_NONE) {
        struct fault fault = {0};
        const struct memory *now = &wallet->sides[wallet->side];
        struct memory *next = &wallet->sides[1 - wallet->side];
        bool is_done = ask(now, ledger, &fault);
        if (!is_done && fault.code != FAULT_OURS) {
            fprintf(stderr, "plan %d: %d %s\n", (int)now->plan, (int)fault.code, fault.text);
            _exit(1);
        }
        if (!is_done)
            continue; /* PostgreSQL is down, for long: the same again */
        *next = *now;
        (now->plan == PLAN_NONE ? make_plan : conclude)(next);
        wallet->side = 1 - wallet->side;
        if (now->plan != PLAN_NONE) {
            wallet->done++;
            (void)!write(done_pipe[1], "", 1);
        }
    }
    till_leave(ledger);
    _exit(0);
}

static pid_t start(int place)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        work(&shared->wallets[place]);
    return pid;
}

/* ---- */

static void sound(void)
{
    char differences[TILL_DIFFERENCES_SIZE];
    till_audit(&till, differences);
    assert_string_equal(differences, "");
}

/* Of the wallets' connections: its server ends all others, and recovers. */
static bool kill_postgres(void)
{
    int64_t pid = till_number(&till, "SELECT coalesce(max(pid), 0) FROM pg_stat_activity"
                                     " WHERE application_name = 'shoal-gpu'"
                                     " AND pid <> pg_backend_pid()");
    return pid > 0 && kill((pid_t)pid, SIGKILL) == 0;
}

static void kill_worker(pid_t workers[WORKERS])
{
    int status;
    uint32_t place = random_below(WORKERS);
    kill(workers[place], SIGKILL);
    assert_int_equal(waitpid(workers[place], &status, 0), workers[place]);
    if (!WIFSIGNALED(status)) /* it has ended by itself: it has said why */
        fail_msg("a worker: status %x", (unsigned)status);
    workers[place] = start((int)place);
}

static void storm(long kills)
{
    pid_t workers[WORKERS];
    char byte;
    int struck = 0;
    for (int i = 0; i < WORKERS; i++)
        workers[i] = start(i);
    for (long i = 1; i <= kills; i++) {
        for (uint32_t wait = random_below(DONE_MAX); wait > 0; wait--)
            assert_int_equal(read(done_pipe[0], &byte, 1), 1);
        if (i % KILLS_POSTGRES == 0)
            struck += kill_postgres();
        else
            kill_worker(workers);
        if (i % KILLS_AUDIT == 0)
            sound();
        if (i % 100 == 0)
            printf("%ld kills, %d of them PostgreSQL's\n", i, struck);
    }
    assert_true(kills < KILLS_POSTGRES || struck > 0);
    shared->is_over = true;
    for (int i = 0; i < WORKERS; i++) {
        int status;
        assert_int_equal(waitpid(workers[i], &status, 0), workers[i]);
        assert_int_equal(status, 0);
    }
}

static void account(void)
{
    struct arena arena = {0};
    struct fault fault;
    uint64_t sum = 0, done = 0;
    sound();
    for (int i = 0; i < WORKERS; i++) {
        const struct memory *memory = &shared->wallets[i].sides[shared->wallets[i].side];
        done += shared->wallets[i].done;
        for (uint32_t k = 0; k < memory->count; k++) {
            const struct coin *coin = &memory->coins[k];
            const struct ledger_seen *seen;
            struct ledger_found found;
            sum += coin->proof.amount;
            assert_true(ledger_states(till.ledger, &arena, &coin->proof.y, 1, &seen, &fault));
            assert_int_equal(seen->state, LEDGER_UNSPENT);
            assert_true(
                ledger_restore(till.ledger, &arena, &coin->promise.message, 1, &found, &fault));
            assert_int_equal(found.count, 1);
            assert_int_equal(found.promises->amount, coin->proof.amount);
        }
    }
    arena_clear(&arena);
    assert_int_equal(till_number(&till, "SELECT sum(issued - spent) FROM entry"), sum);
    assert_int_equal(till_number(&till, "SELECT sum(held) FROM entry"), 0);
    printf("%llu things done; %llu units outstanding, all in the wallets\n",
           (unsigned long long)done, (unsigned long long)sum);
}

static long kill_count = KILLS_DEFAULT;

static void test_storm(void **state)
{
    struct pg pg;
    (void)state;
    pg_start(&pg);
    setenv("TEST_DB", pg.conninfo, 1);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    assert_int_equal(pipe(done_pipe), 0);
    till_open(&till, 1);
    storm(kill_count);
    account();
    till_close(&till);
    pg_remove(&pg);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_storm)};
    if (argc > 1)
        kill_count = strtol(argv[1], NULL, 10);
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
