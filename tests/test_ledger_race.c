/* Everybody at once, on a real PostgreSQL: one of them spends a proof, however many there are. */
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu/ledger_melt.h"
#include "tests/test.h"
#include "tests/till.h"

enum { CONNECTIONS = 32, ROUNDS = 10 };

static struct till till;

static int open_till(void **state)
{
    (void)state;
    till_open(&till, CONNECTIONS);
    till_issue(&till, &till.promo, 1 << 20);
    return 0;
}

static int close_till(void **state)
{
    (void)state;
    till_close(&till);
    return 0;
}

static void sound(void)
{
    char differences[TILL_DIFFERENCES_SIZE];
    till_audit(&till, differences);
    assert_string_equal(differences, "");
}

/* One of those that want the same. */
struct racer {
    struct ledger *ledger;
    pthread_barrier_t *start;
    const struct ledger_proof *inputs;
    uint32_t input_count;
    bool holds; /* instead of swapping */
    struct melt_quote quote;
    bool has_won;
    struct fault fault;
};

static void *race(void *argument)
{
    struct racer *racer = argument;
    struct ledger_promise output = till_promise(&till.promo, (uint64_t)8 * racer->input_count);
    struct ledger_swap swap = till_swap(racer->inputs, &output);
    const struct ledger_hold hold = {.quote = racer->quote.id,
                                     .request = till_request(),
                                     .inputs = racer->inputs,
                                     .input_count = racer->input_count};
    swap.input_count = racer->input_count;
    pthread_barrier_wait(racer->start);
    racer->has_won = racer->holds ? till_hold(racer->ledger, &hold, &racer->fault)
                                  : ledger_swap(racer->ledger, &swap, &racer->fault);
    return NULL;
}

/* How many have won; the others were told why not. */
static int run(struct racer *racers, int count)
{
    pthread_t threads[CONNECTIONS];
    pthread_barrier_t start;
    int won = 0;
    pthread_barrier_init(&start, NULL, (unsigned)count);
    for (int i = 0; i < count; i++) {
        racers[i].start = &start;
        if (pthread_create(&threads[i], NULL, race, &racers[i]) != 0)
            abort();
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        won += racers[i].has_won;
        if (!racers[i].has_won && racers[i].fault.code != FAULT_PROOF_SPENT &&
            racers[i].fault.code != FAULT_PROOF_PENDING)
            fail_msg("%d %s", racers[i].fault.code, racers[i].fault.text);
    }
    pthread_barrier_destroy(&start);
    return won;
}

static void test_one_proof(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct racer racers[CONNECTIONS] = {0};
        struct ledger_proof input = till_proof(&till.promo, 8);
        for (int k = 0; k < CONNECTIONS; k++)
            racers[k] = (struct racer){.ledger = till.ledger, .inputs = &input, .input_count = 1};
        assert_int_equal(run(racers, CONNECTIONS), 1);
    }
    sound();
}

static void test_swap_and_hold(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct racer racers[CONNECTIONS] = {0};
        struct ledger_proof input = till_proof(&till.promo, 8);
        for (int k = 0; k < CONNECTIONS; k++) {
            racers[k] = (struct racer){
                .ledger = till.ledger, .inputs = &input, .input_count = 1, .holds = k % 2 == 0};
            if (racers[k].holds)
                racers[k].quote = till_melt_quote(&till, "ccr-promo", 5, 3);
        }
        assert_int_equal(run(racers, CONNECTIONS), 1);
    }
    sound();
}

/* Lists that overlap, each in an order of its own: some win, none waits for ever, and no proof is
 * in two lists that have won. */
static void test_overlap(void **state)
{
    enum { PROOFS = 12, TAKEN = 5 };
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct ledger_proof proofs[PROOFS];
        struct ledger_proof lists[CONNECTIONS][TAKEN];
        struct racer racers[CONNECTIONS] = {0};
        int times[PROOFS] = {0};
        for (int i = 0; i < PROOFS; i++)
            proofs[i] = till_proof(&till.promo, 8);
        for (int i = 0; i < CONNECTIONS; i++) {
            uint32_t first = randombytes_uniform(PROOFS);
            uint32_t step = (uint32_t[]){1, 5, 7, 11}[randombytes_uniform(4)];
            for (uint32_t k = 0; k < TAKEN; k++)
                lists[i][k] = proofs[(first + k * step) % PROOFS];
            racers[i] =
                (struct racer){.ledger = till.ledger, .inputs = lists[i], .input_count = TAKEN};
        }
        assert_in_range(run(racers, CONNECTIONS), 1, PROOFS / TAKEN);
        for (int i = 0; i < CONNECTIONS; i++)
            for (int k = 0; k < TAKEN && racers[i].has_won; k++)
                for (int p = 0; p < PROOFS; p++)
                    times[p] += memcmp(&lists[i][k].y, &proofs[p].y, 33) == 0;
        for (int p = 0; p < PROOFS; p++)
            assert_in_range(times[p], 0, 1);
    }
    sound();
}

/* As many connections of several processes. */
static void test_processes(void **state)
{
    enum { PROCESSES = 4, EACH = 8 };
    (void)state;
    for (int round = 0; round < 3; round++) {
        struct ledger_proof input = till_proof(&till.promo, 8);
        int won = 0;
        int go[2];
        assert_int_equal(pipe(go), 0);
        for (int i = 0; i < PROCESSES; i++) {
            pid_t pid = fork();
            assert_true(pid >= 0);
            if (pid > 0)
                continue;
            struct racer racers[EACH] = {0};
            struct ledger *ledger = till_join(&till, EACH);
            char byte;
            for (int k = 0; k < EACH; k++)
                racers[k] = (struct racer){.ledger = ledger, .inputs = &input, .input_count = 1};
            close(go[1]);
            _exit(read(go[0], &byte, 1) == 0 ? run(racers, EACH) : 99);
        }
        close(go[1]); /* which lets all of them begin */
        close(go[0]);
        for (int i = 0; i < PROCESSES; i++) {
            int status;
            assert_true(wait(&status) > 0);
            assert_true(WIFEXITED(status));
            won += WEXITSTATUS(status);
        }
        assert_int_equal(won, 1);
    }
    sound();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_proof),
        cmocka_unit_test(test_swap_and_hold),
        cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_processes),
    };
    return cmocka_run_group_tests(tests, open_till, close_till);
}
