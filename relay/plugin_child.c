#include "relay/plugin_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/drop.h"
#include "shared/err.h"

enum { FILES_MAX = 256, PIPES = 3, ENDS = 2, VARIABLE_MAX = 4096 };

/* What exec needs, made before fork. */
struct plan {
    char path[VARIABLE_MAX], lang[VARIABLE_MAX];
    char command[2048];
    char *environment[3];
    char *words[4];
    struct drop drop;
};

static void keep_variable(char *out, const char *name, const char *otherwise)
{
    const char *value = getenv(name); // NOLINT(concurrency-mt-unsafe): nobody sets any by now
    int len = snprintf(out, VARIABLE_MAX, "%s=%s", name, value != NULL ? value : otherwise);
    if (len >= VARIABLE_MAX)
        snprintf(out, VARIABLE_MAX, "%s=%s", name, otherwise);
}

static void make_plan(struct plan *plan, const char *command, const struct drop *drop)
{
    static char shell[] = "sh", option[] = "-c";
    snprintf(plan->command, sizeof plan->command, "%s", command);
    keep_variable(plan->path, "PATH", "/usr/local/bin:/usr/bin:/bin");
    keep_variable(plan->lang, "LANG", "C.UTF-8");
    plan->environment[0] = plan->path;
    plan->environment[1] = plan->lang;
    plan->environment[2] = NULL;
    plan->words[0] = shell;
    plan->words[1] = option;
    plan->words[2] = plan->command;
    plan->words[3] = NULL;
    plan->drop = *drop;
}

static void exec_child(const struct plan *plan, int pipes[PIPES][ENDS], pid_t parent)
{
    struct err err;
    const struct rlimit files = {FILES_MAX, FILES_MAX}, none = {0, 0};
    struct sigaction ordinary = {.sa_handler = SIG_DFL};
    sigset_t nothing;
    if (dup2(pipes[0][0], STDIN_FILENO) < 0 || dup2(pipes[1][1], STDOUT_FILENO) < 0 ||
        dup2(pipes[2][1], STDERR_FILENO) < 0 || close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
        _exit(126);
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &ordinary, NULL);
    sigemptyset(&nothing);
    sigprocmask(SIG_SETMASK, &nothing, NULL); // NOLINT(concurrency-mt-unsafe): there is one thread
    umask(077);
    if (!drop_for_good(&plan->drop, &err)) /* first: it takes the signal at our death back */
        _exit(126);
    if (setpgid(0, 0) != 0 || setrlimit(RLIMIT_NOFILE, &files) != 0 ||
        setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || chdir("/") != 0)
        _exit(126);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    execve("/bin/sh", plan->words, plan->environment);
    _exit(127);
}

static void close_pipes(int pipes[PIPES][ENDS], int count)
{
    for (int i = 0; i < count; i++) {
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
}

static bool fork_child(struct plugin_child *child, const struct plan *plan, int pipes[PIPES][ENDS],
                       struct err *err)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        exec_child(plan, pipes, parent);
    if (pid < 0) {
        close_pipes(pipes, PIPES);
        return err_set(err, ERR_INTERNAL, "cannot fork: %s", strerrordesc_np(errno));
    }
    (void)setpgid(pid, pid); /* as the child does, whoever comes first */
    close(pipes[0][0]);
    close(pipes[1][1]);
    close(pipes[2][1]);
    *child = (struct plugin_child){pid, pipes[0][1], pipes[1][0], pipes[2][0]};
    (void)fcntl(child->input, F_SETFL, O_NONBLOCK);
    (void)fcntl(child->output, F_SETFL, O_NONBLOCK);
    (void)fcntl(child->error, F_SETFL, O_NONBLOCK);
    return true;
}

bool plugin_child_start(struct plugin_child *child, const char *command, const struct drop *drop,
                        struct err *err)
{
    int pipes[PIPES][ENDS];
    struct plan plan;
    *child = (struct plugin_child){0, -1, -1, -1};
    for (int i = 0; i < PIPES; i++)
        if (pipe2(pipes[i], O_CLOEXEC) != 0) {
            close_pipes(pipes, i);
            return err_set(err, ERR_INTERNAL, "cannot make a pipe: %s", strerrordesc_np(errno));
        }
    make_plan(&plan, command, drop);
    return fork_child(child, &plan, pipes, err);
}

void plugin_child_end(struct plugin_child *child)
{
    int *const ends[] = {&child->input, &child->output, &child->error};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (*ends[i] >= 0)
            close(*ends[i]);
        *ends[i] = -1;
    }
    if (child->pid == 0)
        return;
    kill(-child->pid, SIGKILL);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    child->pid = 0;
}
