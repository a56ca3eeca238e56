/* hyper.h - the hyperparameters of a model: all that its arithmetic needs to know but the weights.
 *
 * Read from a config.json as Hugging Face writes it, or from the keys of a GGUF file. What a
 * family leaves unsaid has the value that its reference implementation takes. What would change
 * the arithmetic and is not known here is refused, never ignored.
 *
 * The llama family is also TinyLlama, Mistral and the DeepSeek-R1 distills of these; qwen2 is
 * Qwen2, Qwen2.5 and the distills of those.
 *
 *   units      elements of a vector, positions of a text
 *   ownership  a plain value
 *   threads    immutable once read
 *   errors     ERR_INVALID what is missing or out of range; ERR_UNSUPPORTED what is not known
 */
#pragma once

#include "shared/base.h"

struct err;
struct gguf;
struct tree;

enum {
    HYPER_LAYERS_MAX = 512,
    HYPER_WIDTH_MAX = 1 << 16,
    HYPER_INNER_MAX = 1 << 20,
    HYPER_HEADS_MAX = 1024,
    HYPER_HEAD_SIZE_MAX = 512,
    HYPER_VOCABULARY_MAX = 1 << 20,
    HYPER_CONTEXT_MAX = 1 << 24
};

enum hyper_family { HYPER_LLAMA, HYPER_QWEN2, HYPER_PHI3, HYPER_GEMMA2, HYPER_GPT2 };

enum hyper_activation { HYPER_SILU, HYPER_GELU_TANH };

struct hyper {
    enum hyper_family family;
    enum hyper_activation activation;
    uint32_t layers, width, inner;       /* inner: of the feed-forward part */
    uint32_t heads, kv_heads, head_size; /* kv_heads divides heads */
    uint32_t vocabulary, context;
    uint32_t window;                     /* positions that a windowed layer sees; 0: no windows */
    uint32_t window_first, window_every; /* layers first, first + every, ... have it */
    bool norm_plus_one;                  /* RMSNorm multiplies with 1 + weight */
    bool is_tied;                        /* the embedding is the output matrix as well */
    float epsilon;                       /* of the norms */
    float attention_scale;               /* times the product of query and key */
    float attention_cap, output_cap;     /* soft caps; 0: none */
    float embedding_scale;

    /* Rotary positions: pair i of rotary / 2 turns by position * rope_base^(-2i / rotary) /
     * divisors[i]; pairs are (i, i + rotary / 2). rotary is 0 where positions are learned. */
    uint32_t rotary;
    uint32_t rope_switch; /* texts past this length take long_divisors; 0: none does */
    float rope_base;
    float rope_magnitude; /* times cosine and sine */
    float divisors[HYPER_HEAD_SIZE_MAX / 2];
    float long_divisors[HYPER_HEAD_SIZE_MAX / 2];
};

const char *hyper_family_name(enum hyper_family family);

/* True when the layer's attention is windowed. */
bool hyper_is_windowed(const struct hyper *hyper, uint32_t layer);

MUST_CHECK bool hyper_read_config(struct hyper *hyper, const struct tree *config, struct err *err);

/* vocabulary and is_tied are told by the tensors, as are divisors where the file has these. */
MUST_CHECK bool hyper_read_gguf(struct hyper *hyper, const struct gguf *gguf, struct err *err);

/* That every number is in range and goes with the others. */
MUST_CHECK bool hyper_check(const struct hyper *hyper, struct err *err);
