#include "tests/scratch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/arena.h"

static struct arena scratch;
static bool clears_at_exit;

void scratch_clear(void)
{
    arena_clear(&scratch);
}

void *scratch_alloc(size_t size)
{
    if (!clears_at_exit)
        atexit(scratch_clear);
    clears_at_exit = true;
    return arena_alloc(&scratch, size);
}

char *scratch_format(const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int len = vsnprintf(NULL, 0, format, list);
    char *out = scratch_alloc((size_t)len + 1);
    vsnprintf(out, (size_t)len + 1, format, again);
    va_end(again);
    va_end(list);
    return out;
}

char *scratch_repeat(const char *part, size_t count, const char *between)
{
    size_t part_len = strlen(part), between_len = strlen(between);
    char *out = scratch_alloc(count * (part_len + between_len) + 1), *end = out;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            end = mempcpy(end, between, between_len);
        end = mempcpy(end, part, part_len);
    }
    *end = '\0';
    return out;
}
