#include "client/utf16.h"

#include "shared/text.h"
#include "shared/utf8.h"

enum { REPLACEMENT = 0xfffd };

/* The character that well-formed text begins with; moves past it. */
static uint32_t take(const char **at)
{
    const uint8_t *bytes = (const uint8_t *)*at;
    uint32_t first = bytes[0];
    if (first < 0x80) {
        *at += 1;
        return first;
    }
    uint32_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    uint32_t character = first & (0x3fU >> more);
    for (uint32_t i = 1; i <= more; i++)
        character = character << 6 | (bytes[i] & 0x3f);
    *at += more + 1;
    return character;
}

size_t utf16_count(struct span utf8)
{
    size_t count = 0;
    for (size_t i = 0; i < utf8.len; i++) {
        uint8_t byte = (uint8_t)utf8.at[i];
        count += (byte & 0xc0) != 0x80; /* begins a character */
        count += byte >= 0xf0;          /* of two units */
    }
    return count;
}

void utf16_from(uint16_t *out, struct span utf8)
{
    const char *end = utf8.at + utf8.len;
    for (const char *at = utf8.at; at < end;) {
        uint32_t character = take(&at);
        if (character < 0x10000) {
            *out++ = (uint16_t)character;
            continue;
        }
        *out++ = (uint16_t)(0xd800 + ((character - 0x10000) >> 10));
        *out++ = (uint16_t)(0xdc00 + ((character - 0x10000) & 0x3ff));
    }
}

void utf16_add_utf8(struct text *out, const uint16_t *units, size_t count)
{
    text_reserve(out, 3 * count);
    for (size_t i = 0; i < count; i++) {
        uint32_t character = units[i];
        if (utf16_is_high(units[i]) && i + 1 < count && utf16_is_low(units[i + 1]))
            character = 0x10000 + ((character - 0xd800) << 10) + (units[++i] - 0xdc00U);
        else if (utf16_is_high(units[i]) || utf16_is_low(units[i]))
            character = REPLACEMENT;
        out->len += utf8_put(out->at + out->len, character);
    }
}
