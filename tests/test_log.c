/* Log: one line a fact, whatever it holds; levels as journald reads them. */
#include "relay/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/test.h"

/* What step writes to stderr. */
static void capture(char *out, size_t size, void (*step)(void))
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    assert_non_null(file);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    step();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    rewind(file);
    size_t len = fread(out, 1, size - 1, file);
    out[len] = '\0';
    fclose(file);
}

static enum log_level level;

static void say_each_level(void)
{
    log_open(level); /* stderr is a file now: no colours */
    log_error("a", "error %d", 1);
    log_warning("b", "warning");
    log_info("c", "info");
    log_debug("d", "debug");
}

static void test_levels(void **state)
{
    static const struct {
        enum log_level level;
        const char *lines;
    } cases[] = {
        {LOG_LEVEL_ERROR, "<3>a: error 1\n"},
        {LOG_LEVEL_WARNING, "<3>a: error 1\n<4>b: warning\n"},
        {LOG_LEVEL_INFO, "<3>a: error 1\n<4>b: warning\n<6>c: info\n"},
        {LOG_LEVEL_DEBUG, "<3>a: error 1\n<4>b: warning\n<6>c: info\n<7>d: debug\n"},
    };
    char lines[200];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        level = cases[i].level;
        capture(lines, sizeof lines, say_each_level);
        assert_string_equal(lines, cases[i].lines);
    }
}

static void say_several_lines(void)
{
    log_open(LOG_LEVEL_INFO);
    log_info("db", "FATAL: no\nDETAIL:\t\033[2Jnone\x7f.\r\n");
}

static void test_one_line(void **state)
{
    char lines[200];
    (void)state;
    capture(lines, sizeof lines, say_several_lines);
    assert_string_equal(lines, "<6>db: FATAL: no DETAIL:  [2Jnone .\n");
}

static void say_too_much(void)
{
    static char text[5000];
    memset(text, 'x', sizeof text - 1);
    log_open(LOG_LEVEL_INFO);
    log_info("db", "%s", text);
}

static void test_cut(void **state)
{
    char lines[6000];
    (void)state;
    capture(lines, sizeof lines, say_too_much);
    size_t len = strlen(lines);
    assert_in_range(len, 1000, 2100);
    assert_string_equal(lines + len - 5, "x...\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels),
                                       cmocka_unit_test(test_one_line), cmocka_unit_test(test_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
