/* Each operator against the same in double, by the book. */
#include "gpu/kernel.h"

#include <math.h>

#include "gpu/half.h"
#include "tests/random.h"
#include "tests/test.h"

enum { COUNT = 77, PAGES = 3, HEAD = 20 };

static float any(void)
{
    return ((float)random_below(2000001) - 1e6F) * 2e-6F;
}

static void fill(float *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = any();
}

static void assert_near(float got, double want, double bound)
{
    if (!(fabs((double)got - want) <= bound * fmax(1, fabs(want))))
        fail_msg("%.9g, not %.17g", (double)got, want);
}

static void test_exp(void **state)
{
    (void)state;
    for (int i = -8690; i < 8800; i++) {
        float x = (float)i * 0.01F;
        double want = exp((double)x);
        assert_true(fabs((double)kernel_exp(x) - want) <= want * 0x1p-22);
    }
    assert_true(kernel_exp(0) == 1);
    assert_true(kernel_exp(-87.5F) == 0 && kernel_exp(-INFINITY) == 0);
    assert_true(isinf(kernel_exp(88.5F)));
}

static void test_dot(void **state)
{
    float a[COUNT];
    float b[COUNT];
    (void)state;
    for (uint32_t count = 0; count <= COUNT; count++) {
        double dot = 0;
        double sum = 0;
        fill(a, COUNT);
        fill(b, COUNT);
        for (uint32_t i = 0; i < count; i++) {
            dot += (double)a[i] * (double)b[i];
            sum += (double)a[i];
        }
        assert_near(kernel_dot(a, b, count), dot, 1e-4);
        assert_near(kernel_sum(a, count), sum, 1e-4);
    }
}

static void test_norms(void **state)
{
    float in[COUNT];
    float gain[COUNT];
    float bias[COUNT];
    float out[COUNT];
    double mean = 0;
    double square = 0;
    double variance = 0;
    (void)state;
    fill(in, COUNT);
    fill(gain, COUNT);
    fill(bias, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        mean += (double)in[i] / COUNT;
        square += (double)in[i] * (double)in[i] / COUNT;
    }
    for (size_t i = 0; i < COUNT; i++)
        variance += ((double)in[i] - mean) * ((double)in[i] - mean) / COUNT;
    kernel_rmsnorm(out, in, gain, COUNT, 0.25F);
    for (size_t i = 0; i < COUNT; i++)
        assert_near(out[i], (double)in[i] / sqrt(square + 0.25) * (double)gain[i], 5e-6);
    kernel_layernorm(out, in, &(struct kernel_layernorm){gain, bias, COUNT, 0.25F});
    for (size_t i = 0; i < COUNT; i++)
        assert_near(out[i],
                    ((double)in[i] - mean) / sqrt(variance + 0.25) * (double)gain[i] +
                        (double)bias[i],
                    5e-6);
}

static void test_rotate(void **state)
{
    float head[6] = {1, 2, 3, 4, 5, 6};
    const float turns[4] = {0.6F, 0.8F, 0, -1};
    const double want[6] = {0.6 - 0.8 * 3, 4, 3 * 0.6 + 0.8, -2, 5, 6}; /* the last two stay */
    (void)state;
    kernel_rotate(head, turns, 4);
    for (size_t i = 0; i < 6; i++)
        assert_near(head[i], want[i], 1e-6);
}

static void test_activate(void **state)
{
    (void)state;
    for (int i = -250; i < 250; i++) {
        float x = (float)i * 0.37F;
        float silu = x;
        float gelu = x;
        float gated = 3;
        float capped = x;
        double inner = sqrt(2 / acos(-1)) * ((double)x + 0.044715 * pow((double)x, 3));
        kernel_activate(&silu, NULL, 1, HYPER_SILU);
        kernel_activate(&gelu, NULL, 1, HYPER_GELU_TANH);
        kernel_activate(&gated, &x, 1, HYPER_SILU);
        kernel_cap(&capped, 1, 30);
        assert_near(silu, (double)x / (1 + exp(-(double)x)), 1e-6);
        assert_near(gelu, (double)x / 2 * (1 + tanh(inner)), 1e-6);
        assert_true(gated == 3 * silu);
        assert_near(capped, 30 * tanh((double)x / 30), 1e-6);
    }
}

/* Small numbers keep their digits. */
static void test_cap_small(void **state)
{
    (void)state;
    for (int i = 0; i < 250; i++) {
        float x = powf(1.07F, (float)i) * 1e-6F;
        float y = -x;
        double want = -30 * tanh((double)x / 30);
        kernel_cap(&y, 1, 30);
        assert_true(fabs((double)y - want) <= 1e-6 * fabs(want));
    }
}

struct kept {
    float keys[PAGES * EXEC_PAGE][HEAD], values[PAGES * EXEC_PAGE][HEAD];
    char slab[sizeof(float) * PAGES * 2 * EXEC_PAGE * HEAD];
    uint32_t pages[PAGES];
};

static void attend_by_the_book(double *out, const struct kept *kept,
                               const struct kernel_attention *attention)
{
    double sum = 0;
    memset(out, 0, HEAD * sizeof *out);
    for (uint32_t at = attention->first; at < attention->end; at++) {
        double score = 0;
        for (size_t i = 0; i < HEAD; i++)
            score += (double)attention->query[i] * (double)kept->keys[at][i];
        score *= (double)attention->scale;
        if (attention->cap != 0)
            score = (double)attention->cap * tanh(score / (double)attention->cap);
        sum += exp(score);
        for (size_t i = 0; i < HEAD; i++)
            out[i] += exp(score) * (double)kept->values[at][i];
    }
    for (size_t i = 0; i < HEAD; i++)
        out[i] /= sum;
}

/* Fills what lies from first to end; all else is NaN. */
static void keep(struct kept *kept, const struct kernel_attention *attention)
{
    memset(kept->slab, 0xff, sizeof kept->slab);
    for (uint32_t at = attention->first; at < attention->end; at++) {
        char *page = kept->slab + kept->pages[at / EXEC_PAGE] * attention->page_bytes;
        struct kernel_place place = {page, page + attention->values, attention->type, HEAD,
                                     at % EXEC_PAGE};
        for (size_t i = 0; i < HEAD; i++) {
            kept->keys[at][i] = half_bf16_to_float(half_bf16_from_float(any()));
            kept->values[at][i] = half_bf16_to_float(half_bf16_from_float(any()));
        }
        kernel_keep(&place, kept->keys[at], kept->values[at]);
    }
}

static void test_attend(void **state)
{
    static struct kept kept = {.pages = {2, 0, 1}};
    static const uint32_t ranges[][2] = {{0, 1}, {0, 16}, {3, 17}, {15, 33}, {16, 48}, {31, 32}};
    (void)state;
    for (size_t round = 0; round < 4 * ARRAY_LEN(ranges); round++) {
        float query[HEAD];
        float out[HEAD];
        float scores[(PAGES + 1) * EXEC_PAGE];
        double want[HEAD];
        struct kernel_attention attention = {.query = query,
                                             .slab = kept.slab,
                                             .pages = kept.pages,
                                             .type = round % 2 == 0 ? DTYPE_F32 : DTYPE_BF16,
                                             .head_size = HEAD,
                                             .first = ranges[round / 4][0],
                                             .end = ranges[round / 4][1],
                                             .scale = 0.7F,
                                             .cap = round % 4 < 2 ? 0 : 2};
        attention.values = (size_t)EXEC_PAGE * HEAD * dtype_block(attention.type).bytes;
        attention.page_bytes = 2 * attention.values;
        fill(query, HEAD);
        keep(&kept, &attention);
        kernel_attend(out, scores, &attention);
        attend_by_the_book(want, &kept, &attention);
        for (size_t i = 0; i < HEAD; i++)
            assert_near(out[i], want[i], 2e-5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp),      cmocka_unit_test(test_dot),
        cmocka_unit_test(test_norms),    cmocka_unit_test(test_rotate),
        cmocka_unit_test(test_activate), cmocka_unit_test(test_cap_small),
        cmocka_unit_test(test_attend),
    };
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
