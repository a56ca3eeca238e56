/* A node's own PostgreSQL: made, shared, left behind, found again. */
#include "gpu/cluster.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/err.h"
#include "tests/folder.h"
#include "tests/test.h"

static char folder[64];
static char data[128];

static struct cluster *open_it(void)
{
    struct err err = {.text = ""};
    struct cluster *cluster = cluster_open(data, &err);
    assert_string_equal(err.text, "");
    assert_non_null(cluster);
    return cluster;
}

/* "" when there is nobody to ask. */
static void ask(const char *conninfo, const char *sql, char out[64])
{
    PGconn *conn = PQconnectdb(conninfo);
    PGresult *result = PQexec(conn, sql);
    out[0] = '\0';
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        snprintf(out, 64, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    PQfinish(conn);
}

static void asked(const char *conninfo, const char *sql, const char *expected)
{
    char out[64];
    ask(conninfo, sql, out);
    assert_string_equal(out, expected);
}

static pid_t postmaster(void)
{
    char path[200];
    char line[64];
    snprintf(path, sizeof path, "%s/postgres/postmaster.pid", data);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    return (pid_t)strtol(line, NULL, 10);
}

static int make_folder(void **state)
{
    (void)state;
    folder_make(folder, sizeof folder);
    assert_int_equal(chmod(folder, 0755), 0); /* passed through by whoever PostgreSQL is */
    snprintf(data, sizeof data, "%s/it's data", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static void test_shared(void **state)
{
    char conninfo[2100];
    struct stat have;
    (void)state;
    struct cluster *first = open_it();
    snprintf(conninfo, sizeof conninfo, "%s", cluster_conninfo(first));
    asked(conninfo, "SHOW listen_addresses", "");
    asked(conninfo, "SHOW fsync", "on");
    asked(conninfo, "SHOW full_page_writes", "on");
    asked(conninfo, "SELECT inet_server_port() IS NULL", "t");
    asked(conninfo, "CREATE TABLE kept AS SELECT 7 AS n", "");
    assert_int_equal(stat(data, &have), 0);
    assert_int_equal(have.st_mode & 077, 0);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", (int)postmaster());
    assert_int_equal(stat(path, &have), 0);
    assert_int_not_equal(have.st_uid, 0);

    pid_t pid = postmaster();
    struct cluster *second = open_it();
    assert_int_equal(postmaster(), pid);
    cluster_close(first);
    asked(conninfo, "SELECT n FROM kept", "7");
    cluster_close(second);
    asked(conninfo, "SELECT n FROM kept", "");
    second = open_it();
    asked(conninfo, "SELECT n FROM kept", "7");
    cluster_close(second);
}

/* Whoever is killed leaves it running; the next one has it, and stops it. */
static void test_owner_killed(void **state)
{
    char conninfo[2100];
    int status;
    int ends[2];
    char byte;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct err err;
        bool is_open = cluster_open(data, &err) != NULL;
        if (!is_open || write(ends[1], "x", 1) != 1)
            _exit(1);
        pause();
        _exit(1);
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    pid_t pid = postmaster();
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    close(ends[0]);
    close(ends[1]);
    struct cluster *cluster = open_it();
    assert_int_equal(postmaster(), pid);
    snprintf(conninfo, sizeof conninfo, "%s", cluster_conninfo(cluster));
    asked(conninfo, "SELECT n FROM kept", "7");
    cluster_close(cluster);
    asked(conninfo, "SELECT 1", "");
}

/* A pid file that says more than is so is no obstacle. */
static void test_postgres_killed(void **state)
{
    (void)state;
    struct cluster *cluster = open_it();
    asked(cluster_conninfo(cluster), "INSERT INTO kept VALUES (8) RETURNING n", "8");
    kill(postmaster(), SIGKILL);
    struct cluster *next = open_it();
    asked(cluster_conninfo(next), "SELECT max(n) FROM kept", "8");
    cluster_close(cluster);
    asked(cluster_conninfo(next), "SELECT max(n) FROM kept", "8");
    cluster_close(next);
}

static void refused(const char *path, const char *part)
{
    struct err err = {.text = ""};
    assert_null(cluster_open(path, &err));
    if (strstr(err.text, part) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, part);
}

static void test_refused(void **state)
{
    char path[300];
    (void)state;
    snprintf(path, sizeof path, "%s/%0120d", folder, 1);
    refused(path, "too long for a socket");
    snprintf(path, sizeof path, "%s/$HOME", folder);
    refused(path, "has a");
    snprintf(path, sizeof path, "%s/none/data", folder);
    refused(path, "cannot make");
    snprintf(path, sizeof path, "%s/open", folder);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(chmod(path, 0777), 0);
    refused(path, "only its owner writes to");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_owner_killed),
        cmocka_unit_test(test_postgres_killed),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
