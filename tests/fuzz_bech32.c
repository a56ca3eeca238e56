/* Any bytes as a word; and any bytes as the content of a word whose checksum is right, which
 * chance would not find. What is read must be written and read again the same. */
#include <assert.h>
#include <stdint.h>

#include "shared/arena.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct span word)
{
    struct arena arena = {0};
    struct text text = {0};
    struct bech32 read, again;
    struct err err;
    if (bech32_decode(&read, &arena, word, &err)) {
        bool ok =
            bech32_encode(&text, &read) && bech32_decode(&again, &arena, text_span(&text), NULL);
        assert(ok && text.len <= BECH32_CHARS_MAX);
        assert(again.type == read.type && again.relay_count == read.relay_count);
        assert(memcmp(&again.key, &read.key, sizeof read.key) == 0);
        assert(again.has_author == read.has_author && again.has_kind == read.has_kind);
        assert(memcmp(&again.author, &read.author, sizeof read.author) == 0);
        assert(again.kind == read.kind && span_eq(again.identifier, read.identifier));
        for (uint32_t i = 0; i < read.relay_count; i++)
            assert(span_eq(again.relays[i], read.relays[i]));
    } else {
        assert(err.code == ERR_INVALID && err.text[0] != '\0');
    }
    text_clear(&text);
    arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const prefixes[] = {"npub", "nsec", "note", "nprofile", "nevent", "naddr"};
    check((struct span){(const char *)data, size});

    if (size == 0 || size > BECH32_CHARS_MAX / 2)
        return 0;
    uint8_t values[BECH32_CHARS_MAX];
    char word[BECH32_CHARS_MAX + 32];
    const char *prefix = prefixes[data[0] % ARRAY_LEN(prefixes)];
    word_write(word, prefix, values, word_values(values, data + 1, size - 1));
    check((struct span){word, strlen(word)});
    return 0;
}
