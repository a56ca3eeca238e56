#include "relay/transfer_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 16, BEGINNING_MAX = 256 };

void transfer_lines_open(struct transfer_lines *lines, int fd, size_t line_bytes_max)
{
    *lines = (struct transfer_lines){.fd = fd, .capacity = line_bytes_max + READ_BYTES};
    lines->buffer = malloc(lines->capacity);
    if (lines->buffer == NULL || pipe2(lines->cancel, O_CLOEXEC) != 0)
        abort();
}

void transfer_lines_close(struct transfer_lines *lines)
{
    free(lines->buffer);
    close(lines->cancel[0]);
    close(lines->cancel[1]);
}

void transfer_lines_cancel(struct transfer_lines *lines)
{
    (void)!write(lines->cancel[1], "c", 1);
}

/* Waits for more, and takes it. False when there is none. */
static bool read_more(struct transfer_lines *lines)
{
    struct pollfd fds[] = {{.fd = lines->cancel[0], .events = POLLIN},
                           {.fd = lines->fd, .events = POLLIN}};
    if (lines->finished)
        return false;
    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            abort();
    if (fds[0].revents != 0) {
        lines->cancelled = lines->finished = true;
        return false;
    }
    if (lines->start > 0) {
        memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->start = 0;
    }
    ssize_t count = read(lines->fd, lines->buffer + lines->end, lines->capacity - lines->end);
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    lines->failure = count < 0 ? errno : 0;
    lines->finished = count <= 0;
    lines->end += count > 0 ? (size_t)count : 0;
    return count > 0;
}

/* The end of a line that does not fit. */
static void pass_over(struct transfer_lines *lines)
{
    const char *newline = NULL;
    while (newline == NULL) {
        lines->bytes += (int64_t)(lines->end - lines->start);
        lines->start = lines->end = 0;
        if (!read_more(lines))
            return;
        newline = memchr(lines->buffer, '\n', lines->end);
    }
    lines->start = (size_t)(newline + 1 - lines->buffer);
    lines->bytes += (int64_t)lines->start;
}

bool transfer_lines_next(struct transfer_lines *lines, struct span *line, bool *too_long)
{
    static char beginning[BEGINNING_MAX];
    const char *newline = NULL;
    size_t looked = 0; /* bytes known to hold no newline */
    *too_long = false;
    for (;;) {
        const char *at = lines->buffer + lines->start;
        size_t len = lines->end - lines->start;
        newline = len > looked ? memchr(at + looked, '\n', len - looked) : NULL;
        looked = len;
        if (newline != NULL || len == lines->capacity || !read_more(lines))
            break;
    }
    *line = (struct span){lines->buffer + lines->start, lines->end - lines->start};
    if (lines->cancelled || (newline == NULL && line->len == 0))
        return false;
    lines->number++;
    if (newline != NULL) {
        line->len = (size_t)(newline - line->at);
        lines->start += line->len + 1;
        lines->bytes += (int64_t)line->len + 1;
    } else if (line->len == lines->capacity) {
        *too_long = true;
        memcpy(beginning, line->at, sizeof beginning);
        *line = (struct span){beginning, sizeof beginning};
        pass_over(lines);
    } else { /* the last, without an end */
        lines->start = lines->end;
        lines->bytes += (int64_t)line->len;
    }
    return true;
}

bool transfer_lines_at_hand(struct transfer_lines *lines)
{
    struct pollfd fds[] = {{.fd = lines->fd, .events = POLLIN}};
    if (memchr(lines->buffer + lines->start, '\n', lines->end - lines->start) != NULL)
        return true;
    return !lines->finished && poll(fds, 1, 0) > 0;
}
