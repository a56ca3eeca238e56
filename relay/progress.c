#include "relay/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { DRAW_MS = 100, BAR_CELLS = 24, LINE_MAX_CHARS = 120 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_start(struct progress *progress, const char *verb, int64_t bytes_total)
{
    *progress = (struct progress){.shown = isatty(STDERR_FILENO) == 1,
                                  .verb = verb,
                                  .bytes_total = bytes_total,
                                  .started_ms = now_ms()};
}

static int write_bar(char *out, size_t size, const struct progress *progress, int64_t bytes,
                     double seconds)
{
    char bar[BAR_CELLS + 1];
    double part = (double)bytes / (double)progress->bytes_total;
    if (part > 1) /* the file grows */
        part = 1;
    int cells = (int)(part * BAR_CELLS);
    memset(bar, '.', BAR_CELLS);
    memset(bar, '#', (size_t)cells);
    bar[BAR_CELLS] = '\0';
    int64_t left = part > 0 ? (int64_t)(seconds * (1 - part) / part) : 0;
    return snprintf(out, size, "[%s] %3.0f %%, %" PRId64 ":%02" PRId64 " left, ", bar, part * 100,
                    left / 60, left % 60);
}

void progress_show(struct progress *progress, int64_t bytes, int64_t events)
{
    int64_t now = now_ms();
    if (!progress->shown || now - progress->drawn_ms < DRAW_MS)
        return;
    progress->drawn_ms = now;
    double seconds = (double)(now - progress->started_ms) / 1000;
    char line[LINE_MAX_CHARS] = "";
    int len =
        progress->bytes_total > 0 ? write_bar(line, sizeof line, progress, bytes, seconds) : 0;
    snprintf(line + len, sizeof line - (size_t)len, "%" PRId64 " events %s, %.0f/s", events,
             progress->verb, seconds > 0 ? (double)events / seconds : 0);
    fprintf(stderr, "\r\033[K%s", line);
}

void progress_clear(struct progress *progress)
{
    if (progress->shown && progress->drawn_ms != 0)
        fputs("\r\033[K", stderr);
    progress->drawn_ms = 0;
}
