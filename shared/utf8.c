#include "shared/utf8.h"

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Checks the bytes after lead; the second alone has narrower bounds, which exclude overlongs,
 * surrogates and what lies past U+10FFFF. */
static bool well_formed(const unsigned char *at, size_t size)
{
    unsigned char lowest = 0x80;
    unsigned char highest = 0xbf;
    if (at[0] == 0xe0)
        lowest = 0xa0;
    else if (at[0] == 0xed)
        highest = 0x9f;
    else if (at[0] == 0xf0)
        lowest = 0x90;
    else if (at[0] == 0xf4)
        highest = 0x8f;

    if (at[1] < lowest || at[1] > highest)
        return false;
    for (size_t i = 2; i < size; i++)
        if (!is_continuation(at[i]))
            return false;
    return true;
}

size_t utf8_size(const char *at, const char *end)
{
    if (at == end)
        return 0;
    const unsigned char *bytes = (const unsigned char *)at;
    unsigned char lead = bytes[0];
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if ((size_t)(end - at) < size || !well_formed(bytes, size))
        return 0;
    return size;
}

size_t utf8_put(char *out, uint32_t character)
{
    if (character < 0x80) {
        out[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        out[0] = (char)(0xc0 | character >> 6);
        out[1] = (char)(0x80 | (character & 0x3f));
        return 2;
    }
    if (character < 0x10000) {
        out[0] = (char)(0xe0 | character >> 12);
        out[1] = (char)(0x80 | (character >> 6 & 0x3f));
        out[2] = (char)(0x80 | (character & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | character >> 18);
    out[1] = (char)(0x80 | (character >> 12 & 0x3f));
    out[2] = (char)(0x80 | (character >> 6 & 0x3f));
    out[3] = (char)(0x80 | (character & 0x3f));
    return 4;
}

bool utf8_is(struct span text)
{
    while (text.len > 0) { /* an absent text has no end to point at */
        size_t size = utf8_size(text.at, text.at + text.len);
        if (size == 0)
            return false;
        text = (struct span){text.at + size, text.len - size};
    }
    return true;
}

size_t utf8_count(struct span text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += !is_continuation((unsigned char)text.at[i]);
    return count;
}
