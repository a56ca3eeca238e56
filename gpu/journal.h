/* journal.h - one line per fact, on stderr: "<6>http: listening port=8080".
 *
 * The <n> is the level as journald reads it; on a terminal it is left out. Never content, nor keys.
 *
 *   threads  any: a line is one write
 */
#pragma once

enum journal_level { JOURNAL_ERROR = 3, JOURNAL_WARNING = 4, JOURNAL_INFO = 6 };

void journal_line(enum journal_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
