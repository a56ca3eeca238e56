/* log.h - one line per fact, on stderr: "<6>store: batch events=12 ms=3".
 *
 * The <n> is the level as journald reads it; on a terminal it is left out and errors are
 * coloured. Never log content, keys or whole addresses of people.
 *
 *   threads  any: a line is one write
 */
#pragma once

#include "shared/base.h"

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

/* Lines above level are dropped; LOG_LEVEL_INFO until called. */
void log_open(enum log_level level);

void log_line(enum log_level level, const char *module, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)     /* someone must act */
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__) /* degraded */
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)       /* lifecycle */
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)     /* per message */
