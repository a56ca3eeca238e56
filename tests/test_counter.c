/* `shoal-gpu mint`, and the mint of `shoal-gpu serve --mint` as wallets and pages have it. */
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/text.h"
#include "tests/fetch.h"
#include "tests/node.h"
#include "tests/scratch.h"
#include "tests/test.h"

#define ELSEWHERE "Origin: https://wallet.example\r\n"

static const char *binary, *model;
static char database[256];
static char folder[] = "/tmp/shoal-counter-XXXXXX";
static struct node node;

static char *path(const char *name)
{
    char *text = malloc(64);
    assert_non_null(text);
    snprintf(text, 64, "%s/%s", folder, name);
    return text;
}

/* The exit status of the program, which writes nowhere. */
static int run(const char *const *arguments)
{
    char *copy[16] = {0};
    for (size_t i = 0; arguments[i] != NULL; i++)
        memcpy(copy + i, arguments + i,
               sizeof *arguments); /* what execv is promised not to write */
    pid_t pid = fork();
    if (pid == 0) {
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _exit(126);
        execv(binary, copy);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void write_line(const char *file, const char *line)
{
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fprintf(out, "%s\n", line);
    fclose(out);
}

/* A database of its own: another seed has other keysets. */
static void change_database(const char *what)
{
    char sql[96];
    PGconn *connection = PQconnectdb(getenv("TEST_DB"));
    snprintf(sql, sizeof sql, "%s DATABASE test_counter_%d", what, (int)getpid());
    PGresult *done = PQexec(connection, sql);
    assert_int_equal(PQresultStatus(done), PGRES_COMMAND_OK);
    PQclear(done);
    PQfinish(connection);
}

static int init(const char *seed, const char *password)
{
    const char *const arguments[] = {binary,   "mint", "init", seed, "--mint-password-file",
                                     password, NULL};
    return run(arguments);
}

static int start(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    change_database("CREATE");
    snprintf(database, sizeof database, "%s dbname=test_counter_%d", getenv("TEST_DB"),
             (int)getpid());
    char *seed = path("seed"), *password = path("password"), *keys = path("keys");
    write_line(password, "a password");
    write_line(keys, "an api key");
    assert_int_equal(init(seed, password), 0);
    const char *const arguments[] = {"--mint",     seed,     "--mint-password-file", password,
                                     "--database", database, "--api-key-file",       keys,
                                     model,        NULL};
    node_start(&node, binary, arguments);
    free(seed);
    free(password);
    free(keys);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    static const char *const names[] = {"seed", "password", "keys", "wrong"};
    assert_int_equal(node_stop(&node, SIGTERM), 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *file = path(names[i]);
        (void)unlink(file);
        free(file);
    }
    change_database("DROP");
    return rmdir(folder);
}

static void test_seed(void **state)
{
    char *seed = path("seed"), *password = path("password"), *wrong = path("wrong");
    (void)state;
    assert_int_equal(init(seed, password), 1); /* never written over */
    write_line(wrong, "another");
    const char *const trials[][9] = {
        {binary, "mint", NULL},
        {binary, "mint", "burn", seed, NULL},
        {binary, "mint", "init", NULL},
        {binary, "mint", "init", seed, "ccr", NULL},
        {binary, "mint", "rotate", seed, "ccr", "--mint-password-file", password, NULL},
        {binary, "mint", "rotate", seed, "--database", database, NULL},
        {binary, "serve", "--mint", seed, model, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(trials); i++)
        assert_int_not_equal(run(trials[i]), 0);
    const char *rotate[] = {binary, "mint",       "rotate", seed, "ccr", "--mint-password-file",
                            wrong,  "--database", database, NULL};
    assert_int_equal(run(rotate), 1);
    rotate[6] = password;
    rotate[4] = "sat";
    assert_int_equal(run(rotate), 1);
    rotate[4] = "ccr";
    assert_int_equal(run(rotate), 0);
    free(seed);
    free(password);
    free(wrong);
}

static struct fetch_answer post(const char *head, const char *body)
{
    return fetch_with(node.port, head, (struct span){body, strlen(body)});
}

/* Whoever pays is nobody known: the mint asks for no key, and answers pages from anywhere. */
static void test_open(void **state)
{
    (void)state;
    struct fetch_answer answer = fetch(node.port, "GET /v1/keysets HTTP/1.1\r\n" ELSEWHERE);
    assert_int_equal(answer.status, 200);
    assert_string_equal(fetch_header(&answer, "Access-Control-Allow-Origin"),
                        "https://wallet.example");
    assert_non_null(strstr(answer.body, "\"unit\":\"ccr-promo\",\"active\":true"));
    assert_non_null(strstr(answer.body, "\"active\":false")); /* of ccr, since it was rotated */
    answer = fetch(node.port, "OPTIONS /v1/swap HTTP/1.1\r\n" ELSEWHERE
                              "Access-Control-Request-Headers: content-type\r\n");
    assert_int_equal(answer.status, 204);
    assert_string_equal(fetch_header(&answer, "Access-Control-Allow-Headers"), "content-type");
    answer = fetch(node.port, "GET /v1/models HTTP/1.1\r\n");
    assert_int_equal(answer.status, 401);
    answer = fetch(node.port, "GET /v1/models HTTP/1.1\r\n" ELSEWHERE);
    assert_int_equal(answer.status, 403);
}

static void test_refused(void **state)
{
    struct text body = {0};
    (void)state;
    struct fetch_answer answer = post("POST /v1/swap HTTP/1.1\r\n", "{}");
    assert_int_equal(answer.status, 400);
    assert_string_equal(fetch_header(&answer, "Content-Type"), "application/json");
    assert_non_null(strstr(answer.body, "\"code\":10000"));
    memset(text_reserve(&body, 2 << 20), ' ', 2 << 20);
    body.len = 2 << 20;
    answer = fetch_with(node.port, "POST /v1/swap HTTP/1.1\r\n", text_span(&body));
    assert_int_equal(answer.status, 413);
    text_clear(&body);
    answer = fetch(node.port, "GET /v1/swap HTTP/1.1\r\nAuthorization: Bearer an api key\r\n");
    assert_int_equal(answer.status, 404);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_seed), cmocka_unit_test(test_open),
                                       cmocka_unit_test(test_refused)};
    if (argc != 3)
        return EXIT_FAILURE;
    binary = argv[1];
    model = argv[2];
    return cmocka_run_group_tests(tests, start, stop);
}
