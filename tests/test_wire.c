/* Frames: their bytes, and every bound at its edge and one past it. */
#include "gpu/wire.h"

#include <stdlib.h>

#include "gpu/crc32c.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

/* RFC 3720 B.4, and the check value that all sums of this kind are known by. */
static void test_sums(void **state)
{
    char bytes[32] = {0};
    (void)state;
    assert_int_equal(crc32c(0, SPAN("123456789")), 0xe3069283);
    assert_int_equal(crc32c(crc32c(0, SPAN("12345678")), SPAN("9")), 0xe3069283);
    assert_int_equal(crc32c(0, SPAN_OF(bytes)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(0, SPAN_OF(bytes)), 0x62a8ab43);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    assert_int_equal(crc32c(0, SPAN_OF(bytes)), 0x46dd794e);
    /* by bytes, which other processors take, it is the same */
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        sum = crc32c(sum, (struct span){bytes + i, 1});
    assert_int_equal(sum, 0x46dd794e);
}

static struct text message_of(const struct wire *wire)
{
    struct text text = {0};
    wire_write(text_reserve(&text, WIRE_HEADER_BYTES), wire);
    text.len = WIRE_HEADER_BYTES;
    text_add(&text, wire->payload);
    return text;
}

static void test_bytes(void **state)
{
    struct wire wire = {.type = WIRE_HIDDEN,
                        .activation = ACTIVATION_F32,
                        .flags = WIRE_WANTED,
                        .session = 0x0102030405060708,
                        .epoch = 3,
                        .position = 0x10000,
                        .count = 1,
                        .width = 2,
                        .payload = SPAN("\0\0\x80\x3f\0\0\0\xc0")};
    static const char expected[] = "SHLW\1\3\0\1\x08\7\6\5\4\3\2\1"
                                   "\3\0\0\0\0\0\1\0\1\0\0\0\2\0\0\0"
                                   "\0\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    (void)state;
    struct text text = message_of(&wire);
    assert_int_equal(text.len, 72);
    assert_memory_equal(text.at, expected, 60);
    struct wire back;
    assert_true(wire_read(&back, text_span(&text), NULL));
    assert_int_equal(back.session, wire.session);
    assert_int_equal(back.position, wire.position);
    assert_true(span_eq(back.payload, wire.payload));

    static const uint8_t tag[WIRE_TAG_BYTES] = "0123456789abcdef";
    wire_seal(text.at, wire.payload, tag);
    assert_true(wire_read(&back, text_span(&text), NULL));
    assert_memory_equal(back.tag, tag, sizeof tag);
    for (size_t i = 0; i < text.len; i++) { /* no bit may be another */
        text.at[i] = (char)(text.at[i] ^ 0x10);
        assert_false(wire_read(&back, text_span(&text), NULL));
        text.at[i] = (char)(text.at[i] ^ 0x10);
    }
    text_clear(&text);
}

static char zeroes[WIRE_PAYLOAD_BYTES_MAX + 4];

static void check(bool is_taken, const struct wire *wire, size_t payload)
{
    struct wire sent = *wire;
    struct wire back;
    struct err err = {.text = ""};
    sent.payload = (struct span){zeroes, payload};
    struct text text = message_of(&sent);
    if (wire_read(&back, text_span(&text), &err) != is_taken)
        fail_msg("type %d count %u position %u payload %zu: %s", (int)wire->type, wire->count,
                 wire->position, payload, err.text);
    text_clear(&text);
}

#define HIDDEN(...)                                    \
    &(struct wire)                                     \
    {                                                  \
        .type = WIRE_HIDDEN, .session = 1, __VA_ARGS__ \
    }
#define FRAME(kind, ...)                          \
    &(struct wire)                                \
    {                                             \
        .type = (kind), .session = 1, __VA_ARGS__ \
    }

static void test_limits(void **state)
{
    (void)state;
    check(true, HIDDEN(.count = 1, .width = 1), 4);
    check(false, HIDDEN(.count = 1, .width = 1), 8);
    check(false, HIDDEN(.count = 0, .width = 1), 0);
    check(false, HIDDEN(.count = 1, .width = 0), 0);
    check(true, HIDDEN(.count = WIRE_ROWS_MAX, .width = 1), (size_t)4 * WIRE_ROWS_MAX);
    check(false, HIDDEN(.count = WIRE_ROWS_MAX + 1, .width = 1), (size_t)4 * WIRE_ROWS_MAX + 4);
    check(true, HIDDEN(.count = 16, .width = ACTIVATION_WIDTH_MAX), WIRE_PAYLOAD_BYTES_MAX);
    check(false, HIDDEN(.count = 17, .width = ACTIVATION_WIDTH_MAX), WIRE_PAYLOAD_BYTES_MAX);
    check(false, HIDDEN(.count = 1, .width = ACTIVATION_WIDTH_MAX + 1),
          (size_t)4 * (ACTIVATION_WIDTH_MAX + 1));
    check(true, HIDDEN(.count = 1, .width = 1, .position = WIRE_POSITIONS_MAX - 1), 4);
    check(false, HIDDEN(.count = 1, .width = 1, .position = WIRE_POSITIONS_MAX), 4);
    check(false, HIDDEN(.count = 1, .width = 1, .position = UINT32_MAX), 4);
    check(false, HIDDEN(.count = 1, .width = 1, .activation = ACTIVATION_TYPES), 4);
    check(false, HIDDEN(.count = 1, .width = 1, .flags = 2), 4);

    check(true, FRAME(WIRE_OPEN, .count = 1, .width = 1), 8);
    check(true, FRAME(WIRE_OPEN, .count = WIRE_POSITIONS_MAX, .width = ACTIVATION_WIDTH_MAX), 8);
    check(false, FRAME(WIRE_OPEN, .count = WIRE_POSITIONS_MAX + 1, .width = 1), 8);
    check(false, FRAME(WIRE_OPEN, .count = 1, .width = ACTIVATION_WIDTH_MAX + 1), 8);
    check(false, FRAME(WIRE_OPEN, .count = 0, .width = 1), 8);
    check(false, FRAME(WIRE_OPEN, .count = 1, .width = 1), 7);

    check(true, FRAME(WIRE_RESULT, .count = 1), 4);
    check(true, FRAME(WIRE_RESULT, .count = 1, .flags = WIRE_PAIRS), 8);
    check(false, FRAME(WIRE_RESULT, .count = 1), 8);
    check(false, FRAME(WIRE_RESULT, .count = 0), 0);
    check(true, FRAME(WIRE_RESULT, .count = 1 << 20), WIRE_PAYLOAD_BYTES_MAX);
    check(false, FRAME(WIRE_RESULT, .count = (1 << 20) + 1), WIRE_PAYLOAD_BYTES_MAX + 4);
    check(false, FRAME(WIRE_RESULT, .count = 1 << 30), 0); /* four times that is 0 in 32 bits */

    check(true, FRAME(WIRE_ACK, .position = WIRE_POSITIONS_MAX, .credits = WIRE_POSITIONS_MAX), 0);
    check(false, FRAME(WIRE_ACK, .position = WIRE_POSITIONS_MAX + 1), 0);
    check(false, FRAME(WIRE_ACK, .credits = WIRE_POSITIONS_MAX + 1), 0);
    check(false, FRAME(WIRE_ACK, .count = 0), 1);
    check(true, FRAME(WIRE_CLOSE, .count = 0), 0);
    check(true, FRAME(WIRE_REFUSE, .count = WIRE_BROKEN), WIRE_TEXT_BYTES_MAX);
    check(false, FRAME(WIRE_REFUSE, .count = WIRE_BROKEN), WIRE_TEXT_BYTES_MAX + 1);
    check(false, FRAME(WIRE_REFUSE, .count = WIRE_BROKEN + 1), 0);
    check(true, &(struct wire){.type = WIRE_VIA}, WIRE_TEXT_BYTES_MAX);
    check(false, &(struct wire){.type = WIRE_VIA}, WIRE_TEXT_BYTES_MAX + 1);
    check(false, FRAME(WIRE_VIA, .count = 0), 0);
    check(false, FRAME(WIRE_VIA + 1, .count = 0), 0);

    check(true, &(struct wire){.type = WIRE_HELLO}, WIRE_HELLO_BYTES_MAX);
    check(false, &(struct wire){.type = WIRE_HELLO}, WIRE_HELLO_BYTES_MAX + 1);
    check(false, FRAME(WIRE_HELLO, .count = 0), 0);
    check(false, &(struct wire){.type = WIRE_CLOSE}, 0);
}

static void test_refuse(void **state)
{
    static const struct {
        size_t at;
        char value;
        const char *text;
    } cases[] = {
        {0, 'X', "64 bytes that are no frame"},
        {4, 2, "frames of version 2"},
        {36, 1, "a payload of 0 bytes that says 1"},
        {60, 0, "the frame's checksum is another"},
    };
    struct wire wire;
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct text text = message_of(FRAME(WIRE_CLOSE, .epoch = 1));
        text.at[cases[i].at] = cases[i].value;
        assert_false(wire_read(&wire, text_span(&text), &err));
        assert_string_equal(err.text, cases[i].text);
        text.len = WIRE_HEADER_BYTES - 1;
        assert_false(wire_read(&wire, text_span(&text), NULL));
        text_clear(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums), cmocka_unit_test(test_bytes),
                                       cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_refuse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
