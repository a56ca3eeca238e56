#include "relay/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "relay/cluster_child.h"
#include "relay/cluster_place.h"
#include "relay/cluster_setup.h"
#include "relay/config.h"
#include "relay/log.h"
#include "shared/err.h"

enum {
    WAIT_MS = 10,              /* between two looks at something that takes a while */
    OCCUPANT_MS_MAX = 60000,   /* for the PostgreSQL of a relay that was killed to shut down */
    SAY_MS = 10000,            /* between two lines about a wait */
    STOP_FAST_MS_MAX = 20000,  /* then it is stopped at once, and recovers at the next start:
                                  PostgreSQL 15 never ends that is told so while it recovers */
    STOP_NOW_MS_MAX = 5000,    /* then it is killed */
    FREE_BYTES_MIN = 64 << 20, /* for a new cluster: 39 MB of tables, 16 MB of log */
};

struct cluster {
    struct cluster_place place;
    struct cluster_setup setup;
    struct cluster_child child;
    char conninfo[2 * CLUSTER_PATH_MAX + 64];
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The caller blocks these signals and waits for them between his calls of us; a wait of ours must
 * not outlast one. */
static bool is_asked_to_stop(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

static void write_conninfo(struct cluster *cluster)
{
    char quoted[2 * CLUSTER_PATH_MAX];
    char *end = quoted;
    for (const char *at = cluster->place.run; *at != '\0'; at++) {
        if (*at == '\'' || *at == '\\')
            *end++ = '\\';
        *end++ = *at;
    }
    *end = '\0';
    snprintf(cluster->conninfo, sizeof cluster->conninfo,
             "host='%s' port=5432 user=shoal dbname=postgres", quoted);
}

/* One of the programs to its end. */
static bool run(struct cluster *cluster, const char *const argv[], struct err *err)
{
    struct cluster_child child;
    int status;
    if (!cluster_child_start(&child, &cluster->place.drop, argv, SIGKILL, err))
        return false;
    while (!cluster_child_ended(&child, &status)) {
        cluster_child_read(&child, WAIT_MS);
        if (is_asked_to_stop())
            kill(child.pid, SIGKILL);
    }
    cluster_child_close(&child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    return err_set(err, ERR_INTERNAL, "%s",
                   is_asked_to_stop()           ? "stopped while starting"
                   : child.complaint[0] != '\0' ? child.complaint
                                                : "a program of PostgreSQL failed");
}

/* All of it goes to the disk at once, for which initdb would want seconds, file by file. */
static bool move_made(const struct cluster_place *place, struct err *err)
{
    int folder = open(place->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_done =
        folder >= 0 && syncfs(folder) == 0 && rename(place->unfinished, place->postgres) == 0;
    if (is_done)
        (void)fsync(folder);
    else
        err_fill(err, ERR_INTERNAL, "cannot keep the new cluster: %s", strerrordesc_np(errno));
    if (folder >= 0)
        close(folder);
    return is_done;
}

/* A cluster is made beside its place and moved there when it is whole: what a kill left half made
 * is never taken for one. */
static bool make(struct cluster *cluster, struct err *err)
{
    struct cluster_place *place = &cluster->place;
    struct statvfs disk;
    if (statvfs(place->data_dir, &disk) == 0 && disk.f_bavail * disk.f_frsize < FREE_BYTES_MIN)
        return err_set(err, ERR_INTERNAL, "data_dir: the disk is full: %lld MB free, 64 are needed",
                       (long long)(disk.f_bavail * disk.f_frsize >> 20));
    if (!cluster_place_remove(place, place->unfinished, err))
        return false;

    char program[CLUSTER_PATH_MAX + 16];
    snprintf(program, sizeof program, "%s/initdb", place->bin);
    const char *const argv[] = {
        program,      "-D",        place->unfinished,   "-A", "trust", "-E", "UTF8",
        "--locale=C", "--no-sync", "--no-instructions", "-U", "shoal", NULL};
    log_info("cluster", "making a new cluster folder=%s", place->postgres);
    if (!run(cluster, argv, err))
        return false;
    drop_begin(&place->drop);
    bool is_done = move_made(place, err);
    drop_end(&place->drop);
    return is_done;
}

/* postmaster.pid: the process, and whether it takes connections ("ready" in its eighth line). The
 * file of one that was killed says so too, hence the process. */
static pid_t read_pid_file(const struct cluster *cluster, bool *ready)
{
    enum { STATUS_LINE = 8 };
    char path[CLUSTER_PATH_MAX + 16];
    char line[CLUSTER_PATH_MAX];
    pid_t pid = 0;
    snprintf(path, sizeof path, "%s/postmaster.pid", cluster->place.postgres);
    drop_begin(&cluster->place.drop);
    FILE *file = fopen(path, "re");
    drop_end(&cluster->place.drop);
    *ready = false;
    for (int i = 1; file != NULL && fgets(line, sizeof line, file) != NULL; i++) {
        if (i == 1)
            pid = (pid_t)strtol(line, NULL, 10);
        if (i == STATUS_LINE)
            *ready = strncmp(line, "ready", 5) == 0;
    }
    if (file != NULL)
        fclose(file);
    return pid;
}

/* The relay before us may have been killed: its PostgreSQL was told by the kernel, and shuts
 * down. */
static bool wait_for_occupant(struct cluster *cluster, struct err *err)
{
    int64_t start = now_ms();
    pid_t pid = cluster_place_occupant(&cluster->place);
    if (pid != 0)
        log_info("cluster", "waiting for an earlier postgres to end pid=%d", (int)pid);
    for (; pid != 0; pid = cluster_place_occupant(&cluster->place)) {
        if (is_asked_to_stop())
            return err_set(err, ERR_INTERNAL, "stopped while starting");
        if (now_ms() - start > OCCUPANT_MS_MAX)
            return err_set(err, ERR_INTERNAL,
                           "data_dir: another postgres (process %d) uses the cluster", (int)pid);
        nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L}, NULL);
    }
    return true;
}

static void remove_stale(const struct cluster *cluster, const char *folder, const char *name)
{
    char path[CLUSTER_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    drop_begin(&cluster->place.drop);
    bool gone = unlink(path) == 0;
    drop_end(&cluster->place.drop);
    if (gone)
        log_info("cluster", "removed a stale %s", name);
}

/* After a restart of the machine the number in a lock file may be that of some other process, or of
 * one that is dead and not yet reaped, and postgres would take it for its own. We know better:
 * nothing works in the folders, which are ours alone. */
static void remove_stale_locks(const struct cluster *cluster)
{
    bool ready;
    pid_t pid = read_pid_file(cluster, &ready);
    if (pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH))
        remove_stale(cluster, cluster->place.postgres, "postmaster.pid");
    remove_stale(cluster, cluster->place.run, ".s.PGSQL.5432.lock");
}

static bool fail_start(struct cluster *cluster, struct err *err)
{
    const char *complaint = cluster->child.complaint;
    if (is_asked_to_stop())
        return err_set(err, ERR_INTERNAL, "stopped while starting");
    if (strstr(complaint, "incompatible with server") != NULL)
        return err_set(err, ERR_INTERNAL,
                       "data_dir: the cluster is of PostgreSQL %d: install that, or pg_upgrade it",
                       cluster_place_version(&cluster->place));
    return err_set(err, ERR_INTERNAL, "postgres did not start: %s",
                   complaint[0] != '\0' ? complaint : "it said nothing");
}

/* Recovery after a crash takes as long as it takes. */
static bool wait_until_ready(struct cluster *cluster, struct err *err)
{
    int64_t said = now_ms();
    int status;
    bool ready = false;
    while (!(read_pid_file(cluster, &ready) == cluster->child.pid && ready)) {
        if (cluster_child_ended(&cluster->child, &status)) {
            cluster_child_close(&cluster->child);
            return fail_start(cluster, err);
        }
        if (is_asked_to_stop())
            kill(cluster->child.pid, SIGINT);
        if (now_ms() - said > SAY_MS) {
            log_info("cluster", "postgres is still starting, it may be recovering");
            said = now_ms();
        }
        cluster_child_read(&cluster->child, WAIT_MS);
    }
    return true;
}

static bool start(struct cluster *cluster, struct err *err)
{
    if (!wait_for_occupant(cluster, err))
        return false;
    remove_stale_locks(cluster);
    int64_t begin = now_ms();
    if (!cluster_child_start(&cluster->child, &cluster->place.drop, cluster->setup.argv, SIGINT,
                             err) ||
        !wait_until_ready(cluster, err))
        return false;
    log_info("cluster", "postgres is ready pid=%d ms=%lld", (int)cluster->child.pid,
             (long long)(now_ms() - begin));
    return true;
}

/* Made, unless it is there. */
static bool provide(struct cluster *cluster, struct err *err)
{
    struct cluster_place *place = &cluster->place;
    if (cluster_place_version(place) > 0)
        return true;
    drop_begin(&place->drop);
    bool is_free = rmdir(place->postgres) == 0 || errno == ENOENT;
    drop_end(&place->drop);
    if (!is_free)
        return err_set(err, ERR_INTERNAL,
                       "data_dir: %.60s is no cluster of PostgreSQL, and in the way",
                       place->postgres);
    return make(cluster, err);
}

struct cluster *cluster_start(const struct config *config, struct err *err)
{
    struct cluster *cluster = calloc(1, sizeof *cluster);
    if (cluster == NULL)
        abort();
    cluster->child.output = -1;
    if (cluster_place_find(&cluster->place, config, err) &&
        cluster_place_take(&cluster->place, err)) {
        bool found = cluster_place_find_binaries(&cluster->place, config, err);
        cluster_setup_fill(&cluster->setup, &cluster->place, config);
        write_conninfo(cluster);
        if (found && provide(cluster, err) && start(cluster, err))
            return cluster;
        cluster_child_close(&cluster->child);
        cluster_place_release(&cluster->place);
    }
    free(cluster);
    return NULL;
}

struct cluster *cluster_adopt(const struct config *config, const struct cluster_hold *hold,
                              struct err *err)
{
    struct cluster *cluster = calloc(1, sizeof *cluster);
    if (cluster == NULL)
        abort();
    if (!cluster_place_find(&cluster->place, config, err) ||
        !cluster_place_find_binaries(&cluster->place, config, err)) {
        free(cluster);
        return NULL;
    }
    cluster->place.lock = hold->lock;
    cluster->child.pid = hold->pid;
    cluster->child.output = hold->output;
    cluster_setup_fill(&cluster->setup, &cluster->place, config);
    write_conninfo(cluster);
    return cluster;
}

struct cluster_hold cluster_hold(const struct cluster *cluster)
{
    return (struct cluster_hold){
        .pid = cluster->child.pid, .output = cluster->child.output, .lock = cluster->place.lock};
}

const char *cluster_conninfo(const struct cluster *cluster)
{
    return cluster->conninfo;
}

pid_t cluster_pid(const struct cluster *cluster)
{
    return cluster->child.pid;
}

int cluster_log_fd(const struct cluster *cluster)
{
    return cluster->child.output;
}

void cluster_log(struct cluster *cluster)
{
    cluster_child_read(&cluster->child, 0);
}

void cluster_ended(struct cluster *cluster)
{
    cluster->child.pid = 0;
    cluster_child_close(&cluster->child);
}

bool cluster_restart(struct cluster *cluster, struct err *err)
{
    cluster_child_close(&cluster->child); /* of a start that failed */
    return start(cluster, err);
}

/* True when it ended in time, or when somebody is in a hurry. */
static bool end(struct cluster *cluster, int signal, int64_t ms_max)
{
    int status;
    int64_t deadline = now_ms() + ms_max;
    if (cluster->child.pid == 0)
        return true;
    kill(cluster->child.pid, signal);
    while (!cluster_child_ended(&cluster->child, &status)) {
        if (now_ms() > deadline || (signal == SIGINT && is_asked_to_stop()))
            return false;
        cluster_child_read(&cluster->child, WAIT_MS);
    }
    return true;
}

void cluster_stop(struct cluster *cluster)
{
    if (!end(cluster, SIGINT, STOP_FAST_MS_MAX)) {
        log_warning("cluster", "postgres is stopped at once: it will recover at the next start");
        if (!end(cluster, SIGQUIT, STOP_NOW_MS_MAX))
            (void)end(cluster, SIGKILL, STOP_NOW_MS_MAX);
    }
    cluster_child_close(&cluster->child);
    drop_begin(&cluster->place.drop);
    (void)rmdir(cluster->place.run); /* which may lie in a temporary folder */
    drop_end(&cluster->place.drop);
    cluster_place_release(&cluster->place);
    log_info("cluster", "postgres has stopped");
    free(cluster);
}

bool cluster_find(char *conninfo, size_t size, const struct config *config)
{
    struct cluster cluster = {0};
    if (!cluster_place_find(&cluster.place, config, NULL) ||
        cluster_place_holder(&cluster.place) == 0)
        return false;
    write_conninfo(&cluster);
    int len = snprintf(conninfo, size, "%s", cluster.conninfo);
    return len > 0 && (size_t)len < size && PQping(conninfo) == PQPING_OK;
}
