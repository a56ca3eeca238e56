#include "shared/terms.h"

#include "shared/arena.h"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_key_character(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* Length of the key in front of the colon; 0: the word is no extension. */
static size_t key_length(struct span word)
{
    size_t len = 0;
    while (len < word.len && is_key_character(word.at[len]))
        len++;
    bool is_extension = len > 0 && is_letter(word.at[0]) && len + 1 < word.len &&
                        word.at[len] == ':' && word.at[len + 1] != '/' && word.at[len + 1] != '"';
    return is_extension ? len : 0;
}

static void take_extension(struct terms *terms, struct span key, struct span value)
{
    if (!span_eq(key, SPAN("language")) || value.len != 2 || !is_letter(value.at[0]) ||
        !is_letter(value.at[1]))
        return;
    terms->language[0] = (char)(value.at[0] | 0x20);
    terms->language[1] = (char)(value.at[1] | 0x20);
}

struct terms terms_read(struct arena *arena, struct span text)
{
    struct terms terms = {.language = ""};
    char *words = arena_alloc(arena, text.len + 1);
    bool is_quoted = false;
    for (size_t at = 0; at < text.len;) {
        size_t start = at;
        bool was_quoted = is_quoted;
        for (; at < text.len && !is_space(text.at[at]); at++)
            is_quoted ^= text.at[at] == '"';
        struct span word = {text.at + start, at - start};
        size_t key = was_quoted ? 0 : key_length(word);
        if (key > 0) {
            is_quoted = false; /* a quote within it opens nothing */
            take_extension(&terms, (struct span){word.at, key},
                           (struct span){word.at + key + 1, word.len - key - 1});
        } else if (word.len > 0) {
            memcpy(words + terms.words.len, word.at, word.len);
            terms.words.len += word.len;
            words[terms.words.len++] = ' ';
        }
        while (at < text.len && is_space(text.at[at]))
            at++;
    }
    terms.words.at = words;
    terms.words.len -= terms.words.len > 0; /* the space behind the last */
    return terms;
}
