#include "tests/forge_model.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/forge.h"

/* Where a weight's name in a format differs between families, each has a row of its own. */
struct part {
    const char *canonical;
    char rows, columns; /* w width, q query, k key, i inner, v vocabulary, c context, 1 */
};

struct entry {
    const char *families; /* letters of forge_family: l m q p g 2 */
    const char *safetensors, *gguf;
    struct part parts[3]; /* joined, one after the other */
};

static const struct entry outer[] = {
    {"lmqpg", "model.embed_tokens.weight", "token_embd.weight", {{"embedding.weight", 'v', 'w'}}},
    {"2", "wte.weight", "token_embd.weight", {{"embedding.weight", 'v', 'w'}}},
    {"2", "wpe.weight", "position_embd.weight", {{"positions.weight", 'c', 'w'}}},
    {"lmqpg", "model.norm.weight", "output_norm.weight", {{"output_norm.weight", 'w', '1'}}},
    {"2", "ln_f.weight", "output_norm.weight", {{"output_norm.weight", 'w', '1'}}},
    {"2", "ln_f.bias", "output_norm.bias", {{"output_norm.bias", 'w', '1'}}},
    {"lmp", "lm_head.weight", "output.weight", {{"output.weight", 'v', 'w'}}},
};

static const struct entry inner[] = {
    {"lmqpg", "input_layernorm.weight", "attn_norm.weight", {{"attention_norm.weight", 'w', '1'}}},
    {"2", "ln_1.weight", "attn_norm.weight", {{"attention_norm.weight", 'w', '1'}}},
    {"2", "ln_1.bias", "attn_norm.bias", {{"attention_norm.bias", 'w', '1'}}},
    {"lmqg", "self_attn.q_proj.weight", "attn_q.weight", {{"query.weight", 'q', 'w'}}},
    {"lmqg", "self_attn.k_proj.weight", "attn_k.weight", {{"key.weight", 'k', 'w'}}},
    {"lmqg", "self_attn.v_proj.weight", "attn_v.weight", {{"value.weight", 'k', 'w'}}},
    {"q", "self_attn.q_proj.bias", "attn_q.bias", {{"query.bias", 'q', '1'}}},
    {"q", "self_attn.k_proj.bias", "attn_k.bias", {{"key.bias", 'k', '1'}}},
    {"q", "self_attn.v_proj.bias", "attn_v.bias", {{"value.bias", 'k', '1'}}},
    {"p",
     "self_attn.qkv_proj.weight",
     "attn_qkv.weight",
     {{"query.weight", 'q', 'w'}, {"key.weight", 'k', 'w'}, {"value.weight", 'k', 'w'}}},
    {"2",
     "attn.c_attn.weight",
     "attn_qkv.weight",
     {{"query.weight", 'q', 'w'}, {"key.weight", 'k', 'w'}, {"value.weight", 'k', 'w'}}},
    {"2",
     "attn.c_attn.bias",
     "attn_qkv.bias",
     {{"query.bias", 'q', '1'}, {"key.bias", 'k', '1'}, {"value.bias", 'k', '1'}}},
    {"lmqpg",
     "self_attn.o_proj.weight",
     "attn_output.weight",
     {{"attention_out.weight", 'w', 'q'}}},
    {"2", "attn.c_proj.weight", "attn_output.weight", {{"attention_out.weight", 'w', 'q'}}},
    {"2", "attn.c_proj.bias", "attn_output.bias", {{"attention_out.bias", 'w', '1'}}},
    {"g",
     "post_attention_layernorm.weight",
     "post_attention_norm.weight",
     {{"post_attention_norm.weight", 'w', '1'}}},
    {"g", "pre_feedforward_layernorm.weight", "ffn_norm.weight", {{"inner_norm.weight", 'w', '1'}}},
    {"lmqp",
     "post_attention_layernorm.weight",
     "ffn_norm.weight",
     {{"inner_norm.weight", 'w', '1'}}},
    {"2", "ln_2.weight", "ffn_norm.weight", {{"inner_norm.weight", 'w', '1'}}},
    {"2", "ln_2.bias", "ffn_norm.bias", {{"inner_norm.bias", 'w', '1'}}},
    {"lmqg", "mlp.gate_proj.weight", "ffn_gate.weight", {{"gate.weight", 'i', 'w'}}},
    {"lmqg", "mlp.up_proj.weight", "ffn_up.weight", {{"up.weight", 'i', 'w'}}},
    {"p",
     "mlp.gate_up_proj.weight",
     "ffn_up.weight",
     {{"gate.weight", 'i', 'w'}, {"up.weight", 'i', 'w'}}},
    {"2", "mlp.c_fc.weight", "ffn_up.weight", {{"up.weight", 'i', 'w'}}},
    {"2", "mlp.c_fc.bias", "ffn_up.bias", {{"up.bias", 'i', '1'}}},
    {"lmqpg", "mlp.down_proj.weight", "ffn_down.weight", {{"down.weight", 'w', 'i'}}},
    {"2", "mlp.c_proj.weight", "ffn_down.weight", {{"down.weight", 'w', 'i'}}},
    {"2", "mlp.c_proj.bias", "ffn_down.bias", {{"down.bias", 'w', '1'}}},
    {"g",
     "post_feedforward_layernorm.weight",
     "post_ffw_norm.weight",
     {{"post_inner_norm.weight", 'w', '1'}}},
};

struct forge_model forge_model_of(enum forge_family family, uint64_t seed)
{
    struct forge_model model = {.family = family,
                                .layers = 3,
                                .width = 64,
                                .inner = 96,
                                .heads = 4,
                                .kv_heads = 2,
                                .head_size = 16,
                                .vocabulary = 288,
                                .context = 128,
                                .seed = seed};
    if (family == FORGE_MISTRAL || family == FORGE_GEMMA2)
        model.head_size = 32;
    if (family == FORGE_GPT2)
        model.kv_heads = model.heads;
    return model;
}

static uint32_t size_of(const struct forge_model *model, char letter)
{
    switch (letter) {
    case 'w':
        return model->width;
    case 'q':
        return model->heads * model->head_size;
    case 'k':
        return model->kv_heads * model->head_size;
    case 'i':
        return model->inner;
    case 'v':
        return model->vocabulary;
    case 'c':
        return model->context;
    default:
        return 1;
    }
}

static bool is_of(const struct entry *entry, const struct forge_model *model)
{
    return strchr(entry->families, "lmqpg2"[model->family]) != NULL;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 29;
}

float forge_model_number(const struct forge_model *model, const char *weight, uint32_t layer,
                         uint32_t row, uint32_t column)
{
    uint64_t hash = model->seed + 1;
    for (const char *at = weight; *at != '\0'; at++)
        hash = mix(hash, (unsigned char)*at);
    hash = mix(mix(mix(mix(hash, layer), row), column), 7);
    float unit = (float)(int)(hash >> 40 & 0xffff) / 0x8000 - 1;
    bool is_norm = strstr(weight, "norm.weight") != NULL;
    float scale = is_norm || strstr(weight, "bias") != NULL ? 0.25F : 0.2F;
    if (strcmp(weight, "query.weight") == 0 || strcmp(weight, "key.weight") == 0)
        scale *= 2; /* so that attention is no plain average */
    float value = unit * scale;
    if (is_norm && model->family != FORGE_GEMMA2)
        value += 1;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits &= 0xffff0000;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void forge_model_config(const struct forge_model *model, const char *more, struct text *out)
{
    static const char *const names[] = {"llama", "mistral", "qwen2", "phi3", "gemma2", "gpt2"};
    text_addf(out, "{\"model_type\":\"%s\",\"vocab_size\":%u", names[model->family],
              model->vocabulary);
    if (model->family == FORGE_GPT2)
        text_addf(out,
                  ",\"n_layer\":%u,\"n_embd\":%u,\"n_head\":%u,\"n_positions\":%u,\"n_inner\":%u",
                  model->layers, model->width, model->heads, model->context, model->inner);
    else
        text_addf(out,
                  ",\"num_hidden_layers\":%u,\"hidden_size\":%u,\"intermediate_size\":%u,"
                  "\"num_attention_heads\":%u,\"num_key_value_heads\":%u,\"head_dim\":%u,"
                  "\"max_position_embeddings\":%u,\"rms_norm_eps\":1e-5",
                  model->layers, model->width, model->inner, model->heads, model->kv_heads,
                  model->head_size, model->context);
    if (model->family == FORGE_LLAMA)
        text_addf(out, ",\"rope_theta\":500000.0,\"rope_scaling\":{\"rope_type\":\"llama3\","
                       "\"factor\":8.0,\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
                       "\"original_max_position_embeddings\":32}");
    if (model->family == FORGE_MISTRAL || model->family == FORGE_PHI3)
        text_addf(out, ",\"sliding_window\":9");
    if (model->family == FORGE_QWEN2)
        text_addf(out, ",\"rope_theta\":1000000.0,\"tie_word_embeddings\":true,"
                       "\"sliding_window\":9,\"use_sliding_window\":false");
    if (model->family == FORGE_PHI3) {
        text_addf(out, ",\"original_max_position_embeddings\":64,\"rope_scaling\":{\"type\":"
                       "\"longrope\",\"short_factor\":[");
        for (uint32_t i = 0; i < model->head_size / 2; i++)
            text_addf(out, "%s%.2f", i == 0 ? "" : ",", 1 + 0.25 * i);
        text_addf(out, "],\"long_factor\":[");
        for (uint32_t i = 0; i < model->head_size / 2; i++)
            text_addf(out, "%s%.2f", i == 0 ? "" : ",", 2 + 0.5 * i);
        text_addf(out, "]}");
    }
    if (model->family == FORGE_GEMMA2)
        text_addf(out, ",\"sliding_window\":8,\"hidden_activation\":\"gelu_pytorch_tanh\","
                       "\"query_pre_attn_scalar\":32,\"attn_logit_softcapping\":50.0,"
                       "\"final_logit_softcapping\":30.0");
    text_addf(out, "%s}", more);
}

static uint32_t entry_rows(const struct forge_model *model, const struct entry *entry)
{
    uint32_t rows = 0;
    for (size_t i = 0; i < ARRAY_LEN(entry->parts) && entry->parts[i].canonical != NULL; i++)
        rows += size_of(model, entry->parts[i].rows);
    return rows;
}

/* The number at a row of the joined matrix. */
static float entry_number(const struct forge_model *model, const struct entry *entry,
                          uint32_t layer, uint32_t row, uint32_t column)
{
    const struct part *part = entry->parts;
    for (; row >= size_of(model, part->rows); part++)
        row -= size_of(model, part->rows);
    return forge_model_number(model, part->canonical, layer, row, column);
}

static void add_bf16(struct text *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    forge_u8(out, (uint8_t)(bits >> 16));
    forge_u8(out, (uint8_t)(bits >> 24));
}

static void add_entry(struct forge *forge, const struct forge_model *model,
                      const struct entry *entry, uint32_t layer, bool in_layer)
{
    struct text data = {0};
    char name[96];
    bool is_vector = entry->parts[0].columns == '1';
    bool is_turned = model->family == FORGE_GPT2 && in_layer && !is_vector;
    uint64_t shape[2] = {entry_rows(model, entry), size_of(model, entry->parts[0].columns)};
    uint32_t rows = (uint32_t)shape[is_turned ? 1 : 0];
    uint32_t columns = (uint32_t)shape[is_turned ? 0 : 1];
    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t column = 0; column < columns; column++)
            add_bf16(&data, is_turned ? entry_number(model, entry, layer, column, row)
                                      : entry_number(model, entry, layer, row, column));
    if (in_layer)
        snprintf(name, sizeof name, "%s.%u.%s", model->family == FORGE_GPT2 ? "h" : "model.layers",
                 layer, entry->safetensors);
    else
        snprintf(name, sizeof name, "%s", entry->safetensors);
    forge_entry(forge, name, "BF16", is_vector ? 1 : 2, (uint64_t[]){rows, columns},
                text_span(&data));
    text_clear(&data);
}

void forge_model_safetensors(const struct forge_model *model, uint32_t file, uint32_t files,
                             struct text *out)
{
    struct forge forge = {0};
    for (size_t i = 0; i < ARRAY_LEN(outer); i++)
        if (file == 0 && is_of(&outer[i], model))
            add_entry(&forge, model, &outer[i], 0, false);
    for (uint32_t layer = 0; layer < model->layers; layer++)
        for (size_t i = 0; i < ARRAY_LEN(inner); i++)
            if (layer % files == file && is_of(&inner[i], model))
                add_entry(&forge, model, &inner[i], layer, true);
    forge_safetensors(&forge, out);
    forge_clear(&forge);
}

void forge_model_index(const struct forge_model *model, uint32_t files, struct text *out)
{
    text_addf(out, "{\"weight_map\":{\"model.norm.weight\":\"model-0.safetensors\"");
    for (uint32_t layer = 0; layer < model->layers; layer++)
        text_addf(out, ",\"model.layers.%u.input_layernorm.weight\":\"model-%u.safetensors\"",
                  layer, layer % files);
    text_addf(out, "}}");
}

/* The row that stands at a place of a matrix whose heads have their pairs beside each other. */
static uint32_t paired(const struct forge_model *model, uint32_t row)
{
    uint32_t head = row / model->head_size;
    uint32_t in = row % model->head_size;
    return head * model->head_size + in % 2 * (model->head_size / 2) + in / 2;
}

static void add_gguf_entry(struct forge *forge, const struct forge_model *model,
                           const struct entry *entry, uint32_t layer, bool in_layer)
{
    struct text data = {0};
    char name[96];
    bool is_vector = entry->parts[0].columns == '1';
    bool is_llama = model->family == FORGE_LLAMA || model->family == FORGE_MISTRAL;
    bool is_paired = is_llama && (strncmp(entry->parts[0].canonical, "query", 5) == 0 ||
                                  strncmp(entry->parts[0].canonical, "key", 3) == 0);
    bool is_raised = model->family == FORGE_GEMMA2 && strstr(entry->gguf, "norm") != NULL;
    uint32_t rows = entry_rows(model, entry);
    uint32_t columns = size_of(model, entry->parts[0].columns);
    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t column = 0; column < columns; column++)
            forge_f32(&data, entry_number(model, entry, layer, is_paired ? paired(model, row) : row,
                                          column) +
                                 (is_raised ? 1.0F : 0.0F));
    if (in_layer)
        snprintf(name, sizeof name, "blk.%u.%s", layer, entry->gguf);
    else
        snprintf(name, sizeof name, "%s", entry->gguf);
    if (is_vector)
        forge_tensor(forge, name, 0, 1, (uint64_t[]){rows}, text_span(&data));
    else
        forge_tensor(forge, name, 0, 2, (uint64_t[]){columns, rows}, text_span(&data));
    text_clear(&data);
}

static const char *gguf_family(const struct forge_model *model)
{
    static const char *const names[] = {"llama", "llama", "qwen2", "phi3", "gemma2", "gpt2"};
    return names[model->family];
}

static void add_key(struct forge *forge, const struct forge_model *model, const char *key,
                    uint32_t value)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", gguf_family(model), key);
    forge_integer(forge, name, value);
}

static void add_number(struct forge *forge, const struct forge_model *model, const char *key,
                       float value)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", gguf_family(model), key);
    forge_number(forge, name, value);
}

/* Llama 3's factors by their published rule; Phi-3's as in its configuration. */
static void add_factors(struct forge *forge, const struct forge_model *model, const char *name,
                        double first, double step)
{
    struct text data = {0};
    for (uint32_t i = 0; i < model->head_size / 2; i++) {
        double factor = first + step * i;
        if (model->family == FORGE_LLAMA) {
            double wave = 2 * acos(-1) * pow(500000, 2.0 * i / model->head_size);
            double smooth = (32 / wave - 1) / (4 - 1);
            factor = wave < 32.0 / 4 ? 1 : wave > 32 ? 8 : 1 / ((1 - smooth) / 8 + smooth);
        }
        forge_f32(&data, (float)factor);
    }
    forge_tensor(forge, name, 0, 1, (uint64_t[]){model->head_size / 2}, text_span(&data));
    text_clear(&data);
}

static void add_keys(struct forge *forge, const struct forge_model *model)
{
    bool is_gpt2 = model->family == FORGE_GPT2;
    forge_text(forge, "general.architecture", gguf_family(model));
    forge_text(forge, "tokenizer.ggml.model", "no_vocab");
    add_key(forge, model, "vocab_size", model->vocabulary);
    add_key(forge, model, "block_count", model->layers);
    add_key(forge, model, "embedding_length", model->width);
    add_key(forge, model, "feed_forward_length", model->inner);
    add_key(forge, model, "attention.head_count", model->heads);
    add_key(forge, model, "context_length", model->context);
    add_number(forge, model,
               is_gpt2 ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon",
               1e-5F);
    if (is_gpt2)
        return;
    add_key(forge, model, "attention.head_count_kv", model->kv_heads);
    add_key(forge, model, "attention.key_length", model->head_size);
    add_key(forge, model, "attention.value_length", model->head_size);
    add_key(forge, model, "rope.dimension_count", model->head_size);
    if (model->family == FORGE_LLAMA)
        add_number(forge, model, "rope.freq_base", 500000);
    if (model->family == FORGE_QWEN2)
        add_number(forge, model, "rope.freq_base", 1000000);
    if (model->family == FORGE_MISTRAL || model->family == FORGE_PHI3)
        add_key(forge, model, "attention.sliding_window", 9);
    if (model->family == FORGE_PHI3) {
        add_key(forge, model, "rope.scaling.original_context_length", 64);
        add_number(forge, model, "rope.scaling.attn_factor",
                   (float)sqrt(1 + log(128 / 64.0) / log(64)));
    }
    if (model->family == FORGE_GEMMA2) {
        add_key(forge, model, "attention.sliding_window", 8);
        add_number(forge, model, "attn_logit_softcapping", 50);
        add_number(forge, model, "final_logit_softcapping", 30);
    }
}

void forge_model_gguf(const struct forge_model *model, struct text *out)
{
    struct forge forge = {0};
    add_keys(&forge, model);
    for (size_t i = 0; i < ARRAY_LEN(outer); i++)
        if (is_of(&outer[i], model))
            add_gguf_entry(&forge, model, &outer[i], 0, false);
    for (uint32_t layer = 0; layer < model->layers; layer++)
        for (size_t i = 0; i < ARRAY_LEN(inner); i++)
            if (is_of(&inner[i], model))
                add_gguf_entry(&forge, model, &inner[i], layer, true);
    if (model->family == FORGE_LLAMA)
        add_factors(&forge, model, "rope_freqs.weight", 0, 0);
    if (model->family == FORGE_PHI3) {
        add_factors(&forge, model, "rope_factors_short.weight", 1, 0.25);
        add_factors(&forge, model, "rope_factors_long.weight", 2, 0.5);
    }
    forge_gguf(&forge, out);
    forge_clear(&forge);
}
