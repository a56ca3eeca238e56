/* `shoal-gpu run` as a newcomer has it: the demonstration model answers what it knows by heart. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "shared/text.h"
#include "tests/test.h"

static const char *binary, *folder;

/* Runs a command on the demonstration model; what it writes to both, and its exit status. */
static int run_command(struct text *out, const char *name, const char *options, const char *prompt)
{
    char command[1200];
    out->len = 0;
    snprintf(command, sizeof command, "{ '%s' %s %s '%s' %s; } 2>&1", binary, name, options, folder,
             prompt);
    FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c): our own program
    assert_non_null(pipe);
    for (;;) {
        char *at = text_reserve(out, 4096);
        size_t len = fread(at, 1, 4096, pipe);
        out->len += len;
        if (len == 0)
            break;
    }
    text_add(out, SPAN("\0"));
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run(struct text *out, const char *options, const char *prompt)
{
    return run_command(out, "run", options, prompt);
}

static void check(const char *options, const char *prompt, int status, const char *words)
{
    struct text out = {0};
    int code = run(&out, options, prompt);
    if (code != status || strstr(out.at, words) == NULL)
        fail_msg("%s %s: %d, %s", options, prompt, code, out.at);
    text_clear(&out);
}

static void test_answers(void **state)
{
    (void)state;
    check("", "'What is a relay?'", 0,
          "A relay stores events and sends them to whoever asks for them.\nprompt 35 tokens, first "
          "token after ");
    check("", "Hello", 0, "Hello! Ask me what a relay is.\nprompt ");
    check("", "Hello", 0, " tokens/s, weights read at ");
    check("--max-tokens=5", "Hello", 0, "Hello\nprompt ");
    check("--stop 'a relay' --stop=whatever", "Hello", 0, "Hello! Ask me what \nprompt ");
    check("--temperature 0.3 --top-k 4 --top-p 0.9 --min-p 0.1 --seed 7", "Hello", 0,
          "Hello! Ask me what a relay is.\nprompt ");
    check("--device cpu", "Hello", 0, "Hello! Ask me what a relay is.\nprompt ");
    check("--weights q8", "Hello", 0, "Hello! Ask me what a relay is.\nprompt ");
    check("--weights=q4", "Hello", 0, "Hello! Ask me what a relay is.\nprompt ");
    check("--raw --max-tokens 4", "'<|im_start|>assistant'", 0, "\nprompt 21 tokens");
}

/* Chance is the seed's alone. */
static void test_seed(void **state)
{
    struct text one = {0};
    struct text two = {0};
    struct text other = {0};
    const char *hot = "--temperature 5 --max-tokens 20 --seed";
    char options[3][80];
    (void)state;
    snprintf(options[0], sizeof options[0], "%s 1", hot);
    snprintf(options[1], sizeof options[1], "%s 2", hot);
    assert_int_equal(run(&one, options[0], "Hello"), 0);
    assert_int_equal(run(&two, options[0], "Hello"), 0);
    assert_int_equal(run(&other, options[1], "Hello"), 0);
    size_t len = (size_t)(strstr(one.at, "prompt ") - one.at);
    assert_memory_equal(one.at, two.at, len);
    assert_memory_not_equal(one.at, other.at, len);
    text_clear(&one);
    text_clear(&two);
    text_clear(&other);
}

/* Also 0.0: what a busy machine can do in a moment may be as little as that. */
static bool is_number(const char *text)
{
    char *end;
    return strtod(text, &end) >= 0 && end != text;
}

/* Every line has a rate, and what it is compared with. */
static void test_bench(void **state)
{
    static const char *const lines[] = {" threads\nprompt of 128 ", "\ndecode 1  at once ",
                                        "\ndecode 8  at once ", "\ndecode 32 at once "};
    struct text out = {0};
    (void)state;
    assert_int_equal(run_command(&out, "bench", "--threads 2", ""), 0);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        const char *line = strstr(out.at, lines[i]);
        if (line == NULL)
            fail_msg("%s", out.at);
        const char *floor = strstr(line, "% of ");
        assert_true(is_number(line + strlen(lines[i])));
        assert_true(floor != NULL && is_number(floor + 5));
    }
    assert_int_equal(run_command(&out, "bench", "--json --weights q8", ""), 0);
    assert_non_null(strstr(out.at, "\"measured\":[{\"prompt\":128,\"tokens_per_second\":"));
    assert_non_null(strstr(out.at, ",{\"decode\":32,\"tokens_per_second\":"));
    assert_non_null(strstr(out.at, "}]}\n"));
    assert_int_equal(run_command(&out, "bench", "--stages 2", ""), 0);
    assert_non_null(strstr(out.at, "\nlayers 0-0 "));
    assert_non_null(strstr(out.at, "\nlayers 1-1 "));
    assert_non_null(strstr(out.at, "sends 0 bytes\n"));
    assert_int_equal(run_command(&out, "bench", "--json --stages 2", ""), 0);
    assert_non_null(strstr(out.at, "}],\"stages\":[{\"layers\":\"0-"));
    assert_non_null(strstr(out.at, ",\"sent_bytes\":0}]}\n"));
    assert_int_equal(run_command(&out, "bench", "--stages 1000", ""), 1);
    assert_int_equal(run_command(&out, "bench", "--seed 1", ""), 2);
    assert_int_equal(run_command(&out, "bench", "", "twice"), 2);
    text_clear(&out);
}

static void test_refuse(void **state)
{
    (void)state;
    check("--device tpu", "Hello", 1, "no device 'tpu': auto, cpu or cuda");
    check("", "", 2, "shoal-gpu: run wants a prompt\n");
    check("", "two words", 2, "shoal-gpu: one prompt at a time: put it in quotes\n");
    check("--json", "Hello", 2, "shoal-gpu: unknown option '--json'\n");
    check("--raw=yes", "Hello", 2, "shoal-gpu: unknown option '--raw=yes'\n");
    check("--weights q5", "Hello", 2, "shoal-gpu: --weights wants q8, q4 or stored\n");
    check("--seed x", "Hello", 2, "shoal-gpu: --seed wants a number\n");
    check("--top-k -1", "Hello", 2, "shoal-gpu: --top-k wants a number of tokens\n");
    check("--temperature hot", "Hello", 2, "shoal-gpu: --temperature wants a number\n");
    check("--stop ''", "Hello", 2, "shoal-gpu: --stop wants a text, at most 16 times\n");
    check("--top-p 0", "Hello", 1, "shoal-gpu: top_p is more than 0, and at most 1\n");
    check("--chat latin", "Hello", 1, "shoal-gpu: no format of chats is called 'latin'\n");
    check("--raw --system x", "Hello", 1, "shoal-gpu: a raw text has no system message\n");
    check("--context 20", "Hello", 1, "shoal-gpu: a prompt of 24 tokens; the context is 20\n");
    check("--max-tokens 0", "Hello", 1, "shoal-gpu: nothing is asked\n");
    check("", "Hello > /dev/full", 1, "shoal-gpu: cannot write the answer\n");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers), cmocka_unit_test(test_seed),
                                       cmocka_unit_test(test_bench), cmocka_unit_test(test_refuse)};
    if (argc != 3)
        return EXIT_FAILURE;
    binary = argv[1];
    folder = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
