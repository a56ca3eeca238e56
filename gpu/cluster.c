#include "gpu/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "gpu/cluster_tool.h"
#include "shared/err.h"
#include "shared/text.h"

enum { WAIT_MS = 50, ORPHANS_MS_MAX = 10000 };

struct cluster {
    struct cluster_tool tool;
    int users; /* locked, shared, while we use it; -1 */
    int turn;  /* locked while it is made, started or stopped; -1 */
    char data[CLUSTER_PATH_MAX - 128];
    char postgres[CLUSTER_PATH_MAX];
    char run[CLUSTER_PATH_MAX];
    char conninfo[2 * CLUSTER_PATH_MAX];
};

static bool fail(struct err *err, const char *what, const char *path)
{
    const char *why = strerrordesc_np(errno);
    size_t len = strlen(path);
    return err_set(err, ERR_INTERNAL, "cannot %s %s: %s", what, len > 60 ? path + len - 60 : path,
                   why);
}

/* Whose it is: ours or, made by root, given away. A link there would be somebody's trap. */
static bool take_folder(const struct cluster *cluster, const char *path, struct err *err)
{
    struct stat have;
    bool is_made = mkdir(path, 0700) == 0;
    if (!is_made && errno != EEXIST)
        return fail(err, "make", path);
    if (is_made && cluster->tool.drops && chown(path, cluster->tool.uid, cluster->tool.gid) != 0)
        return fail(err, "give away", path);
    if (lstat(path, &have) != 0)
        return fail(err, "look at", path);
    if (!S_ISDIR(have.st_mode) || have.st_uid != cluster->tool.uid || (have.st_mode & 022) != 0)
        return err_set(err, ERR_INTERNAL, "%.90s must be a folder that only its owner writes to",
                       path);
    return true;
}

static int open_lock(const struct cluster *cluster, const char *name)
{
    char path[CLUSTER_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", cluster->data, name);
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static bool lock(int fd, int how)
{
    while (flock(fd, how) != 0)
        if (errno != EINTR)
            return false;
    return true;
}

/* The major version of what is there; 0: nothing. */
static int read_version(const struct cluster *cluster)
{
    char path[CLUSTER_PATH_MAX + 16];
    char digits[16] = "";
    snprintf(path, sizeof path, "%s/PG_VERSION", cluster->postgres);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    const char *line = fgets(digits, sizeof digits, file);
    fclose(file);
    return line != NULL ? (int)strtol(line, NULL, 10) : 0;
}

static int remove_entry(const char *path, const struct stat *have, int type, struct FTW *walk)
{
    (void)have;
    (void)type;
    (void)walk;
    return remove(path);
}

/* Beside its place, and moved there when it is whole: what a kill left half made is never taken for
 * one. */
static bool make(struct cluster *cluster, struct err *err)
{
    char unfinished[CLUSTER_PATH_MAX];
    snprintf(unfinished, sizeof unfinished, "%s/postgres.new", cluster->data);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): in our turn
    if (nftw(unfinished, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 &&
        errno != ENOENT)
        return fail(err, "remove", unfinished);
    const char *const words[] = {
        "initdb", "-D",    unfinished,          "-A", "trust", "-E", "UTF8", "--locale=C",
        "-U",     "shoal", "--no-instructions", NULL};
    if (!cluster_tool_run(&cluster->tool, words, NULL, err))
        return false;
    if (rename(unfinished, cluster->postgres) != 0)
        return fail(err, "move", unfinished);
    int folder = open(cluster->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        (void)fsync(folder);
        close(folder);
    }
    return true;
}

static int64_t shared_buffers_mb(void)
{
    int64_t memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    int64_t megabytes = (memory >> 20) / 8;
    if (megabytes < 64)
        return 64;
    return megabytes < 1024 ? megabytes : 1024;
}

/* What we rely on, said anew at each start: folders are moved, too. */
static bool write_settings(const struct cluster *cluster, struct err *err)
{
    char path[CLUSTER_PATH_MAX + 32];
    struct text text = {0};
    text_addf(&text,
              "# Made by shoal-gpu at each start.\n"
              "listen_addresses = ''\nport = 5432\nunix_socket_permissions = 0700\n"
              "fsync = on\nfull_page_writes = on\nsynchronous_commit = on\n"
              "max_connections = 100\njit = off\nmax_parallel_workers_per_gather = 0\n"
              "wal_compression = lz4\nmax_wal_size = 1GB\ncheckpoint_timeout = 15min\n"
              "random_page_cost = 1.1\ndeadlock_timeout = 200ms\nautovacuum_naptime = 20s\n"
              "log_min_messages = warning\nlog_min_error_statement = panic\n"
              "log_checkpoints = off\nlogging_collector = off\ncluster_name = 'shoal-gpu'\n"
              "shared_buffers = %" PRId64 "MB\nunix_socket_directories = '\"",
              shared_buffers_mb());
    for (const char *at = cluster->run; *at != '\0'; at++)
        text_addf(&text, *at == '\'' ? "''" : "%c", *at);
    text_addf(&text, "\"'\n");
    snprintf(path, sizeof path, "%s/postgresql.auto.conf", cluster->postgres);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_written =
        fd >= 0 && write(fd, text.at, text.len) == (ssize_t)text.len &&
        (!cluster->tool.drops || fchown(fd, cluster->tool.uid, cluster->tool.gid) == 0);
    text_clear(&text);
    if (!is_written)
        fail(err, "write", path);
    if (fd >= 0)
        close(fd);
    return is_written;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L}, NULL);
}

/* The process that works in the cluster, by postmaster.pid; 0: none. After a crash of the machine,
 * or of it, the number there may be another's, or of one that is dead and not yet reaped. */
static pid_t read_postmaster(const struct cluster *cluster)
{
    char path[CLUSTER_PATH_MAX + 32];
    char line[32] = "";
    struct stat place, ours;
    snprintf(path, sizeof path, "%s/postmaster.pid", cluster->postgres);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    const char *read = fgets(line, sizeof line, file);
    fclose(file);
    long pid = read != NULL ? strtol(line, NULL, 10) : 0;
    snprintf(path, sizeof path, "/proc/%ld/cwd", pid); /* the dead have none */
    bool is_there = pid > 0 && stat(path, &place) == 0 && stat(cluster->postgres, &ours) == 0;
    return is_there && place.st_dev == ours.st_dev && place.st_ino == ours.st_ino ? (pid_t)pid : 0;
}

static void remove_stale(const struct cluster *cluster)
{
    char path[CLUSTER_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/postmaster.pid", cluster->postgres);
    (void)unlink(path);
    snprintf(path, sizeof path, "%s/.s.PGSQL.5432.lock", cluster->run);
    (void)unlink(path);
}

/* Recovery after a crash takes as long as it takes. What a killed one was doing ends by itself,
 * soon after it; until then its memory is in use, and no other may start. */
static bool start(const struct cluster *cluster, struct err *err)
{
    char log[CLUSTER_PATH_MAX + 16];
    int64_t deadline = now_ms() + ORPHANS_MS_MAX;
    bool is_done = false;
    snprintf(log, sizeof log, "%s/log", cluster->postgres);
    const char *const words[] = {"pg_ctl", "-D", cluster->postgres, "-l", log, "-w", "-t",
                                 "3600",   "-s", "start",           NULL};
    while (!is_done && now_ms() < deadline) {
        remove_stale(cluster);
        is_done =
            write_settings(cluster, err) && cluster_tool_run(&cluster->tool, words, NULL, err);
        if (!is_done)
            pause_a_little();
    }
    return is_done;
}

/* One that somebody has begun to start, or that recovers. */
static bool wait_for(const struct cluster *cluster)
{
    while (read_postmaster(cluster) != 0) {
        if (PQping(cluster->conninfo) == PQPING_OK)
            return true;
        pause_a_little();
    }
    return false;
}

/* In our turn. */
static bool provide(struct cluster *cluster, struct err *err)
{
    if (read_version(cluster) == 0 && !make(cluster, err))
        return false;
    return take_folder(cluster, cluster->run, err) && (wait_for(cluster) || start(cluster, err));
}

static bool find_places(struct cluster *cluster, const char *data_dir, struct err *err)
{
    struct sockaddr_un address;
    char whole[CLUSTER_PATH_MAX] = "";
    if (data_dir[0] != '/' && getcwd(whole, sizeof whole / 2) == NULL)
        return fail(err, "find", data_dir);
    size_t len = strlen(whole);
    snprintf(whole + len, sizeof whole - len, "%s%s", len > 0 ? "/" : "", data_dir);
    if (strlen(whole) >= sizeof cluster->data ||
        strlen(whole) + strlen("/run/.s.PGSQL.5432") >= sizeof address.sun_path)
        return err_set(err, ERR_INTERNAL, "the path of the data folder is too long for a socket");
    /* pg_ctl puts it into a line for a shell */
    if (strpbrk(whole, "\"$`\\\n") != NULL)
        return err_set(err, ERR_INTERNAL, "the path of the data folder has a \", $, ` or \\ in it");
    memcpy(cluster->data, whole, strlen(whole) + 1);
    snprintf(cluster->postgres, sizeof cluster->postgres, "%s/postgres", cluster->data);
    snprintf(cluster->run, sizeof cluster->run, "%s/run", cluster->data);
    return true;
}

static void write_conninfo(struct cluster *cluster)
{
    char *end = cluster->conninfo;
    end += snprintf(end, 8, "host='");
    for (const char *at = cluster->run; *at != '\0'; at++) {
        if (*at == '\'')
            *end++ = '\\';
        *end++ = *at;
    }
    snprintf(end, 64, "' port=5432 user=shoal dbname=postgres");
}

static bool open_it(struct cluster *cluster, const char *data_dir, struct err *err)
{
    if (!find_places(cluster, data_dir, err) ||
        !cluster_tool_find(&cluster->tool, cluster->data, read_version(cluster), err) ||
        !take_folder(cluster, cluster->data, err))
        return false;
    cluster->turn = open_lock(cluster, "turn");
    cluster->users = open_lock(cluster, "users");
    if (cluster->turn < 0 || cluster->users < 0 || !lock(cluster->turn, LOCK_EX) ||
        !lock(cluster->users, LOCK_SH))
        return fail(err, "lock", cluster->data);
    write_conninfo(cluster);
    bool is_there = provide(cluster, err);
    (void)lock(cluster->turn, LOCK_UN);
    return is_there;
}

static void let_go(struct cluster *cluster)
{
    if (cluster->users >= 0)
        close(cluster->users);
    if (cluster->turn >= 0)
        close(cluster->turn);
    free(cluster);
}

bool cluster_is_there(const char *data_dir)
{
    char path[CLUSTER_PATH_MAX];
    snprintf(path, sizeof path, "%s/postgres/PG_VERSION", data_dir);
    return access(path, F_OK) == 0;
}

struct cluster *cluster_open(const char *data_dir, struct err *err)
{
    struct cluster *cluster = calloc(1, sizeof *cluster);
    if (cluster == NULL)
        abort();
    cluster->users = cluster->turn = -1;
    if (open_it(cluster, data_dir, err))
        return cluster;
    let_go(cluster);
    return NULL;
}

const char *cluster_conninfo(const struct cluster *cluster)
{
    return cluster->conninfo;
}

void cluster_close(struct cluster *cluster)
{
    struct err err;
    int status;
    const char *const words[] = {
        "pg_ctl", "-D", cluster->postgres, "-m", "fast", "-w", "-t", "60", "-s", "stop", NULL};
    /* the last one, when nobody else has a share in the lock */
    if (lock(cluster->turn, LOCK_EX) && flock(cluster->users, LOCK_EX | LOCK_NB) == 0)
        (void)!cluster_tool_run(&cluster->tool, words, &status, &err);
    let_go(cluster);
}
