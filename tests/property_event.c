/* Laws of events: their id survives re-serialisation, and is the hash of a canonical form that a
 * second, naive writer makes from decoded strings. */
#include "shared/arena.h"
#include "shared/scan.h"
#include "shared/utf8.h"
#include "tests/random_event.h"
#include "tests/test.h"

enum { ROUNDS = 5000 };

static void parse(struct event *event, struct arena *arena, struct span text)
{
    struct err err;
    if (!event_parse(event, arena, text, &err))
        fail_msg("%s: %.*s", err.text, SPAN_ARG(text));
}

/* A decoded string in a canonical form, byte by byte from the words of the header. */
static void add_naive(struct text *out, struct span decoded, enum event_form form)
{
    static const char characters[] = "\n\"\\\r\t\b\f";
    static const char letters[] = "n\"\\rtbf";
    text_add(out, SPAN("\""));
    for (size_t i = 0; i < decoded.len; i++) {
        unsigned char c = (unsigned char)decoded.at[i];
        const char *found = memchr(characters, c, sizeof characters - 1);
        if (found != NULL)
            text_addf(out, "\\%c", letters[found - characters]);
        else if ((c < 32 && form != EVENT_FORM_VERBATIM) || (c == 127 && form == EVENT_FORM_STRFRY))
            text_addf(out, "\\u00%02x", c);
        else
            text_addf(out, "%c", c);
    }
    text_add(out, SPAN("\""));
}

static void naive_serialize(struct text *out, struct arena *arena, const struct event *event,
                            enum event_form form)
{
    struct scan_string content = {.raw = event->content_json, .is_escaped = true};
    text_add(out, SPAN("[0,\""));
    text_add_hex(out, event->pubkey.at, sizeof event->pubkey.at);
    text_addf(out, "\",%lld,%d,[", (long long)event->created_at, event->kind);
    for (uint32_t i = 0; i < event->tag_count; i++) {
        text_add(out, i == 0 ? SPAN("[") : SPAN(",["));
        for (uint32_t j = 0; j < event->tags[i].count; j++) {
            text_add(out, j == 0 ? SPAN("") : SPAN(","));
            add_naive(out, event->tags[i].items[j], form);
        }
        text_add(out, SPAN("]"));
    }
    text_add(out, SPAN("],"));
    add_naive(out, scan_decode(arena, content), form);
    text_add(out, SPAN("]"));
}

/* True when the three forms differ. */
static bool check_forms(struct event *event, struct arena *arena)
{
    struct text fast = {0};
    struct text naive = {0};
    size_t lengths[3];
    for (enum event_form form = EVENT_FORM_JSON; form <= EVENT_FORM_VERBATIM; form++) {
        fast.len = naive.len = 0;
        event_serialize(&fast, event, form);
        naive_serialize(&naive, arena, event, form);
        if (!span_eq(text_span(&fast), text_span(&naive)))
            fail_msg("%.*s", (int)fast.len, fast.at);
        lengths[form] = fast.len;
        event->id = sig_sha256(text_span(&fast));
        assert_true(event_check_id(event));
    }
    text_clear(&fast);
    text_clear(&naive);
    return lengths[0] != lengths[1] && lengths[0] != lengths[2];
}

static void test_serialize_is_naive(void **state)
{
    struct text json = {0};
    uint32_t differing = 0;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct arena arena = {0};
        struct event event;
        json.len = 0;
        add_random_event(&json);
        parse(&event, &arena, text_span(&json));
        differing += check_forms(&event, &arena);
        arena_clear(&arena);
    }
    assert_in_range(differing, ROUNDS / 100, ROUNDS);
    text_clear(&json);
}

/* parse(write(x)) == x, id and all; and what was written is the same when written again. */
static void test_write_keeps_everything(void **state)
{
    struct text json = {0};
    struct text written = {0};
    struct text again = {0};
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct arena arena = {0};
        struct event event;
        struct event read;
        json.len = written.len = again.len = 0;
        add_random_event(&json);
        parse(&event, &arena, text_span(&json));
        event_write(&written, &event);
        parse(&read, &arena, text_span(&written));
        event_write(&again, &read);
        assert_true(span_eq(text_span(&written), text_span(&again)));
        assert_true(span_eq(event.content_json, read.content_json));
        assert_true(span_eq(event.tags_json, read.tags_json));
        assert_true(span_eq(SPAN_OF(event.id), SPAN_OF(read.id)));
        for (enum event_form form = EVENT_FORM_JSON; form <= EVENT_FORM_VERBATIM; form++) {
            struct bytes32 before = event_hash(&event, form);
            struct bytes32 after = event_hash(&read, form);
            assert_true(span_eq(SPAN_OF(before), SPAN_OF(after)));
        }
        arena_clear(&arena);
    }
    text_clear(&json);
    text_clear(&written);
    text_clear(&again);
}

/* Escapes are a way of writing: two writings of one string hash alike and count alike. */
static void test_escapes_do_not_matter(void **state)
{
    struct text json = {0};
    struct text decoded = {0};
    struct text plain = {0};
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        json.len = decoded.len = plain.len = 0;
        text_add(&json, SPAN(""));
        add_random_string(&json, &decoded);
        text_add_json(&plain, text_span(&decoded));
        struct event event = {.tags_json = SPAN("[]"), .content_json = text_span(&json)};
        struct event other = event;
        other.content_json = (struct span){plain.at + 1, plain.len - 2};
        for (enum event_form form = EVENT_FORM_JSON; form <= EVENT_FORM_VERBATIM; form++) {
            struct bytes32 one = event_hash(&event, form);
            struct bytes32 two = event_hash(&other, form);
            assert_true(span_eq(SPAN_OF(one), SPAN_OF(two)));
        }
        assert_int_equal(event_content_chars(&event), utf8_count(text_span(&decoded)));
        assert_int_equal(event_content_chars(&other), utf8_count(text_span(&decoded)));
    }
    text_clear(&json);
    text_clear(&decoded);
    text_clear(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serialize_is_naive),
        cmocka_unit_test(test_write_keeps_everything),
        cmocka_unit_test(test_escapes_do_not_matter),
    };
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
