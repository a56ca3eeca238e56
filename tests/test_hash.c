/* Hashes: SipHash as its authors publish it, and what the database knows tags and keys by. */
#include "relay/hash.h"

#include "relay/tag_hash.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "tests/test.h"

/* 00 01 02 .. 0f */
static const struct hash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

static void test_vectors(void **state)
{
    /* The SipHash paper, appendix A, and the first of its reference vectors. */
    static const struct {
        size_t len;
        uint64_t hash;
    } cases[] = {{0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd}, {15, 0xa129ca6149be45e5}};
    char text[15];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_true(hash_bytes(&key, (struct span){text, cases[i].len}) == cases[i].hash);
}

static void test_random_key(void **state)
{
    struct hash_key one = hash_key_random();
    struct hash_key other = hash_key_random();
    (void)state;
    assert_memory_not_equal(&one, &other, sizeof one);
}

static void test_tag(void **state)
{
    struct hash_key other = {key.low, key.high + 1};
    int64_t hash = tag_hash_of(&key, 'e', SPAN("value"));
    (void)state;
    assert_true(hash == tag_hash_of(&key, 'e', SPAN("value")));
    assert_true(hash != tag_hash_of(&key, 'E', SPAN("value")));
    assert_true(hash != tag_hash_of(&key, 'e', SPAN("values")));
    assert_true(hash != tag_hash_of(&other, 'e', SPAN("value")));
    assert_true(tag_hash_of(&key, 'd', (struct span){0}) == tag_hash_of(&key, 'd', SPAN("")));
    assert_true(tag_hash_identifier(&key, SPAN("d")) == tag_hash_of(&key, 'd', SPAN("d")));
}

static void test_list(void **state)
{
    static const char tags[] =
        "[[\"t\",\"b\"],[\"t\",\"a\",\"ignored\"],[\"t\",\"b\"],[\"T\",\"b\"],"
        "[],[\"t\"],[\"tt\",\"c\"],[\"1\",\"c\"],[\"-\"],[\"Z\",\"\"]]";
    struct arena arena = {0};
    struct event event = {0};
    int64_t out[10];
    const int64_t wanted[] = {tag_hash_of(&key, 't', SPAN("a")), tag_hash_of(&key, 't', SPAN("b")),
                              tag_hash_of(&key, 'T', SPAN("b")), tag_hash_of(&key, 'Z', SPAN(""))};
    (void)state;
    assert_true(event_parse_tags(&event, &arena, (struct span){tags, sizeof tags - 1}, NULL));
    uint32_t count = tag_hash_list(&key, out, &event);
    assert_int_equal(count, ARRAY_LEN(wanted));
    for (uint32_t i = 0; i < count; i++) {
        bool is_found = false;
        for (size_t k = 0; k < ARRAY_LEN(wanted); k++)
            is_found |= out[i] == wanted[k];
        assert_true(is_found);
        assert_true(i == 0 || out[i - 1] < out[i]);
    }
    event.tag_count = 0;
    assert_int_equal(tag_hash_list(&key, out, &event), 0);
    arena_clear(&arena);
}

static void test_prefix(void **state)
{
    struct bytes32 id = {{0, 0, 0, 0, 0, 0, 0, 1}};
    (void)state;
    assert_true(tag_hash_prefix(&id) == INT64_MIN + 1);
    assert_true(tag_hash_tie(&id) == INT64_MAX - 1);
    id.at[0] = 0x80;
    assert_true(tag_hash_prefix(&id) == 1);
    memset(id.at, 0xff, 8);
    assert_true(tag_hash_prefix(&id) == INT64_MAX);
    assert_true(tag_hash_tie(&id) == INT64_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors), cmocka_unit_test(test_random_key),
        cmocka_unit_test(test_tag), cmocka_unit_test(test_list), cmocka_unit_test(test_prefix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
