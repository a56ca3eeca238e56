#include "relay/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 2048 };

/* Set once, before any thread: reading them needs no lock. */
static enum log_level level_max = LOG_LEVEL_INFO;
static bool on_terminal;

void log_open(enum log_level level)
{
    level_max = level;
    on_terminal = isatty(STDERR_FILENO) == 1;
}

static const char *colour(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "\033[31m";
    case LOG_LEVEL_WARNING:
        return "\033[33m";
    case LOG_LEVEL_INFO:
        return "";
    case LOG_LEVEL_DEBUG:
        return "\033[2m";
    }
    return "";
}

/* What others wrote (PostgreSQL's errors have several lines) must not look like lines of ours, nor
 * steer a terminal. */
static void make_one_line(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == '\x7f')
            text[i] = ' ';
    while (len > 0 && text[len - 1] == ' ')
        text[--len] = '\0';
}

static void write_whole(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t count = write(STDERR_FILENO, bytes, len);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return; /* there is nobody left to tell */
        bytes += count;
        len -= (size_t)count;
    }
}

void log_line(enum log_level level, const char *module, const char *format, ...)
{
    if (level > level_max)
        return;

    char fact[LINE_BYTES_MAX];
    va_list list;
    va_start(list, format);
    int len = vsnprintf(fact, sizeof fact, format, list);
    va_end(list);
    if (len < 0)
        return;
    if ((size_t)len >= sizeof fact)
        memcpy(fact + sizeof fact - 4, "...", 4);
    make_one_line(fact, strlen(fact));

    char line[LINE_BYTES_MAX + 64];
    const char *start = on_terminal ? colour(level) : "";
    if (on_terminal)
        len = snprintf(line, sizeof line, "%s%.24s: %s%s\n", start, module, fact,
                       start[0] != '\0' ? "\033[0m" : "");
    else
        len = snprintf(line, sizeof line, "<%d>%.24s: %s\n", (int)level, module, fact);
    if (len > 0)
        write_whole(line, (size_t)len);
}
