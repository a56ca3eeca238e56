#include "shared/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/hex.h"

enum { TEXT_CAPACITY_MIN = 256 };

void text_clear(struct text *text)
{
    free(text->at);
    *text = (struct text){0};
}

char *text_reserve(struct text *text, size_t size)
{
    if (size > SIZE_MAX / 4 || text->len > SIZE_MAX / 4)
        abort();
    if (text->at == NULL || text->capacity - text->len < size) {
        size_t capacity = text->capacity < TEXT_CAPACITY_MIN ? TEXT_CAPACITY_MIN : text->capacity;
        while (capacity - text->len < size)
            capacity *= 2;
        text->at = realloc(text->at, capacity);
        if (text->at == NULL)
            abort();
        text->capacity = capacity;
    }
    return text->at + text->len;
}

void text_add(struct text *text, struct span bytes)
{
    if (bytes.len == 0)
        return;
    memcpy(text_reserve(text, bytes.len), bytes.at, bytes.len);
    text->len += bytes.len;
}

void text_addf(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        abort();

    char *at = text_reserve(text, (size_t)len + 1); /* vsnprintf adds a NUL */
    va_start(args, format);
    vsnprintf(at, (size_t)len + 1, format, args);
    va_end(args);
    text->len += (size_t)len;
}

void text_add_hex(struct text *text, const uint8_t *bytes, size_t count)
{
    hex_encode(text_reserve(text, 2 * count), bytes, count);
    text->len += 2 * count;
}

/* The letter of the short escape, '\0' when there is none. */
static char short_escape(char c)
{
    switch (c) {
    case '\b':
        return 'b';
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\f':
        return 'f';
    case '\r':
        return 'r';
    case '"':
    case '\\':
        return c;
    default:
        return '\0';
    }
}

void text_add_json_char(struct text *text, char c)
{
    char letter = short_escape(c);
    if (letter != '\0')
        text_add(text, (struct span){(char[]){'\\', letter}, 2});
    else
        text_addf(text, "\\u%04x", (unsigned char)c);
}

void text_add_json(struct text *text, struct span utf8)
{
    size_t begin = 0; /* of the run not yet copied */
    text_add(text, SPAN("\""));
    for (size_t i = 0; i < utf8.len; i++) {
        unsigned char c = (unsigned char)utf8.at[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        text_add(text, (struct span){utf8.at + begin, i - begin});
        text_add_json_char(text, utf8.at[i]);
        begin = i + 1;
    }
    if (begin < utf8.len)
        text_add(text, (struct span){utf8.at + begin, utf8.len - begin});
    text_add(text, SPAN("\""));
}
