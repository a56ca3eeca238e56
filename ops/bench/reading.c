#include "ops/bench/reading.h"

#include <stdio.h>

enum { ODD_MAX = 3, SHOWN_BYTES_MAX = 300 };

struct span reading_string(struct span *text)
{
    const char *end = text->at + text->len;
    const char *at = memchr(text->at, '"', text->len);
    if (at == NULL) {
        *text = (struct span){end, 0};
        return *text;
    }
    const char *start = ++at;
    while (at < end && *at != '"')
        at += *at == '\\' ? 2 : 1;
    if (at > end)
        at = end;
    const char *next = at < end ? at + 1 : end;
    *text = (struct span){next, (size_t)(end - next)};
    return (struct span){start, (size_t)(at - start)};
}

struct span reading_event_id(struct span text)
{
    static const char key[] = "\"id\":";
    const char *found = memmem(text.at, text.len, key, sizeof key - 1);
    if (found == NULL)
        return SPAN("");
    const char *value = found + sizeof key - 1;
    struct span rest = {value, text.len - (size_t)(value - text.at)};
    return reading_string(&rest);
}

bool reading_is_true(struct span text)
{
    const char *quote = memchr(text.at, '"', text.len);
    size_t len = quote != NULL ? (size_t)(quote - text.at) : text.len;
    return memmem(text.at, len, "true", 4) != NULL;
}

void reading_odd(struct span message)
{
    static unsigned seen;
    int len = message.len > SHOWN_BYTES_MAX ? SHOWN_BYTES_MAX : (int)message.len;
    if (seen++ < ODD_MAX)
        fprintf(stderr, "bench: the relay says: %.*s\n", len, message.at);
}
