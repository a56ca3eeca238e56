/* Names of people and events: did, cid, npub and hex, byte exact with other implementations. */
#include "client/base58.h"
#include "client/cid.h"
#include "client/did.h"
#include "client/person.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/text.h"
#include "tests/test.h"

#define KEY "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
#define DID_KEY "did:key:zQ3sheBXCeZNNKcYTSbn3U6mTZD228vEFA753n76azCDQq16g"
#define DID_KEY_ODD "did:key:zQ3shwQqa9M7y7fHE1gZThGwkkRpYPQsZuK99GA3ur7eBLxLx"
#define NOTE "note1pewzaaq6vrqfcvx5v4kteazrtu057dcen0cs4jyxemyem74nckqs0y4hcf"
#define ID "0e5c2ef41a60c09c30d4656cbcf4435f1f4f37199bf10ac886cec99dfab3c581"

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static struct bytes32 from_hex(const char *hex)
{
    struct bytes32 out;
    assert_true(hex_decode(out.at, sizeof out.at, span_of(hex)));
    return out;
}

static void assert_text(struct text *text, const char *wanted)
{
    text_add(text, SPAN("\0"));
    assert_string_equal(text->at, wanted);
    text_clear(text);
}

static void test_base58(void **state)
{
    static const struct {
        const char *hex, *chars;
    } cases[] = {
        {"", ""},
        {"61", "2g"},
        {"00", "1"},
        {"0000287fb4cd", "11233QC4"},
        {"572e4794", "3EFU7m"},
        {"00eb15231dfceb60925886b67d065299925915aeb172c06647",
         "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t bytes[BASE58_BYTES_MAX], again[BASE58_BYTES_MAX];
        size_t size = strlen(cases[i].hex) / 2;
        struct text text = {0};
        assert_true(hex_decode(bytes, size, span_of(cases[i].hex)));
        assert_true(base58_decode(again, size, span_of(cases[i].chars)));
        assert_memory_equal(again, bytes, size);
        assert_false(base58_decode(again, size + 1, span_of(cases[i].chars)));
        base58_encode(&text, bytes, size);
        assert_text(&text, cases[i].chars);
    }
    uint8_t longest[BASE58_BYTES_MAX];
    struct text text = {0};
    memset(longest, 0xff, sizeof longest);
    base58_encode(&text, longest, sizeof longest);
    assert_int_equal(text.len, BASE58_CHARS_MAX);
    assert_true(base58_decode(longest, sizeof longest, text_span(&text)));
    text_add(&text, SPAN("1"));
    assert_false(base58_decode(longest, sizeof longest, text_span(&text)));
    text_clear(&text);
}

static void test_did(void **state)
{
    struct text text = {0};
    struct bytes32 key = from_hex(KEY), read;
    bool is_odd;
    (void)state;
    did_write_nostr(&text, &key);
    assert_text(&text, "did:nostr:" KEY);
    did_write_key(&text, &key);
    assert_text(&text, DID_KEY);
    assert_true(did_parse(&read, &is_odd, SPAN(DID_KEY), NULL));
    assert_false(is_odd);
    assert_memory_equal(read.at, key.at, 32);
    assert_true(did_parse(&read, &is_odd, SPAN(DID_KEY_ODD), NULL));
    assert_true(is_odd);
    assert_memory_equal(read.at, key.at, 32);
}

static void test_person(void **state)
{
    static const struct {
        const char *word, *refusal; /* NULL: KEY */
    } cases[] = {
        {KEY, NULL},
        {"npub1lycg5qvjtrp3qjf5f7zl382j9x6nrjz9sdhenvyxq8c3808qxmus6gq266", NULL},
        {"nostr:npub1lycg5qvjtrp3qjf5f7zl382j9x6nrjz9sdhenvyxq8c3808qxmus6gq266", NULL},
        {"did:nostr:" KEY, NULL},
        {DID_KEY, NULL},
        {DID_KEY_ODD, NULL},
        {"", "not a word of NIP-19: its prefix is unknown"},
        {"nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5",
         "that is a secret key: give the npub, and keep it to you"},
        {NOTE, "names an event, not a person"},
        {"did:web:example.com", "expected did:nostr: or did:key:z"},
        {"did:nostr:F930", "a did:nostr that is not of 64 lowercase hex digits"},
        {"did:key:z6MkvqoYXQfDDJRv8L4wKzxYeuKyVZBfi9Qo6Ro8MiLH3kDQ",
         "a did:key of another curve: only secp256k1 (zQ3s...) is a Nostr key"},
        {"did:key:z", "a did:key of another curve: only secp256k1 (zQ3s...) is a Nostr key"},
        {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
         "no key: not a point of the curve"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes32 key = from_hex(KEY), read;
        struct err err;
        print_message("%s\n", cases[i].word);
        bool ok = person_parse(&read, span_of(cases[i].word), &err);
        assert_int_equal(ok, cases[i].refusal == NULL);
        if (ok)
            assert_memory_equal(read.at, key.at, 32);
        else
            assert_string_equal(err.text, cases[i].refusal);
    }
}

static void test_cid(void **state)
{
    static const char *const words[] = {
        [CID_RAW] = "bafkreiaolqxpigtaycodbvdfns6piq27d5htogm36efmrbwozgo7vm6fqe",
        [CID_JSON] = "bagaaierabzoc55a2mdajymgumvwlz5cdl4pu6nyztpyqvsegz3ez36vtywaq",
        [CID_DAG_JSON] = "baguqeerabzoc55a2mdajymgumvwlz5cdl4pu6nyztpyqvsegz3ez36vtywaq",
    };
    static const struct {
        const char *word, *refusal;
    } refused[] = {
        {"", "expected a CID of version 1 in base32: bafkrei..."},
        {"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnkJ5b",
         "expected a CID of version 1 in base32: bafkrei..."},
        {"bafkreiaolqxpigtaycodbvdfns6piq27d5htogm36efmrbwozgo7vm6fqf", /* padding bits */
         "expected a CID of version 1 in base32: bafkrei..."},
        {"b", "a CID, but not of an event: raw, json or dag-json, sha2-256"},
        {"bafybeiaolqxpigtaycodbvdfns6piq27d5htogm36efmrbwozgo7vm6fqe", /* dag-pb */
         "a CID, but not of an event: raw, json or dag-json, sha2-256"},
    };
    (void)state;
    for (enum cid_codec codec = CID_RAW; codec <= CID_DAG_JSON; codec++) {
        struct text text = {0};
        struct bytes32 id = from_hex(ID), read;
        cid_write(&text, &id, codec);
        assert_true(cid_parse(&read, text_span(&text), NULL));
        assert_memory_equal(read.at, id.at, 32);
        assert_text(&text, words[codec]);
    }
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct bytes32 read;
        struct err err;
        assert_false(cid_parse(&read, span_of(refused[i].word), &err));
        assert_string_equal(err.text, refused[i].refusal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_base58), cmocka_unit_test(test_did),
                                       cmocka_unit_test(test_person), cmocka_unit_test(test_cid)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
