/* safetensors: what a file holds, and each way in which it may be wrong, with its words. */
#include "gpu/safetensors.h"

#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "tests/forge.h"
#include "tests/quoted.h"
#include "tests/test.h"

static const char bytes[64] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";

/* The file in memory of its own, so that a sanitizer sees a byte too many. */
static bool parse(struct tensor_list *list, struct arena *arena, struct span file, struct err *err)
{
    char *copy = arena_alloc(arena, file.len);
    memcpy(copy, file.at, file.len);
    return safetensors_parse(list, arena, (struct span){copy, file.len}, err);
}

static void test_file(void **state)
{
    struct forge forge = {0};
    struct text file = {0};
    struct arena arena = {0};
    struct tensor_list list;
    struct err err;
    (void)state;
    text_add(&forge.header, SPAN("\"__metadata__\":{\"format\":\"pt\"}"));
    forge_entry(&forge, "a.weight", "BF16", 2, (uint64_t[]){3, 4}, (struct span){bytes, 24});
    forge_entry(&forge, "one", "F32", 0, NULL, (struct span){bytes, 4});
    forge_entry(&forge, "none", "I64", 2, (uint64_t[]){0, 9}, (struct span){bytes, 0});
    forge_entry(&forge, "mask", "BOOL", 4, (uint64_t[]){1, 1, 2, 2}, (struct span){bytes, 4});
    forge_safetensors(&forge, &file);
    assert_true(parse(&list, &arena, text_span(&file), &err));
    assert_int_equal(list.count, 4);
    assert_true(span_eq(list.at[0].name, SPAN("a.weight")));
    assert_int_equal(list.at[0].type, DTYPE_BF16);
    assert_int_equal(list.at[0].dims, 2);
    assert_int_equal(list.at[0].shape[0], 3);
    assert_int_equal(list.at[0].shape[1], 4);
    assert_int_equal(list.at[0].shape[2], 1);
    assert_true(span_eq(list.at[0].data, (struct span){bytes, 24}));
    assert_int_equal(list.at[1].dims, 0);
    assert_int_equal(list.at[1].data.len, 4);
    assert_int_equal(list.at[2].data.len, 0);
    assert_false(dtype_is_weight(list.at[3].type));

    for (size_t len = 0; len < file.len; len++) /* cut anywhere, it is refused */
        assert_false(parse(&list, &arena, (struct span){file.at, len}, &err));
    arena_clear(&arena);
    text_clear(&file);
    forge_clear(&forge);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *header, *reason;
    } cases[] = {
        {"{'a':{'dtype':'F4','shape':[8],'data_offsets':[0,64]}}", "'a' is of type 'F4'"},
        {"{'a':{'shape':[8],'data_offsets':[0,64]}}", "'a' is of type ''"},
        {"{'a':{'dtype':'F32','shape':16,'data_offsets':[0,64]}}",
         "'a': expected a shape of at most 4 dimensions"},
        {"{'a':{'dtype':'F32','shape':[1,1,1,1,16],'data_offsets':[0,64]}}",
         "'a': expected a shape of at most 4 dimensions"},
        {"{'a':{'dtype':'F32','shape':[-16],'data_offsets':[0,64]}}",
         "'a': a dimension is no whole number"},
        {"{'a':{'dtype':'F32','shape':[1.5],'data_offsets':[0,64]}}",
         "'a': a dimension is no whole number"},
        {"{'a':{'dtype':'F32','shape':[15],'data_offsets':[0,64]}}",
         "'a': its shape does not fill its 64 bytes at byte 64"},
        {"{'a':{'dtype':'F32','shape':[4611686018427387904,4,4],'data_offsets':[0,64]}}",
         "'a': its shape does not fill its 64 bytes at byte 85"},
        {"{'a':{'dtype':'F32','shape':[4611686018427387904],'data_offsets':[0,0]}}",
         "'a': its shape does not fill its 0 bytes at byte 80"},
        {"{'a':{'dtype':'F32','shape':[16],'data_offsets':[0,65]}}",
         "'a' ends at byte 129, after the file's 128"},
        {"{'a':{'dtype':'F32','shape':[16],'data_offsets':[64,0]}}",
         "'a': expected data_offsets [begin,end]"},
        {"{'a':{'dtype':'F32','shape':[16],'data_offsets':[0]}}",
         "'a': expected data_offsets [begin,end]"},
        {"{'a':{'dtype':'F32','shape':[16]}}", "'a': expected data_offsets [begin,end]"},
        {"{'a':1}", "'a' is of type ''"},
        {"{'':{}}", "'': a name has 1 to 256 bytes"},
        {"{'a':{'dtype':'F32','shape':[8],'data_offsets':[0,32]},"
         "'a':{'dtype':'F32','shape':[8],'data_offsets':[32,64]}}",
         "two tensors are called 'a'"},
        {"{'a':{'dtype':'F32','shape':[9],'data_offsets':[0,36]},"
         "'b':{'dtype':'F32','shape':[8],'data_offsets':[32,64]}}",
         "'b' lies over 'a' at byte 150"},
        {"{'a':{'dtype':'F32','shape':[8],'data_offsets':[0,32]}}",
         "the tensors leave 32 of 64 bytes after byte 63 unused"},
        {"[]", "the header must be an object of at most 65536 tensors"},
        {"{'a':", "expected a value at byte 5"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct text file = {0};
        struct arena arena = {0};
        struct tensor_list list;
        struct err err = {0};
        struct span header = quoted(&arena, cases[i].header);
        forge_string(&file, header);
        text_add(&file, (struct span){bytes, sizeof bytes});
        assert_false(parse(&list, &arena, text_span(&file), &err));
        assert_string_equal(err.text, cases[i].reason);
        text_clear(&file);
        arena_clear(&arena);
    }
}

static void test_lengths(void **state)
{
    static const struct {
        uint64_t len;
        const char *reason;
    } cases[] = {
        {SAFETENSORS_HEADER_BYTES_MAX, "the file ends at byte 8, within its header"},
        {SAFETENSORS_HEADER_BYTES_MAX + 1,
         "a header of 33554433 bytes; at most 33554432 at byte 0"},
        {UINT64_MAX, "a header of 18446744073709551615 bytes; at most 33554432 at byte 0"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct text file = {0};
        struct arena arena = {0};
        struct tensor_list list;
        struct err err = {0};
        forge_u64(&file, cases[i].len);
        assert_false(parse(&list, &arena, text_span(&file), &err));
        assert_string_equal(err.text, cases[i].reason);
        text_clear(&file);
        arena_clear(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_file), cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_lengths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
