/* NIP-77 messages byte by byte: the first one, answers, ids told, frames; and every refusal. */
#include "shared/negentropy.h"

#include <stdlib.h>

#include "shared/err.h"
#include "shared/fingerprint.h"
#include "shared/hex.h"
#include "shared/text.h"
#include "tests/test.h"

enum { RECORDS_MAX = 1000, FRAME = NEGENTROPY_FRAME_BYTES_MIN };

/* What an initiator was told, in order: '+' need or '-' have, and the first byte of the id. */
static void on_id(void *owner, enum negentropy_verdict verdict, const struct bytes32 *id)
{
    text_addf(owner, "%c%02x ", verdict == NEGENTROPY_NEED ? '+' : '-', id->at[0]);
}

static struct negentropy_record record(int64_t created_at, uint8_t first, uint8_t last)
{
    struct negentropy_record made = {.created_at = created_at};
    made.id.at[0] = first;
    made.id.at[31] = last;
    return made;
}

static void add_hex(struct text *out, const char *hex)
{
    struct span digits = {hex, strlen(hex)};
    uint8_t *at = (uint8_t *)text_reserve(out, digits.len / 2);
    assert_true(hex_decode(at, digits.len / 2, digits));
    out->len += digits.len / 2;
}

static void add_id(struct text *out, const struct negentropy_record *of)
{
    text_add(out, SPAN_OF(of->id));
}

static void add_fingerprint(struct text *out, const struct negentropy_record *records, size_t count)
{
    struct fingerprint_sum sum = {0};
    for (size_t i = 0; i < count; i++)
        fingerprint_add(&sum, &records[i].id);
    struct fingerprint made = fingerprint_of(&sum);
    text_add(out, SPAN_OF(made));
}

static void assert_text(struct text *text, struct text *expected)
{
    assert_int_equal(text->len, expected->len);
    assert_memory_equal(text->at, expected->at, expected->len);
    text_clear(text);
    text_clear(expected);
}

static void test_seal(void **state)
{
    struct negentropy_record records[] = {record(2, 1, 0), record(1, 9, 0), record(2, 0, 9),
                                          record(1, 9, 0), record(0, 3, 3), record(2, 1, 0)};
    const struct negentropy_record sorted[] = {record(0, 3, 3), record(1, 9, 0), record(2, 0, 9),
                                               record(2, 1, 0)};
    (void)state;
    assert_int_equal(negentropy_seal(records, ARRAY_LEN(records)), ARRAY_LEN(sorted));
    assert_memory_equal(records, sorted, sizeof sorted);
    assert_int_equal(negentropy_seal(records, ARRAY_LEN(sorted)), ARRAY_LEN(sorted));
    assert_memory_equal(records, sorted, sizeof sorted);
    assert_int_equal(negentropy_seal(records, 1), 1);
    assert_int_equal(negentropy_seal(NULL, 0), 0);
}

static void test_initiate_few(void **state)
{
    struct negentropy_record records[31];
    struct negentropy side = {.records = records, .on_id = on_id};
    struct text text = {0}, expected = {0};
    (void)state;
    negentropy_initiate(&side, &text);
    add_hex(&expected, "6100000200"); /* to infinity, no ids */
    assert_text(&text, &expected);

    side.count = ARRAY_LEN(records);
    add_hex(&expected, "61"
                       "0000021f");
    for (uint8_t i = 0; i < 31; i++) {
        records[i] = record(i, i, 0);
        add_id(&expected, &records[i]);
    }
    negentropy_initiate(&side, &text);
    assert_text(&text, &expected);
}

/* 33 records: a bucket of three and fifteen of two, each bound as short as can be. */
static void test_initiate_split(void **state)
{
    static struct negentropy_record records[33];
    struct negentropy side = {.records = records, .count = 33, .on_id = on_id};
    struct text text = {0}, expected = {0};
    (void)state;
    for (uint8_t i = 0; i < 5; i++) /* one time, from 1000; their ids share 31 bytes or none */
        records[i] = record(1000, i < 4 ? 5 : 6, i);
    for (uint8_t i = 5; i < 33; i++) /* each its own, 300 apart from the next */
        records[i] = record(1000 + 300 * i, 7, i);

    add_hex(&expected, "61"
                       "8769" /* 1001: the distance from 0 and one */
                       "20"
                       "0500000000000000000000000000000000000000000000000000000000000003"
                       "01");
    add_fingerprint(&expected, records, 3);
    add_hex(&expected, "8b5d" /* 1501: from 1000 to 2500 */
                       "00"
                       "01");
    add_fingerprint(&expected, records + 3, 2);
    for (size_t i = 5; i < 31; i += 2) { /* 601: from one to the next but one */
        add_hex(&expected, "84590001");
        add_fingerprint(&expected, records + i, 2);
    }
    add_hex(&expected, "000001");
    add_fingerprint(&expected, records + 31, 2);
    negentropy_initiate(&side, &text);
    assert_text(&text, &expected);

    records[4] = record(1000, 5, 9); /* now the second bound is of one time too, were it there */
    records[5] = record(1000, 6, 0);
    text.len = 0;
    negentropy_initiate(&side, &text);
    const size_t second = 1 + 2 + 1 + 32 + 1 + 16;
    struct span bound = {text.at + second, 4};
    assert_true(span_eq(bound, SPAN("\x01\x01\x06\x01"))); /* no time later, one byte of the id */
    text_clear(&text);
}

/* Four records, at 10, 20, 20 and 30. */
static const struct negentropy_record *four(void)
{
    static struct negentropy_record records[4];
    records[0] = record(10, 0xa0, 1);
    records[1] = record(20, 0xb0, 1);
    records[2] = record(20, 0xb0, 2);
    records[3] = record(30, 0xd0, 1);
    return records;
}

#define PADDED(first, last) \
    first "000000000000000000000000000000000000000000000000000000000000" last
#define A PADDED("a0", "01")
#define B PADDED("b0", "01")
#define C PADDED("b0", "02")
#define D PADDED("d0", "01")
#define X PADDED("ee", "01")
#define Y PADDED("ef", "01")

static void test_respond(void **state)
{
    static const struct {
        const char *message, *answer;
    } cases[] = {
        {"61", "61"},
        {"62", "61"}, /* a version that may come: ours is the answer, whatever follows */
        {"60ffff", "61"},
        {"6f", "61"},
        {"61000000", "61"},               /* skip all */
        {"610b00000b0000", "61"},         /* skip to 10, skip to 20 */
        {"610b000200", "610b000200"},     /* before 10: none */
        {"610c000201" X, "610c000201" A}, /* ours, whatever theirs are */
        {"61000002018181" A, NULL},
        {"6115000000000200", "6115000000000203" B C D},           /* two skips would be one */
        {"610b00000b01b00000000200", "611501b00000000203" B C D}, /* the later bound */
        {"611501b10200", "611501b10203" A B C},
        {"611520" C "0200000000", "611520" C "0202" A B},
        {"610000020000000200", "6100000204" A B C D "00000200"}, /* past infinity: none */
        {"6100000100000000000000000000000000000000", "6100000204" A B C D},
        {"610b00017f9c9e31ac8256ca2f258583df262dbc00000200", /* equal: both have none */
         "610b000000000204" A B C D},
        {"610b00017f9c9e31ac8256ca2f258583df262dbc", "61"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct negentropy side = {.records = four(), .count = 4};
        struct text message = {0}, text = {0}, expected = {0};
        print_message("%s\n", cases[i].message);
        add_hex(&message, cases[i].message);
        bool ok = negentropy_reconcile(&side, &text, text_span(&message), NULL);
        assert_int_equal(ok, cases[i].answer != NULL);
        if (ok)
            add_hex(&expected, cases[i].answer);
        assert_int_equal(text.len, expected.len);
        if (ok)
            assert_memory_equal(text.at, expected.at, expected.len);
        text_clear(&message);
        text_clear(&text);
        text_clear(&expected);
    }
}

static void test_tell(void **state)
{
    static const struct {
        const char *message, *told, *answer;
    } cases[] = {
        {"61", "", ""},
        {"61000000", "", ""},
        {"6100000200", "-a0 -b0 -b0 -d0 ", ""},
        {"6100000204" D C B A, "", ""},
        {"6100000206" X D C Y B A, "+ee +ef ", ""},
        {"6100000205" X Y X D X, "-a0 -b0 -b0 +ee +ef ", ""}, /* each once */
        {"6115000201" X "000000", "-a0 +ee ", ""},
        {"6115000201" A "00000100000000000000000000000000000000", "",
         "6115000000000203" B C D}, /* what is settled is skipped */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct text message = {0}, text = {0}, told = {0}, expected = {0};
        struct negentropy side = {.records = four(), .count = 4, .on_id = on_id, .owner = &told};
        print_message("%s\n", cases[i].message);
        add_hex(&message, cases[i].message);
        text_add(&told, SPAN(""));
        bool ok = negentropy_reconcile(&side, &text, text_span(&message), NULL);
        assert_int_equal(ok, cases[i].told != NULL);
        if (ok)
            assert_true(
                span_eq(text_span(&told), (struct span){cases[i].told, strlen(cases[i].told)}));
        add_hex(&expected, cases[i].answer);
        assert_true(span_eq(text_span(&text), text_span(&expected)));
        text_clear(&message);
        text_clear(&text);
        text_clear(&told);
        text_clear(&expected);
    }
}

static void test_refuse(void **state)
{
    static const struct {
        const char *message, *refusal;
    } cases[] = {
        {"", "expected a version at byte 0"},
        {"5f", "0x5f is no version"},
        {"70", "0x70 is no version"},
        {"6181", "expected the time of a bound at byte 1"},
        {"618000", "expected the time of a bound at byte 1"},
        {"6181ffffffffffffffff7f", "expected the length of an id prefix at byte 11"},
        {"6103000081ffffffffffffffff7f", "a bound past the end of time at byte 14"},
        {"6102000081ffffffffffffffff7f0000", NULL},
        {"6101", "expected the length of an id prefix at byte 2"},
        {"610121", "an id prefix over 32 bytes at byte 3"},
        {"610181ffffffffffffffff7f", "an id prefix over 32 bytes at byte 12"},
        {"610102aa", "an id prefix is cut short at byte 3"},
        {"61010100", "expected a mode at byte 4"},
        {"61010003", "an unknown mode at byte 4"},
        {"61010081ffffffffffffffff7f", "an unknown mode at byte 13"},
        {"610101aa000101a900", "bounds go backwards at byte 8"},
        {"610000000101aa00", "an id past the end of time at byte 7"},
        {"610001aa00", "an id past the end of time at byte 4"},
        {"610000000300", "a bound past the end of time at byte 5"},
        {"61000001000000000000000000000000000000", "a fingerprint is cut short at byte 4"},
        {"61000002", "expected how many ids follow at byte 4"},
        {"6100000201aabb", "a list of ids is cut short at byte 5"},
        {"6100000202" A, "a list of ids is cut short at byte 5"},
        {"6100000281ffffffffffffffff7f", "a list of ids is cut short at byte 14"},
        {"61000002888080808080808000" A,
         "a list of ids is cut short at byte 13"}, /* times 32 is 0 */
        {"61000002888080808080808001" A,
         "a list of ids is cut short at byte 13"}, /* times 32 is 32 */
        {"6100000282808080808080808000" A, "expected how many ids follow at byte 4"},
    };
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        struct text message = {0}, text = {0}, told = {0};
        struct negentropy side = {.records = four(), .count = 4, .owner = &told};
        struct err err;
        size_t of = i / 2;
        if (i % 2 == 1)
            side.on_id = on_id;
        print_message("%s\n", cases[of].message);
        add_hex(&message, cases[of].message);
        text_add(&text, SPAN("before"));
        bool ok = negentropy_reconcile(&side, &text, text_span(&message), &err);
        assert_int_equal(ok, cases[of].refusal == NULL);
        if (!ok) {
            assert_int_equal(err.code, ERR_INVALID);
            assert_string_equal(err.text, cases[of].refusal);
            assert_true(span_eq(text_span(&text), SPAN("before")));
        }
        text_clear(&message);
        text_clear(&text);
        text_clear(&told);
    }
}

static void test_other_version(void **state)
{
    struct negentropy side = {.records = four(), .count = 4, .on_id = on_id};
    struct text text = {0};
    struct err err;
    (void)state;
    assert_false(negentropy_reconcile(&side, &text, SPAN("\x62"), &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    assert_string_equal(err.text, "the other side speaks version 0x62");
    assert_int_equal(text.len, 0);
    text_clear(&text);
}

static const struct negentropy_record *many(void)
{
    static struct negentropy_record records[RECORDS_MAX];
    for (size_t i = 0; i < RECORDS_MAX; i++)
        records[i] = record((int64_t)i, (uint8_t)(i / 4), (uint8_t)i);
    return records;
}

/* A list of ids goes on until the frame is within 200 bytes of full; then the first that is not
 * there is the bound, and the rest a fingerprint. */
static void test_frame_of_ids(void **state)
{
    const struct negentropy_record *records = many();
    struct negentropy side = {.records = records, .count = RECORDS_MAX, .frame_bytes_max = FRAME};
    struct text text = {0}, expected = {0};
    const size_t fitting = (FRAME - 200 - 1) / 32 + 1;
    (void)state;
    text_add(&text, SPAN("before"));
    assert_true(negentropy_reconcile(&side, &text, SPAN("\x61\0\0\2\0"), NULL));
    text_add(&expected, SPAN("before\x61"));
    assert_int_equal(fitting, 122);
    add_hex(&expected, "7b20"); /* at 122 */
    add_id(&expected, &records[fitting]);
    add_hex(&expected, "027a");
    for (size_t i = 0; i < fitting; i++)
        add_id(&expected, &records[i]);
    add_hex(&expected, "000001");
    add_fingerprint(&expected, records + fitting, RECORDS_MAX - fitting);
    assert_text(&text, &expected);

    side.count = fitting; /* all are there, and still nothing may follow but the rest, of none */
    assert_true(negentropy_reconcile(&side, &text, SPAN("\x61\0\0\2\0"), NULL));
    add_hex(&expected, "610000027a");
    for (size_t i = 0; i < fitting; i++)
        add_id(&expected, &records[i]);
    add_hex(&expected, "000001");
    add_fingerprint(&expected, records, 0);
    assert_text(&text, &expected);
}

/* A range that would overflow the frame is left to the rest, which begins where it does. */
static void test_frame_of_fingerprints(void **state)
{
    const struct negentropy_record *records = many();
    struct negentropy side = {.records = records, .count = RECORDS_MAX, .frame_bytes_max = FRAME};
    struct text message = {0}, text = {0}, expected = {0};
    (void)state;
    add_hex(&message, "61");
    for (int i = 0; i < 20; i++) { /* 31 records each, of which we say the ids, and one to skip */
        add_hex(&message, "200001"
                          "00000000000000000000000000000000"
                          "020000");
    }
    assert_true(negentropy_reconcile(&side, &text, text_span(&message), NULL));

    add_hex(&expected, "61");
    for (size_t i = 0; i < 3; i++) {
        if (i > 0)
            add_hex(&expected, "020000");
        add_hex(&expected, "2000021f");
        for (size_t j = 0; j < 31; j++)
            add_id(&expected, &records[32 * i + j]);
    }
    add_hex(&expected, "020000"
                       "000001");
    add_fingerprint(&expected, records + 96, RECORDS_MAX - 96);
    assert_text(&text, &expected);
    text_clear(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal),
        cmocka_unit_test(test_initiate_few),
        cmocka_unit_test(test_initiate_split),
        cmocka_unit_test(test_respond),
        cmocka_unit_test(test_tell),
        cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_other_version),
        cmocka_unit_test(test_frame_of_ids),
        cmocka_unit_test(test_frame_of_fingerprints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
