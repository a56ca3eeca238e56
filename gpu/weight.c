#include "gpu/weight.h"

#include <stdio.h>

#include "shared/number.h"

struct names {
    const char *canonical, *safetensors, *gguf;
};

#define NAMES(weight, canonical, safetensors, gguf) [weight] = {canonical, safetensors, gguf},
static const struct names names[] = {WEIGHTS_OUTER(NAMES) WEIGHTS_LAYER(NAMES)};
#undef NAMES

/* GPT-2's own words in safetensors. */
static const char *const gpt2_names[] = {[WEIGHT_EMBEDDING] = "wte",
                                         [WEIGHT_POSITIONS] = "wpe",
                                         [WEIGHT_OUTPUT_NORM] = "ln_f",
                                         [WEIGHT_OUTPUT] = "lm_head",
                                         [WEIGHT_ATTENTION_NORM] = "ln_1",
                                         [WEIGHT_QUERY_KEY_VALUE] = "attn.c_attn",
                                         [WEIGHT_ATTENTION_OUT] = "attn.c_proj",
                                         [WEIGHT_INNER_NORM] = "ln_2",
                                         [WEIGHT_UP] = "mlp.c_fc",
                                         [WEIGHT_DOWN] = "mlp.c_proj",
                                         [WEIGHT_COUNT] = NULL};

struct weight_name weight_name(struct weight_id id)
{
    struct weight_name name;
    const char *part = id.is_bias ? "bias" : "weight";
    if (weight_is_in_layer(id.weight))
        snprintf(name.at, sizeof name.at, "layers.%u.%s.%s", id.layer, names[id.weight].canonical,
                 part);
    else
        snprintf(name.at, sizeof name.at, "%s.%s", names[id.weight].canonical, part);
    return name;
}

/* Takes a prefix off the front. */
static bool take(struct span *text, const char *prefix)
{
    size_t len = strlen(prefix);
    if (text->len < len || memcmp(text->at, prefix, len) != 0)
        return false;
    *text = (struct span){text->at + len, text->len - len};
    return true;
}

/* Takes a suffix off the end. */
static bool drop(struct span *text, const char *suffix)
{
    size_t len = strlen(suffix);
    if (text->len < len || memcmp(text->at + text->len - len, suffix, len) != 0)
        return false;
    text->len -= len;
    return true;
}

/* Takes "12." off the front: digits without a zero before them, so that a layer has one name. */
static bool take_layer(struct span *text, uint32_t *layer)
{
    const char *dot = text->len == 0 ? NULL : memchr(text->at, '.', text->len);
    int64_t number;
    if (dot == NULL || (text->at[0] == '0' && dot != text->at + 1) ||
        !number_decimal(&number, (struct span){text->at, (size_t)(dot - text->at)}) ||
        number >= HYPER_LAYERS_MAX)
        return false;
    *layer = (uint32_t)number;
    text->len -= (size_t)(dot + 1 - text->at);
    text->at = dot + 1;
    return true;
}

static const char *name_in(enum weight weight, enum hyper_family family, enum weight_format format)
{
    const char *name = format == WEIGHT_GGUF ? names[weight].gguf : names[weight].safetensors;
    if (format == WEIGHT_GGUF) /* one name for two things: Phi-3's holds the gate as well */
        return family == HYPER_PHI3 && weight == WEIGHT_GATE_UP ? "ffn_up"
               : family == HYPER_PHI3 && weight == WEIGHT_UP    ? ""
                                                                : name;
    if (family == HYPER_GPT2)
        return gpt2_names[weight] == NULL ? "" : gpt2_names[weight];
    if (family == HYPER_GEMMA2)
        return name;
    /* only Gemma's comes after attention; the others' comes before what follows */
    if (weight == WEIGHT_INNER_NORM)
        return "post_attention_layernorm";
    return weight == WEIGHT_POST_ATTENTION_NORM ? "" : name;
}

static bool find_in(struct weight_id *id, enum hyper_family family, enum weight_format format,
                    struct span name, bool in_layer)
{
    for (enum weight weight = 0; weight < WEIGHT_COUNT; weight++) {
        const char *candidate = name_in(weight, family, format);
        if (weight_is_in_layer(weight) == in_layer && candidate[0] != '\0' &&
            span_eq(name, (struct span){candidate, strlen(candidate)})) {
            id->weight = weight;
            return true;
        }
    }
    return false;
}

bool weight_find(struct weight_id *id, enum hyper_family family, enum weight_format format,
                 struct span name)
{
    *id = (struct weight_id){.is_bias = drop(&name, ".bias")};
    if (!id->is_bias && !drop(&name, ".weight"))
        return false;
    if (format == WEIGHT_SAFETENSORS)
        (void)take(&name, family == HYPER_GPT2 ? "transformer." : "model.");
    const char *layers = format == WEIGHT_GGUF ? "blk." : family == HYPER_GPT2 ? "h." : "layers.";
    bool in_layer = take(&name, layers);
    return (!in_layer || take_layer(&name, &id->layer)) &&
           find_in(id, family, format, name, in_layer);
}

bool weight_is_ballast(struct span name)
{
    struct span rest = name;
    uint32_t layer;
    if (drop(&rest, ".rotary_emb.inv_freq"))
        return true;
    (void)take(&rest, "transformer.");
    if (take(&rest, "h.") && take_layer(&rest, &layer) &&
        (span_eq(rest, SPAN("attn.bias")) || span_eq(rest, SPAN("attn.masked_bias"))))
        return true;
    return span_eq(name, SPAN("rope_freqs.weight")) || /* hyper has read these */
           span_eq(name, SPAN("rope_factors_long.weight")) ||
           span_eq(name, SPAN("rope_factors_short.weight"));
}

static enum weight_need need_of_weight(const struct hyper *hyper, enum weight weight)
{
    bool is_gpt2 = hyper->family == HYPER_GPT2;
    switch (weight) {
    case WEIGHT_EMBEDDING:
    case WEIGHT_OUTPUT_NORM:
    case WEIGHT_ATTENTION_NORM:
    case WEIGHT_ATTENTION_OUT:
    case WEIGHT_INNER_NORM:
    case WEIGHT_DOWN:
        return WEIGHT_NEEDED;
    case WEIGHT_POSITIONS:
        return is_gpt2 ? WEIGHT_NEEDED : WEIGHT_UNKNOWN;
    case WEIGHT_OUTPUT:
        return hyper->is_tied ? WEIGHT_OPTIONAL : WEIGHT_NEEDED;
    case WEIGHT_QUERY:
    case WEIGHT_KEY:
    case WEIGHT_VALUE:
    case WEIGHT_QUERY_KEY_VALUE:
        return WEIGHT_OPTIONAL;
    case WEIGHT_UP:
        return is_gpt2 ? WEIGHT_NEEDED : WEIGHT_OPTIONAL;
    case WEIGHT_GATE:
    case WEIGHT_GATE_UP:
        return is_gpt2 ? WEIGHT_UNKNOWN : WEIGHT_OPTIONAL;
    case WEIGHT_POST_ATTENTION_NORM:
    case WEIGHT_POST_INNER_NORM:
        return hyper->family == HYPER_GEMMA2 ? WEIGHT_NEEDED : WEIGHT_UNKNOWN;
    case WEIGHT_COUNT:
        break;
    }
    return WEIGHT_UNKNOWN;
}

static bool is_norm(enum weight weight)
{
    return weight == WEIGHT_OUTPUT_NORM || weight == WEIGHT_ATTENTION_NORM ||
           weight == WEIGHT_POST_ATTENTION_NORM || weight == WEIGHT_INNER_NORM ||
           weight == WEIGHT_POST_INNER_NORM;
}

enum weight_need weight_need(const struct hyper *hyper, struct weight_id id)
{
    enum weight_need need = need_of_weight(hyper, id.weight);
    if (!id.is_bias || need == WEIGHT_UNKNOWN)
        return need;
    if (id.weight == WEIGHT_EMBEDDING || id.weight == WEIGHT_POSITIONS ||
        id.weight == WEIGHT_OUTPUT)
        return WEIGHT_UNKNOWN;
    if (hyper->family == HYPER_GPT2)
        return need;
    return is_norm(id.weight) ? WEIGHT_UNKNOWN : WEIGHT_OPTIONAL;
}

static struct weight_shape matrix_shape(const struct hyper *hyper, enum weight weight)
{
    uint32_t width = hyper->width;
    uint32_t query = hyper->heads * hyper->head_size;
    uint32_t key = hyper->kv_heads * hyper->head_size;
    switch (weight) {
    case WEIGHT_EMBEDDING:
    case WEIGHT_OUTPUT:
        return (struct weight_shape){hyper->vocabulary, width};
    case WEIGHT_POSITIONS:
        return (struct weight_shape){hyper->context, width};
    case WEIGHT_QUERY:
        return (struct weight_shape){query, width};
    case WEIGHT_KEY:
    case WEIGHT_VALUE:
        return (struct weight_shape){key, width};
    case WEIGHT_QUERY_KEY_VALUE:
        return (struct weight_shape){query + 2 * key, width};
    case WEIGHT_ATTENTION_OUT:
        return (struct weight_shape){width, query};
    case WEIGHT_GATE:
    case WEIGHT_UP:
        return (struct weight_shape){hyper->inner, width};
    case WEIGHT_GATE_UP:
        return (struct weight_shape){2 * hyper->inner, width};
    case WEIGHT_DOWN:
        return (struct weight_shape){width, hyper->inner};
    case WEIGHT_OUTPUT_NORM:
    case WEIGHT_ATTENTION_NORM:
    case WEIGHT_POST_ATTENTION_NORM:
    case WEIGHT_INNER_NORM:
    case WEIGHT_POST_INNER_NORM:
        return (struct weight_shape){width, 1};
    case WEIGHT_COUNT:
        break;
    }
    return (struct weight_shape){0};
}

struct weight_shape weight_shape(const struct hyper *hyper, struct weight_id id)
{
    struct weight_shape shape = matrix_shape(hyper, id.weight);
    if (id.is_bias)
        shape.columns = 1;
    return shape;
}
