/* weight.h - the tensors of a transformer by what they are for, whatever a file calls them.
 *
 * A weight has a canonical name, "layers.3.query.weight", under which it is hashed and shown, and
 * one for each format and family. Some files hold query, key and value as one matrix, or gate and
 * up: these are weights of their own, and gpu/view cuts them.
 *
 *   shapes   (out, in) of a matrix
 *   threads  pure
 */
#pragma once

#include "gpu/hyper.h"

/* weight, canonical, in safetensors, in GGUF */
#define WEIGHTS_OUTER(X)                                           \
    X(WEIGHT_EMBEDDING, "embedding", "embed_tokens", "token_embd") \
    X(WEIGHT_POSITIONS, "positions", "wpe", "position_embd")       \
    X(WEIGHT_OUTPUT_NORM, "output_norm", "norm", "output_norm")    \
    X(WEIGHT_OUTPUT, "output", "lm_head", "output")

#define WEIGHTS_LAYER(X)                                                             \
    X(WEIGHT_ATTENTION_NORM, "attention_norm", "input_layernorm", "attn_norm")       \
    X(WEIGHT_QUERY, "query", "self_attn.q_proj", "attn_q")                           \
    X(WEIGHT_KEY, "key", "self_attn.k_proj", "attn_k")                               \
    X(WEIGHT_VALUE, "value", "self_attn.v_proj", "attn_v")                           \
    X(WEIGHT_QUERY_KEY_VALUE, "query_key_value", "self_attn.qkv_proj", "attn_qkv")   \
    X(WEIGHT_ATTENTION_OUT, "attention_out", "self_attn.o_proj", "attn_output")      \
    X(WEIGHT_POST_ATTENTION_NORM, "post_attention_norm", "post_attention_layernorm", \
      "post_attention_norm")                                                         \
    X(WEIGHT_INNER_NORM, "inner_norm", "pre_feedforward_layernorm", "ffn_norm")      \
    X(WEIGHT_GATE, "gate", "mlp.gate_proj", "ffn_gate")                              \
    X(WEIGHT_UP, "up", "mlp.up_proj", "ffn_up")                                      \
    X(WEIGHT_GATE_UP, "gate_up", "mlp.gate_up_proj", "")                             \
    X(WEIGHT_DOWN, "down", "mlp.down_proj", "ffn_down")                              \
    X(WEIGHT_POST_INNER_NORM, "post_inner_norm", "post_feedforward_layernorm", "post_ffw_norm")

#define WEIGHT_ENUM(weight, canonical, safetensors, gguf) weight,
enum weight { WEIGHTS_OUTER(WEIGHT_ENUM) WEIGHTS_LAYER(WEIGHT_ENUM) WEIGHT_COUNT };
#undef WEIGHT_ENUM

enum weight_format { WEIGHT_SAFETENSORS, WEIGHT_GGUF };

struct weight_id {
    enum weight weight;
    uint32_t layer; /* 0 of what is outside the layers */
    bool is_bias;
};

struct weight_name {
    char at[64]; /* canonical, NUL-terminated */
};

static inline bool weight_is_in_layer(enum weight weight)
{
    return weight >= WEIGHT_ATTENTION_NORM;
}

struct weight_name weight_name(struct weight_id id);

/* Which weight a file means. False when none. */
MUST_CHECK bool weight_find(struct weight_id *id, enum hyper_family family,
                            enum weight_format format, struct span name);

/* True for tensors that files carry and nobody needs: tables that are computed, masks. */
bool weight_is_ballast(struct span name);

enum weight_need { WEIGHT_UNKNOWN, WEIGHT_OPTIONAL, WEIGHT_NEEDED };

/* Whether a family has such a weight. Of query, key, value and all three as one, each is
 * optional; so are gate, up and both as one. */
enum weight_need weight_need(const struct hyper *hyper, struct weight_id id);

/* Its shape; columns are 1 of a vector. */
struct weight_shape {
    uint32_t rows, columns;
};
struct weight_shape weight_shape(const struct hyper *hyper, struct weight_id id);
