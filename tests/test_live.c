/* Live subscriptions: the seam between stored and live events, and who is told. */
#include "relay/live.h"

#include <stdio.h>

#include "relay/frame.h"
#include "relay/session.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/text.h"
#include "tests/quoted.h"
#include "tests/test.h"

#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"

struct stage {
    struct session_table *sessions;
    struct live *live;
    struct arena arena;
    struct text message;
};

static void on_wake(void *owner)
{
    (void)owner;
}

static int set_up(void **state)
{
    static struct stage stage;
    stage = (struct stage){.sessions = session_table_new(100000), .live = live_new()};
    *state = &stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    live_free(stage->live);
    session_table_free(stage->sessions);
    arena_clear(&stage->arena);
    text_clear(&stage->message);
    return 0;
}

static struct session *open_session(struct stage *stage)
{
    return session_open(stage->sessions, on_wake, NULL);
}

static void close_session(struct stage *stage, struct session *session)
{
    live_remove_all(stage->live, session);
    assert_int_equal(session->sub_count, 0);
    assert_int_equal(session->held_bytes, 0);
    session_close(session);
}

static struct sub *subscribe(struct stage *stage, struct session *session, const char *name,
                             const char *filter)
{
    struct arena arena = {0};
    struct filter parsed;
    assert_true(filter_parse(&parsed, &arena, quoted(&arena, filter), NULL));
    struct span copy = arena_copy(&arena, (struct span){name, strlen(name)});
    struct sub *sub = live_add(stage->live, session, copy, &parsed, 1);
    arena_clear(&arena); /* the sub stands on its own */
    return sub;
}

static struct event event_of(struct stage *stage, char digit, int kind, const char *tags)
{
    struct text text = {0};
    struct event event;
    text_addf(&text,
              "{'id':'" ZEROS "0%c','pubkey':'" ZEROS "ff','created_at':7,'kind':%d,'tags':[%s],"
              "'content':'','sig':'" ZEROS "00" ZEROS "00'}%c",
              digit, kind, tags, '\0');
    assert_true(event_parse(&event, &stage->arena, quoted(&stage->arena, text.at), NULL));
    text_clear(&text);
    return event;
}

static uint32_t publish_to(struct stage *stage, char digit, int kind, const char *tags,
                           uint64_t serial)
{
    struct event event = event_of(stage, digit, kind, tags);
    struct frame *frame = frame_new((struct span){&digit, 1});
    uint32_t count = live_publish(stage->live, &event, frame, serial);
    frame_drop(frame);
    return count;
}

static uint32_t publish(struct stage *stage, char digit, int kind, const char *tags)
{
    return publish_to(stage, digit, kind, tags, LIVE_EVERYBODY);
}

static void saw(struct stage *stage, struct sub *sub, char digit)
{
    struct event event = event_of(stage, digit, 1, "");
    live_saw(stage->live, sub, &event.id);
}

/* messages: the digits published, each once, of one subscription. */
static void expect(struct stage *stage, struct session *session, const char *name,
                   const char *digits)
{
    char line[100];
    for (; *digits != '\0'; digits++) {
        assert_true(session_pop(session, &stage->message));
        int len = snprintf(line, sizeof line, "[\"EVENT\",\"%s\",%c]", name, *digits);
        assert_int_equal(stage->message.len, len);
        assert_memory_equal(stage->message.at, line, (size_t)len);
    }
    assert_false(session_pop(session, &stage->message));
}

static void test_seam(void **state)
{
    struct stage *stage = *state;
    struct session *session = open_session(stage);
    struct sub *sub = subscribe(stage, session, "s", "{'kinds':[1]}");
    publish(stage, '1', 1, "");
    publish(stage, '2', 1, "");
    publish(stage, '3', 1, "");
    expect(stage, session, "s", ""); /* held */
    saw(stage, sub, '2');            /* announced, then sent by a page */
    saw(stage, sub, '4');            /* sent by a page, announced while holding */
    saw(stage, sub, '5');            /* sent by a page, announced after the release */
    publish(stage, '4', 1, "");
    live_release(stage->live, sub);
    expect(stage, session, "s", "13");
    publish(stage, '5', 1, "");
    publish(stage, '6', 1, "");
    expect(stage, session, "s", "6");
    live_tidy(stage->live); /* it is too early to forget */
    publish(stage, '5', 1, "");
    expect(stage, session, "s", "");
    close_session(stage, session);
}

/* Once each, however many filters and values match. */
static void test_once(void **state)
{
    struct stage *stage = *state;
    struct session *session = open_session(stage);
    struct arena arena = {0};
    struct filter filters[3];
    assert_true(filter_parse(&filters[0], &arena, SPAN("{\"#t\":[\"a\",\"b\"]}"), NULL));
    assert_true(filter_parse(&filters[1], &arena, SPAN("{}"), NULL));
    assert_true(filter_parse(&filters[2], &arena, SPAN("{\"kinds\":[1,1,2]}"), NULL));
    live_release(stage->live, live_add(stage->live, session, SPAN("s"), filters, 3));
    assert_int_equal(publish(stage, '1', 1, "['t','a'],['t','b'],['t','a']"), 1);
    expect(stage, session, "s", "1");
    close_session(stage, session);
    arena_clear(&arena);
}

static void test_gate(void **state)
{
    struct stage *stage = *state;
    struct session *stranger = open_session(stage);
    struct session *friend = open_session(stage);
    struct bytes32 key = {{0}};
    key.at[31] = 0xaa;
    assert_true(session_add_key(friend, &key));
    live_release(stage->live, subscribe(stage, stranger, "s", "{}"));
    live_release(stage->live, subscribe(stage, friend, "f", "{}"));
    assert_int_equal(publish(stage, '1', 1059, "['p','" ZEROS "aa']"), 1);
    assert_int_equal(publish(stage, '2', 1059, "['p','" ZEROS "bb']"), 0);
    assert_int_equal(publish(stage, '3', 1, ""), 2);
    expect(stage, stranger, "s", "3");
    expect(stage, friend, "f", "13");
    close_session(stage, stranger);
    close_session(stage, friend);
}

static void test_names(void **state)
{
    struct stage *stage = *state;
    struct session *session = open_session(stage);
    struct sub *a = subscribe(stage, session, "a", "{'kinds':[1]}");
    struct sub *b = subscribe(stage, session, "b", "{'kinds':[2]}");
    assert_int_equal(session->sub_count, 2);
    assert_ptr_equal(live_find(session, SPAN("a")), a);
    assert_ptr_equal(live_find(session, SPAN("b")), b);
    assert_null(live_find(session, SPAN("c")));
    publish(stage, '1', 1, "");
    live_remove(stage->live, a); /* with something held */
    assert_null(live_find(session, SPAN("a")));
    live_release(stage->live, b);
    publish(stage, '2', 2, "");
    publish(stage, '3', 1, "");
    expect(stage, session, "b", "2");
    close_session(stage, session);
}

/* Who does not read while much is held is cut; nobody else is. */
static void test_held_is_bounded(void **state)
{
    struct stage *stage = *state;
    struct session *slow = open_session(stage);
    struct session *other = open_session(stage);
    subscribe(stage, slow, "s", "{}");
    live_release(stage->live, subscribe(stage, other, "o", "{}"));
    for (int i = 0; i < 100000 && !slow->doomed; i++) {
        assert_int_equal(publish(stage, '1', 1, ""), 2);
        assert_true(session_pop(other, &stage->message));
        arena_clear(&stage->arena);
    }
    assert_true(slow->doomed);
    assert_int_equal(slow->close_code, 1008);
    assert_false(other->doomed);
    close_session(stage, slow);
    close_session(stage, other);
}

/* What was acknowledged before a REQ is stored for it, not news. */
static void test_news(void **state)
{
    struct stage *stage = *state;
    struct session *session = open_session(stage);
    live_release(stage->live, subscribe(stage, session, "a", "{}"));
    uint64_t serial = live_serial(stage->live);
    live_release(stage->live, subscribe(stage, session, "b", "{}"));
    assert_int_equal(publish_to(stage, '1', 1, "", serial), 1);
    expect(stage, session, "a", "1");
    close_session(stage, session);
}

static void test_matches_nothing(void **state)
{
    struct stage *stage = *state;
    struct session *session = open_session(stage);
    live_release(stage->live, subscribe(stage, session, "s", "{'kinds':[1],'ids':[]}"));
    assert_int_equal(publish(stage, '1', 1, ""), 0);
    close_session(stage, session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_seam, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_news, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_held_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_matches_nothing, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
