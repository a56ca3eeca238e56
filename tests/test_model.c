/* Models of every family, in both formats: the same hyperparameters, the same rows. */
#include "gpu/model.h"

#include <math.h>
#include <stdio.h>

#include "gpu/view.h"
#include "shared/err.h"
#include "tests/forge.h"
#include "tests/forge_folder.h"
#include "tests/forge_model.h"
#include "tests/test.h"

static void write_text(const char *name, struct text *text)
{
    forge_folder_write(name, text_span(text));
    text->len = 0;
}

static void write_safetensors(const struct forge_model *made, uint32_t files, const char *more)
{
    struct text text = {0};
    forge_folder_empty();
    forge_model_config(made, more, &text);
    write_text("config.json", &text);
    for (uint32_t file = 0; file < files; file++) {
        char name[40] = "model.safetensors";
        if (files > 1)
            snprintf(name, sizeof name, "model-%u.safetensors", file);
        forge_model_safetensors(made, file, files, &text);
        write_text(name, &text);
    }
    if (files > 1) {
        forge_model_index(made, files, &text);
        write_text("model.safetensors.index.json", &text);
    }
    text_clear(&text);
}

static void write_gguf(const struct forge_model *made)
{
    struct text text = {0};
    forge_folder_empty();
    forge_model_gguf(made, &text);
    write_text("model.gguf", &text);
    text_clear(&text);
}

static struct model open_model(const char *name)
{
    struct model model;
    struct err err = {0};
    if (!model_open(&model, forge_folder_path(name), &err))
        fail_msg("%s: %s", name, err.text);
    return model;
}

static bool is_norm(enum weight weight)
{
    return strstr(weight_name((struct weight_id){.weight = weight}).at, "norm") != NULL;
}

/* Every row of the weight, read both ways, is what the model was made of. */
static void check_weight(const struct model *model, const struct forge_model *made,
                         struct weight_id id)
{
    struct view view;
    float row[256];
    if (!view_find(&view, model, id))
        return;
    struct weight_name name = weight_name(id);
    const char *rest = name.at;
    if (weight_is_in_layer(id.weight))
        rest = strchr(strchr(rest, '.') + 1, '.') + 1;
    if (id.weight == WEIGHT_OUTPUT && model->hyper.is_tied)
        rest = "embedding.weight";
    bool is_raised =
        made->family == FORGE_GEMMA2 && is_norm(id.weight) && model->format == WEIGHT_GGUF;
    for (uint32_t i = 0; i < view.rows; i++) {
        view_read_row(&view, row, i);
        for (uint32_t j = 0; j < view.columns; j++)
            assert_true(row[j] ==
                        forge_model_number(made, rest, id.layer, i, j) + (is_raised ? 1.0F : 0.0F));
    }
    if (view.columns == 1) {
        float vector[256];
        view_read_vector(&view, vector);
        view_read_row(&view, row, view.rows - 1);
        assert_true(row[0] == vector[view.rows - 1]);
    }
}

static bool is_joined(enum weight weight)
{
    return weight == WEIGHT_QUERY_KEY_VALUE || weight == WEIGHT_GATE_UP;
}

static void check_weights(const struct model *model, const struct forge_model *made)
{
    uint32_t found = 0;
    for (enum weight weight = 0; weight < WEIGHT_COUNT; weight++)
        for (uint32_t layer = 0; layer < (weight_is_in_layer(weight) ? made->layers : 1); layer++)
            for (int is_bias = 0; is_bias < 2; is_bias++) {
                struct weight_id id = {weight, layer, is_bias != 0};
                struct view view;
                if (is_joined(weight))
                    continue;
                check_weight(model, made, id);
                found += view_find(&view, model, id);
            }
    assert_true(found >= 2 + 8 * made->layers);
}

static void check_hyper(const struct hyper *a, const struct hyper *b)
{
    assert_int_equal(a->family, b->family);
    assert_int_equal(a->activation, b->activation);
    assert_int_equal(a->layers, b->layers);
    assert_int_equal(a->inner, b->inner);
    assert_int_equal(a->kv_heads, b->kv_heads);
    assert_int_equal(a->head_size, b->head_size);
    assert_int_equal(a->vocabulary, b->vocabulary);
    assert_int_equal(a->context, b->context);
    assert_int_equal(a->rotary, b->rotary);
    assert_int_equal(a->rope_switch, b->rope_switch);
    assert_int_equal(a->is_tied, b->is_tied);
    for (uint32_t layer = 0; layer < a->layers; layer++)
        assert_int_equal(hyper_is_windowed(a, layer), hyper_is_windowed(b, layer));
    assert_int_equal(a->window, b->window);
    assert_true(a->epsilon == b->epsilon || a->family == HYPER_GPT2);
    assert_true(a->attention_scale == b->attention_scale);
    assert_true(a->attention_cap == b->attention_cap && a->output_cap == b->output_cap);
    assert_true(a->embedding_scale == b->embedding_scale && a->rope_base == b->rope_base);
    assert_true(fabsf(a->rope_magnitude - b->rope_magnitude) <= 1e-6F);
    for (uint32_t i = 0; i < a->rotary / 2; i++) {
        assert_true(fabsf(a->divisors[i] - b->divisors[i]) <= 1e-6F * a->divisors[i]);
        assert_true(fabsf(a->long_divisors[i] - b->long_divisors[i]) <=
                    1e-6F * b->long_divisors[i]);
    }
}

static void test_families(void **state)
{
    (void)state;
    for (enum forge_family family = 0; family < FORGE_FAMILIES; family++) {
        struct forge_model made = forge_model_of(family, family);
        write_safetensors(&made, 1, "");
        struct model model = open_model("");
        struct hyper hyper = model.hyper;
        check_weights(&model, &made);
        model_close(&model);
        model = open_model("model.safetensors");
        model_close(&model);

        write_gguf(&made);
        model = open_model("");
        check_hyper(&hyper, &model.hyper);
        check_weights(&model, &made);
        model_close(&model);
    }
}

static void test_several_files(void **state)
{
    struct forge_model made = forge_model_of(FORGE_LLAMA, 1);
    (void)state;
    write_safetensors(&made, 3, "");
    struct model model = open_model("");
    assert_int_equal(model.file_count, 3);
    check_weights(&model, &made);
    model_close(&model);
    model = open_model("model.safetensors.index.json");
    model_close(&model);
}

/* Whole-row access gives the bytes of the file, in our order of rows. */
static void test_stored_rows(void **state)
{
    struct forge_model made = forge_model_of(FORGE_LLAMA, 1);
    struct view view;
    float row[256];
    (void)state;
    write_gguf(&made);
    struct model model = open_model("model.gguf");
    assert_true(view_find(&view, &model, (struct weight_id){.weight = WEIGHT_KEY, .layer = 1}));
    memcpy(row, view_row(&view, 9), sizeof *row * view.columns);
    assert_true(row[5] == forge_model_number(&made, "key.weight", 1, 9, 5));
    model_close(&model);

    made = forge_model_of(FORGE_GPT2, 1);
    write_safetensors(&made, 1, "");
    model = open_model("");
    assert_true(view_find(&view, &model, (struct weight_id){.weight = WEIGHT_VALUE, .layer = 1}));
    assert_null(view_row(&view, 0));
    assert_false(view_find(&view, &model, (struct weight_id){.weight = WEIGHT_GATE, .layer = 1}));
    model_close(&model);
}

static void refuse(const char *name, const char *reason)
{
    struct model model;
    struct err err = {0};
    assert_false(model_open(&model, forge_folder_path(name), &err));
    const char *text = err.text;
    size_t len = strlen(forge_folder_path(""));
    if (strncmp(text, forge_folder_path(""), len) == 0)
        text += len;
    assert_string_equal(text, reason);
}

/* The header of a safetensors file, one word of it changed for another as long. */
static void change(struct text *file, const char *from, const char *to)
{
    size_t len = strlen(from);
    char *at = memmem(file->at, file->len, from, len);
    assert_true(at != NULL && len == strlen(to));
    for (size_t i = 0; i < len; i++)
        at[i] = to[i];
}

static void test_changed_names(void **state)
{
    static const struct {
        const char *from, *to, *reason;
    } cases[] = {
        {"layers.1.mlp.up_proj", "layers.1.mlp.up_pr0j",
         "model.safetensors: 'model.layers.1.mlp.up_pr0j.weigh' has no place in a model of the "
         "llama family"},
        {"layers.2.mlp.up_proj", "layers.1.mlp.up_proj",
         "model.safetensors: two tensors are called 'model.layers.1.mlp.up_proj.weigh'"},
        {"layers.2.mlp.up_proj", "layers.3.mlp.up_proj",
         "model.safetensors: 'model.layers.3.mlp.up_proj.weigh' is of layer 3; there are 3"},
        {"layers.2.mlp.up_proj", "layers.02.mlpup_proj",
         "model.safetensors: 'model.layers.02.mlpup_proj.weigh' has no place in a model of the "
         "llama family"},
        {"[96,64]", "[64,96]",
         "model.safetensors: 'model.layers.0.mlp.gate_proj.wei' is 64 x 96; "
         "96 x 64 expected"},
    };
    struct forge_model made = forge_model_of(FORGE_LLAMA, 1);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct text file = {0};
        write_safetensors(&made, 1, "");
        forge_model_safetensors(&made, 0, 1, &file);
        change(&file, cases[i].from, cases[i].to);
        write_text("model.safetensors", &file);
        refuse("model.safetensors", cases[i].reason);
        text_clear(&file);
    }
}

static void test_missing(void **state)
{
    struct forge_model made = forge_model_of(FORGE_LLAMA, 1);
    struct text text = {0};
    (void)state;
    write_safetensors(&made, 1, "");
    forge_model_config(&made, "", &text);
    change(&text, "\"num_hidden_layers\":3", "\"num_hidden_layers\":4");
    write_text("config.json", &text);
    refuse("", "the model lacks layers.3.attention_norm.weight");

    write_safetensors(&made, 3, "");
    forge_model_index(&made, 2, &text);
    write_text("model.safetensors.index.json", &text);
    refuse("", "the model lacks layers.2.attention_norm.weight");
    text_add(&text, SPAN("{\"weight_map\":{\"a\":\"../model-0.safetensors\"}}"));
    write_text("model.safetensors.index.json", &text);
    refuse("", "'../model-0.safetensors' is no name of a file beside it");
    text_add(&text, SPAN("{}"));
    write_text("model.safetensors.index.json", &text);
    refuse("", "model.safetensors.index.json: no weight_map");
    text_add(&text, SPAN("{"));
    write_text("model.safetensors.index.json", &text);
    refuse("", "model.safetensors.index.json: expected a string at byte 1");
    forge_folder_remove("config.json");
    refuse("", "/config.json: No such file or directory");
    text_clear(&text);
}

static void test_paths(void **state)
{
    struct forge_model made = forge_model_of(FORGE_QWEN2, 1);
    struct text text = {0};
    (void)state;
    forge_folder_empty();
    refuse("", "/ holds no model.safetensors.index.json, model.safetensors or GGUF file");
    refuse("nothing.gguf", "/nothing.gguf: No such file or directory");
    forge_folder_write("notes", SPAN("hello"));
    refuse("notes", "notes: neither .gguf, .safetensors nor .safetensors.index.json");
    forge_model_gguf(&made, &text);
    forge_folder_write("a.gguf", text_span(&text));
    forge_folder_write("sha256-1234", text_span(&text));
    struct model model = open_model("sha256-1234"); /* as Ollama keeps them */
    model_close(&model);
    write_text("b.gguf", &text);
    refuse("", "/ holds several GGUF files: name one");
    text_clear(&text);
}

/* Cut or changed anywhere in its head, a file opens or is refused; it never reads past the end. */
static void test_damage(void **state)
{
    struct forge_model made = forge_model_of(FORGE_PHI3, 1);
    struct text text = {0};
    (void)state;
    forge_folder_empty();
    made.layers = 1;
    forge_model_gguf(&made, &text);
    for (size_t i = 0; i < 1200; i += 7) {
        struct model model;
        struct err err = {0};
        char kept = text.at[i];
        text.at[i] = (char)(kept ^ (1 << i % 8));
        forge_folder_write("model.gguf", text_span(&text));
        text.at[i] = kept;
        if (model_open(&model, forge_folder_path("model.gguf"), &err))
            model_close(&model);
        else
            assert_true(strlen(err.text) > 0);
    }
    text_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families),    cmocka_unit_test(test_several_files),
        cmocka_unit_test(test_stored_rows), cmocka_unit_test(test_changed_names),
        cmocka_unit_test(test_missing),     cmocka_unit_test(test_paths),
        cmocka_unit_test(test_damage)};
    forge_folder_open();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    forge_folder_close();
    return failed;
}
