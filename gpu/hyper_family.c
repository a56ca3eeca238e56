#include "gpu/hyper_family.h"

#include <math.h>

#include "shared/err.h"
#include "shared/scan.h"

static const struct {
    const char *name;
    struct hyper hyper;
} families[] = {
    {"llama", {.family = HYPER_LLAMA, .epsilon = 1e-6F}},
    {"mistral", {.family = HYPER_LLAMA, .epsilon = 1e-6F, .window = 4096, .window_every = 1}},
    {"qwen2", {.family = HYPER_QWEN2, .epsilon = 1e-6F}},
    {"phi3", {.family = HYPER_PHI3, .epsilon = 1e-5F}},
    {"gemma2",
     {.family = HYPER_GEMMA2,
      .activation = HYPER_GELU_TANH,
      .epsilon = 1e-6F,
      .window = 4096,
      .window_every = 2,
      .norm_plus_one = true,
      .is_tied = true,
      .attention_cap = 50,
      .output_cap = 30}},
    {"gpt2",
     {.family = HYPER_GPT2, .activation = HYPER_GELU_TANH, .epsilon = 1e-5F, .is_tied = true}},
};

bool hyper_family_find(struct hyper *hyper, struct span name, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        if (span_eq(name, (struct span){families[i].name, strlen(families[i].name)})) {
            *hyper = families[i].hyper;
            return true;
        }
    return err_set(err, ERR_UNSUPPORTED,
                   "a model of the kind '%s'; llama, mistral, qwen2, phi3, gemma2, gpt2 are known",
                   scan_word(name).at);
}

void hyper_family_plain_rope(struct hyper *hyper)
{
    hyper->rope_magnitude = 1;
    hyper->rope_switch = 0;
    for (size_t i = 0; i < ARRAY_LEN(hyper->divisors); i++)
        hyper->divisors[i] = hyper->long_divisors[i] = 1;
}

void hyper_family_llama3_rope(struct hyper *hyper, const struct hyper_llama3 *rule)
{
    for (uint32_t i = 0; i < hyper->rotary / 2; i++) {
        double turn = pow((double)hyper->rope_base, -2.0 * i / hyper->rotary);
        double wave = 2 * 3.14159265358979323846 / turn;
        double divisor = 1;
        if (wave > rule->original_context / rule->low) {
            divisor = rule->factor;
        } else if (wave >= rule->original_context / rule->high) {
            double ramp = (rule->original_context / wave - rule->low) / (rule->high - rule->low);
            divisor = 1 / ((1 - ramp) / rule->factor + ramp);
        }
        hyper->divisors[i] = hyper->long_divisors[i] = (float)divisor;
    }
}
