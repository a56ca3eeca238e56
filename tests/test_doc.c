/* Documents: what yjs 13.6 wrote is read and written again byte for byte; edits at the edges of
 * texts and surrogate pairs; hostile updates; void writers; client ids. */
#include "client/doc.h"

#include "client/lib0.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/text.h"
#include "tests/quoted.h"
#include "tests/test.h"

/* One client of yjs: a text with a pair of surrogates, a map with a map, an array with a text. */
#define WHOLE                                                                                  \
    "010c010004010474657874016881010002840102076c6f20f09f9880c40102010301452101036d6170016b01" \
    "a80109017b3fb999999999999a2701036d6170016d012800010b017801750001010561727261790188010d01" \
    "770171c7010d010e020400010f02696e010103010209010d01"

static const char *const steps[] = {
    "01010100040104746578740b68c3a96c6c6f20f09f988000",
    "000101010102",
    "01010108c401020103014500",
    "010101092801036d6170016b017601016175067d017c402000007d477e7877017800",
    "0101010aa80109017b3fb999999999999a0101010901",
    "0101010b2701036d6170016d0100",
    "0101010c2800010b017801750000",
    "0101010d0801056172726179027d0177017100",
    "0102010fc7010d010e020400010f02696e00",
    "000101010d01",
};

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static struct span unhex(const char *hex)
{
    size_t len = strlen(hex) / 2;
    char *out = arena_alloc(&arena, len + 1);
    assert_true(hex_decode((uint8_t *)out, len, (struct span){hex, 2 * len}));
    return (struct span){out, len};
}

static void assert_json(const struct doc *doc, const char *name, enum doc_kind kind,
                        const char *wanted)
{
    struct text out = {0};
    doc_json(doc, &out, (struct span){name, strlen(name)}, kind);
    text_add(&out, SPAN("\0"));
    assert_string_equal(out.at, quoted(&arena, wanted).at);
    text_clear(&out);
}

static void assert_text(const struct doc *doc, const char *wanted)
{
    struct text out = {0};
    doc_text(doc, &out, SPAN("text"));
    text_add(&out, SPAN("\0"));
    assert_string_equal(out.at, wanted);
    text_clear(&out);
}

static void assert_whole(struct doc *doc)
{
    struct text out = {0};
    assert_text(doc, "hElo \xf0\x9f\x98\x80");
    assert_json(doc, "map", DOC_MAP, "{'k':0.10000000000000001,'m':{'x':[]}}");
    assert_json(doc, "array", DOC_ARRAY, "['in','q']");
    assert_json(doc, "nothing", DOC_MAP, "{}");
    assert_int_equal(doc_text_units(doc, SPAN("text")), 7);
    doc_state_vector(doc, &out);
    assert_true(span_eq(text_span(&out), unhex("010112")));
    out.len = 0;
    assert_true(doc_diff(doc, &out, SPAN(""), NULL));
    assert_true(span_eq(text_span(&out), unhex(WHOLE)));
    text_clear(&out);
    doc_free(doc);
}

static void test_yjs(void **state)
{
    struct doc *at_once = doc_new(2), *in_steps = doc_new(2), *backwards = doc_new(2);
    (void)state;
    assert_true(doc_apply(at_once, unhex(WHOLE), DOC_VALID, NULL));
    assert_whole(at_once);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        assert_true(doc_apply(in_steps, unhex(steps[i]), DOC_VALID, NULL));
    assert_whole(in_steps);
    for (size_t i = ARRAY_LEN(steps); i-- > 0;) {
        assert_true(doc_apply(backwards, unhex(steps[i]), DOC_VALID, NULL));
        assert_int_equal(doc_pending(backwards) > 0, i > 0);
    }
    assert_whole(backwards);
}

static void test_difference(void **state)
{
    struct doc *doc = doc_new(2), *other = doc_new(3);
    struct text vector = {0}, update = {0};
    (void)state;
    assert_true(doc_apply(doc, unhex(WHOLE), DOC_VALID, NULL));
    assert_true(doc_apply(other, unhex(steps[0]), DOC_VALID, NULL));
    doc_state_vector(other, &vector);
    assert_true(doc_diff(doc, &update, text_span(&vector), NULL));
    assert_true(doc_apply(other, text_span(&update), DOC_VALID, NULL));
    assert_false(doc_diff(doc, &update, SPAN("\x05"), NULL));
    text_clear(&vector);
    text_clear(&update);
    doc_free(doc);
    assert_whole(other);
}

/* Kinds that are kept and passed on, though they do not show. */
static void test_foreign(void **state)
{
    static const char xml[] =
        "01050300070103786d6c0301700601047465787404626f6c6404747275658403010162860302"
        "04626f6c64046e756c6c850303097b22696d67223a317d00";
    struct doc *doc = doc_new(2);
    struct text out = {0};
    (void)state;
    assert_true(doc_apply(doc, unhex(xml), DOC_VALID, NULL));
    assert_text(doc, "b");
    assert_json(doc, "xml", DOC_ARRAY, "[[]]");
    assert_true(doc_diff(doc, &out, SPAN(""), NULL));
    assert_true(span_eq(text_span(&out), unhex(xml)));
    text_clear(&out);
    doc_free(doc);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *hex, *refusal;
    } cases[] = {
        {"", "no Yjs update: it cannot be read past byte 0"},
        {"01", "no Yjs update: it cannot be read past byte 1"},
        {"00", "no Yjs update: it cannot be read past byte 1"}, /* no deletions */
        {"0101010004010474657874", "no Yjs update: it cannot be read past byte 11"},
        {"010102002901016d01640178760000", /* a subdocument */
         "no Yjs update: it cannot be read past byte 10"},
        {"01010100040104746578740000", /* an empty text */
         "no Yjs update: it cannot be read past byte 12"},
        {"0101010004010474657874"
         "01ff00",
         "no Yjs update: it cannot be read past byte 13"},
        {"01010100000000", "no Yjs update: it cannot be read past byte 6"}, /* a gap of nothing */
        {"01010100"
         "0f"
         "00",
         "no Yjs update: it cannot be read past byte 6"},
        /* past the last clock: 2^53 - 1 and two more */
        {"0101"
         "01"
         "ffffffffffffff0f"
         "00"
         "02"
         "00",
         "no Yjs update: it cannot be read past byte 13"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct doc *doc = doc_new(2);
        struct err err;
        print_message("%s\n", cases[i].hex);
        assert_false(doc_apply(doc, unhex(cases[i].hex), DOC_VALID, &err));
        assert_string_equal(err.text, cases[i].refusal);
        assert_text(doc, "");
        doc_free(doc);
    }
}

static void test_edges(void **state)
{
    struct doc *doc = doc_new(2);
    struct err err;
    (void)state;
    assert_true(doc_text_insert(doc, SPAN("text"), 0,
                                SPAN("a\xf0\x9f\x98\x80"
                                     "b"),
                                NULL));
    assert_true(doc_text_insert(doc, SPAN("text"), 2, SPAN("x"), NULL)); /* in the pair */
    assert_text(doc, "ax\xf0\x9f\x98\x80"
                     "b");
    assert_true(doc_text_insert(doc, SPAN("text"), 5, SPAN("end"), NULL));
    assert_true(doc_text_insert(doc, SPAN("text"), 3, SPAN(""), NULL));
    assert_true(doc_text_delete(doc, SPAN("text"), 3, 1, NULL)); /* half of it is all of it */
    assert_text(doc, "axbend");
    assert_true(doc_undo(doc));
    assert_text(doc, "ax\xf0\x9f\x98\x80"
                     "bend");
    assert_true(doc_text_delete(doc, SPAN("text"), 1, 2, NULL)); /* ends in the pair */
    assert_text(doc, "abend");
    assert_true(doc_text_delete(doc, SPAN("text"), 0, 5, NULL));
    assert_text(doc, "");
    assert_true(doc_text_delete(doc, SPAN("text"), 0, 0, NULL));
    assert_false(doc_text_delete(doc, SPAN("text"), 0, 1, &err));
    assert_string_equal(err.text, "positions 0 to 1, and the text ends at 0");
    assert_false(doc_text_insert(doc, SPAN("text"), 1, SPAN("x"), &err));
    assert_string_equal(err.text, "position 1, and the text ends at 0");
    assert_false(doc_text_insert(doc, SPAN("text"), 0, SPAN("\xff"), &err));
    assert_string_equal(err.text, "text that is not UTF-8");
    assert_false(doc_map_set(doc, SPAN("map"), SPAN("k"), SPAN("\x77\x05"), &err));
    assert_false(doc_map_set(doc, SPAN("map"), SPAN("k"), SPAN("\x7e\x7e"), &err));
    assert_string_equal(err.text, "not one value as lib0 writes it");
    doc_free(doc);
}

/* What another wrote in between stays, whatever is undone. */
static void test_undo(void **state)
{
    struct doc *doc = doc_new(2), *other = doc_new(3);
    struct text update = {0};
    (void)state;
    assert_true(doc_text_insert(doc, SPAN("text"), 0, SPAN("hello"), NULL));
    assert_true(doc_diff(doc, &update, SPAN(""), NULL));
    assert_true(doc_apply(other, text_span(&update), DOC_VALID, NULL));
    assert_true(doc_text_insert(other, SPAN("text"), 2, SPAN("-XX-"), NULL));
    update.len = 0;
    assert_true(doc_diff(other, &update, SPAN(""), NULL));
    assert_true(doc_text_delete(doc, SPAN("text"), 1, 3, NULL));
    assert_true(doc_apply(doc, text_span(&update), DOC_VALID, NULL));
    assert_text(doc, "h-XX-o");
    assert_true(doc_undo(doc));
    assert_text(doc, "he-XX-llo");
    assert_true(doc_undo(doc));
    assert_text(doc, "-XX-");
    assert_false(doc_undo(doc));
    assert_true(doc_redo(doc) && doc_redo(doc));
    assert_text(doc, "h-XX-o");
    assert_true(doc_undo(doc));
    assert_true(doc_text_insert(doc, SPAN("text"), 0, SPAN("!"), NULL));
    assert_false(doc_redo(doc)); /* a new edit ends what could be redone */
    text_clear(&update);
    doc_free(doc);
    doc_free(other);
}

static void test_void(void **state)
{
    struct doc *doc = doc_new(2);
    (void)state;
    assert_true(doc_apply(doc, unhex(steps[0]), DOC_VOID, NULL));
    assert_true(doc_apply(doc, unhex(steps[2]), DOC_VALID, NULL)); /* builds on it */
    assert_int_equal(doc_pending(doc), 0);
    assert_text(doc, "E");
    assert_true(doc_apply(doc, unhex("000101010801"), DOC_VOID, NULL)); /* deletes nothing */
    assert_text(doc, "E");
    doc_free(doc);
}

static void test_client(void **state)
{
    struct bytes32 root, pubkey;
    uint64_t from, to;
    struct err err;
    (void)state;
    assert_true(
        hex_decode(root.at, sizeof root.at,
                   SPAN("f440d913394495fff298d898978c5db10e13dd13af8ead1a4068fdbf9d199c44")));
    assert_true(
        hex_decode(pubkey.at, sizeof pubkey.at,
                   SPAN("f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9")));
    assert_true(doc_client(&root, &pubkey, 0x0011223344556677) == 3827227726786853);
    assert_true(doc_is_by(unhex(WHOLE), 1, &from, &to, &err));
    assert_true(from == 0 && to == 18);
    assert_true(doc_is_by(unhex(steps[2]), 1, &from, &to, &err));
    assert_true(from == 8 && to == 9);
    assert_true(doc_is_by(unhex(steps[1]), 7, &from, &to, &err)); /* anybody may delete */
    assert_true(from == 0 && to == 0);
    assert_false(doc_is_by(unhex(WHOLE), 2, &from, &to, &err));
    assert_string_equal(err.text, "written in the name of client 1, not 2");
    assert_false(doc_is_by(unhex("01"), 2, &from, &to, &err));
}

/* Types in types in types: shown as far as that is bounded, and deleted without recursion. */
static void test_depth(void **state)
{
    enum { DEPTH = 5000 };
    struct doc *doc = doc_new(2);
    struct text update = {0}, out = {0};
    (void)state;
    lib0_add_number(&update, 1);
    lib0_add_number(&update, DEPTH);
    text_add(&update, unhex("0100"));
    for (uint32_t i = 0; i < DEPTH; i++) { /* an array in the root, then one in the one before */
        lib0_add_byte(&update, 7);
        lib0_add_number(&update, i == 0);
        text_add(&update, i == 0 ? unhex("056172726179") : SPAN("\x01"));
        if (i > 0)
            lib0_add_number(&update, i - 1);
        lib0_add_number(&update, 0);
    }
    text_add(&update, SPAN("\0"));
    assert_true(doc_apply(doc, text_span(&update), DOC_VALID, NULL));
    doc_json(doc, &out, SPAN("array"), DOC_ARRAY);
    assert_int_equal(out.len, 2 * 100 + 4);
    assert_true(doc_apply(doc, unhex("000101010001"), DOC_VALID, NULL));
    assert_json(doc, "array", DOC_ARRAY, "[]");
    text_clear(&update);
    text_clear(&out);
    doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yjs),     cmocka_unit_test(test_difference),
        cmocka_unit_test(test_foreign), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_edges),   cmocka_unit_test(test_undo),
        cmocka_unit_test(test_void),    cmocka_unit_test(test_client),
        cmocka_unit_test(test_depth)};
    return cmocka_run_group_tests(tests, NULL, teardown);
}
