#include "gpu/hyper.h"

#include <math.h>

#include "shared/err.h"

const char *hyper_family_name(enum hyper_family family)
{
    static const char *const names[] = {[HYPER_LLAMA] = "llama",
                                        [HYPER_QWEN2] = "qwen2",
                                        [HYPER_PHI3] = "phi3",
                                        [HYPER_GEMMA2] = "gemma2",
                                        [HYPER_GPT2] = "gpt2"};
    return names[family];
}

bool hyper_is_windowed(const struct hyper *hyper, uint32_t layer)
{
    return hyper->window > 0 && layer >= hyper->window_first &&
           (layer - hyper->window_first) % hyper->window_every == 0;
}

static bool check_range(const char *name, uint32_t value, uint32_t max, struct err *err)
{
    if (value == 0 || value > max)
        return err_set(err, ERR_INVALID, "%s is %u; 1 to %u expected", name, value, max);
    return true;
}

static bool check_sizes(const struct hyper *hyper, struct err *err)
{
    return check_range("layers", hyper->layers, HYPER_LAYERS_MAX, err) &&
           check_range("width", hyper->width, HYPER_WIDTH_MAX, err) &&
           check_range("inner width", hyper->inner, HYPER_INNER_MAX, err) &&
           check_range("heads", hyper->heads, HYPER_HEADS_MAX, err) &&
           check_range("key-value heads", hyper->kv_heads, hyper->heads, err) &&
           check_range("head size", hyper->head_size, HYPER_HEAD_SIZE_MAX, err) &&
           check_range("vocabulary", hyper->vocabulary, HYPER_VOCABULARY_MAX, err) &&
           check_range("context", hyper->context, HYPER_CONTEXT_MAX, err);
}

static bool check_positive(const char *name, float value, struct err *err)
{
    if (!(value > 0) || !isfinite(value))
        return err_set(err, ERR_INVALID, "%s is %g; a positive number expected", name,
                       (double)value);
    return true;
}

static bool check_caps(const struct hyper *hyper, struct err *err)
{
    if (!(hyper->attention_cap >= 0) || !isfinite(hyper->attention_cap) ||
        !(hyper->output_cap >= 0) || !isfinite(hyper->output_cap))
        return err_set(err, ERR_INVALID, "a soft cap is negative or no finite number");
    return true;
}

static bool check_rope(const struct hyper *hyper, struct err *err)
{
    if (hyper->family == HYPER_GPT2)
        return true;
    if (hyper->rotary == 0 || hyper->rotary > hyper->head_size || hyper->rotary % 2 != 0)
        return err_set(err, ERR_INVALID,
                       "%u of %u elements of a head are turned; an even number "
                       "of them expected",
                       hyper->rotary, hyper->head_size);
    if (!check_positive("rope base", hyper->rope_base, err) ||
        !check_positive("rope magnitude", hyper->rope_magnitude, err))
        return false;
    for (uint32_t i = 0; i < hyper->rotary / 2; i++)
        if (!check_positive("rope factor", hyper->divisors[i], err) ||
            !check_positive("rope factor", hyper->long_divisors[i], err))
            return false;
    return true;
}

bool hyper_check(const struct hyper *hyper, struct err *err)
{
    if (!check_sizes(hyper, err) || !check_caps(hyper, err) || !check_rope(hyper, err))
        return false;
    if (hyper->heads % hyper->kv_heads != 0)
        return err_set(err, ERR_INVALID, "%u heads cannot share %u key-value heads evenly",
                       hyper->heads, hyper->kv_heads);
    if (hyper->window > 0 && hyper->window_every == 0)
        return err_set(err, ERR_INVALID, "windows on every 0th layer");
    return check_positive("epsilon", hyper->epsilon, err) &&
           check_positive("attention scale", hyper->attention_scale, err) &&
           check_positive("embedding scale", hyper->embedding_scale, err);
}
