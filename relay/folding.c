#include "relay/folding.h"

#include <locale.h>
#include <wctype.h>

#include "shared/arena.h"
#include "shared/utf8.h"

/* What is no part of a word, in order. The joiners (U+200C, U+200D) and all marks are. */
static const struct {
    uint32_t first, last;
} gaps[] = {
    {0x80, 0xa9},     {0xab, 0xb4},       {0xb6, 0xb9},       {0xbb, 0xbf},     {0xd7, 0xd7},
    {0xf7, 0xf7},     {0x37e, 0x37e},     {0x387, 0x387},     {0x55a, 0x55f},   {0x589, 0x58a},
    {0x5be, 0x5be},   {0x5c0, 0x5c0},     {0x5c3, 0x5c3},     {0x5f3, 0x5f4},   {0x609, 0x60d},
    {0x61b, 0x61f},   {0x66a, 0x66d},     {0x6d4, 0x6d4},     {0x964, 0x965},   {0xe5a, 0xe5b},
    {0x104a, 0x104f}, {0x1360, 0x1368},   {0x17d4, 0x17d6},   {0x1800, 0x180a}, {0x2000, 0x200b},
    {0x200e, 0x2070}, {0x207a, 0x207e},   {0x208a, 0x208e},   {0x20a0, 0x20cf}, {0x2190, 0x245f},
    {0x249c, 0x24e9}, {0x2500, 0x2bff},   {0x2e00, 0x2e7f},   {0x3000, 0x3004}, {0x3008, 0x3020},
    {0x3030, 0x3030}, {0x303d, 0x303f},   {0x30fb, 0x30fb},   {0xfd3e, 0xfd3f}, {0xfe00, 0xfe1f},
    {0xfe30, 0xfe6f}, {0xfeff, 0xff0f},   {0xff1a, 0xff20},   {0xff3b, 0xff40}, {0xff5b, 0xff65},
    {0xffe0, 0xffff}, {0x1f000, 0x1faff}, {0xe0000, 0xe0fff},
};

static bool is_quote(uint32_t character)
{
    return (character >= 0x201c && character <= 0x201f) || character == 0xab || character == 0xbb;
}

static bool is_gap(uint32_t character)
{
    for (size_t i = 0; i < ARRAY_LEN(gaps) && character >= gaps[i].first; i++)
        if (character <= gaps[i].last)
            return true;
    return false;
}

/* The C library's own UTF-8, which needs no locale of the system's. */
static uint32_t lowered(uint32_t character)
{
    static locale_t locale;
    if (locale == (locale_t)0)
        locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return locale == (locale_t)0 ? character : (uint32_t)towlower_l((wint_t)character, locale);
}

static uint32_t folded(uint32_t character)
{
    if (is_quote(character))
        return '"';
    return is_gap(character) ? ' ' : lowered(character);
}

static uint32_t decode(const char *at, size_t size)
{
    uint32_t character = (unsigned char)at[0] & (0x7fU >> size);
    for (size_t i = 1; i < size; i++)
        character = character << 6 | ((unsigned char)at[i] & 0x3fU);
    return character;
}

struct span folding_of(struct arena *arena, struct span text)
{
    /* no letter's lower case takes more than one byte more, and none of ASCII does */
    char *out = arena_alloc(arena, text.len + text.len / 2 + 1);
    const char *end = text.at + text.len;
    size_t len = 0;
    for (const char *at = text.at; at < end;) {
        size_t size = utf8_size(at, end);
        if (size <= 1) {
            char c = *at++;
            out[len++] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
            continue;
        }
        len += utf8_put(out + len, folded(decode(at, size)));
        at += size;
    }
    return (struct span){out, len};
}
