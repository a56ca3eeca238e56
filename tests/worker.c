#include "tests/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/holder.h"
#include "client/keys.h"
#include "gpu/door.h"
#include "gpu/outpost.h"
#include "shared/err.h"
#include "tests/test.h"

enum { ARGUMENTS = 9 };

struct keys *worker_keys(uint8_t number)
{
    const struct bytes32 secret = {{number, 1}};
    return keys_new(&secret);
}

static struct hail_door open_door(void *owner)
{
    return door_of(owner);
}

static bool open_nothing(void *owner, uv_loop_t *loop, const struct outpost_facts *facts,
                         struct err *err)
{
    (void)owner;
    (void)loop;
    (void)facts;
    (void)err;
    return true;
}

static bool leave(void *owner)
{
    return owner != NULL;
}

static void close_door(void *owner)
{
    holder_free(owner);
}

/* NULL is "-" on a command line. */
static const char *argument(const char *text)
{
    return text[0] == '-' ? NULL : text;
}

bool worker_is_one(int argc, char **argv, int *status)
{
    struct err err;
    if (argc != ARGUMENTS || strcmp(argv[1], "worker") != 0)
        return false;
    struct outpost_options options = {.model = argv[2],
                                      .layers = argv[3],
                                      .listen = argv[4],
                                      .wire = argv[5],
                                      .next = argument(argv[6]),
                                      .key_file = argument(argv[7]),
                                      .context = 1024,
                                      .sessions = 32,
                                      .threads = 1};
    struct outpost_agent agent = {open_door, open_nothing, leave, close_door, NULL};
    if (argument(argv[8]) != NULL) {
        agent.owner = holder_of_keys(worker_keys((uint8_t)(argv[8][0] - '0')));
        options.agent = &agent;
    }
    bool ok = outpost_run(&options, stdout, stderr, &err);
    if (!ok)
        fprintf(stderr, "%s\n", err.text);
    *status = ok ? EXIT_SUCCESS : EXIT_FAILURE;
    return true;
}

static void become(const struct worker *worker, int out)
{
    char listen[32];
    const char door[] = {(char)('0' + worker->door), '\0'};
    snprintf(listen, sizeof listen, "127.0.0.1:%u", (unsigned)worker->port);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
    dup2(out, STDOUT_FILENO);
    execl("/proc/self/exe", "test", "worker", worker->model, worker->layers, listen,
          worker->wire != NULL ? worker->wire : "f32", worker->next != NULL ? worker->next : "-",
          worker->key_file != NULL ? worker->key_file : "-", worker->door > 0 ? door : "-",
          (char *)NULL);
    _exit(127);
}

void worker_reap(struct worker *worker)
{
    if (waitpid(worker->pid, NULL, 0) != worker->pid)
        abort();
    worker->pid = 0;
}

/* 0 when it could not listen: for a moment, a call may have a port that nobody listens on. */
static unsigned start(struct worker *worker)
{
    int ends[2];
    unsigned port = 0;
    if (pipe(ends) != 0)
        abort();
    worker->pid = fork();
    if (worker->pid < 0)
        abort();
    if (worker->pid == 0) {
        close(ends[0]);
        become(worker, ends[1]);
    }
    close(ends[1]);
    FILE *said = fdopen(ends[0], "r");
    if (said == NULL)
        abort();
    if (fscanf(said, "ready port=%u", &port) != 1) // NOLINT(cert-err34-c)
        port = 0;
    fclose(said);
    return port;
}

void worker_start(struct worker *worker)
{
    unsigned port = start(worker);
    while (port == 0) {
        worker_reap(worker);
        port = start(worker);
    }
    worker->port = (uint16_t)port;
    snprintf(worker->address, sizeof worker->address, "ws://127.0.0.1:%u", port);
}

void worker_kill(struct worker *worker)
{
    kill(worker->pid, SIGKILL);
}

void worker_stop(struct worker *worker)
{
    int status;
    kill(worker->pid, SIGTERM);
    assert_int_equal(waitpid(worker->pid, &status, 0), worker->pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    worker->pid = 0;
}
