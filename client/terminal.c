#include "client/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include "client/secret.h"
#include "shared/err.h"

void terminal_harden(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is told of by who writes it */
}

bool terminal_shows_text(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

/* A byte at a time: what is buffered elsewhere would not be wiped, and what comes after the line is
 * for others. */
static char *read_line(int fd, struct err *err)
{
    char *line = secret_new(SECRET_TEXT_MAX + 2);
    size_t len = 0;
    ssize_t got = 1;
    while (len <= SECRET_TEXT_MAX && (got = read(fd, line + len, 1)) == 1 && line[len] != '\n')
        len++;
    bool is_line = got == 1 && len <= SECRET_TEXT_MAX;
    if (got == 0 && len > 0)
        is_line = true; /* the last one, not ended */
    if (!is_line) {
        secret_free(line);
        err_fill(err, ERR_RESTRICTED, "expected a line of at most %d bytes", SECRET_TEXT_MAX);
        return NULL;
    }
    if (len > 0 && line[len - 1] == '\r')
        len--;
    line[len] = '\0';
    return line;
}

static char *read_from(const char *path, struct err *err)
{
    if (strcmp(path, "-") == 0)
        return read_line(STDIN_FILENO, err);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        err_fill(err, ERR_INTERNAL, "cannot open %.60s: %s", path, strerrordesc_np(errno));
        return NULL;
    }
    char *line = read_line(fd, err);
    close(fd);
    return line;
}

static void say(int fd, const char *words)
{
    if (write(fd, words, strlen(words)) < 0)
        return; /* the line is read all the same */
}

char *terminal_secret(const char *path, const char *prompt, struct err *err)
{
    struct termios seen, unseen;
    if (path != NULL)
        return read_from(path, err);
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || tcgetattr(fd, &seen) != 0) {
        if (fd >= 0)
            close(fd);
        err_fill(err, ERR_RESTRICTED, "no terminal to ask on: name a file with the secret in it");
        return NULL;
    }
    unseen = seen;
    unseen.c_lflag &= ~(tcflag_t)ECHO;
    say(fd, prompt);
    tcsetattr(fd, TCSAFLUSH, &unseen);
    char *line = read_line(fd, err);
    tcsetattr(fd, TCSAFLUSH, &seen);
    say(fd, "\n");
    close(fd);
    return line;
}
