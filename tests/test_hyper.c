/* Hyperparameters from config.json: what each family's says and leaves unsaid; what is refused. */
#include "gpu/hyper.h"

#include <math.h>

#include "gpu/tree.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "tests/quoted.h"
#include "tests/test.h"

#define SIZES                                                                        \
    "'num_hidden_layers':4,'hidden_size':64,'intermediate_size':96,'vocab_size':99," \
    "'num_attention_heads':4,'max_position_embeddings':512"
#define LLAMA "{'model_type':'llama'," SIZES
#define MISTRAL "{'model_type':'mistral'," SIZES
#define QWEN2 "{'model_type':'qwen2'," SIZES
#define PHI3 "{'model_type':'phi3'," SIZES
#define GEMMA2 "{'model_type':'gemma2'," SIZES
#define GPT2 \
    "{'model_type':'gpt2','n_layer':2,'n_embd':32,'n_head':4,'n_positions':64,'vocab_size':9"

static bool read_config(struct hyper *hyper, const char *json, struct err *err)
{
    struct arena arena = {0};
    const struct tree *tree;
    bool parsed = tree_parse(&tree, &arena, quoted(&arena, json), err);
    assert_true(parsed);
    bool ok = hyper_read_config(hyper, tree, err);
    arena_clear(&arena);
    return ok;
}

static struct hyper config(const char *json)
{
    struct hyper hyper;
    struct err err = {0};
    if (!read_config(&hyper, json, &err))
        fail_msg("%s: %s", json, err.text);
    return hyper;
}

static void test_unsaid(void **state)
{
    (void)state;
    struct hyper hyper = config(LLAMA "}");
    assert_int_equal(hyper.family, HYPER_LLAMA);
    assert_int_equal(hyper.kv_heads, 4);
    assert_int_equal(hyper.head_size, 16);
    assert_int_equal(hyper.rotary, 16);
    assert_int_equal(hyper.window, 0);
    assert_true(hyper.rope_base == 10000 && hyper.rope_magnitude == 1 && hyper.divisors[7] == 1);
    assert_true(hyper.attention_scale == 0.25F && hyper.embedding_scale == 1);
    assert_true(hyper.epsilon == 1e-6F && !hyper.is_tied && !hyper.norm_plus_one);
    assert_int_equal(hyper.activation, HYPER_SILU);

    hyper = config(GPT2 "}");
    assert_int_equal(hyper.inner, 128);
    assert_int_equal(hyper.kv_heads, 4);
    assert_int_equal(hyper.context, 64);
    assert_true(hyper.is_tied && hyper.epsilon == 1e-5F && hyper.rotary == 0);
    assert_int_equal(hyper.activation, HYPER_GELU_TANH);

    hyper = config(GEMMA2 "}");
    assert_true(hyper.is_tied && hyper.norm_plus_one && hyper.attention_cap == 50);
    assert_true(hyper.output_cap == 30 && hyper.embedding_scale == 8);
    assert_true(hyper_is_windowed(&hyper, 0) && !hyper_is_windowed(&hyper, 1));
    assert_true(hyper_is_windowed(&hyper, 2));
    assert_int_equal(hyper.activation, HYPER_GELU_TANH);
}

static void test_said(void **state)
{
    (void)state;
    struct hyper hyper = config(LLAMA ",'num_key_value_heads':2,'head_dim':32,'rms_norm_eps':1e-5,"
                                      "'rope_theta':5e5,'tie_word_embeddings':true}");
    assert_int_equal(hyper.kv_heads, 2);
    assert_int_equal(hyper.rotary, 32);
    assert_true(hyper.rope_base == 5e5F && hyper.is_tied && hyper.epsilon == 1e-5F);
    hyper = config(PHI3 ",'partial_rotary_factor':0.75,'sliding_window':2047}");
    assert_int_equal(hyper.rotary, 12);
    assert_int_equal(hyper.window, 2047);
    hyper = config(LLAMA ",'rope_parameters':{'rope_type':'linear','factor':4.0,'rope_theta':7}}");
    assert_true(hyper.divisors[3] == 4 && hyper.long_divisors[3] == 4 && hyper.rope_base == 7);
    hyper = config(GEMMA2 ",'query_pre_attn_scalar':144,'attn_logit_softcapping':null,"
                          "'hidden_act':'gelu','hidden_activation':'gelu_pytorch_tanh'}");
    assert_true(fabsf(hyper.attention_scale - 1.0F / 12) < 1e-7F && hyper.attention_cap == 0);
    assert_true(hyper.output_cap == 30);
}

static void test_windows(void **state)
{
    (void)state;
    assert_int_equal(config(MISTRAL "}").window, 4096);
    assert_int_equal(config(MISTRAL ",'sliding_window':null}").window, 0);
    assert_int_equal(config(MISTRAL ",'sliding_window':8}").window, 8);
    assert_int_equal(config(QWEN2 ",'sliding_window':8}").window, 0);
    struct hyper hyper = config(QWEN2 ",'sliding_window':8,'use_sliding_window':true,"
                                      "'max_window_layers':2,'layer_types':['full_attention',"
                                      "'full_attention','sliding_attention']}");
    assert_int_equal(hyper.window, 8);
    assert_true(!hyper_is_windowed(&hyper, 1) && hyper_is_windowed(&hyper, 2));
    assert_true(hyper_is_windowed(&hyper, 3));
}

/* Against the numbers that Llama 3.1's rule gives, worked out by hand for base 10000, size 16. */
static void test_llama3_rope(void **state)
{
    (void)state;
    struct hyper hyper = config(LLAMA ",'rope_scaling':{'rope_type':'llama3','factor':8,"
                                      "'low_freq_factor':1,'high_freq_factor':4,"
                                      "'original_max_position_embeddings':100}}");
    assert_true(hyper.divisors[0] == 1); /* a wave of 6.28 positions: below 100 / 4 */
    assert_true(hyper.divisors[1] == 1); /* 19.9 */
    /* 62.8: ramp (100 / 62.83 - 1) / 3 = 0.19718; 1 / (0.80282 / 8 + 0.19718) */
    assert_true(fabsf(hyper.divisors[2] - 3.36095F) < 1e-4F);
    assert_true(hyper.divisors[3] == 8); /* 198.7: past 100 / 1 */
    assert_true(hyper.divisors[7] == 8 && hyper.long_divisors[7] == 8);
}

static void test_longrope(void **state)
{
    (void)state;
    struct hyper hyper =
        config(PHI3 ",'original_max_position_embeddings':128,'rope_scaling':{'type':'su',"
                    "'short_factor':[1,1,1,1,1,1,1,2],'long_factor':[3,3,3,3,3,3,3,4]}}");
    assert_int_equal(hyper.rope_switch, 128);
    assert_true(hyper.divisors[7] == 2 && hyper.long_divisors[0] == 3);
    assert_true(fabsf(hyper.rope_magnitude - sqrtf(1 + 2.0F / 7)) < 1e-6F); /* ln 4 / ln 128 */
}

static void test_refusals(void **state)
{
    static const struct {
        const char *config, *reason;
    } cases[] = {
        {"[]", "the configuration must be an object"},
        {"{}", "a model of the kind ''; llama, mistral, qwen2, phi3, gemma2, gpt2 are known"},
        {"{'model_type':'bert'}",
         "a model of the kind 'bert'; llama, mistral, qwen2, phi3, gemma2, gpt2 are known"},
        {"{'model_type':'llama'}", "no number of heads"},
        {LLAMA ",'num_key_value_heads':3}", "4 heads cannot share 3 key-value heads evenly"},
        {LLAMA ",'num_key_value_heads':8}", "key-value heads is 8; 1 to 4 expected"},
        {LLAMA ",'head_dim':513}", "partial_rotary_factor or the head size is out of range"},
        {LLAMA ",'head_dim':0}", "head size is 0; 1 to 512 expected"},

        {LLAMA ",'head_dim':15}", "15 of 15 elements of a head are turned; an even number of them "
                                  "expected"},
        {LLAMA ",'head_dim':-2}", "head_dim must be a whole number"},
        {LLAMA ",'rms_norm_eps':0}", "epsilon is 0; a positive number expected"},
        {LLAMA ",'rms_norm_eps':'x'}", "rms_norm_eps must be a number"},
        {LLAMA ",'rope_theta':-1}", "rope base is -1; a positive number expected"},
        {LLAMA ",'hidden_act':'relu'}", "the activation 'relu'"},
        {LLAMA ",'quantization_config':{}}", "quantization_config: quantised safetensors"},
        {LLAMA ",'rope_scaling':{'type':'yarn','factor':2}}", "rope_scaling of type 'yarn'"},
        {LLAMA ",'rope_scaling':{'type':'linear'}}",
         "rope factor is 0; a positive number expected"},
        {LLAMA ",'rope_scaling':{'rope_type':'llama3','factor':8}}",
         "rope_scaling lacks factors, or they are out of order"},
        {PHI3 ",'rope_scaling':{'type':'longrope','short_factor':[1],'long_factor':[1]}}",
         "short_factor must be a list of 8 numbers"},
        {PHI3 ",'original_max_position_embeddings':1,'rope_scaling':{'type':'longrope'}}",
         "original_max_position_embeddings is 1"},
        {LLAMA ",'layer_types':['sliding_attention']}",
         "attention of layer 0 is 'sliding_attention'"},
        {GPT2 ",'scale_attn_weights':false}", "scale_attn_weights is false"},
        {GPT2 ",'scale_attn_by_inverse_layer_idx':true}",
         "scale_attn_by_inverse_layer_idx is true"},
        {"{'model_type':'gpt2','n_layer':2,'n_embd':30,'n_head':4,'n_positions':64}",
         "4 heads in a width of 30"},
        {"{'model_type':'gpt2','n_layer':513,'n_embd':32,'n_head':4,'n_positions':64}",
         "layers is 513; 1 to 512 expected"},
        {GEMMA2 ",'attn_logit_softcapping':-1}", "a soft cap is negative or no finite number"},
        {GEMMA2 ",'query_pre_attn_scalar':0}",
         "attention scale is inf; a positive number expected"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct hyper hyper;
        struct err err = {0};
        if (read_config(&hyper, cases[i].config, &err))
            fail_msg("accepted: %s", cases[i].config);
        assert_string_equal(err.text, cases[i].reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsaid),   cmocka_unit_test(test_said),
        cmocka_unit_test(test_windows),  cmocka_unit_test(test_llama3_rope),
        cmocka_unit_test(test_longrope), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
