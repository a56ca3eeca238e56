/* Cluster: the relay's own PostgreSQL, whatever happened to it or to the relay before. */
#include "relay/cluster.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/config.h"
#include "shared/err.h"
#include "tests/child.h"
#include "tests/folder.h"
#include "tests/test.h"

static char folder[64];
static struct config config;

static void set_data_dir(const char *name)
{
    struct err err;
    char path[2048];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_true(config_set(&config, "data_dir", path, &err));
}

static void path_in_data_dir(char *out, size_t size, const char *name)
{
    snprintf(out, size, "%s/%s", config.data_dir, name);
}

static struct cluster *start(void)
{
    struct err err = {.text = ""};
    struct cluster *cluster = cluster_start(&config, &err);
    assert_string_equal(err.text, "");
    assert_non_null(cluster);
    return cluster;
}

static void assert_refused(const char *part)
{
    struct err err = {.text = ""};
    assert_null(cluster_start(&config, &err));
    if (strstr(err.text, part) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, part);
}

/* The one value that a statement answers. */
static void ask(const char *conninfo, const char *sql, char *out, size_t size)
{
    PGconn *conn = PQconnectdb(conninfo);
    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    PGresult *result = PQexec(conn, sql);
    out[0] = '\0';
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        snprintf(out, size, "%s", PQgetvalue(result, 0, 0));
    else
        assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(conn);
}

static void assert_answer(const struct cluster *cluster, const char *sql, const char *wanted)
{
    char value[256];
    ask(cluster_conninfo(cluster), sql, value, sizeof value);
    assert_string_equal(value, wanted);
}

static void assert_not_root(pid_t pid)
{
    struct stat process;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    assert_int_equal(stat(path, &process), 0);
    assert_int_not_equal(process.st_uid, 0);
}

static void test_first_start(void **state)
{
    struct stat made;
    char path[2048];
    (void)state;
    set_data_dir("a/deep/folder");
    setenv("PGPORT", "1", 1);
    setenv("PGDATA", "/nowhere", 1);
    struct cluster *cluster = start();
    unsetenv("PGPORT");
    unsetenv("PGDATA");
    assert_not_root(cluster_pid(cluster));
    assert_answer(cluster, "SHOW listen_addresses", "");
    assert_answer(cluster, "SHOW fsync", "on");
    assert_answer(cluster, "SHOW server_encoding", "UTF8");
    assert_answer(cluster, "SHOW lc_collate", "C");
    assert_answer(cluster, "SHOW synchronous_commit", "on");
    assert_answer(cluster, "CREATE TABLE kept AS SELECT 7 AS value", "");
    static const char *const ours_alone[] = {"postgres", "run", ""};
    for (size_t i = 0; i < ARRAY_LEN(ours_alone); i++) {
        path_in_data_dir(path, sizeof path, ours_alone[i]);
        assert_int_equal(stat(path, &made), 0);
        assert_int_equal(made.st_mode & 0777, 0700);
        assert_int_not_equal(made.st_uid, 0);
    }
    cluster_stop(cluster);
}

static void test_second_start(void **state)
{
    (void)state;
    struct cluster *cluster = start();
    assert_answer(cluster, "SELECT value FROM kept", "7");
    cluster_stop(cluster);
}

static void be_refused(void)
{
    struct err err = {.text = ""};
    if (cluster_start(&config, &err) != NULL || strstr(err.text, "in use by another relay") == NULL)
        _exit(1);
}

static void find_it(void)
{
    char conninfo[4096], value[16];
    if (!cluster_find(conninfo, sizeof conninfo, &config))
        _exit(1);
    ask(conninfo, "SELECT value FROM kept", value, sizeof value);
    if (strcmp(value, "7") != 0)
        _exit(2);
}

static void test_two_relays(void **state)
{
    char conninfo[4096];
    (void)state;
    assert_false(cluster_find(conninfo, sizeof conninfo, &config));
    struct cluster *cluster = start();
    in_child(be_refused);
    in_child(find_it);
    assert_answer(cluster, "SELECT 1", "1"); /* unharmed */
    cluster_stop(cluster);
    assert_false(cluster_find(conninfo, sizeof conninfo, &config));
}

static void test_killed_postgres(void **state)
{
    struct err err = {.text = ""};
    int status;
    (void)state;
    struct cluster *cluster = start();
    assert_answer(cluster, "INSERT INTO kept VALUES (8)", "");
    pid_t pid = cluster_pid(cluster);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    cluster_ended(cluster);
    assert_true(cluster_restart(cluster, &err));
    assert_int_not_equal(cluster_pid(cluster), pid);
    assert_answer(cluster, "SELECT max(value) FROM kept", "8");
    cluster_stop(cluster);
}

/* A relay that dies by SIGKILL right after PostgreSQL is there. */
static pid_t start_and_be_killed(void)
{
    int ends[2], status;
    pid_t postgres = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct cluster *cluster = cluster_start(&config, NULL);
        postgres = cluster != NULL ? cluster_pid(cluster) : 0;
        (void)!write(ends[1], &postgres, sizeof postgres);
        pause();
        _exit(1);
    }
    assert_int_equal(read(ends[0], &postgres, sizeof postgres), sizeof postgres);
    close(ends[0]);
    close(ends[1]);
    assert_true(postgres > 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return postgres;
}

static void test_killed_relay(void **state)
{
    char path[64], target[64];
    (void)state;
    for (int i = 0; i < 3; i++) {
        pid_t orphan = start_and_be_killed();
        struct cluster *cluster = start(); /* at once, while the other still shuts down */
        assert_answer(cluster, "SELECT max(value) FROM kept", "8");
        /* gone, or a zombie that nobody has reaped: neither has a working directory */
        snprintf(path, sizeof path, "/proc/%d/cwd", (int)orphan);
        assert_int_equal(readlink(path, target, sizeof target), -1);
        cluster_stop(cluster);
    }
}

static void write_file(const char *name, const char *text)
{
    char path[2048];
    path_in_data_dir(path, sizeof path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* As after a restart of the machine: the number is now another process's, here our own. */
static void test_stale_pid(void **state)
{
    char text[4096], path[2048];
    (void)state;
    snprintf(text, sizeof text, "%d\n%s/postgres\n1\n5432\n%s/run\n\n  1 1\nready   \n",
             (int)getpid(), config.data_dir, config.data_dir);
    write_file("postgres/postmaster.pid", text);
    path_in_data_dir(path, sizeof path, "run");
    assert_int_equal(mkdir(path, 0700), 0);
    folder_give(path, config.user);
    write_file("run/.s.PGSQL.5432.lock", text);
    struct cluster *cluster = start();
    assert_answer(cluster, "SELECT max(value) FROM kept", "8");
    cluster_stop(cluster);
}

static void test_other_version(void **state)
{
    (void)state;
    write_file("postgres/PG_VERSION", "9\n");
    assert_refused("the cluster is of PostgreSQL 9");
    assert_refused("the cluster is of PostgreSQL 9"); /* nothing was left behind */
}

static void test_half_made(void **state)
{
    (void)state;
    char path[2048];
    set_data_dir("half");
    assert_int_equal(mkdir(config.data_dir, 0700), 0);
    for (int i = 0; i < 2; i++) { /* root gives away an empty folder, and then finds this in it */
        path_in_data_dir(path, sizeof path, "postgres.new");
        if (i == 0)
            folder_give(config.data_dir, config.user);
        else {
            assert_int_equal(mkdir(path, 0700), 0);
            write_file("postgres.new/PG_VERSION", "15\n");
            folder_give(path, config.user);
        }
    }
    struct cluster *cluster = start();
    assert_answer(cluster, "SELECT 1", "1");
    cluster_stop(cluster);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_in_the_way(void **state)
{
    char path[2048];
    (void)state;
    set_data_dir("way");
    assert_int_equal(mkdir(config.data_dir, 0700), 0);
    folder_give(config.data_dir, config.user);
    path_in_data_dir(path, sizeof path, "postgres");
    assert_int_equal(mkdir(path, 0700), 0);
    write_file("postgres/somebody's", "file");
    folder_give(path, config.user);
    assert_refused("is no cluster of PostgreSQL, and in the way");
}

static void test_not_ours(void **state)
{
    (void)state;
    set_data_dir("file");
    FILE *file = fopen(config.data_dir, "w");
    assert_non_null(file);
    fclose(file);
    assert_refused("is no folder");
    if (geteuid() != 0)
        return;
    set_data_dir("roots");
    assert_int_equal(mkdir(config.data_dir, 0755), 0);
    write_file("something", "here");
    assert_refused("belongs to another user");
}

static void test_binaries(void **state)
{
    struct err err;
    (void)state;
    set_data_dir("binaries");
    assert_true(config_set(&config, "postgres_bin", "/nowhere", &err));
    assert_refused("postgres_bin: no initdb and postgres in /nowhere");
    assert_true(config_set(&config, "postgres_bin", "", &err));
    if (geteuid() == 0) {
        assert_true(config_set(&config, "user", "nobody-of-that-name", &err));
        assert_refused("there is no user 'nobody-of-that-name'");
        assert_true(config_set(&config, "user", "root", &err));
        assert_refused("'root' is root itself");
        assert_true(config_set(&config, "user", "postgres", &err));
    }
}

/* Too long for the address of a socket, and with what a connection string must quote. */
static void test_long_path(void **state)
{
    (void)state;
    set_data_dir(
        "it's a \\ long path/0123456789012345678901234567890123456789/"
        "0123456789012345678901234567890123456789/0123456789012345678901234567890123456789");
    struct cluster *cluster = start();
    assert_answer(cluster, "SELECT 1", "1");
    cluster_stop(cluster);
    set_data_dir("it's \\");
    cluster = start();
    assert_answer(cluster, "SELECT 1", "1");
    cluster_stop(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_start),   cmocka_unit_test(test_second_start),
        cmocka_unit_test(test_two_relays),    cmocka_unit_test(test_killed_postgres),
        cmocka_unit_test(test_killed_relay),  cmocka_unit_test(test_stale_pid),
        cmocka_unit_test(test_other_version), cmocka_unit_test(test_half_made),
        cmocka_unit_test(test_in_the_way),    cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_binaries),      cmocka_unit_test(test_long_path),
    };
    folder_make(folder, sizeof folder);
    config_defaults(&config);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    folder_remove(folder);
    return failed;
}
