/* The command, as its user meets it: what it says of a model, of the machine, of mistakes. */
#include "gpu/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "gpu/machine.h"
#include "gpu/model.h"
#include "gpu/size.h"
#include "gpu/tree.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/forge_folder.h"
#include "tests/forge_model.h"
#include "tests/test.h"

static struct forge_model made;

static void write_model(enum forge_family family)
{
    struct text text = {0};
    made = forge_model_of(family, 3);
    forge_folder_empty();
    forge_model_config(&made, "", &text);
    forge_folder_write("config.json", text_span(&text));
    text.len = 0;
    forge_model_safetensors(&made, 0, 1, &text);
    forge_folder_write("model.safetensors", text_span(&text));
    text.len = 0;
    forge_model_gguf(&made, &text);
    forge_folder_write("model.gguf", text_span(&text));
    text_clear(&text);
}

/* Runs the program in the folder; what it writes, both ways, and its exit status. */
static int run(struct text *out, const char *arguments)
{
    char command[600];
    out->len = 0;
    snprintf(command, sizeof command, "cd '%s' && XDG_CACHE_HOME=$PWD %s 2>&1 %s",
             forge_folder_path(""), GPU_BINARY, arguments);
    FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c): our own program
    assert_non_null(pipe);
    for (;;) {
        char *at = text_reserve(out, 4096);
        size_t len = fread(at, 1, 4096, pipe);
        out->len += len;
        if (len == 0)
            break;
    }
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check_output(const char *arguments, int status, const char *words)
{
    struct text out = {0};
    int code = run(&out, arguments);
    text_add(&out, SPAN("\0"));
    if (code != status || strstr(out.at, words) == NULL)
        fail_msg("%s: %d, %s", arguments, code, out.at);
    text_clear(&out);
}

static void test_words(void **state)
{
    (void)state;
    write_model(FORGE_GEMMA2);
    check_output("--help", 0, "usage: shoal-gpu inspect");
    check_output("inspect --help", 0, "usage: shoal-gpu inspect");
    check_output("--version", 0, "shoal-gpu " SHOAL_VERSION);
    check_output("", 2, "shoal-gpu: no command\ntry 'shoal-gpu --help'");
    check_output("inspect", 2, "shoal-gpu: inspect wants a model\n");
    check_output("dream model.gguf", 2, "shoal-gpu: unknown command 'dream'\n");
    check_output("inspect --quick model.gguf", 2, "shoal-gpu: unknown option '--quick'\n");
    check_output("inspect --cache-dir", 2, "shoal-gpu: --cache-dir wants a folder\n");
    check_output("inspect a b", 2, "shoal-gpu: one model at a time: 'b' is one too many\n");
    check_output("inspect nothing.gguf", 1, "shoal-gpu: nothing.gguf: No such file or directory\n");
    check_output("inspect config.json", 1, "neither .gguf, .safetensors nor");
    check_output("inspect . > /dev/full", 1, "shoal-gpu: cannot write the answer\n");
    check_output("inspect .", 0,
                 "family        gemma2\nlayers        3, width 64, inner width 96\n");
    check_output("inspect .", 0, "heads         4 of 32 elements, over 2 of keys and values\n");
    check_output("inspect .", 0, "windows       8 positions, on 2 of 3 layers\n");
    check_output("inspect .", 0, "vocabulary    288, embedding and output tied\n");
    check_output("inspect .", 0, "BF16; safetensors, 1 file\ntokenizer     none: neither ");
    check_output("inspect model.gguf", 0, "F32; GGUF, 1 file\ntokenizer     none: a tokenizer ");
    check_output("inspect model.gguf", 0, "a position    768 B of keys and values, 128 B from");
    check_output("inspect --no-root .", 0,
                 "1 file\ntokenizer     none: neither tokenizer.json nor ");
}

static uint64_t number(const struct tree *tree, const char *key)
{
    uint64_t value = 0;
    if (!tree_integer(tree_get(tree, key), &value, UINT64_MAX))
        fail_msg("no number %s", key);
    return value;
}

static void test_json(void **state)
{
    struct text first = {0};
    struct text second = {0};
    struct arena arena = {0};
    const struct tree *tree;
    (void)state;
    write_model(FORGE_LLAMA);
    assert_int_equal(run(&first, "inspect --json ."), 0);
    assert_true(tree_parse(&tree, &arena, text_span(&first), NULL));
    assert_true(tree_is(tree_get(tree, "family"), "llama"));
    assert_true(tree_is(tree_get(tree, "format"), "safetensors"));
    assert_int_equal(tree_text(tree_get(tree, "root")).len, 64);
    assert_int_equal(number(tree, "layers"), 3);
    /* embedding, output, norm; two norms, q and o, k and v, three of the inner part */
    uint64_t matrices = 2 * 288 * 64 + 3 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64);
    uint64_t vectors = 64 + 3 * 2 * 64;
    assert_int_equal(number(tree, "parameters"), matrices + vectors);
    assert_int_equal(number(tree, "stored_bytes"), 2 * (matrices + vectors));
    const struct tree *fits = tree_get(tree, "fits");
    assert_int_equal(number(tree_get(fits, "bf16"), "bytes"), 2 * matrices + 4 * vectors);
    assert_int_equal(number(tree_get(fits, "q8"), "bytes"), matrices / 32 * 34 + 4 * vectors);
    assert_int_equal(number(tree_get(fits, "q4"), "bytes"), matrices / 32 * 18 + 4 * vectors);
    assert_true(tree_bool(tree_get(tree_get(fits, "q4"), "whole"), false));
    assert_int_equal(number(tree, "kv_position_bytes"), 2 * 3 * 2 * 16 * 2);
    assert_true(number(tree_get(tree, "machine"), "cores") > 0);

    struct span root = tree_text(tree_get(tree, "root"));
    assert_int_equal(run(&second, "inspect --json ./model.safetensors"), 0); /* kept by now */
    assert_non_null(memmem(second.at, second.len, root.at, root.len));
    assert_int_equal(run(&second, "inspect --json --no-root model.gguf"), 0);
    assert_true(tree_parse(&tree, &arena, text_span(&second), NULL));
    assert_null(tree_get(tree, "root"));
    text_clear(&first);
    text_clear(&second);
    arena_clear(&arena);
    check_output("inspect --no-root . && rm -r shoal", 0, "family"); /* where roots were kept */
}

static void test_tokenizer(void **state)
{
    static const char json[] =
        "{\"added_tokens\":[{\"id\":1,\"content\":\"<s>\",\"special\":true}],"
        "\"model\":{\"vocab\":{\"a\":0},\"merges\":[]}}";
    (void)state;
    write_model(FORGE_QWEN2);
    forge_folder_remove("model.gguf");
    forge_folder_write("tokenizer.json", (struct span){json, strlen(json)});
    check_output("inspect --no-root .", 0, "tokenizer     of pieces: 2 tokens, 1 of them added\n");
    check_output("inspect --no-root .", 0, "chat          none: no template\n");
    forge_folder_write("chat_template.jinja", SPAN("{{ messages }}"));
    check_output("inspect --no-root .", 0, "chat          none: the template is not known\n");
    check_output("inspect --no-root --json .", 0,
                 "\"tokenizer\":{\"kind\":\"pieces\",\"tokens\":2,\"added\":1,\"chat\":null,");
    forge_folder_write("chat_template.jinja",
                       SPAN("{% for message in messages %}{{'<|im_start|>' + message['role'] + "
                            "'\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if "
                            "add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"));
    check_output("inspect --no-root .", 0, "chat          chatml\n");
    check_output("inspect --no-root --json .", 0, "\"chat\":\"chatml\",");
}

static void test_fit(void **state)
{
    struct model model;
    (void)state;
    write_model(FORGE_LLAMA);
    assert_true(model_open(&model, forge_folder_path(""), NULL));
    struct size size = size_of_model(&model);
    struct size_run run = size_of_run(&model, DTYPE_BF16);
    assert_int_equal(run.whole, run.outer + 3 * run.largest_layer);
    struct size_fit fit = size_fit(&model, &run, run.whole + 10 * size.kv_position);
    assert_true(fit.is_whole && fit.positions == 10 && fit.layers == 3);
    fit = size_fit(&model, &run, run.whole + size.kv_position - 1);
    assert_true(!fit.is_whole && fit.positions == 0 && fit.layers == 3);
    fit = size_fit(&model, &run, run.outer + 2 * run.largest_layer);
    assert_int_equal(fit.layers, 2);
    fit = size_fit(&model, &run, run.outer - 1);
    assert_int_equal(fit.layers, 0);

    struct machine machine = {.cores = 2, .memory_available = 1000};
    struct inspect inspect = {
        .model = &model, .machine = &machine, .no_tokenizer = "not asked for"};
    struct text out = {0};
    inspect_write(&out, &inspect);
    assert_non_null(memmem(out.at, out.len, "does not fit", 12));
    machine.memory_available = run.whole;
    inspect_write(&out, &inspect);
    assert_non_null(memmem(out.at, out.len, "layers fit: serve a range", 25));
    text_clear(&out);
    model_close(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_json),
                                       cmocka_unit_test(test_tokenizer),
                                       cmocka_unit_test(test_fit)};
    forge_folder_open();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    forge_folder_close();
    return failed;
}
