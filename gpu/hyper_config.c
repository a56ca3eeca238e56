#include <math.h>

#include "gpu/hyper.h"
#include "gpu/hyper_family.h"
#include "gpu/tree.h"
#include "shared/err.h"
#include "shared/scan.h"

/* A member that may be absent, and leaves *out as it is then. */
static bool read_size(uint32_t *out, const struct tree *config, const char *key, struct err *err)
{
    const struct tree *member = tree_get(config, key);
    uint64_t value;
    if (member == NULL)
        return true;
    if (!tree_integer(member, &value, INT32_MAX))
        return err_set(err, ERR_INVALID, "%s must be a whole number", key);
    *out = (uint32_t)value;
    return true;
}

static bool read_number(double *out, const struct tree *config, const char *key, struct err *err)
{
    const struct tree *member = tree_get(config, key);
    if (member != NULL && !tree_number(member, out))
        return err_set(err, ERR_INVALID, "%s must be a number", key);
    return true;
}

static bool read_float(float *out, const struct tree *config, const char *key, struct err *err)
{
    double value = (double)*out;
    if (!read_number(&value, config, key, err))
        return false;
    *out = (float)value;
    return true;
}

static bool read_activation(struct hyper *hyper, const struct tree *config, struct err *err)
{
    /* Gemma-2's hidden_act says gelu and means what hidden_activation says */
    static const char *const keys[] = {"hidden_activation", "activation_function", "hidden_act"};
    struct span name = {0};
    for (size_t i = 0; i < ARRAY_LEN(keys) && name.len == 0; i++)
        name = tree_text(tree_get(config, keys[i]));
    if (name.len == 0)
        return true;
    if (span_eq(name, SPAN("silu")) || span_eq(name, SPAN("swish")))
        hyper->activation = HYPER_SILU;
    else if (span_eq(name, SPAN("gelu_pytorch_tanh")) || span_eq(name, SPAN("gelu_new")))
        hyper->activation = HYPER_GELU_TANH;
    else
        return err_set(err, ERR_UNSUPPORTED, "the activation '%s'", scan_word(name).at);
    return true;
}

static bool has_member(const struct tree *config, const char *key)
{
    for (const struct tree *member = config->first; member != NULL; member = member->next)
        if (span_eq(member->key, (struct span){key, strlen(key)}))
            return true;
    return false;
}

/* Where a list tells each layer's kind, it must say what we have understood. */
static bool check_layer_types(const struct hyper *hyper, const struct tree *config, struct err *err)
{
    const struct tree *types = tree_as(tree_get(config, "layer_types"), TREE_ARRAY);
    uint32_t layer = 0;
    for (const struct tree *type = types == NULL ? NULL : types->first; type != NULL;
         type = type->next, layer++) {
        bool is_windowed = tree_is(type, "sliding_attention");
        if ((!is_windowed && !tree_is(type, "full_attention")) ||
            is_windowed != hyper_is_windowed(hyper, layer))
            return err_set(err, ERR_UNSUPPORTED, "attention of layer %u is '%s'", layer,
                           scan_word(tree_text(type)).at);
    }
    return true;
}

static bool read_window(struct hyper *hyper, const struct tree *config, struct err *err)
{
    if (has_member(config, "sliding_window"))
        hyper->window = 0; /* also when it is null: no windows */
    if (!read_size(&hyper->window, config, "sliding_window", err))
        return false;
    if (hyper->family == HYPER_QWEN2) {
        if (!tree_bool(tree_get(config, "use_sliding_window"), false))
            hyper->window = 0;
        if (!read_size(&hyper->window_first, config, "max_window_layers", err))
            return false;
    }
    if (hyper->window_every == 0)
        hyper->window_every = 1;
    return check_layer_types(hyper, config, err);
}

static bool read_divisors(float *divisors, const struct hyper *hyper, const struct tree *list,
                          const char *key, struct err *err)
{
    uint32_t i = 0;
    if (tree_as(list, TREE_ARRAY) == NULL || list->count != hyper->rotary / 2)
        return err_set(err, ERR_INVALID, "%s must be a list of %u numbers", key, hyper->rotary / 2);
    for (const struct tree *item = list->first; item != NULL; item = item->next) {
        double value;
        if (!tree_number(item, &value))
            return err_set(err, ERR_INVALID, "%s must be a list of numbers", key);
        divisors[i++] = (float)value;
    }
    return true;
}

/* Two sets of divisors, for texts as long as the original context and for longer ones. */
static bool read_longrope(struct hyper *hyper, const struct tree *config, const struct tree *rope,
                          struct err *err)
{
    uint32_t original = hyper->context;
    if (!read_size(&original, config, "original_max_position_embeddings", err) ||
        !read_size(&original, rope, "original_max_position_embeddings", err))
        return false;
    if (original < 2)
        return err_set(err, ERR_INVALID, "original_max_position_embeddings is %u", original);
    double factor = (double)hyper->context / original;
    double magnitude = factor <= 1 ? 1 : sqrt(1 + log(factor) / log(original));
    if (!read_number(&magnitude, rope, "attention_factor", err))
        return false;
    hyper->rope_magnitude = (float)magnitude;
    hyper->rope_switch = original;
    return read_divisors(hyper->divisors, hyper, tree_get(rope, "short_factor"), "short_factor",
                         err) &&
           read_divisors(hyper->long_divisors, hyper, tree_get(rope, "long_factor"), "long_factor",
                         err);
}

static bool read_llama3(struct hyper *hyper, const struct tree *rope, struct err *err)
{
    struct hyper_llama3 rule = {.factor = 0};
    if (!read_number(&rule.factor, rope, "factor", err) ||
        !read_number(&rule.low, rope, "low_freq_factor", err) ||
        !read_number(&rule.high, rope, "high_freq_factor", err) ||
        !read_number(&rule.original_context, rope, "original_max_position_embeddings", err))
        return false;
    if (!(rule.factor > 0) || !(rule.low > 0) || !(rule.high > rule.low) ||
        !(rule.original_context > 0))
        return err_set(err, ERR_INVALID, "rope_scaling lacks factors, or they are out of order");
    hyper_family_llama3_rope(hyper, &rule);
    return true;
}

static bool read_linear(struct hyper *hyper, const struct tree *rope, struct err *err)
{
    double factor = 0;
    if (!read_number(&factor, rope, "factor", err))
        return false;
    for (uint32_t i = 0; i < hyper->rotary / 2; i++)
        hyper->divisors[i] = hyper->long_divisors[i] = (float)factor;
    return true;
}

static bool read_rope(struct hyper *hyper, const struct tree *config, struct err *err)
{
    const struct tree *rope = tree_get(config, "rope_scaling");
    if (rope == NULL)
        rope = tree_get(config, "rope_parameters");
    double part = 1;
    hyper->rope_base = 10000;
    hyper_family_plain_rope(hyper);
    if (!read_float(&hyper->rope_base, config, "rope_theta", err) ||
        !read_float(&hyper->rope_base, rope, "rope_theta", err) ||
        !read_number(&part, config, "partial_rotary_factor", err) ||
        !read_number(&part, rope, "partial_rotary_factor", err))
        return false;
    if (!(part > 0) || !(part <= 1) || hyper->head_size > HYPER_HEAD_SIZE_MAX)
        return err_set(err, ERR_INVALID, "partial_rotary_factor or the head size is out of range");
    hyper->rotary = (uint32_t)(hyper->head_size * part);
    struct span type = tree_text(tree_get(rope, "rope_type"));
    if (type.len == 0)
        type = tree_text(tree_get(rope, "type"));
    if (type.len == 0 || span_eq(type, SPAN("default")))
        return true;
    if (span_eq(type, SPAN("linear")))
        return read_linear(hyper, rope, err);
    if (span_eq(type, SPAN("llama3")))
        return read_llama3(hyper, rope, err);
    if (span_eq(type, SPAN("longrope")) || span_eq(type, SPAN("su")))
        return read_longrope(hyper, config, rope, err);
    return err_set(err, ERR_UNSUPPORTED, "rope_scaling of type '%s'", scan_word(type).at);
}

/* What would change the arithmetic, and is not done here. */
static bool check_flags(const struct tree *config, struct err *err)
{
    static const struct {
        const char *key;
        bool known;
    } flags[] = {{"scale_attn_by_inverse_layer_idx", false},
                 {"scale_attn_weights", true},
                 {"add_cross_attention", false}};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (tree_bool(tree_get(config, flags[i].key), flags[i].known) != flags[i].known)
            return err_set(err, ERR_UNSUPPORTED, "%s is %s", flags[i].key,
                           flags[i].known ? "false" : "true");
    if (tree_get(config, "quantization_config") != NULL)
        return err_set(err, ERR_UNSUPPORTED, "quantization_config: quantised safetensors");
    return true;
}

static bool read_gpt2(struct hyper *hyper, const struct tree *config, struct err *err)
{
    if (!read_size(&hyper->layers, config, "n_layer", err) ||
        !read_size(&hyper->width, config, "n_embd", err) ||
        !read_size(&hyper->heads, config, "n_head", err) ||
        !read_size(&hyper->context, config, "n_positions", err))
        return false;
    hyper->inner = hyper->width <= HYPER_WIDTH_MAX ? 4 * hyper->width : 0;
    hyper->kv_heads = hyper->heads;
    return read_size(&hyper->inner, config, "n_inner", err) &&
           read_float(&hyper->epsilon, config, "layer_norm_epsilon", err);
}

static bool read_llama(struct hyper *hyper, const struct tree *config, struct err *err)
{
    if (!read_size(&hyper->layers, config, "num_hidden_layers", err) ||
        !read_size(&hyper->width, config, "hidden_size", err) ||
        !read_size(&hyper->inner, config, "intermediate_size", err) ||
        !read_size(&hyper->heads, config, "num_attention_heads", err) ||
        !read_size(&hyper->context, config, "max_position_embeddings", err))
        return false;
    hyper->kv_heads = hyper->heads;
    return read_size(&hyper->kv_heads, config, "num_key_value_heads", err) &&
           read_float(&hyper->epsilon, config, "rms_norm_eps", err);
}

/* A head's size, unless it is told, and all that follows from it. */
static bool read_heads(struct hyper *hyper, const struct tree *config, struct err *err)
{
    if (hyper->heads == 0)
        return err_set(err, ERR_INVALID, "no number of heads");
    hyper->head_size = hyper->width / hyper->heads;
    if (hyper->width % hyper->heads != 0 && tree_get(config, "head_dim") == NULL)
        return err_set(err, ERR_INVALID, "%u heads in a width of %u", hyper->heads, hyper->width);
    if (!read_size(&hyper->head_size, config, "head_dim", err))
        return false;
    double scalar = hyper->head_size;
    if (hyper->family == HYPER_GEMMA2 &&
        !read_number(&scalar, config, "query_pre_attn_scalar", err))
        return false;
    hyper->attention_scale = (float)(1 / sqrt(scalar));
    hyper->embedding_scale = hyper->family == HYPER_GEMMA2 ? sqrtf((float)hyper->width) : 1;
    return hyper->family == HYPER_GPT2 || read_rope(hyper, config, err);
}

static bool read_caps(struct hyper *hyper, const struct tree *config, struct err *err)
{
    if (hyper->family != HYPER_GEMMA2)
        return true;
    if (has_member(config, "attn_logit_softcapping"))
        hyper->attention_cap = 0;
    if (has_member(config, "final_logit_softcapping"))
        hyper->output_cap = 0;
    return read_float(&hyper->attention_cap, config, "attn_logit_softcapping", err) &&
           read_float(&hyper->output_cap, config, "final_logit_softcapping", err);
}

bool hyper_read_config(struct hyper *hyper, const struct tree *config, struct err *err)
{
    if (tree_as(config, TREE_OBJECT) == NULL)
        return err_set(err, ERR_INVALID, "the configuration must be an object");
    if (!hyper_family_find(hyper, tree_text(tree_get(config, "model_type")), err) ||
        !check_flags(config, err) ||
        !(hyper->family == HYPER_GPT2 ? read_gpt2 : read_llama)(hyper, config, err) ||
        !read_size(&hyper->vocabulary, config, "vocab_size", err) ||
        !read_heads(hyper, config, err) || !read_activation(hyper, config, err) ||
        !read_window(hyper, config, err) || !read_caps(hyper, config, err))
        return false;
    hyper->is_tied = tree_bool(tree_get(config, "tie_word_embeddings"), hyper->is_tied);
    return hyper_check(hyper, err);
}
