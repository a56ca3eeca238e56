#include "tests/random_event.h"

#include "shared/utf8.h"

uint32_t random_character(void)
{
    static const uint32_t limits[] = {0x20, 0x80, 0x800, 0xd800, 0x110000};
    static const char special[] = "\"\\/\b\f\n\r\t\x7f";
    uint32_t choice = random_below(8);
    if (choice == 0)
        return (unsigned char)special[random_below(sizeof special - 1)];
    uint32_t limit = choice < 6 ? limits[choice - 1] : limits[1];
    uint32_t character = random_below(limit);
    return character >= 0xd800 && character < 0xe000 ? 0xfdd1 : character;
}

static void add_unit(struct text *out, uint32_t unit)
{
    static const char lower[] = "0123456789abcdef";
    static const char upper[] = "0123456789ABCDEF";
    text_add(out, SPAN("\\u"));
    for (int shift = 12; shift >= 0; shift -= 4) {
        const char *digits = random_below(2) == 0 ? lower : upper;
        text_add(out, (struct span){&digits[unit >> shift & 15], 1});
    }
}

void add_random_escape(struct text *out, uint32_t character)
{
    static const char letters[] = "btnfr";
    static const char characters[] = "\b\t\n\f\r";
    const char *found =
        character > 0 && character < ' ' ? strchr(characters, (int)character) : NULL;
    bool is_raw = character >= ' ' && character != '"' && character != '\\';
    char bytes[4];
    size_t size = utf8_put(bytes, character);
    if (is_raw && random_below(2) == 0) {
        text_add(out, (struct span){bytes, size});
    } else if (found != NULL && random_below(2) == 0) {
        text_addf(out, "\\%c", letters[found - characters]);
    } else if ((character == '"' || character == '\\' || character == '/') &&
               random_below(2) == 0) {
        text_addf(out, "\\%c", (char)character);
    } else if (character < 0x10000) {
        add_unit(out, character);
    } else {
        add_unit(out, 0xd800 + ((character - 0x10000) >> 10));
        add_unit(out, 0xdc00 + (character & 0x3ff));
    }
}

void add_random_string(struct text *json, struct text *decoded)
{
    for (uint32_t length = random_below(12); length > 0; length--) {
        uint32_t character = random_character();
        if (json != NULL)
            add_random_escape(json, character);
        if (decoded != NULL)
            decoded->len += utf8_put(text_reserve(decoded, 4), character);
    }
}

void add_random_space(struct text *out)
{
    static const char spaces[] = " \t\r\n";
    while (random_below(3) == 0)
        text_add(out, (struct span){&spaces[random_below(4)], 1});
}

struct bytes32 random_key(void)
{
    struct bytes32 key = {{0}};
    key.at[0] = (uint8_t)random_below(4);
    key.at[31] = (uint8_t)random_below(4);
    return key;
}

/* The items of a tag that a filter may want: one of few letters, and a value. */
static void add_random_known_tag(struct text *out)
{
    static const char letters[] = "eptT";
    char letter = letters[random_below(4)];
    text_addf(out, "\"%c\",\"", letter);
    if (letter == 'e' || letter == 'p') {
        struct bytes32 key = random_key();
        text_add_hex(out, key.at, sizeof key.at);
    } else
        add_random_escape(out, 'a' + random_below(4));
    text_add(out, SPAN("\""));
}

void add_random_tags(struct text *out)
{
    text_add(out, SPAN("["));
    for (uint32_t i = 0, count = random_below(5); i < count; i++) {
        text_add(out, i == 0 ? SPAN("[") : SPAN(",["));
        add_random_space(out);
        if (random_below(3) != 0)
            add_random_known_tag(out);
        else
            for (uint32_t j = 0, items = random_below(4); j < items; j++) {
                text_add(out, j == 0 ? SPAN("\"") : SPAN(",\""));
                add_random_string(out, NULL);
                text_add(out, SPAN("\""));
                add_random_space(out);
            }
        text_add(out, SPAN("]"));
        add_random_space(out);
    }
    text_add(out, SPAN("]"));
}

void add_random_event(struct text *out)
{
    struct bytes32 id = random_key();
    struct bytes32 pubkey = random_key();
    struct bytes64 sig = {{1}};
    text_add(out, SPAN("{\"id\":\""));
    text_add_hex(out, id.at, sizeof id.at);
    text_add(out, SPAN("\","));
    add_random_space(out);
    text_add(out, SPAN("\"pubkey\":\""));
    text_add_hex(out, pubkey.at, sizeof pubkey.at);
    text_addf(out, "\",\"created_at\":%u,\"kind\":%u,\"tags\":", random_below(6), random_below(4));
    add_random_tags(out);
    text_add(out, SPAN(",\"content\":\""));
    add_random_string(out, NULL);
    text_add(out, SPAN("\",\"sig\":\""));
    text_add_hex(out, sig.at, sizeof sig.at);
    text_add(out, SPAN("\"}"));
}

static void add_random_keys(struct text *out, const char *name)
{
    uint32_t count = random_below(8) == 0 ? 0 : 1 + random_below(6);
    text_addf(out, "\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes32 key = random_key();
        text_add(out, i == 0 ? SPAN("\"") : SPAN(",\""));
        text_add_hex(out, key.at, sizeof key.at);
        text_add(out, SPAN("\""));
    }
    text_add(out, SPAN("],"));
}

/* sign: '#', any of them, or '&', all of them: fewer, else nothing would match. */
static void add_random_values(struct text *out, char sign, char letter)
{
    uint32_t count = random_below(8) == 0 ? 0 : 1 + random_below(sign == '&' ? 2 : 4);
    text_addf(out, "\"%c%c\":[", sign, letter);
    for (uint32_t i = 0; i < count; i++) {
        text_add(out, i == 0 ? SPAN("\"") : SPAN(",\""));
        if (random_below(4) == 0)
            add_random_string(out, NULL);
        else
            add_random_escape(out, 'a' + random_below(4));
        text_add(out, SPAN("\""));
    }
    text_add(out, SPAN("],"));
}

void add_random_filter(struct text *out)
{
    text_add(out, SPAN("{"));
    if (random_below(3) == 0)
        add_random_keys(out, "ids");
    if (random_below(3) == 0)
        add_random_keys(out, "authors");
    if (random_below(3) == 0)
        text_addf(out, "\"kinds\":[%u,%u,%u],", random_below(4), random_below(4), random_below(4));
    if (random_below(3) == 0)
        add_random_keys(out, "#e");
    if (random_below(3) == 0)
        add_random_keys(out, "#p");
    if (random_below(3) == 0)
        add_random_values(out, '#', 't');
    if (random_below(3) == 0)
        add_random_values(out, '#', 'T');
    if (random_below(6) == 0)
        add_random_values(out, '&', 't');
    if (random_below(6) == 0)
        add_random_values(out, '&', 'T');
    if (random_below(3) == 0)
        text_addf(out, "\"since\":%u,", random_below(6));
    if (random_below(3) == 0)
        text_addf(out, "\"until\":%u,", random_below(6));
    if (random_below(3) == 0)
        text_addf(out, "\"limit\":%u,", random_below(6));
    if (out->at[out->len - 1] == ',')
        out->len--;
    text_add(out, SPAN("}"));
}
