/* Fingerprints against a sum made byte by byte, with carries through all of it and past its end. */
#include "shared/fingerprint.h"

#include "shared/hex.h"
#include "shared/sig.h"
#include "tests/random.h"
#include "tests/test.h"

enum { IDS_MAX = 200 };

/* As the specification says it, a byte at a time; count below 128 * 128. */
static struct fingerprint expected(const struct bytes32 *ids, size_t count)
{
    uint8_t bytes[34] = {0};
    struct fingerprint out;
    for (size_t i = 0; i < count; i++) {
        unsigned carry = 0;
        for (size_t j = 0; j < 32; j++) {
            carry += bytes[j] + ids[i].at[j];
            bytes[j] = (uint8_t)carry;
            carry >>= 8;
        }
    }
    size_t len = 32;
    if (count >= 128)
        bytes[len++] = (uint8_t)(128 + count / 128);
    bytes[len++] = (uint8_t)(count % 128);
    struct bytes32 hash = sig_sha256((struct span){(const char *)bytes, len});
    memcpy(out.at, hash.at, sizeof out.at);
    return out;
}

static void check(const struct bytes32 *ids, size_t count)
{
    struct fingerprint_sum sum = {0};
    for (size_t i = 0; i < count; i++)
        fingerprint_add(&sum, &ids[i]);
    struct fingerprint ours = fingerprint_of(&sum), theirs = expected(ids, count);
    assert_int_equal(sum.count, count);
    assert_memory_equal(ours.at, theirs.at, sizeof ours.at);
}

/* The first 16 bytes of `sha256sum` of 33 zeroes. */
static void test_none(void **state)
{
    struct fingerprint_sum none = {0};
    uint8_t bytes[16];
    (void)state;
    assert_true(hex_decode(bytes, sizeof bytes, SPAN("7f9c9e31ac8256ca2f258583df262dbc")));
    assert_memory_equal(fingerprint_of(&none).at, bytes, sizeof bytes);
}

static void test_carries(void **state)
{
    struct bytes32 ids[3] = {0};
    (void)state;
    check(ids, 3);
    for (size_t from = 0; from < 32; from++) { /* one carry from each byte to the end and out */
        memset(ids, 0, sizeof ids);
        memset(ids[0].at + from, 0xff, 32 - from);
        ids[1].at[from] = 1;
        ids[2].at[0] = 7;
        check(ids, 2);
        check(ids, 3);
    }
    memset(ids, 0xff, sizeof ids);
    check(ids, 3);
}

static void test_random(void **state)
{
    static struct bytes32 ids[IDS_MAX];
    (void)state;
    for (size_t i = 0; i < IDS_MAX; i++)
        for (size_t j = 0; j < 32; j++) /* half of all bytes are such that carries go far */
            ids[i].at[j] = (uint8_t)(random_below(2) == 0 ? 0xff : random_below(256));
    for (size_t count = 0; count <= IDS_MAX; count++)
        check(ids, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_carries),
        cmocka_unit_test(test_random),
    };
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
