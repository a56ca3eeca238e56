/* Requests for payment: byte for byte as NUT-18 has them. */
#include "client/demand.h"

#include "shared/text.h"
#include "tests/test.h"

static void expect(const struct demand *demand, const char *text)
{
    struct text out = {0};
    demand_write(&out, demand);
    assert_int_equal(out.len, strlen(text));
    assert_memory_equal(out.at, text, out.len);
    text_clear(&out);
}

static const struct span mints[] = {{"https://mint.example.com", 24}, {"nostr:nprofile1x", 16}};

/* The minimal request of the official vectors. */
static void test_minimal(void **state)
{
    struct demand demand = {
        .id = SPAN("7f4a2b39"), .unit = SPAN("sat"), .mints = mints, .mint_count = 1};
    (void)state;
    expect(&demand, "creqAo2FpaDdmNGEyYjM5YXVjc2F0YW2BeBhodHRwczovL21pbnQuZXhhbXBsZS5jb20=");
}

/* {"a": 1000, "u": "ccr", "s": true, "m": [two of them], "d": "d"}, and nothing at all. */
static void test_all(void **state)
{
    struct demand demand = {.amount = 1000,
                            .has_amount = true,
                            .is_once = true,
                            .unit = SPAN("ccr"),
                            .mints = mints,
                            .mint_count = 2,
                            .description = SPAN("d")};
    (void)state;
    expect(&demand, "creqApWFhGQPoYXVjY2NyYXP1YW2CeBhodHRwczovL21pbnQuZXhhbXBsZS5jb21wbm9zdHI6bn"
                    "Byb2ZpbGUxeGFkYWQ=");
    expect(&(struct demand){0}, "creqAoA==");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minimal),
        cmocka_unit_test(test_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
