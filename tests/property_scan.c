/* Laws of strings and values: decoding undoes any escaping, skipping agrees with reading. */
#include "shared/arena.h"
#include "shared/scan.h"
#include "tests/random_event.h"
#include "tests/test.h"

enum { ROUNDS = 20000 };

/* decode(escape(x)) == x, however x was escaped; and text_add_json is one of the ways. */
static void test_decode_undoes_escape(void **state)
{
    struct text json = {0};
    struct text decoded = {0};
    uint32_t escaped = 0;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct arena arena = {0};
        struct span out;
        json.len = decoded.len = 0;
        text_add(&json, SPAN("\""));
        add_random_string(&json, &decoded);
        text_add(&json, SPAN("\""));
        struct scan scan = scan_begin(text_span(&json));
        assert_true(scan_text(&scan, &arena, &out, NULL) && scan_end(&scan, NULL));
        assert_true(span_eq(out, text_span(&decoded)));
        escaped += json.len > decoded.len + 2;

        json.len = 0;
        text_add_json(&json, text_span(&decoded));
        scan = scan_begin(text_span(&json));
        assert_true(scan_text(&scan, &arena, &out, NULL) && scan_end(&scan, NULL));
        assert_true(span_eq(out, text_span(&decoded)));
        arena_clear(&arena);
    }
    assert_true(escaped > ROUNDS / 2);
    text_clear(&json);
    text_clear(&decoded);
}

/* Cut anywhere, a value is refused; whole, it is skipped to its last byte. */
static void test_every_prefix_is_refused(void **state)
{
    struct text json = {0};
    (void)state;
    for (int i = 0; i < ROUNDS / 100; i++) {
        json.len = 0;
        add_random_event(&json);
        for (size_t len = 0; len <= json.len; len++) {
            struct scan scan = scan_begin((struct span){json.at, len});
            bool ok = scan_skip(&scan, NULL);
            assert_int_equal(ok, len == json.len);
        }
    }
    text_clear(&json);
}

/* One byte changed: what a reader of events accepts, the skipper accepts too. */
static void test_skip_accepts_what_is_read(void **state)
{
    struct text json = {0};
    uint32_t accepted = 0;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct arena arena = {0};
        struct event event;
        json.len = 0;
        add_random_event(&json);
        json.at[random_below((uint32_t)json.len)] = (char)random_below(256);
        struct scan scan = scan_begin(text_span(&json));
        bool is_json = scan_skip(&scan, NULL) && scan_end(&scan, NULL);
        bool is_event = event_parse(&event, &arena, text_span(&json), NULL);
        assert_true(is_json || !is_event);
        accepted += is_event;
        arena_clear(&arena);
    }
    assert_in_range(accepted, 1, ROUNDS - 1);
    text_clear(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_undoes_escape),
        cmocka_unit_test(test_every_prefix_is_refused),
        cmocka_unit_test(test_skip_accepts_what_is_read),
    };
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
