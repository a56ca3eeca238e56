/* quoted.h - JSON in test tables, readable: 'a' stands for "a". */
#pragma once

#include "shared/arena.h"

/* text with its single quotes made double, in the arena. */
static inline struct span quoted(struct arena *arena, const char *text)
{
    size_t len = strlen(text);
    char *out = arena_alloc(arena, len + 1);
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(text[i] == '\'' ? '"' : text[i]);
    return (struct span){out, len};
}
