#include "relay/websocket.h"

#include <stdlib.h>

#include "shared/text.h"
#include "tests/test.h"

/* As a client sends it: masked. */
static void add_frame(struct text *out, uint8_t first, struct span payload)
{
    static const char mask[4] = {'\x37', '\xfa', '\x21', '\x3d'};
    size_t begin = out->len;
    websocket_add_head(out, first, payload.len);
    out->at[begin + 1] = (char)(out->at[begin + 1] | '\x80');
    text_add(out, SPAN_OF(mask));
    for (size_t i = 0; i < payload.len; i++) {
        char c = (char)(payload.at[i] ^ mask[i % 4]);
        text_add(out, SPAN_OF(c));
    }
}

struct ear {
    struct websocket_reader reader;
    struct text message, heard; /* heard: one item a line */
};

static void hear(struct ear *ear, const struct websocket_piece *piece)
{
    assert_true(piece->is_first || ear->message.at != NULL);
    text_add(&ear->message, piece->payload);
    text_reserve(&ear->message, 1); /* so that it is there when it is empty */
    if (!piece->is_last)
        return;
    text_addf(&ear->heard, "%d%s:%.*s\n", piece->opcode, piece->is_squeezed ? "z" : "",
              SPAN_ARG(text_span(&ear->message)));
    text_clear(&ear->message);
}

/* bytes is in a block of its own, so that a step too far is seen. */
static enum websocket_result read_step(struct ear *ear, char *bytes, size_t len)
{
    struct websocket_piece piece;
    for (;;) {
        enum websocket_result result = websocket_read(&ear->reader, &piece, &bytes, &len, true);
        if (result == WEBSOCKET_DATA)
            hear(ear, &piece);
        else if (result == WEBSOCKET_CONTROL)
            text_addf(&ear->heard, "%d:%.*s\n", piece.opcode, SPAN_ARG(piece.payload));
        else
            return result;
    }
}

/* Reads all of bytes in steps of so many. */
static enum websocket_result read_in(struct text *heard, struct span bytes, size_t step)
{
    struct ear ear = {0};
    enum websocket_result result = WEBSOCKET_MORE;
    for (size_t at = 0; at < bytes.len && result != WEBSOCKET_WRONG; at += step) {
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        char *copy = malloc(len);
        assert_non_null(copy);
        memcpy(copy, bytes.at + at, len);
        result = read_step(&ear, copy, len);
        free(copy);
    }
    text_clear(&ear.message);
    text_clear(heard);
    *heard = ear.heard;
    return result;
}

static void assert_heard(struct span bytes, const char *wanted)
{
    struct text heard = {0};
    for (size_t step = 1; step <= 17; step++) {
        assert_int_not_equal(read_in(&heard, bytes, step), WEBSOCKET_WRONG);
        assert_true(span_eq(text_span(&heard), (struct span){wanted, strlen(wanted)}));
    }
    assert_int_not_equal(read_in(&heard, bytes, bytes.len), WEBSOCKET_WRONG);
    assert_true(span_eq(text_span(&heard), (struct span){wanted, strlen(wanted)}));
    text_clear(&heard);
}

/* However the bytes are cut, the same is heard. */
static void test_messages(void **state)
{
    struct text bytes = {0};
    (void)state;
    add_frame(&bytes, 0x81, SPAN("whole"));
    add_frame(&bytes, 0x82, SPAN("binary"));
    add_frame(&bytes, 0x81, SPAN(""));
    add_frame(&bytes, 0x89, SPAN("ping"));
    add_frame(&bytes, 0x01, SPAN("in "));
    add_frame(&bytes, 0x8a, SPAN("a pong between"));
    add_frame(&bytes, 0x00, SPAN(""));
    add_frame(&bytes, 0x00, SPAN("three "));
    add_frame(&bytes, 0x89, SPAN(""));
    add_frame(&bytes, 0x80, SPAN("pieces"));
    add_frame(&bytes, 0xc1, SPAN("squeezed"));
    add_frame(&bytes, 0x41, SPAN("squeezed in "));
    add_frame(&bytes, 0x80, SPAN("two"));
    add_frame(&bytes, 0x88, SPAN("\x03\xe8"));
    assert_heard(text_span(&bytes), "1:whole\n2:binary\n1:\n9:ping\n10:a pong between\n9:\n"
                                    "1:in three pieces\n1z:squeezed\n1z:squeezed in two\n"
                                    "8:\x03\xe8\n");
    text_clear(&bytes);
}

static void test_lengths(void **state)
{
    static const size_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, 70001};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct text bytes = {0}, heard = {0}, payload = {0};
        for (size_t k = 0; k < lengths[i]; k++)
            text_addf(&payload, "%c", (char)('a' + k % 26));
        add_frame(&bytes, 0x81, text_span(&payload));
        read_in(&heard, text_span(&bytes), 1009);
        assert_int_equal(heard.len, lengths[i] + 3);
        if (lengths[i] > 0)
            assert_memory_equal(heard.at + 2, payload.at, lengths[i]);
        text_clear(&bytes);
        text_clear(&heard);
        text_clear(&payload);
    }
}

static void test_wrong(void **state)
{
    static const struct span cases[] = {
        {"\x81\x05Hello", 7},                     /* no mask */
        {"\x89\x00", 2},                          /* the same, a ping */
        {"\xa1\x80mask", 6},                      /* RSV2 */
        {"\x91\x80mask", 6},                      /* RSV3 */
        {"\xc9\x80mask", 6},                      /* RSV1 on a ping */
        {"\x01\x80mask\xc0\x80mask", 12},         /* RSV1 on a continuation */
        {"\x83\x80mask", 6},                      /* opcode 3 */
        {"\x87\x80mask", 6},                      /* opcode 7 */
        {"\x8b\x80mask", 6},                      /* opcode 11 */
        {"\x8f\x80mask", 6},                      /* opcode 15 */
        {"\x09\x80mask", 6},                      /* a ping in parts */
        {"\x89\xfe\x00\x7emask", 8},              /* a ping of 126 bytes */
        {"\x88\xff\0\0\0\0\0\0\0\x7emask", 14},   /* a close of 126 bytes */
        {"\x80\x80mask", 6},                      /* goes on with nothing */
        {"\x01\x80mask\x81\x80mask", 12},         /* begins in a message */
        {"\x01\x80mask\x02\x80mask", 12},         /* the same, binary */
        {"\x81\xfe\x00\x7dmask", 8},              /* 125 bytes, said in 16 bits */
        {"\x81\xff\0\0\0\0\0\0\xff\xffmask", 14}, /* 65535 bytes, in 64 bits */
        {"\x81\xff\x80\0\0\0\0\0\0\0mask", 14},   /* 2^63 bytes */
    };
    struct text heard = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("case %zu\n", i);
        assert_int_equal(read_in(&heard, cases[i], 1), WEBSOCKET_WRONG);
        assert_int_equal(read_in(&heard, cases[i], cases[i].len), WEBSOCKET_WRONG);
    }
    /* RSV1 without permessage-deflate */
    char bytes[] = "\xc1\x80mask";
    char *at = bytes;
    size_t len = 6;
    struct websocket_reader reader = {0};
    struct websocket_piece piece;
    assert_int_equal(websocket_read(&reader, &piece, &at, &len, false), WEBSOCKET_WRONG);
    text_clear(&heard);
}

static void assert_answer(struct span payload, struct span wanted)
{
    struct text out = {0};
    websocket_add_close_answer(&out, payload);
    assert_int_equal(out.len, wanted.len + 2);
    assert_int_equal((uint8_t)out.at[0], 0x88);
    assert_int_equal((uint8_t)out.at[1], wanted.len);
    assert_true(span_eq((struct span){out.at + 2, wanted.len}, wanted));
    text_clear(&out);
}

static void test_close(void **state)
{
    static const uint16_t good[] = {1000, 1003, 1007, 1011, 1012, 1014, 3000, 4999};
    static const uint16_t bad[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char payload[5] = {(char)(good[i] >> 8), (char)good[i], 'b', 'y', 'e'};
        assert_answer(SPAN_OF(payload), SPAN_OF(payload));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char payload[2] = {(char)(bad[i] >> 8), (char)bad[i]};
        assert_answer(SPAN_OF(payload), SPAN("\x03\xea"));
    }
    assert_answer(SPAN(""), SPAN(""));
    assert_answer(SPAN("\x03"), SPAN("\x03\xea"));
    assert_answer(SPAN("\x03\xe8\xe2\x82\xac"), SPAN("\x03\xe8\xe2\x82\xac"));
    assert_answer(SPAN("\x03\xe8\xed\xa0\x80"), SPAN("\x03\xef"));
    assert_answer(SPAN("\x03\xe8\xe2\x82"), SPAN("\x03\xef"));
}

/* RFC 6455 1.3 */
static void test_accept(void **state)
{
    char accept[29];
    (void)state;
    assert_true(websocket_accept(accept, SPAN("dGhlIHNhbXBsZSBub25jZQ==")));
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_false(websocket_accept(accept, SPAN("dGhlIHNhbXBsZSBub25jZQ=")));
    assert_false(websocket_accept(accept, SPAN("dGhlIHNhbXBsZSBub25jZQ===")));
    assert_false(websocket_accept(accept, SPAN("dGhlIHNhbXBsZSBub25jZQAA")));
    assert_false(websocket_accept(accept, SPAN("dGhl!HNhbXBsZSBub25jZQ==")));
    assert_false(websocket_accept(accept, (struct span){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_messages),
                                       cmocka_unit_test(test_lengths), cmocka_unit_test(test_wrong),
                                       cmocka_unit_test(test_close), cmocka_unit_test(test_accept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
