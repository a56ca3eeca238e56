/* GGUF: what a file holds, and each way in which it may be wrong, with its words. */
#include "gpu/gguf.h"

#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "tests/forge.h"
#include "tests/test.h"

static const char bytes[300] = "tensors";

static bool parse(struct gguf *gguf, struct arena *arena, struct span file, struct err *err)
{
    char *copy = arena_alloc(arena, file.len);
    memcpy(copy, file.at, file.len);
    return gguf_parse(gguf, arena, (struct span){copy, file.len}, err);
}

static void add_values(struct forge *forge)
{
    forge_text(forge, "general.architecture", "llama");
    forge_integer(forge, "llama.block_count", 22);
    forge_number(forge, "llama.rope.freq_base", 1e4F);
    forge_bool(forge, "add_bos", true);
    forge_key(forge, "minus", 11);
    forge_u64(&forge->values, UINT64_MAX);
    forge_key(forge, "byte", 1);
    forge_u8(&forge->values, 0x80);
    forge_array(forge, "tokens", 8, 3);
    forge_string(&forge->values, SPAN("<s>"));
    forge_string(&forge->values, SPAN(""));
    forge_string(&forge->values, SPAN("ab"));
    forge_array(forge, "scores", 6, 2);
    forge_f32(&forge->values, -0.5F);
    forge_f32(&forge->values, 2);
    forge_array(forge, "nothing", 4, 0);
}

static void check_values(const struct gguf *gguf)
{
    uint64_t whole = 1;
    double number = 1;
    bool flag = false;
    struct span text;
    assert_int_equal(gguf->value_count, 9);
    assert_true(gguf_text(gguf_find(gguf, "general.architecture"), &text));
    assert_true(span_eq(text, SPAN("llama")));
    assert_true(gguf_integer(gguf_find(gguf, "llama.block_count"), &whole, 22) && whole == 22);
    assert_false(gguf_integer(gguf_find(gguf, "llama.block_count"), &whole, 21));
    assert_true(gguf_number(gguf_find(gguf, "llama.block_count"), &number) && number == 22);
    assert_true(gguf_number(gguf_find(gguf, "llama.rope.freq_base"), &number) && number == 1e4);
    assert_false(gguf_integer(gguf_find(gguf, "llama.rope.freq_base"), &whole, 100000));
    assert_true(gguf_bool(gguf_find(gguf, "add_bos"), &flag) && flag);
    assert_false(gguf_bool(gguf_find(gguf, "llama.block_count"), &flag));
    assert_false(gguf_integer(gguf_find(gguf, "minus"), &whole, UINT64_MAX));
    assert_true(gguf_number(gguf_find(gguf, "minus"), &number) && number == -1);
    assert_true(gguf_number(gguf_find(gguf, "byte"), &number) && number == -128);
    assert_null(gguf_find(gguf, "llama"));
    assert_false(gguf_text(NULL, &text) || gguf_integer(NULL, &whole, 1) || gguf_bool(NULL, &flag));
    assert_false(gguf_number(NULL, &number) || gguf_text(gguf_find(gguf, "tokens"), &text));

    const struct gguf_value *tokens = gguf_find(gguf, "tokens");
    struct span rest = tokens->bytes;
    assert_true(tokens->is_array && tokens->count == 3 && tokens->type == GGUF_STRING);
    assert_true(span_eq(gguf_take(&rest), SPAN("<s>")));
    assert_true(span_eq(gguf_take(&rest), SPAN("")));
    assert_true(span_eq(gguf_take(&rest), SPAN("ab")) && rest.len == 0);
    const struct gguf_value *scores = gguf_find(gguf, "scores");
    assert_true(gguf_item(scores, 0) == -0.5 && gguf_item(scores, 1) == 2);
    assert_int_equal(gguf_find(gguf, "nothing")->count, 0);
}

static void test_file(void **state)
{
    struct forge forge = {0};
    struct text file = {0};
    struct arena arena = {0};
    struct gguf gguf;
    struct err err;
    (void)state;
    add_values(&forge);
    forge_tensor(&forge, "norm", 0, 1, (uint64_t[]){5}, (struct span){bytes, 20});
    forge_tensor(&forge, "w", 8, 2, (uint64_t[]){64, 3}, (struct span){bytes, 204});
    forge_gguf(&forge, &file);
    for (uint8_t version = 2; version <= 3; version++) {
        file.at[4] = (char)version;
        assert_true(parse(&gguf, &arena, text_span(&file), &err));
        assert_int_equal(gguf.version, version);
        check_values(&gguf);
        assert_int_equal(gguf.tensors.count, 2);
        const struct tensor *w = &gguf.tensors.at[1];
        assert_true(span_eq(w->name, SPAN("w")) && w->type == DTYPE_Q8);
        assert_true(w->dims == 2 && w->shape[0] == 3 && w->shape[1] == 64 && w->shape[2] == 1);
        assert_true(span_eq(w->data, (struct span){bytes, 204}));
    }
    for (size_t len = 0; len < file.len; len++)
        assert_false(parse(&gguf, &arena, (struct span){file.at, len}, &err));
    arena_clear(&arena);
    text_clear(&file);
    forge_clear(&forge);
}

static void refuse(const struct forge *forge, const char *reason)
{
    struct text file = {0};
    struct arena arena = {0};
    struct gguf gguf;
    struct err err = {0};
    forge_gguf(forge, &file);
    assert_false(parse(&gguf, &arena, text_span(&file), &err));
    assert_string_equal(err.text, reason);
    text_clear(&file);
    arena_clear(&arena);
}

static void test_tensor_refusals(void **state)
{
    static const struct {
        uint32_t type, dims;
        uint64_t shape[5];
        size_t len;
        const char *reason;
    } cases[] = {
        {3, 1, {32}, 20, "'w' is of type 3; F32, F16, BF16, Q8_0, Q4_0, Q4_K and Q6_K are known"},
        {0, 5, {1, 1, 1, 1, 1}, 4, "'w' has 5 dimensions at byte 33; at most 4"},
        {0, 1, {0}, 4, "'w': its shape at byte 33 is impossible for F32"},
        {8, 2, {16, 2}, 34, "'w': its shape at byte 33 is impossible for Q8_0"},
        {0, 3, {1ULL << 62, 4, 1}, 4, "'w': its shape at byte 33 is impossible for F32"},
        {0, 1, {1ULL << 62}, 4, "'w': its shape at byte 33 is impossible for F32"},
        {0, 1, {2}, 4, "'w': 8 bytes, 0 after byte 64, end past the file"},
        {0,
         1,
         {1ULL << 60},
         4,
         "'w': 4611686018427387904 bytes, 0 after byte 64, end past the file"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct forge forge = {0};
        forge_tensor(&forge, "w", cases[i].type, cases[i].dims, cases[i].shape,
                     (struct span){bytes, cases[i].len});
        refuse(&forge, cases[i].reason);
        forge_clear(&forge);
    }
}

static void test_place_refusals(void **state)
{
    struct forge forge = {0};
    (void)state;
    forge_tensor(&forge, "a", 0, 1, (uint64_t[]){16}, (struct span){bytes, 64});
    forge_tensor(&forge, "b", 0, 1, (uint64_t[]){8}, (struct span){bytes, 32});
    size_t place = forge.tensors.len - 8;
    forge.tensors.at[place] = 8;
    refuse(&forge, "'b' lies at 8, no multiple of 32");
    forge.tensors.at[place] = 32;
    refuse(&forge, "'b' lies over 'a' at byte 128");
    memset(forge.tensors.at + place, 0xff, 8);
    forge.tensors.at[place] = (char)0xe0;
    refuse(&forge, "'b': 32 bytes, 18446744073709551584 after byte 96, end past the file");
    forge.tensors.at[place - 4 - 8 - 4 - 1] = 'a';
    memset(forge.tensors.at + place, 0, 8);
    forge.tensors.at[place] = 64;
    refuse(&forge, "two tensors are called 'a'");
    forge_clear(&forge);
}

/* Values that a struct forge would not make, as bytes after the header. */
static void test_value_refusals(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *reason;
    } cases[] = {
#define CASE(literal) literal, sizeof(literal) - 1
        {CASE("\1\0\0\0\0\0\0\0k\x0d\0\0\0........"), "a value of type 13 at byte 33"},
        {CASE("\0\0\0\0\0\0\0\0\0\0\0\0....."),
         "a name of 0 bytes at byte 24; 1 to 65535 expected"},
        {CASE("\1\0\0\0\0\0\0\0\xff\0\0\0\0...."), "a name that is not UTF-8 at byte 24"},
        {CASE("\xff\xff\xff\xff\xff\xff\xff\xffk...."),
         "18446744073709551615 bytes wanted at byte 32, where 5 are left"},
        {CASE("\1\0\0\0\0\0\0\0k\x8\0\0\0\x9\0\0\0\0\0\0\0short"),
         "9 bytes wanted at byte 45, where 5 are left"},
        {CASE("\1\0\0\0\0\0\0\0k\x9\0\0\0\x5\0\0\0\0\0\0\0\0\0\0\x40...."),
         "18446744073709551615 bytes wanted at byte 49, where 4 are left"},
        {CASE("\1\0\0\0\0\0\0\0k\x9\0\0\0\x8\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff...."),
         "8 bytes wanted at byte 49, where 4 are left"},
        {CASE("\1\0\0\0\0\0\0\0k\x9\0\0\0\x9\0\0\0\1\0\0\0\0\0\0\0...."),
         "an array of arrays before byte 49"},
#undef CASE
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct text file = {0};
        struct arena arena = {0};
        struct gguf gguf;
        struct err err = {0};
        text_add(&file, SPAN("GGUF"));
        forge_u32(&file, 3);
        forge_u64(&file, 0);
        forge_u64(&file, 1);
        text_add(&file, (struct span){cases[i].bytes, cases[i].len});
        assert_false(parse(&gguf, &arena, text_span(&file), &err));
        assert_string_equal(err.text, cases[i].reason);
        text_clear(&file);
        arena_clear(&arena);
    }
}

static void test_other_refusals(void **state)
{
    struct forge forge = {0};
    (void)state;
    forge_integer(&forge, "k", 1);
    forge.value_count = 1 << 20;
    refuse(&forge, "1048576 keys at byte 16; at most 65536, as far as the file goes");
    forge.value_count = 1;
    forge.tensor_count = 1ULL << 63;
    refuse(&forge, "9223372036854775808 tensors at byte 8; at most 65536, as far as the file goes");
    forge.tensor_count = 0;
    forge_integer(&forge, "k", 2);
    refuse(&forge, "two values for 'k'");
    forge_clear(&forge);
    forge_integer(&forge, "split.count", 3);
    refuse(&forge, "one of 3 files of a model; merge them first");
    forge_clear(&forge);
    forge_integer(&forge, "general.alignment", 0);
    refuse(&forge, "general.alignment must be a multiple of 8, at most 1048576");
    forge_clear(&forge);
    forge_integer(&forge, "general.alignment", 12);
    refuse(&forge, "general.alignment must be a multiple of 8, at most 1048576");
    forge_clear(&forge);
}

static void test_versions(void **state)
{
    static const struct {
        struct span head;
        const char *reason;
    } cases[] = {
        {{"GGML\3\0\0\0", 8}, "no GGUF file: it does not begin so at byte 0"},
        {{"GGU", 3}, "no GGUF file: it does not begin so at byte 0"},
        {{"GGUF\1\0\0\0", 8}, "GGUF version 1 at byte 4; 2 and 3 are known"},
        {{"GGUF\4\0\0\0", 8}, "GGUF version 4 at byte 4; 2 and 3 are known"},
        {{"GGUF\0\0\0\3", 8},
         "GGUF version 50331648 at byte 4; 2 and 3 are known, both little-endian"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct gguf gguf;
        struct err err = {0};
        assert_false(parse(&gguf, &arena, cases[i].head, &err));
        assert_string_equal(err.text, cases[i].reason);
        arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),           cmocka_unit_test(test_tensor_refusals),
        cmocka_unit_test(test_place_refusals), cmocka_unit_test(test_value_refusals),
        cmocka_unit_test(test_other_refusals), cmocka_unit_test(test_versions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
