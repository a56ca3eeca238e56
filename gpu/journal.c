#include "gpu/journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void journal_line(enum journal_level level, const char *format, ...)
{
    char fact[900];
    char line[920];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fact, sizeof fact, format, arguments);
    va_end(arguments);
    for (char *at = fact; *at != '\0'; at++)
        if ((unsigned char)*at < ' ')
            *at = '?';
    int len = isatty(STDERR_FILENO) == 1
                  ? snprintf(line, sizeof line, "%s\n", fact)
                  : snprintf(line, sizeof line, "<%d>%s\n", (int)level, fact);
    if (write(STDERR_FILENO, line, (size_t)len) < 0)
        return; /* nobody to tell */
}
