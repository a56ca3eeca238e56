#include "gpu/cluster_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/err.h"

#define BINARIES "/usr/lib/postgresql/%s/bin"

static bool find_user(struct cluster_tool *tool, const char *data_dir, struct err *err)
{
    struct stat have;
    struct passwd entry;
    struct passwd *found = NULL;
    char strings[4096];
    tool->uid = geteuid();
    tool->gid = getegid();
    tool->drops = tool->uid == 0;
    if (!tool->drops)
        return true;
    if (stat(data_dir, &have) == 0 && have.st_uid != 0) {
        tool->uid = have.st_uid;
        tool->gid = have.st_gid;
        return true;
    }
    if (getpwnam_r("postgres", &entry, strings, sizeof strings, &found) != 0 || found == NULL)
        return err_set(err, ERR_INTERNAL,
                       "PostgreSQL refuses to be root's, and there is no user postgres");
    tool->uid = found->pw_uid;
    tool->gid = found->pw_gid;
    return true;
}

static bool has_programs(const char *folder)
{
    char path[CLUSTER_PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/pg_ctl", folder);
    return access(path, X_OK) == 0;
}

/* The newest of the system's: sorted by name, versions have two digits. */
static bool find_newest(struct cluster_tool *tool)
{
    glob_t found;
    bool is_found = false;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): its own results
    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) != 0)
        return false;
    for (size_t i = found.gl_pathc; i > 0 && !is_found; i--) {
        snprintf(tool->folder, sizeof tool->folder, "%s", found.gl_pathv[i - 1]);
        is_found = has_programs(tool->folder);
    }
    globfree(&found);
    return is_found;
}

static bool find_in_path(struct cluster_tool *tool)
{
    const char *at = getenv("PATH"); // NOLINT(concurrency-mt-unsafe): nobody sets it
    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, ":");
        snprintf(tool->folder, sizeof tool->folder, "%.*s", (int)len, at);
        if (len > 0 && has_programs(tool->folder))
            return true;
        at += len + (at[len] == ':');
    }
    return false;
}

bool cluster_tool_find(struct cluster_tool *tool, const char *data_dir, int version,
                       struct err *err)
{
    char number[16];
    *tool = (struct cluster_tool){0};
    if (!find_user(tool, data_dir, err))
        return false;
    snprintf(number, sizeof number, "%d", version);
    snprintf(tool->folder, sizeof tool->folder, BINARIES, number);
    if ((version > 0 && has_programs(tool->folder)) || find_in_path(tool) || find_newest(tool))
        return true;
    return err_set(err, ERR_INTERNAL, "PostgreSQL is not installed: no pg_ctl is found");
}

/* NOLINTBEGIN(concurrency-mt-unsafe): in a child of our own, which has one thread */
static void become(const struct cluster_tool *tool, const char *const words[], int output)
{
    static const char *const names[] = {"PGPORT",     "PGHOST",    "PGDATA",   "PGUSER",
                                        "PGDATABASE", "PGOPTIONS", "PGSERVICE"};
    char path[CLUSTER_PATH_MAX + 32];
    char *argv[CLUSTER_WORDS_MAX] = {NULL}; /* execv wants them without const */
    int null = open("/dev/null", O_RDONLY);
    for (size_t i = 0; i < CLUSTER_WORDS_MAX - 1 && words[i] != NULL; i++)
        memcpy(&argv[i], &words[i], sizeof argv[i]);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0)
        _exit(126);
    closefrom(STDERR_FILENO + 1);
    setpgid(0, 0); /* Ctrl-C is for the node, which then stops it in order */
    umask(077);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unsetenv(names[i]);
    setenv("LC_ALL", "C", 1);
    if (tool->drops && (setgroups(1, &tool->gid) != 0 || setgid(tool->gid) != 0 ||
                        setuid(tool->uid) != 0 || setuid(0) == 0))
        _exit(126);
    if (chdir("/") != 0)
        _exit(126);
    snprintf(path, sizeof path, "%s/%s", tool->folder, words[0]);
    execv(path, argv);
    _exit(127);
}
/* NOLINTEND(concurrency-mt-unsafe) */

/* Keeps a line that is not empty. The next one begins with nothing. */
static size_t end_line(char *last, size_t size, const char *line, size_t len)
{
    if (len > 0)
        snprintf(last, size, "%.*s", (int)len, line);
    return 0;
}

/* The last line that is not empty. */
static void read_words(int output, char *last, size_t size)
{
    char line[256];
    size_t len = 0;
    char bytes[512];
    for (ssize_t count = 1; count > 0;) {
        count = read(output, bytes, sizeof bytes);
        if (count < 0 && errno == EINTR)
            count = 1;
        for (ssize_t i = 0; i < count; i++)
            if (bytes[i] != '\n' && len < sizeof line - 1)
                line[len++] = bytes[i];
            else if (bytes[i] == '\n')
                len = end_line(last, size, line, len);
    }
}

bool cluster_tool_run(const struct cluster_tool *tool, const char *const words[], int *status,
                      struct err *err)
{
    int ends[2];
    int ended = 0;
    char last[100] = "it said nothing";
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, ERR_INTERNAL, "cannot make a pipe: %s", strerrordesc_np(errno));
    pid_t pid = fork();
    if (pid == 0)
        become(tool, words, ends[1]);
    close(ends[1]);
    if (pid > 0)
        read_words(ends[0], last, sizeof last);
    close(ends[0]);
    pid_t reaped = pid;
    while (pid > 0 && (reaped = waitpid(pid, &ended, 0)) < 0 && errno == EINTR)
        continue;
    if (pid < 0 || reaped != pid || !WIFEXITED(ended))
        return err_set(err, ERR_INTERNAL, "%s did not run", words[0]);
    if (status != NULL)
        *status = WEXITSTATUS(ended);
    return status != NULL || WEXITSTATUS(ended) == 0 ||
           err_set(err, ERR_INTERNAL, "%s: %s", words[0], last);
}
