/* NIP-19 words: published examples, every refusal by its own words, the bounds, and the law that
 * what is written is read again the same, in either case. */
#include "shared/bech32.h"

#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"
#include "tests/word.h"

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

/* The examples of NIP-19, and of BIP-173's kind: upper case, the scheme of NIP-21. */
static void test_keys(void **state)
{
    static const struct {
        enum bech32_type type;
        const char *word, *hex;
    } cases[] = {
        {BECH32_NPUB, "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg",
         "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e"},
        {BECH32_NSEC, "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5",
         "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa"},
        {BECH32_NPUB, "NPUB10ELFCS4FR0L0R8AF98JLMGDH9C8TCXJVZ9QKW038JS35MP4DMA8QZVJPTG",
         "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e"},
        {BECH32_NPUB, "nostr:npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg",
         "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e"},
        {BECH32_NPUB, "NOSTR:NPUB10ELFCS4FR0L0R8AF98JLMGDH9C8TCXJVZ9QKW038JS35MP4DMA8QZVJPTG",
         "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e"},
        {BECH32_NPUB, "Nostr:npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg",
         "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct bech32 read;
        struct bytes32 key;
        print_message("%s\n", cases[i].word);
        assert_true(bech32_decode(&read, &arena, span_of(cases[i].word), NULL));
        assert_true(hex_decode(key.at, sizeof key.at, span_of(cases[i].hex)));
        assert_int_equal(read.type, cases[i].type);
        assert_memory_equal(read.key.at, key.at, sizeof key.at);
        assert_null(arena.head); /* a secret never lies in an arena */
        arena_clear(&arena);
    }
}

static void test_profile(void **state)
{
    struct span word =
        SPAN("nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8gpp4mhxue69"
             "uhhytnc9e3k7mgpz4mhxue69uhkg6nzv9ejuumpv34kytnrdaksjlyr9p");
    struct arena arena = {0};
    struct text text = {0};
    struct bech32 read;
    struct bytes32 key;
    (void)state;
    assert_true(bech32_decode(&read, &arena, word, NULL));
    assert_true(
        hex_decode(key.at, sizeof key.at,
                   SPAN("3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d")));
    assert_int_equal(read.type, BECH32_NPROFILE);
    assert_memory_equal(read.key.at, key.at, sizeof key.at);
    assert_int_equal(read.relay_count, 2);
    assert_string_equal(read.relays[0].at, "wss://r.x.com");
    assert_string_equal(read.relays[1].at, "wss://djbas.sadkb.com");
    assert_true(bech32_encode(&text, &read));
    assert_true(span_eq(text_span(&text), word));
    text_clear(&text);
    arena_clear(&arena);
}

#define KEY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TLV_KEY "0020" KEY
#define TLV_AUTHOR "0220" KEY
#define TLV_KIND "030400007534"

static const struct {
    const char *prefix, *hex, *refusal; /* NULL: read */
} contents[] = {
    {"npub", KEY, NULL},
    {"note", KEY, NULL},
    {"npub", "", "a key or id of 0 bytes, not 32"},
    {"nsec", KEY "aa", "a key or id of 33 bytes, not 32"},
    {"note", "aaaa", "a key or id of 2 bytes, not 32"},
    {"nrelay", KEY, "not a word of NIP-19: its prefix is unknown"},
    {"npu", KEY, "not a word of NIP-19: its prefix is unknown"},
    {"npubb", KEY, "not a word of NIP-19: its prefix is unknown"},
    {"", KEY, "not a word of NIP-19: its prefix is unknown"},
    {"nprofile", TLV_KEY, NULL},
    {"nprofile", TLV_KEY "0100", NULL},           /* an empty relay */
    {"nprofile", TLV_KEY "0201aa0301aa", NULL},   /* mean nothing here */
    {"nprofile", TLV_KEY "0401aaff00ff00", NULL}, /* unknown, even twice */
    {"nprofile", "", "a TLV is missing that nprofile needs"},
    {"nprofile", "0100", "a TLV is missing that nprofile needs"},
    {"nprofile", TLV_KEY "00", "a TLV is cut short"},
    {"nprofile", TLV_KEY "0101", "a TLV is cut short"},
    {"nprofile", TLV_KEY TLV_KEY, "TLV 0 is there twice"},
    {"nprofile", "001faa" KEY, "a key or id of 31 bytes, not 32"},
    {"nevent", TLV_KEY, NULL},
    {"nevent", TLV_KIND TLV_AUTHOR "0100" TLV_KEY, NULL}, /* in any order */
    {"nevent", TLV_AUTHOR TLV_KIND, "a TLV is missing that nevent needs"},
    {"nevent", TLV_KEY TLV_AUTHOR TLV_AUTHOR, "TLV 2 is there twice"},
    {"nevent", TLV_KEY "0200", "a key or id of 0 bytes, not 32"},
    {"nevent", TLV_KEY "03021234", "a kind of 2 bytes, not 4"},
    {"naddr", "0000" TLV_AUTHOR TLV_KIND, NULL},
    {"naddr", "0003c3a9ff" TLV_AUTHOR TLV_KIND, NULL}, /* any bytes */
    {"naddr", TLV_AUTHOR TLV_KIND, "a TLV is missing that naddr needs"},
    {"naddr", "0000" TLV_KIND, "a TLV is missing that naddr needs"},
    {"naddr", "0000" TLV_AUTHOR, "a TLV is missing that naddr needs"},
    {"naddr", "00000201aa" TLV_KIND, "a key or id of 1 bytes, not 32"},
};

/* Writes a word of that content, its checksum right. */
static struct span make(char *word, const char *prefix, const char *hex)
{
    uint8_t bytes[1024], values[2048];
    size_t len = strlen(hex) / 2;
    assert_true(hex_decode(bytes, len, span_of(hex)));
    word_write(word, prefix, values, word_values(values, bytes, len));
    return span_of(word);
}

static void test_content(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        struct arena arena = {0};
        struct err err;
        struct bech32 read;
        char word[2048];
        print_message("%s %s\n", contents[i].prefix, contents[i].hex);
        bool ok =
            bech32_decode(&read, &arena, make(word, contents[i].prefix, contents[i].hex), &err);
        assert_int_equal(ok, contents[i].refusal == NULL);
        if (!ok) {
            assert_int_equal(err.code, ERR_INVALID);
            assert_string_equal(err.text, contents[i].refusal);
        }
        arena_clear(&arena);
    }
}

static void test_event(void **state)
{
    struct arena arena = {0};
    struct bech32 read;
    char word[2048];
    (void)state;
    assert_true(bech32_decode(&read, &arena, make(word, "nevent", TLV_KEY), NULL));
    assert_false(read.has_author || read.has_kind);
    assert_true(
        bech32_decode(&read, &arena, make(word, "nevent", TLV_KEY TLV_AUTHOR TLV_KIND), NULL));
    assert_true(read.has_author && read.has_kind);
    assert_int_equal(read.kind, 30004);
    assert_memory_equal(read.author.at, read.key.at, sizeof read.key.at);
    assert_true(bech32_decode(
        &read, &arena, make(word, "naddr", "0006736572696573" TLV_AUTHOR "0304ffffffff"), NULL));
    assert_true(read.has_kind);
    assert_int_equal(read.kind, UINT32_MAX);
    assert_int_equal(read.key.at[31], 0xaa);
    assert_string_equal(read.identifier.at, "series");
    arena_clear(&arena);
}

static void test_malformed(void **state)
{
    static const struct {
        const char *word, *refusal;
    } cases[] = {
        {"", "not a word of NIP-19: its prefix is unknown"},
        {"nostr:", "not a word of NIP-19: its prefix is unknown"},
        {"nostr:nostr:npub1", "not a word of NIP-19: its prefix is unknown"},
        {"npub", "not a word of NIP-19: its prefix is unknown"},
        {"npub2", "not a word of NIP-19: its prefix is unknown"},
        {"npub1", "the checksum is wrong"},
        {"npub1qqqqq", "the checksum is wrong"},
        {"npub1qqqqqq", "the checksum is wrong"},
        {"npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjpth",
         "the checksum is wrong"},
        {"npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptG",
         "upper and lower case are mixed"},
        {"Npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg",
         "upper and lower case are mixed"},
        {"npub1A", "upper and lower case are mixed"},
        {"npub1Z", "upper and lower case are mixed"},
        {"NPUB1a", "upper and lower case are mixed"},
        {"NPUB1z", "upper and lower case are mixed"},
        {"npub10elfcs4fb0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg",
         "character 9 after the prefix is not bech32"},
        {"npub10elfcs4f1l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg",
         "character 9 after the prefix is not bech32"},
        {"npub1\xc3\xa9", "character 1 after the prefix is not bech32"},
        {" npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg",
         "not a word of NIP-19: its prefix is unknown"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct err err;
        struct bech32 read;
        print_message("%s\n", cases[i].word);
        assert_false(bech32_decode(&read, &arena, span_of(cases[i].word), &err));
        assert_string_equal(err.text, cases[i].refusal);
        assert_null(arena.head);
    }
}

/* Nothing is read past the end of a word. */
static void test_bare_prefix(void **state)
{
    struct arena arena = {0};
    struct bech32 read;
    (void)state;
    const struct span prefix = SPAN("npub");
    char *word = malloc(prefix.len);
    assert_non_null(word);
    memcpy(word, prefix.at, prefix.len);
    assert_false(bech32_decode(&read, &arena, (struct span){word, prefix.len}, NULL));
    free(word);
}

/* 32 bytes are 51 values and one bit: four bits of padding, which must be zero, and no more. */
static void test_padding(void **state)
{
    uint8_t bytes[32] = {0}, values[65];
    char word[128];
    struct bech32 read;
    struct arena arena = {0};
    struct err err;
    (void)state;
    size_t count = word_values(values, bytes, sizeof bytes);
    assert_int_equal(count, 52);
    values[51] = 16; /* the last bit of the key */
    word_write(word, "npub", values, count);
    assert_true(bech32_decode(&read, &arena, span_of(word), &err));
    assert_int_equal(read.key.at[31], 1);
    for (uint8_t bit = 1; bit < 16; bit = (uint8_t)(bit << 1)) {
        values[51] = bit;
        word_write(word, "npub", values, count);
        assert_false(bech32_decode(&read, &arena, span_of(word), &err));
        assert_string_equal(err.text, "the padding is not zero");
    }

    /* 40 bytes are 64 values: one more is padding altogether */
    uint8_t whole[40] = {0, 32, [34] = 0xee, [35] = 4};
    count = word_values(values, whole, sizeof whole);
    assert_int_equal(count, 64);
    word_write(word, "nprofile", values, count);
    assert_true(bech32_decode(&read, &arena, span_of(word), &err));
    values[64] = 0;
    word_write(word, "nprofile", values, count + 1);
    assert_false(bech32_decode(&read, &arena, span_of(word), &err));
    assert_string_equal(err.text, "the padding is not zero");
}

/* An naddr of 3117 bytes has exactly BECH32_CHARS_MAX characters; the scheme is not counted. */
static void test_longest_word(void **state)
{
    static uint8_t bytes[4096], values[8192];
    static char word[8192] = "nostr:";
    struct arena arena = {0};
    struct bech32 read;
    struct err err;
    (void)state;
    assert_true(hex_decode(bytes, 42, SPAN("0000" TLV_AUTHOR TLV_KIND)));
    size_t len = 42;
    while (len < 3117) { /* TLVs of a type that means nothing */
        size_t value = 3117 - len - 2 < 255 ? 3117 - len - 2 : 255;
        bytes[len] = 0xee;
        bytes[len + 1] = (uint8_t)value;
        len += 2 + value;
    }
    word_write(word + 6, "naddr", values, word_values(values, bytes, 3117));
    assert_int_equal(strlen(word + 6), BECH32_CHARS_MAX);
    assert_true(bech32_decode(&read, &arena, span_of(word), NULL));
    assert_int_equal(read.kind, 30004);

    word_write(word + 6, "naddr", values, word_values(values, bytes, 3118));
    assert_int_equal(strlen(word + 6), BECH32_CHARS_MAX + 1);
    assert_false(bech32_decode(&read, &arena, span_of(word), &err));
    assert_string_equal(err.text, "longer than 5000 characters");
    arena_clear(&arena);
}

static void test_relays_max(void **state)
{
    uint8_t bytes[34 + 3 * (BECH32_RELAYS_MAX + 1)] = {0, 32}, values[256];
    struct arena arena = {0};
    struct bech32 read;
    char word[256];
    (void)state;
    for (uint32_t i = 0; i <= BECH32_RELAYS_MAX; i++) {
        uint8_t tlv[] = {1, 1, (uint8_t)('a' + i)};
        memcpy(bytes + 34 + sizeof tlv * i, tlv, sizeof tlv);
        size_t count = word_values(values, bytes, 34 + sizeof tlv * (i + 1));
        word_write(word, "nprofile", values, count);
        assert_true(bech32_decode(&read, &arena, span_of(word), NULL));
        assert_int_equal(read.relay_count, i < BECH32_RELAYS_MAX ? i + 1 : BECH32_RELAYS_MAX);
    }
    assert_string_equal(read.relays[BECH32_RELAYS_MAX - 1].at, "p");
    arena_clear(&arena);
}

static void test_encode_limits(void **state)
{
    static const char letters[300];
    struct arena arena = {0};
    struct text text = {0};
    struct bech32 in = {.type = BECH32_NADDR, .identifier = {letters, 255}}, read;
    (void)state;
    assert_true(bech32_encode(&text, &in));
    assert_true(bech32_decode(&read, &arena, text_span(&text), NULL));
    assert_int_equal(read.identifier.len, 255);
    text.len = 0;
    in.identifier.len = 256;
    assert_false(bech32_encode(&text, &in));
    assert_int_equal(text.len, 0);

    in = (struct bech32){.type = BECH32_NPROFILE, .relay_count = 2};
    in.relays[0] = (struct span){letters, 256}; /* too long for a TLV: left out */
    in.relays[1] = (struct span){letters, 255};
    assert_true(bech32_encode(&text, &in));
    assert_true(bech32_decode(&read, &arena, text_span(&text), NULL));
    assert_int_equal(read.relay_count, 1);
    assert_int_equal(read.relays[0].len, 255);

    /* eleven of 255 bytes fit the longest word, and then one of 252 */
    in.relay_count = BECH32_RELAYS_MAX;
    for (uint32_t i = 0; i < BECH32_RELAYS_MAX; i++)
        in.relays[i] = (struct span){letters, i < 12 ? 255 : 266 - i};
    text.len = 0;
    assert_true(bech32_encode(&text, &in));
    assert_int_equal(text.len, BECH32_CHARS_MAX - 1);
    assert_true(bech32_decode(&read, &arena, text_span(&text), NULL));
    assert_int_equal(read.relay_count, 12);
    assert_int_equal(read.relays[11].len, 252);

    /* of an naddr the longest word has BECH32_CHARS_MAX characters exactly */
    in.type = BECH32_NADDR;
    in.relays[11].len = 247;
    in.relays[12].len = 246;
    text.len = 0;
    assert_true(bech32_encode(&text, &in));
    assert_int_equal(text.len, BECH32_CHARS_MAX);
    assert_true(bech32_decode(&read, &arena, text_span(&text), NULL));
    assert_int_equal(read.relay_count, 12);
    assert_int_equal(read.relays[11].len, 246);
    text_clear(&text);
    arena_clear(&arena);
}

static void fill(void *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)at)[i] = (uint8_t)random_below(256);
}

static struct bech32 random_word(char *letters, size_t size)
{
    struct bech32 word = {.type = (enum bech32_type)random_below(BECH32_NADDR + 1)};
    fill(letters, size);
    fill(&word.key, sizeof word.key);
    if (word.type == BECH32_NADDR)
        word.identifier = (struct span){letters, random_below(256)};
    word.has_author = word.type == BECH32_NEVENT && random_below(2) == 0;
    if (word.has_author)
        fill(&word.author, sizeof word.author);
    word.has_kind = word.type == BECH32_NADDR || (word.type == BECH32_NEVENT && random_below(2));
    if (word.has_kind)
        fill(&word.kind, sizeof word.kind);
    if (word.type >= BECH32_NPROFILE)
        word.relay_count = random_below(8);
    for (uint32_t i = 0; i < word.relay_count; i++)
        word.relays[i] = (struct span){letters + random_below(256), random_below(256)};
    return word;
}

static void assert_words_equal(const struct bech32 *a, const struct bech32 *b)
{
    assert_int_equal(a->type, b->type);
    assert_memory_equal(&a->key, &b->key, sizeof a->key);
    assert_int_equal(a->has_author, b->has_author);
    assert_memory_equal(&a->author, &b->author, sizeof a->author);
    assert_int_equal(a->has_kind, b->has_kind);
    assert_int_equal(a->kind, b->kind);
    assert_true(span_eq(a->identifier, b->identifier));
    assert_int_equal(a->relay_count, b->relay_count);
    for (uint32_t i = 0; i < a->relay_count; i++)
        assert_true(span_eq(a->relays[i], b->relays[i]));
}

/* Read what was written; and any one character changed makes it a word that is refused. */
static void test_round_trip(void **state)
{
    uint32_t seen = 0;
    (void)state;
    random_start();
    for (uint32_t round = 0; round < 3000; round++) {
        struct arena arena = {0};
        struct text text = {0};
        char letters[512];
        struct bech32 word = random_word(letters, sizeof letters), read;
        assert_true(bech32_encode(&text, &word));
        assert_true(bech32_decode(&read, &arena, text_span(&text), NULL));
        assert_words_equal(&read, &word);
        seen |= 1U << word.type;

        char *at = &text.at[random_below((uint32_t)text.len)];
        char old = *at;
        *at = "qpzry9x8gf2tvdw0s3jn54khce6mua7l1"[random_below(33)];
        assert_int_equal(bech32_decode(&read, &arena, text_span(&text), NULL), *at == old);
        *at = old;
        for (size_t i = 0; i < text.len; i++)
            text.at[i] = (char)(text.at[i] >= 'a' ? text.at[i] - ('a' - 'A') : text.at[i]);
        assert_true(bech32_decode(&read, &arena, text_span(&text), NULL));
        assert_words_equal(&read, &word);
        text_clear(&text);
        arena_clear(&arena);
    }
    assert_int_equal(seen, (1U << (BECH32_NADDR + 1)) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),       cmocka_unit_test(test_profile),
        cmocka_unit_test(test_content),    cmocka_unit_test(test_event),
        cmocka_unit_test(test_malformed),  cmocka_unit_test(test_bare_prefix),
        cmocka_unit_test(test_padding),    cmocka_unit_test(test_longest_word),
        cmocka_unit_test(test_relays_max), cmocka_unit_test(test_encode_limits),
        cmocka_unit_test(test_round_trip)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
