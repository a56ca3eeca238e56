#include <math.h>
#include <stdio.h>

#include "gpu/gguf.h"
#include "gpu/hyper.h"
#include "gpu/hyper_family.h"
#include "gpu/row.h"
#include "shared/err.h"
#include "shared/scan.h"

struct keys {
    const struct gguf *gguf;
    char family[32];
};

static const struct gguf_value *find(const struct keys *keys, const char *name)
{
    char key[96];
    snprintf(key, sizeof key, "%s.%s", keys->family, name);
    return gguf_find(keys->gguf, key);
}

/* A value that may be absent, and leaves *out as it is then. */
static bool read_size(uint32_t *out, const struct keys *keys, const char *name, struct err *err)
{
    const struct gguf_value *value = find(keys, name);
    uint64_t size;
    if (value == NULL)
        return true;
    if (!gguf_integer(value, &size, INT32_MAX))
        return err_set(err, ERR_INVALID, "%s.%s must be one whole number", keys->family, name);
    *out = (uint32_t)size;
    return true;
}

static bool read_float(float *out, const struct keys *keys, const char *name, struct err *err)
{
    const struct gguf_value *value = find(keys, name);
    double number;
    if (value == NULL)
        return true;
    if (!gguf_number(value, &number))
        return err_set(err, ERR_INVALID, "%s.%s must be a number", keys->family, name);
    *out = (float)number;
    return true;
}

static bool read_sizes(struct hyper *hyper, const struct keys *keys, struct err *err)
{
    if (!read_size(&hyper->layers, keys, "block_count", err) ||
        !read_size(&hyper->width, keys, "embedding_length", err) ||
        !read_size(&hyper->inner, keys, "feed_forward_length", err) ||
        !read_size(&hyper->heads, keys, "attention.head_count", err) ||
        !read_size(&hyper->context, keys, "context_length", err))
        return false;
    hyper->kv_heads = hyper->heads;
    if (hyper->heads == 0)
        return err_set(err, ERR_INVALID, "no %s.attention.head_count", keys->family);
    hyper->head_size = hyper->width / hyper->heads;
    uint32_t value_size = 0;
    if (!read_size(&hyper->kv_heads, keys, "attention.head_count_kv", err) ||
        !read_size(&hyper->head_size, keys, "attention.key_length", err))
        return false;
    value_size = hyper->head_size;
    if (!read_size(&value_size, keys, "attention.value_length", err))
        return false;
    if (value_size != hyper->head_size)
        return err_set(err, ERR_UNSUPPORTED, "keys of %u and values of %u elements",
                       hyper->head_size, value_size);
    return true;
}

static bool read_window(struct hyper *hyper, const struct keys *keys, struct err *err)
{
    if (hyper->window_every == 0)
        hyper->window_every = 1;
    return read_size(&hyper->window, keys, "attention.sliding_window", err);
}

static const struct tensor *find_tensor(const struct keys *keys, const char *name)
{
    const struct tensor_list *list = &keys->gguf->tensors;
    for (uint32_t i = 0; i < list->count; i++)
        if (span_eq(list->at[i].name, (struct span){name, strlen(name)}))
            return &list->at[i];
    return NULL;
}

/* A tensor that may be absent, and leaves divisors as they are then. */
static bool read_divisors(float *divisors, const struct hyper *hyper, const struct tensor *tensor,
                          struct err *err)
{
    uint32_t count = hyper->rotary / 2;
    if (tensor == NULL)
        return true;
    if (tensor->type != DTYPE_F32 || tensor->dims != 1 || tensor->shape[0] != count ||
        count > HYPER_HEAD_SIZE_MAX / 2)
        return err_set(err, ERR_INVALID, "'%s' must be %u numbers of type F32",
                       scan_word(tensor->name).at, count);
    row_read(divisors, DTYPE_F32, tensor->data.at, count);
    return true;
}

static bool read_scaling(struct hyper *hyper, const struct keys *keys, struct err *err)
{
    struct span type = SPAN("none");
    float factor = 1;
    const struct gguf_value *value = find(keys, "rope.scaling.type");
    if (value != NULL && !gguf_text(value, &type))
        return err_set(err, ERR_INVALID, "%s.rope.scaling.type must be a text", keys->family);
    if (span_eq(type, SPAN("linear"))) {
        if (!read_float(&factor, keys, "rope.scaling.factor", err))
            return false;
        for (size_t i = 0; i < ARRAY_LEN(hyper->divisors); i++)
            hyper->divisors[i] = hyper->long_divisors[i] = factor;
        return true;
    }
    if (!span_eq(type, SPAN("none")) && !span_eq(type, SPAN("longrope")))
        return err_set(err, ERR_UNSUPPORTED, "rope scaling of type '%s'", scan_word(type).at);
    return read_float(&hyper->rope_magnitude, keys, "rope.scaling.attn_factor", err);
}

static bool read_rope(struct hyper *hyper, const struct keys *keys, struct err *err)
{
    hyper->rope_base = 10000;
    hyper->rotary = hyper->head_size;
    hyper_family_plain_rope(hyper);
    const struct tensor *longer = find_tensor(keys, "rope_factors_long.weight");
    const struct tensor *shorter = find_tensor(keys, "rope_factors_short.weight");
    const struct tensor *all = find_tensor(keys, "rope_freqs.weight");
    if (!read_float(&hyper->rope_base, keys, "rope.freq_base", err) ||
        !read_size(&hyper->rotary, keys, "rope.dimension_count", err) ||
        !read_scaling(hyper, keys, err) || !read_divisors(hyper->divisors, hyper, all, err) ||
        !read_divisors(hyper->long_divisors, hyper, all, err))
        return false;
    if (longer == NULL && shorter == NULL)
        return true;
    if (longer == NULL || shorter == NULL)
        return err_set(err, ERR_INVALID, "rope factors for short or for long texts are missing");
    hyper->rope_switch = hyper->context;
    return read_size(&hyper->rope_switch, keys, "rope.scaling.original_context_length", err) &&
           read_divisors(hyper->divisors, hyper, shorter, err) &&
           read_divisors(hyper->long_divisors, hyper, longer, err);
}

static void scale_gemma2(struct hyper *hyper)
{
    /* The file does not tell: 27B, the one of 46 layers, scales by width / heads instead. */
    float scalar = (float)(hyper->layers == 46 ? hyper->width / hyper->heads : hyper->head_size);
    hyper->attention_scale = 1 / sqrtf(scalar);
    hyper->embedding_scale = sqrtf((float)hyper->width);
    hyper->norm_plus_one = false; /* the 1 is in the file's weights */
}

bool hyper_read_gguf(struct hyper *hyper, const struct gguf *gguf, struct err *err)
{
    struct keys keys = {.gguf = gguf};
    struct span name = {0};
    if (!gguf_text(gguf_find(gguf, "general.architecture"), &name))
        return err_set(err, ERR_INVALID, "no general.architecture");
    if (!hyper_family_find(hyper, name, err))
        return false;
    snprintf(keys.family, sizeof keys.family, "%.*s", SPAN_ARG(name));
    const char *epsilon = hyper->family == HYPER_GPT2 ? "attention.layer_norm_epsilon"
                                                      : "attention.layer_norm_rms_epsilon";
    if (!read_sizes(hyper, &keys, err) || !read_float(&hyper->epsilon, &keys, epsilon, err) ||
        !read_window(hyper, &keys, err) ||
        !read_float(&hyper->attention_cap, &keys, "attn_logit_softcapping", err) ||
        !read_float(&hyper->output_cap, &keys, "final_logit_softcapping", err))
        return false;
    hyper->attention_scale = 1 / sqrtf((float)hyper->head_size);
    hyper->embedding_scale = 1;
    if (hyper->family == HYPER_GEMMA2)
        scale_gemma2(hyper);
    if (hyper->family != HYPER_GPT2 && !read_rope(hyper, &keys, err))
        return false;
    const struct tensor *embedding = find_tensor(&keys, "token_embd.weight");
    if (embedding == NULL || embedding->dims != 2 || embedding->shape[0] > HYPER_VOCABULARY_MAX)
        return err_set(err, ERR_INVALID, "no token_embd.weight, or not a matrix of at most %d rows",
                       HYPER_VOCABULARY_MAX);
    hyper->vocabulary = (uint32_t)embedding->shape[0];
    hyper->is_tied = find_tensor(&keys, "output.weight") == NULL;
    return hyper_check(hyper, err);
}
