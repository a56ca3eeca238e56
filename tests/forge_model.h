/* forge_model.h - whole tiny models of every family, made by tests, in both formats.
 *
 * Each number of a model follows from its seed, its weight's canonical name, its row and its
 * column, and is a bfloat16, so every format holds the same model exactly. What a format does to
 * it (joins, turns, reorders, adds one) is done here by the formats' own words, apart from gpu/.
 *
 *   ownership  a plain value
 *   threads    one
 */
#pragma once

#include "shared/text.h"

enum forge_family {
    FORGE_LLAMA,   /* grouped heads, untied, llama3 rope */
    FORGE_MISTRAL, /* head size apart from width / heads, windows */
    FORGE_QWEN2,   /* biases, tied */
    FORGE_PHI3,    /* joined matrices, windows, longrope */
    FORGE_GEMMA2,  /* four norms, caps, windows on every other layer */
    FORGE_GPT2,    /* layernorm, learned positions, matrices turned */
    FORGE_FAMILIES
};

struct forge_model {
    enum forge_family family;
    uint32_t layers, width, inner, heads, kv_heads, head_size, vocabulary, context;
    uint64_t seed;
};

/* Small, and with no two sizes alike. */
struct forge_model forge_model_of(enum forge_family family, uint64_t seed);

/* weight: "query.weight", "output_norm.bias"; layer is 0 outside the layers. */
float forge_model_number(const struct forge_model *model, const char *weight, uint32_t layer,
                         uint32_t row, uint32_t column);

/* config.json, with more members at its end: ",\"head_dim\":8", or "". */
void forge_model_config(const struct forge_model *model, const char *more, struct text *out);

/* The file with those layers for which layer % files == file; what is in no layer is in file 0. */
void forge_model_safetensors(const struct forge_model *model, uint32_t file, uint32_t files,
                             struct text *out);
void forge_model_index(const struct forge_model *model, uint32_t files, struct text *out);

void forge_model_gguf(const struct forge_model *model, struct text *out);
