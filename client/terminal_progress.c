#include "client/terminal_progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { BAR_CHARS = 30, AGAIN_MS = 200 };

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct terminal_progress terminal_progress(void)
{
    return (struct terminal_progress){.is_seen = isatty(STDERR_FILENO) == 1};
}

void terminal_progress_clear(struct terminal_progress *progress)
{
    if (progress->has_line)
        fputs("\r\033[K", stderr);
    progress->has_line = false;
}

static void draw_bar(uint64_t part, uint64_t whole)
{
    int filled = part < whole ? (int)(part * BAR_CHARS / whole) : BAR_CHARS;
    fprintf(stderr, "[%.*s%*s] ", filled, "##############################", BAR_CHARS - filled, "");
}

void terminal_progress_show(struct terminal_progress *progress, uint64_t part, uint64_t whole,
                            const char *format, ...)
{
    va_list args;
    uint64_t now = progress->is_seen ? now_ms() : 0;
    if (!progress->is_seen || (progress->drawn_ms > 0 && now - progress->drawn_ms < AGAIN_MS))
        return;
    terminal_progress_clear(progress);
    if (whole > 0 && whole < UINT64_MAX / BAR_CHARS)
        draw_bar(part, whole);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    progress->has_line = true;
    progress->drawn_ms = now;
}
