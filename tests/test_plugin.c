/* A program finds a card or says why not, and goes on. */
#include "gpu/plugin.h"

#include "shared/err.h"
#include "tests/test.h"

static void test_choice(void **state)
{
    struct plugin plugin;
    struct err err;
    (void)state;
    assert_true(plugin_open(&plugin, "cpu", &err));
    assert_null(plugin.card);
    assert_string_equal(plugin.why, "");
    assert_true(plugin_open(&plugin, NULL, &err)); /* a test lies beside no plugin */
    assert_null(plugin.card);
    assert_true(plugin_open(&plugin, "auto", &err));
    assert_false(plugin_open(&plugin, "cuda", &err));
    assert_string_equal(err.text, "no card can be used: there is no libshoal_cuda.so");
    assert_false(plugin_open(&plugin, "gpu", &err));
    assert_string_equal(err.text, "no device 'gpu': auto, cpu or cuda");
}

/* A library that is none of ours, and a file that is no library. */
static void test_foreign(void **state)
{
    struct plugin plugin;
    (void)state;
    plugin_open_file(&plugin, "libm.so.6");
    assert_null(plugin.card);
    assert_string_equal(plugin.why, "libm.so.6 is of another version");
    plugin_open_file(&plugin, "/dev/null");
    assert_null(plugin.card);
    assert_true(plugin.why[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_choice),
                                       cmocka_unit_test(test_foreign)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
