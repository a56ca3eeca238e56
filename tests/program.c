#include "tests/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

enum { ARGUMENTS_MAX = 32, WAIT_MS = 60000 };

static void become(const char *const *arguments, const int in[2], const int out[2],
                   const int error[2], pid_t parent)
{
    const char *binary = getenv("RELAY_BINARY"); // NOLINT(concurrency-mt-unsafe)
    const char *words[ARGUMENTS_MAX] = {binary != NULL ? binary : RELAY_BINARY_BUILT};
    char *argv[ARGUMENTS_MAX];
    for (size_t i = 0; arguments[i] != NULL && i < ARGUMENTS_MAX - 2; i++)
        words[i + 1] = arguments[i];
    memcpy(argv, words, sizeof argv);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent || dup2(in[0], STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0 ||
        dup2(error[1], STDERR_FILENO) < 0)
        _exit(126);
    execv(argv[0], argv);
    _exit(127);
}

void program_start(struct program *program, const char *const *arguments)
{
    int in[2], out[2], error[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(error, O_CLOEXEC), 0);
    (void)signal(SIGPIPE, SIG_IGN); /* one that does not read its input to the end */
    pid_t parent = getpid();
    *program = (struct program){.in = in[1], .out = out[0], .error = error[0]};
    program->pid = fork();
    assert_true(program->pid >= 0);
    if (program->pid == 0)
        become(arguments, in, out, error, parent);
    close(in[0]);
    close(out[1]);
    close(error[1]);
}

static void take(struct text *text, int *fd)
{
    char *at = text_reserve(text, 65536);
    ssize_t count = read(*fd, at, 65536);
    if (count > 0) {
        text->len += (size_t)count;
        return;
    }
    close(*fd);
    *fd = -1;
}

/* Gives it some of its input, takes some of its outputs. False when there is nothing to wait
 * for. */
static bool exchange(struct program *program, struct span *input)
{
    if (input->len == 0 && program->in >= 0) {
        close(program->in);
        program->in = -1;
    }
    struct pollfd fds[] = {{.fd = program->out, .events = POLLIN},
                           {.fd = program->error, .events = POLLIN},
                           {.fd = program->in, .events = POLLOUT}};
    if (program->out < 0 && program->error < 0)
        return false;
    if (poll(fds, 3, WAIT_MS) <= 0)
        fail_msg("the program neither spoke nor ended in time");
    if (fds[0].revents != 0)
        take(&program->out_text, &program->out);
    if (fds[1].revents != 0)
        take(&program->err_text, &program->error);
    if (fds[2].revents != 0) {
        ssize_t count = write(program->in, input->at, input->len < 4096 ? input->len : 4096);
        size_t given = count > 0 ? (size_t)count : input->len; /* it wants no more */
        input->at += given;
        input->len -= given;
    }
    return true;
}

static void reap(struct program *program)
{
    int status;
    assert_int_equal(waitpid(program->pid, &status, 0), program->pid);
    program->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    text_add(&program->out_text, (struct span){"", 1});
    text_add(&program->err_text, (struct span){"", 1});
    program->out_text.len--;
    program->err_text.len--;
}

void program_await_error(struct program *program, const char *words)
{
    while (program->err_text.len == 0 ||
           memmem(program->err_text.at, program->err_text.len, words, strlen(words)) == NULL) {
        struct pollfd wait = {.fd = program->error, .events = POLLIN};
        if (program->error < 0 || poll(&wait, 1, WAIT_MS) <= 0)
            fail_msg("the program did not say '%s' but: %.*s", words, (int)program->err_text.len,
                     program->err_text.at);
        take(&program->err_text, &program->error);
    }
}

void program_end(struct program *program)
{
    struct span nothing = {"", 0};
    while (exchange(program, &nothing))
        continue;
    reap(program);
}

void program_clear(struct program *program)
{
    text_clear(&program->out_text);
    text_clear(&program->err_text);
}

void program_run(struct program *program, struct span in, const char *const *arguments)
{
    program_start(program, arguments);
    while (exchange(program, &in))
        continue;
    reap(program);
}
