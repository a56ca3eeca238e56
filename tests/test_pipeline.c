/* A model in two and in three processes tells what it tells in one. */
#include "gpu/pipeline.h"

#include <stdio.h>

#include "tests/asker.h"
#include "tests/test.h"
#include "tests/worker.h"

enum { LAYERS = 6, ASKERS = 6, TOKENS = 24 };

static struct asker whole[ASKERS], piped[ASKERS];

static void make_askers(struct asker *askers)
{
    for (uint32_t i = 0; i < ASKERS; i++)
        askers[i] = asker_of(1 + i * 55, TOKENS, i);
}

static struct worker worker_of(const char *layers, const char *next, const char *wire)
{
    struct worker worker = {.layers = layers, .next = next, .wire = wire, .model = asker_model()};
    worker_start(&worker);
    return worker;
}

/* Every logit has a part in a probability: these are equal to the last bit. */
static void test_two(void **state)
{
    struct worker last = worker_of("1-5", NULL, "f32");
    const char *next[] = {last.address};
    (void)state;
    make_askers(piped);
    asker_pipe(1, next, 1, "f32");
    asker_ask_pipe(piped, ASKERS);
    asker_unpipe();
    asker_compare(piped, whole, ASKERS);
    worker_stop(&last);
}

static void test_three(void **state)
{
    struct worker last = worker_of("5-5", NULL, "f32");
    struct worker middle = worker_of("2-4", last.address, "f32");
    const char *next[] = {middle.address};
    (void)state;
    make_askers(piped);
    asker_pipe(2, next, 1, "f32");
    asker_ask_pipe(piped, ASKERS);
    asker_unpipe();
    asker_compare(piped, whole, ASKERS);
    worker_stop(&middle);
    worker_stop(&last);
}

/* Types that round choose the same tokens, up to one that was a matter of less than they round. */
static void test_rounded(void **state)
{
    static const struct {
        const char *wire;
        float margin;
    } cases[] = {{"f16", 0.02F}, {"bf16", 0.2F}, {"i8", 0.4F}};
    struct worker last = worker_of("3-5", NULL, "f32");
    const char *next[] = {last.address};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct asker asker = asker_of(40, TOKENS * 4, 6);
        struct asker twin = asker;
        uint32_t same = 0;
        asker_ask_whole(&twin, 1);
        asker_pipe(3, next, 1, cases[i].wire);
        asker_ask_pipe(&asker, 1);
        asker_unpipe();
        assert_int_equal(asker.end, ANSWER_FULL);
        while (same < asker.count && asker.tokens[same] == twin.tokens[same])
            same++;
        print_message("%s: the first %u of %u tokens are the same\n", cases[i].wire, same,
                      asker.count);
        if (same < asker.count)
            assert_true(twin.margins[same] < cases[i].margin);
        for (uint32_t j = 0; j < same; j++)
            if (twin.probabilities[j] - asker.probabilities[j] > cases[i].margin ||
                asker.probabilities[j] - twin.probabilities[j] > cases[i].margin)
                fail_msg("%s: token %u has %f, not %f", cases[i].wire, j,
                         (double)asker.probabilities[j], (double)twin.probabilities[j]);
    }
    worker_stop(&last);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two), cmocka_unit_test(test_three),
                                       cmocka_unit_test(test_rounded)};
    int status;
    if (worker_is_one(argc, argv, &status))
        return status;
    asker_open(LAYERS);
    make_askers(whole);
    asker_ask_whole(whole, ASKERS);
    status = cmocka_run_group_tests(tests, NULL, NULL);
    asker_close();
    return status;
}
