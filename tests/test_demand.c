/* Requests for payment: byte for byte as NUT-18 has them, and what is read of them. */
#include "client/demand.h"

#include "shared/arena.h"
#include "shared/err.h"
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

static bool read(struct demand *demand, struct arena *arena, const char *text)
{
    struct err err = {.text = "?"};
    bool ok = demand_read(demand, arena, (struct span){text, strlen(text)}, &err);
    assert_true(ok || (err.code == ERR_INVALID && strlen(err.text) > 1));
    return ok;
}

static void test_read(void **state)
{
    struct arena arena = {0};
    struct demand demand;
    (void)state;
    assert_true(read(&demand, &arena,
                     "creqApWFhGQPoYXVjY2NyYXP1YW2CeBhodHRwczovL21pbnQuZXhhbXBsZS5jb21wbm9zdHI6bn"
                     "Byb2ZpbGUxeGFkYWQ")); /* without its padding */
    assert_true(demand.has_amount && demand.amount == 1000 && demand.is_once);
    assert_true(span_eq(demand.unit, SPAN("ccr")) && span_eq(demand.description, SPAN("d")));
    assert_int_equal(demand.mint_count, 2);
    assert_true(span_eq(demand.mints[0], mints[0]) && span_eq(demand.mints[1], mints[1]));
    assert_true(read(&demand, &arena, "creqAoA=="));
    assert_false(demand.has_amount || demand.is_once);
    assert_int_equal(demand.id.len + demand.mint_count, 0);
    /* The official one with a way of transport, {"t": [{"t": "nostr", "a": ..., "g": [..]}]}. */
    assert_true(read(&demand, &arena,
                     "creqApWF0gaNhdGVub3N0cmFheKlucHJvZmlsZTFxeTI4d3VtbjhnaGo3dW45ZDNzaGp0bnl2OWt"
                     "oMnVld2Q5aHN6OW1od2RlbjV0ZTB3ZmprY2N0ZTljdXJ4dmVuOWVlaHFjdHJ2NWhzenJ0aHdkZW4"
                     "1dGUwZGVoaHh0bnZkYWtxcWd5ZGFxeTdjdXJrNDM5eWtwdGt5c3Y3dWRoZGh1NjhzdWNtMjk1YWt"
                     "xZWZkZWhrZjBkNDk1Y3d1bmw1YWeBgmFuYjE3YWloYjdhOTAxNzZhYQphdWNzYXRhbYF4Imh0dHB"
                     "zOi8vbm9mZWVzLnRlc3RudXQuY2FzaHUuc3BhY2U="));
    assert_true(span_eq(demand.id, SPAN("b7a90176")) && demand.amount == 10);
    assert_true(span_eq(demand.mints[0], SPAN("https://nofees.testnut.cashu.space")));
    /* With a lock (nut10), in the other alphabet of base64. */
    assert_true(read(&demand, &arena,
                     "creqAqGF0gaNhdGRwb3N0YWF4G2h0dHBzOi8vYXBpLmV4YW1wbGUuY29tL3BheWFn92FpaDQ4NDB"
                     "mNTFlYWEZA+hhdWNzYXRhbYF4GGh0dHBzOi8vbWludC5leGFtcGxlLmNvbWFkcFByb2R1Y3QgcHV"
                     "yY2hhc2Vhc/VlbnV0MTCjYWtkUDJQS2FkeEIwM2JhZjBjM2FjMjIwMzY2YzJjMzk3YmY5MzA1Nzl"
                     "jNDE2MzQzNTU4NGY1NzNiMTA5MTA5ODdjNTQ0YzU5ZTYxZjFhdIGCZ3B1cnBvc2Vnb2ZmbGluZQ="
                     "="));
    assert_true(span_eq(demand.id, SPAN("4840f51e")) && demand.amount == 1000);
    assert_true(span_eq(demand.description, SPAN("Product purchase")));
    arena_clear(&arena);
}

static void test_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "cashuAoA==",
        "creqB",
        "creqA",
        "creqA!",
        "creqAoWFhYQ",  /* cut off */
        "creqAoWFhYWE", /* an amount that is text */
        "creqAoWFzAQ",  /* a flag that is a number */
        "creqAoWFtAQ",  /* mints that are a number */
        "creqAoWFtmEE", /* mints without an end */
        "creqAoQEB",    /* a key that is a number */
        "creqAgA",      /* no map */
        "creqAoACg",    /* something behind it */
    };
    struct arena arena = {0};
    struct text many = {0};
    struct demand demand;
    struct span mint[DEMAND_MINTS_MAX + 1];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(read(&demand, &arena, wrong[i]));
    for (size_t i = 0; i < ARRAY_LEN(mint); i++)
        mint[i] = SPAN("x");
    for (uint32_t count = DEMAND_MINTS_MAX; count <= DEMAND_MINTS_MAX + 1; count++) {
        many.len = 0;
        demand_write(&many, &(struct demand){.mints = mint, .mint_count = count});
        assert_int_equal(demand_read(&demand, &arena, text_span(&many), NULL),
                         count <= DEMAND_MINTS_MAX);
    }
    many.len = 0;
    text_add(&many, SPAN("creqA"));
    while (many.len <= DEMAND_BYTES_MAX)
        text_add(&many, SPAN("A"));
    assert_false(demand_read(&demand, &arena, text_span(&many), NULL));
    text_clear(&many);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minimal),
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
