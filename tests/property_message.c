/* parse(write(x)) == x, for every message in both directions. */
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/message.h"
#include "shared/utf8.h"
#include "tests/random_event.h"
#include "tests/test.h"

enum { ROUNDS = 3000 };

/* What one round makes and compares with. */
struct round {
    struct arena arena;
    struct text out;
    struct message read;
    struct span sub;
};

static void begin(struct round *round)
{
    struct text decoded = {0};
    text_add(&decoded, SPAN("s")); /* an id is not empty */
    add_random_string(NULL, &decoded);
    *round = (struct round){0};
    round->sub = arena_copy(&round->arena, text_span(&decoded));
    text_clear(&decoded);
}

static void end(struct round *round)
{
    text_clear(&round->out);
    arena_clear(&round->arena);
}

static void read_client(struct round *round, enum message_type type)
{
    struct err err;
    if (!message_parse_client(&round->read, &round->arena, text_span(&round->out), 0, &err))
        fail_msg("%s: %.*s", err.text, (int)round->out.len, round->out.at);
    assert_int_equal(round->read.type, type);
}

static void read_relay(struct round *round, enum message_type type)
{
    struct err err;
    if (!message_parse_relay(&round->read, &round->arena, text_span(&round->out), &err))
        fail_msg("%s: %.*s", err.text, (int)round->out.len, round->out.at);
    assert_int_equal(round->read.type, type);
}

static struct event make_event(struct round *round)
{
    struct event event;
    struct text json = {0};
    add_random_event(&json);
    struct span text = arena_copy(&round->arena, text_span(&json));
    text_clear(&json);
    if (!event_parse(&event, &round->arena, text, NULL))
        fail();
    return event;
}

static void assert_same_event(const struct event *a, const struct event *b)
{
    struct bytes32 hash_a = event_hash(a, EVENT_FORM_JSON);
    struct bytes32 hash_b = event_hash(b, EVENT_FORM_JSON);
    assert_true(span_eq(SPAN_OF(hash_a), SPAN_OF(hash_b)));
    assert_true(span_eq(SPAN_OF(a->id), SPAN_OF(b->id)));
    assert_true(span_eq(SPAN_OF(a->sig), SPAN_OF(b->sig)));
    assert_true(span_eq(a->tags_json, b->tags_json));
    assert_true(span_eq(a->content_json, b->content_json));
}

static void test_events(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct round round;
        begin(&round);
        struct event event = make_event(&round);
        message_write_event(&round.out, &event);
        read_client(&round, MESSAGE_EVENT);
        assert_same_event(&round.read.event, &event);
        round.out.len = 0;
        message_write_auth_answer(&round.out, &event);
        read_client(&round, MESSAGE_AUTH);
        assert_same_event(&round.read.event, &event);
        round.out.len = 0;
        message_write_event_head(&round.out, round.sub);
        event_write(&round.out, &event);
        text_add(&round.out, SPAN("]"));
        read_relay(&round, MESSAGE_EVENT);
        assert_same_event(&round.read.event, &event);
        assert_true(span_eq(round.read.sub, round.sub));
        end(&round);
    }
}

static void assert_same_filters(struct round *round, const struct filter *filters, uint32_t count)
{
    struct text a = {0};
    struct text b = {0};
    assert_true(span_eq(round->read.sub, round->sub));
    assert_int_equal(round->read.filter_count, count);
    for (uint32_t i = 0; i < count; i++) { /* what is written is the whole filter: its own law */
        a.len = b.len = 0;
        filter_write(&a, &filters[i]);
        filter_write(&b, &round->read.filters[i]);
        assert_true(span_eq(text_span(&a), text_span(&b)));
    }
    text_clear(&a);
    text_clear(&b);
}

static void test_queries(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct round round;
        struct filter filters[3];
        uint32_t count = 1 + random_below(3);
        begin(&round);
        for (uint32_t j = 0; j < count; j++) {
            round.out.len = 0;
            add_random_filter(&round.out);
            struct span text = arena_copy(&round.arena, text_span(&round.out));
            assert_true(filter_parse(&filters[j], &round.arena, text, NULL));
        }
        round.out.len = 0;
        message_write_req(&round.out, round.sub, filters, count);
        read_client(&round, MESSAGE_REQ);
        assert_same_filters(&round, filters, count);
        round.out.len = 0;
        message_write_count_request(&round.out, round.sub, filters, count);
        read_client(&round, MESSAGE_COUNT);
        assert_same_filters(&round, filters, count);
        round.out.len = 0;
        message_write_close(&round.out, round.sub);
        read_client(&round, MESSAGE_CLOSE);
        assert_true(span_eq(round.read.sub, round.sub));
        end(&round);
    }
}

/* Random UTF-8 without NUL, as err_set might have made it. */
static struct err make_reason(void)
{
    struct err err = {.code = (enum err_code)random_below(ERR_INTERNAL + 1)};
    size_t len = 0;
    for (uint32_t i = random_below(12); i > 0; i--) {
        uint32_t character = random_character();
        len += utf8_put(err.text + len, character == 0 ? ' ' : character);
    }
    return err;
}

static void assert_reason(const struct message *message, const struct err *why)
{
    struct text expected = {0};
    if (why != NULL)
        text_addf(&expected, "%s: %s", err_prefix(why->code), why->text);
    assert_true(span_eq(message->note, text_span(&expected)));
    text_clear(&expected);
}

static void test_refusals(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct round round;
        struct err reason = make_reason();
        const struct err *why = random_below(4) == 0 ? NULL : &reason;
        struct bytes32 id = random_key();
        bool accepted = random_below(2) == 0;
        begin(&round);
        message_write_ok(&round.out, &id, accepted, why);
        read_relay(&round, MESSAGE_OK);
        assert_true(span_eq(SPAN_OF(round.read.id), SPAN_OF(id)));
        assert_int_equal(round.read.accepted, accepted);
        assert_reason(&round.read, why);
        round.out.len = 0;
        message_write_closed(&round.out, round.sub, why);
        read_relay(&round, MESSAGE_CLOSED);
        assert_true(span_eq(round.read.sub, round.sub));
        assert_reason(&round.read, why);
        round.out.len = 0;
        message_write_notice(&round.out, why);
        read_relay(&round, MESSAGE_NOTICE);
        assert_reason(&round.read, why);
        end(&round);
    }
}

static void test_answers(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct round round;
        enum message_finish finish = (enum message_finish)random_below(MESSAGE_MORE + 1);
        int64_t count = (int64_t)random_below(UINT32_MAX) << random_below(31);
        bool approximate = random_below(2) == 0;
        begin(&round);
        message_write_eose(&round.out, round.sub, finish);
        read_relay(&round, MESSAGE_EOSE);
        assert_true(span_eq(round.read.sub, round.sub));
        assert_int_equal(round.read.finish, finish);
        round.out.len = 0;
        message_write_count(&round.out, round.sub, count, approximate, NULL);
        read_relay(&round, MESSAGE_COUNT);
        assert_true(span_eq(round.read.sub, round.sub));
        assert_true(round.read.count == count);
        assert_int_equal(round.read.approximate, approximate);
        round.out.len = 0;
        message_write_auth(&round.out, round.sub);
        read_relay(&round, MESSAGE_AUTH);
        assert_true(span_eq(round.read.note, round.sub));
        end(&round);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_answers),
    };
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
