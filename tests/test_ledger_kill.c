/* Killed at each step: whatever a call was about to tell PostgreSQL, or had just told it,
 * afterwards it is wholly done or not at all, the tables agree, and the same call again does it.
 *
 * The linker puts us in the way of what goes to PostgreSQL (--wrap): step n of a call is the nth
 * time that something is sent. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu/ledger_melt.h"
#include "shared/hex.h"
#include "tests/test.h"
#include "tests/till.h"

/* What happens at the step, before it is sent, or after it. */
enum blow { BLOW_NONE, BLOW_KILL_BEFORE, BLOW_KILL_AFTER, BLOW_CUT_BEFORE, BLOW_CUT_AFTER };

static enum blow blow;
static int steps_left, steps_seen;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
int __real_PQpipelineSync(PGconn *conn);
int __wrap_PQpipelineSync(PGconn *conn);
PGresult *__real_PQexec(PGconn *conn, const char *sql);
PGresult *__wrap_PQexec(PGconn *conn, const char *sql);

/* The server's end of the connection is gone when this returns. */
static void cut(PGconn *conn)
{
    char sql[64];
    PGconn *other = PQconnectdb(getenv("TEST_DB"));
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 10000)", PQbackendPID(conn));
    PQclear(__real_PQexec(other, sql));
    PQfinish(other);
}

static void strike(PGconn *conn, bool is_after)
{
    if (steps_left != 0)
        return;
    if (blow == (is_after ? BLOW_KILL_AFTER : BLOW_KILL_BEFORE))
        raise(SIGKILL);
    if (blow == (is_after ? BLOW_CUT_AFTER : BLOW_CUT_BEFORE))
        cut(conn);
}

static void end_step(void)
{
    steps_left--;
    steps_seen++;
}

int __wrap_PQpipelineSync(PGconn *conn)
{
    strike(conn, false);
    int is_sent = __real_PQpipelineSync(conn);
    strike(conn, true);
    end_step();
    return is_sent;
}

/* COMMIT and ROLLBACK. */
PGresult *__wrap_PQexec(PGconn *conn, const char *sql)
{
    if (strcmp(sql, "COMMIT") != 0 && strcmp(sql, "ROLLBACK") != 0)
        return __real_PQexec(conn, sql);
    strike(conn, false);
    if (steps_left != 0 || blow == BLOW_NONE || blow == BLOW_CUT_BEFORE) {
        end_step();
        return __real_PQexec(conn, sql);
    }
    (void)PQsendQuery(conn, sql);
    (void)PQflush(conn);
    strike(conn, true);
    end_step();
    PGresult *result = PQgetResult(conn);
    PGresult *more = result != NULL ? PQgetResult(conn) : NULL;
    PQclear(more);
    return result;
}

/* ---- */

static struct till till;

/* A call, and all that it is about. */
struct scene {
    struct mint_quote bought;
    struct melt_quote melted;
    struct ledger_proof input;
    struct ledger_promise output, change;
    struct ledger_blank blank;
    struct bytes32 request;
};

/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
static bool call_add(const struct scene *scene, struct ledger *ledger, struct fault *fault)
{
    const struct ledger_budget budget = {"cap", 1 << 20};
    const struct ledger_budgets budgets = {&budget, 1};
    return ledger_mint_quote_add(ledger, &scene->bought, &budgets, fault);
}

static bool call_pay(const struct scene *scene, struct ledger *ledger, struct fault *fault)
{
    return ledger_mint_quote_pay(ledger, &scene->bought.id, 1, fault);
}

static bool call_issue(const struct scene *scene, struct ledger *ledger, struct fault *fault)
{
    const struct ledger_budget budget = {"issued", 1 << 20};
    const struct ledger_issue issue = {.quote = scene->bought.id,
                                       .request = scene->request,
                                       .outputs = &scene->output,
                                       .output_count = 1,
                                       .budgets = {&budget, 1}};
    return ledger_issue(ledger, &issue, fault);
}

static bool call_swap(const struct scene *scene, struct ledger *ledger, struct fault *fault)
{
    struct ledger_swap swap = till_swap(&scene->input, &scene->output);
    swap.request = scene->request;
    return ledger_swap(ledger, &swap, fault);
}

static bool call_hold(const struct scene *scene, struct ledger *ledger, struct fault *fault)
{
    const struct ledger_hold hold = {.quote = scene->melted.id,
                                     .request = scene->request,
                                     .inputs = &scene->input,
                                     .input_count = 1,
                                     .blanks = &scene->blank,
                                     .blank_count = 1};
    return till_hold(ledger, &hold, fault);
}

static bool call_settle(const struct scene *scene, struct ledger *ledger, struct fault *fault)
{
    const struct ledger_settlement settlement = {
        .quote = scene->melted.id, .cost = 30, .change = &scene->change, .change_count = 1};
    return till_settle(ledger, &settlement, fault);
}

static bool call_cancel(const struct scene *scene, struct ledger *ledger, struct fault *fault)
{
    return till_cancel(ledger, &scene->melted.id, fault);
}

typedef bool call_fn(const struct scene *scene, struct ledger *ledger, struct fault *fault);

/* What must have been done before, and what shows that it is done: 1, else 0. %1$s and so on are
 * the output, the input, the quote that is bought, and the one that is melted. */
static const struct transition {
    const char *name;
    call_fn *before[2];
    call_fn *call;
    const char *shows;
} transitions[] = {
    {"add", {NULL}, call_add, "SELECT count(*) FROM mint_quote WHERE id = '%3$s'"},
    {"pay",
     {call_add},
     call_pay,
     "SELECT count(*) FROM mint_quote WHERE id = '%3$s' AND state = 1"},
    {"issue",
     {call_add, call_pay},
     call_issue,
     "SELECT count(*) FROM mint_quote q, promise p WHERE q.id = '%3$s' AND q.state = 2"
     " AND p.b = '\\x%1$s'"},
    {"swap",
     {NULL},
     call_swap,
     "SELECT count(*) FROM proof y, promise p WHERE y.y = '\\x%2$s' AND y.spent"
     " AND p.b = '\\x%1$s'"},
    {"hold",
     {NULL},
     call_hold,
     "SELECT count(*) FROM proof y, melt_quote q WHERE y.y = '\\x%2$s' AND NOT y.spent"
     " AND q.id = '%4$s' AND q.state = 1"},
    {"settle",
     {call_hold},
     call_settle,
     "SELECT count(*) FROM proof y, melt_quote q, promise p WHERE y.y = '\\x%2$s' AND y.spent"
     " AND q.id = '%4$s' AND q.state = 2 AND p.quote = q.id AND p.amount = 2"},
    {"cancel",
     {call_hold},
     call_cancel,
     "SELECT count(*) FROM melt_quote q WHERE q.id = '%4$s' AND q.state = 0"
     " AND NOT EXISTS (SELECT FROM proof y WHERE y.y = '\\x%2$s')"},
};

static struct scene set(const struct transition *transition)
{
    struct fault fault = {0};
    struct scene scene = {.bought = {.id = uuid_new(),
                                     .method = "grant",
                                     .unit = "ccr",
                                     .amount = 32,
                                     .request = SPAN("")},
                          .melted = till_melt_quote(&till, "ccr", 20, 12),
                          .input = till_proof(&till.paid, 32),
                          .output = till_promise(&till.paid, 32),
                          .change = till_promise(&till.paid, 2),
                          .request = till_request()};
    scene.blank = (struct ledger_blank){scene.change.message, till.paid.number};
    for (int i = 0; i < 2 && transition->before[i] != NULL; i++)
        if (!transition->before[i](&scene, till.ledger, &fault))
            fail_msg("%s: %s", transition->name, fault.text);
    return scene;
}

static bool is_done(const struct transition *transition, const struct scene *scene)
{
    char sql[1000];
    char output[67] = "";
    char input[67] = "";
    char ids[2][UUID_TEXT_LEN + 1];
    hex_encode(output, scene->output.message.at, sizeof scene->output.message);
    hex_encode(input, scene->input.y.at, sizeof scene->input.y);
    uuid_write(ids[0], &scene->bought.id);
    uuid_write(ids[1], &scene->melted.id);
    const char *const values[] = {output, input, ids[0], ids[1]};
    size_t len = 0;
    for (const char *at = transition->shows; *at != '\0'; at++)
        if (*at == '%') {
            len += (size_t)snprintf(sql + len, sizeof sql - len, "%s", values[at[1] - '1']);
            at += 3;
        } else {
            sql[len++] = *at;
        }
    sql[len] = '\0';
    return till_number(&till, sql) == 1;
}

static void sound(const char *name, int step)
{
    char differences[TILL_DIFFERENCES_SIZE];
    till_audit(&till, differences);
    if (differences[0] != '\0')
        fail_msg("%s at step %d: %s", name, step, differences);
}

/* How many steps the call has. */
static int count_steps(const struct transition *transition)
{
    struct fault fault;
    struct scene scene = set(transition);
    blow = BLOW_NONE;
    steps_seen = 0;
    assert_true(transition->call(&scene, till.ledger, &fault));
    assert_true(is_done(transition, &scene));
    return steps_seen;
}

/* In a process of its own, which is killed at the step. */
static void die(const struct transition *transition, const struct scene *scene, int step,
                enum blow how)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct fault fault;
        struct ledger *ledger = till_join(&till, 1);
        blow = how;
        steps_left = step;
        (void)!transition->call(scene, ledger, &fault);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void kill_each(const struct transition *transition, int *done, int *undone)
{
    (void)count_steps(transition); /* the first one makes its budget */
    int steps = count_steps(transition);
    assert_in_range(steps, 2, 20);
    for (int i = 0; i < 2 * steps; i++) {
        struct fault fault = {0};
        struct scene scene = set(transition);
        die(transition, &scene, i / 2, i % 2 == 0 ? BLOW_KILL_BEFORE : BLOW_KILL_AFTER);
        sound(transition->name, i);
        bool was_done = is_done(transition, &scene);
        *(was_done ? done : undone) += 1;
        if (was_done && i < 2 * steps - 1)
            fail_msg("%s: done at step %d of %d", transition->name, i / 2, steps);
        if (!transition->call(&scene, till.ledger, &fault))
            fail_msg("%s after step %d: %s", transition->name, i / 2, fault.text);
        assert_true(is_done(transition, &scene));
        sound(transition->name, i);
    }
}

static void test_killed(void **state)
{
    int done = 0, undone = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(transitions); i++)
        kill_each(&transitions[i], &done, &undone);
    assert_true(undone > 20);
}

/* The connection goes at the step: the call finds its own traces, and is true. */
static void cut_each(const struct transition *transition)
{
    int steps = count_steps(transition);
    for (int i = 0; i < 2 * steps; i++) {
        struct fault fault = {0};
        struct scene scene = set(transition);
        blow = i % 2 == 0 ? BLOW_CUT_BEFORE : BLOW_CUT_AFTER;
        steps_left = i / 2;
        bool is_true = transition->call(&scene, till.ledger, &fault);
        blow = BLOW_NONE;
        if (!is_true)
            fail_msg("%s at step %d: %s", transition->name, i / 2, fault.text);
        assert_true(is_done(transition, &scene));
    }
    sound(transition->name, steps);
}

static void test_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(transitions); i++)
        cut_each(&transitions[i]);
}

static int open_till(void **state)
{
    (void)state;
    till_open(&till, 1);
    till_issue(&till, &till.paid, 1 << 20);
    return 0;
}

static int close_till(void **state)
{
    (void)state;
    till_close(&till);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, open_till, close_till);
}
