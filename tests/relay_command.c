/* The command line: what it says, where it says it, and with which exit status. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/program.h"
#include "tests/test.h"

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_answers(void **state)
{
    static const struct {
        const char *arguments[6];
        int status;
        const char *out, *error; /* a part of them; "": nothing */
    } cases[] = {
        {{"--help"}, 0, "usage: shoal-relay", ""},
        {{"import", "--help"}, 0, "--skip-lines N", ""},
        {{"--version"}, 0, "shoal-relay " SHOAL_VERSION "\nlibpq ", ""},
        {{"--config=/dev/null", "--check-config"}, 0, "configuration is valid\n", ""},
        {{"--config", "/dev/null", "--check-config"}, 0, "configuration is valid\n", ""},
        {{"--config=/dev/null", "--check-config", "--listen-port=x"},
         1,
         "",
         "shoal-relay: --listen-port: expected 0 to 65535, got 'x'\n"},
        {{"--config=/dev/null", "--check-config", "--tls-key=x"},
         1,
         "",
         "shoal-relay: tls_certificate and tls_key: expected both or none\n"},
        {{"--config=/dev/null", "--print-config", "--name=A b"}, 0, "\nname = A b\n", ""},
        {{"--config=/dev/null/x"}, 2, "", "/dev/null/x: Not a directory"},
        {{"--bogus"}, 2, "", "unknown setting '--bogus'"},
        {{"--listen-por"}, 2, "", "did you mean listen_port?"},
        {{"--listen-port"}, 2, "", "--listen-port: expected a value"},
        {{"--config=/dev/null", "--check-config", "--tls-key=/x", "--tls-certificate=/x"},
         1,
         "",
         "tls_certificate: /x: "},
        {{"--config"}, 2, "", "--config: expected a value"},
        {{"--listen-port", "x"}, 2, "", "got 'x'\ntry 'shoal-relay --help'\n"},
        {{"--listen-prt=1"}, 2, "", "did you mean listen_port?"},
        {{"bogus"}, 2, "", "unexpected argument 'bogus'"},
        {{"run", "bogus"}, 2, "", "unexpected argument 'bogus'"},
        {{"export", "{}", "{}"}, 2, "", "unexpected argument '{}'"},
        {{"export", "{\"kinds\":1}"}, 2, "", "filter: "},
        {{"export", "--after=1"}, 2, "", "--after: expected TIME:ID"},
        {{"import", "--skip-lines=-1"}, 2, "", "--skip-lines: expected a number"},
        {{"import", "--skip-lines=1x"}, 2, "", "--skip-lines: expected a number"},
        {{"run", "--skip-lines=1"}, 2, "", "unknown setting '--skip-lines'"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct program program;
        program_run(&program, SPAN(""), cases[i].arguments);
        print_message("%s %s\n", cases[i].arguments[0],
                      cases[i].arguments[1] != NULL ? cases[i].arguments[1] : "");
        assert_int_equal(program.status, cases[i].status);
        if (cases[i].out[0] == '\0')
            assert_string_equal(program.out_text.at, "");
        if (cases[i].error[0] == '\0')
            assert_string_equal(program.err_text.at, "");
        assert_non_null(strstr(program.out_text.at, cases[i].out));
        assert_non_null(strstr(program.err_text.at, cases[i].error));
        program_clear(&program);
    }
}

/* What is printed is read back to the same. */
static void test_print_config(void **state)
{
    struct program first, second;
    char path[] = "/tmp/shoal-config-XXXXXX";
    (void)state;
    program_run(&first, SPAN(""),
                ARGUMENTS("--config=/dev/null", "--print-config", "--name=x # y", "--ping-s=7",
                          "--log-level=debug", "--auth-required=yes"));
    int fd = mkstemp(path);
    assert_int_equal(write(fd, first.out_text.at, first.out_text.len), first.out_text.len);
    close(fd);
    program_run(&second, SPAN(""), ARGUMENTS("--config", path, "--print-config"));
    assert_string_equal(first.out_text.at, second.out_text.at);
    assert_int_equal(second.status, 0);
    unlink(path);
    program_clear(&first);
    program_clear(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers),
                                       cmocka_unit_test(test_print_config)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
