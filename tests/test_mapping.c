/* Files in memory: their bytes, their identity, and what is no file. */
#include "gpu/mapping.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/err.h"
#include "tests/test.h"

static char folder[] = "/tmp/shoal-mapping-XXXXXX";
static char path[64];

static void write_file(const char *content)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    assert_int_equal(fclose(file), 0);
}

static void test_file(void **state)
{
    struct mapping mapping;
    struct mapping other;
    (void)state;
    write_file("content");
    assert_true(mapping_open(&mapping, path, NULL));
    assert_true(span_eq(mapping.bytes, SPAN("content")));
    assert_int_equal(mapping.identity.size, 7);
    assert_true(mapping_open(&other, path, NULL));
    assert_memory_equal(&mapping.identity, &other.identity, sizeof mapping.identity);
    mapping_close(&other);
    mapping_close(&other);
    assert_int_equal(unlink(path), 0);
    write_file("another");
    assert_true(mapping_open(&other, path, NULL));
    assert_memory_not_equal(&mapping.identity, &other.identity, sizeof mapping.identity);
    assert_true(span_eq(mapping.bytes, SPAN("content"))); /* what was open stays as it was */
    mapping_close(&mapping);
    mapping_close(&other);
}

static void test_refusals(void **state)
{
    struct mapping mapping;
    struct err err;
    char text[160];
    (void)state;
    write_file("");
    assert_false(mapping_open(&mapping, path, &err));
    snprintf(text, sizeof text, "%s: is empty", path);
    assert_string_equal(err.text, text);
    assert_int_equal(unlink(path), 0);
    assert_false(mapping_open(&mapping, path, &err));
    snprintf(text, sizeof text, "%s: No such file or directory", path);
    assert_string_equal(err.text, text);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(mapping_open(&mapping, path, &err));
    snprintf(text, sizeof text, "%s: is no regular file", path);
    assert_string_equal(err.text, text);
    assert_false(mapping_open(&mapping, folder, &err));
    snprintf(text, sizeof text, "%s: is a folder", folder);
    assert_string_equal(err.text, text);
    assert_int_equal(mapping.bytes.len, 0);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_file),
                                       cmocka_unit_test(test_refusals)};
    if (mkdtemp(folder) == NULL)
        return EXIT_FAILURE;
    snprintf(path, sizeof path, "%s/file", folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
