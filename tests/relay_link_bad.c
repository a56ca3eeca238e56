/* The client's links on bad days: relays that lie, withhold and hang up. */
#include <stdio.h>
#include <stdlib.h>

#include "client/info.h"
#include "tests/liar.h"
#include "tests/linked.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/test.h"

enum { ANSWER_MS = 600 };

static struct linked linked;
static struct linked_query query;
static struct liar liar;

typedef void heard_fn(struct liar *liar, struct liar_client *client, const char *text);

static void begin(heard_fn *heard, uint32_t person)
{
    linked_start(&linked);
    liar = (struct liar){.heard = heard};
    liar_open(&liar, &linked.loop);
    linked_open(&linked,
                &(struct linked_setup){.url = scratch_format("ws://127.0.0.1:%u/x", liar.port),
                                       .person = person,
                                       .answer_ms = ANSWER_MS});
}

static void end(void)
{
    liar_close(&liar);
    linked_close(&linked);
    scratch_clear();
}

static bool is(const char *text, const char *type)
{
    return text != NULL && strncmp(text + 2, type, strlen(type)) == 0 &&
           text[2 + strlen(type)] == '"';
}

/* ---- it lies ---- */

static void lie(struct liar *self, struct liar_client *client, const char *text)
{
    (void)self;
    if (text == NULL) {
        static const char *const nonsense[] = {"",
                                               "{}",
                                               "[]",
                                               "[\"OK\"]",
                                               "[\"OK\",\"12\",true,\"\"]",
                                               "[\"EVENT\",\"q1\"]",
                                               "[\"EVENT\",\"q1\",{}]",
                                               "[\"EOSE\",\"nobody\"]",
                                               "[\"EOSE\",7]",
                                               "[\"NEG-MSG\",\"q1\",\"\"]",
                                               "[\"COUNT\",\"q1\",{\"count\":3}]",
                                               "[\"REQ\",\"q1\",{}]",
                                               "[\"WHAT\",1]",
                                               "[[[[",
                                               "[\"AUTH\",\"\"]",
                                               "[\"CLOSED\",\"q9\",\"\"]"};
        for (size_t i = 0; i < ARRAY_LEN(nonsense); i++)
            liar_say(client, nonsense[i]);
        liar_sayf(client, "[\"AUTH\",\"%s\"]", scratch_repeat("x", 1025, ""));
        liar_sayf(client, "[\"OK\",\"%s\",true,\"\"]", scratch_repeat("ab", 32, ""));
    }
    if (!is(text, "REQ"))
        return;
    const char *name = liar_name(text);
    liar_sayf(client, "[\"EVENT\",\"%s\",%s]", name, SIGN(.person = 1, .kind = 2)->json);
    liar_sayf(client, "[\"EVENT\",\"other\",%s]", SIGN(.person = 1, .kind = 1)->json);
    liar_sayf(client, "[\"EVENT\",\"%s\",%s]", name, SIGN(.person = 1, .kind = 1)->json);
    liar_sayf(client, "[\"COUNT\",\"%s\",{\"count\":3}]", name);
    liar_sayf(client, "[\"NEG-MSG\",\"%s\",\"61\"]", name);
    liar_sayf(client, "[\"EOSE\",\"%s\",{\"new\":1}]", name);
    liar_sayf(client, "[\"EOSE\",\"%s\",[\"finish\"],\"and more\"]", name);
}

static void test_lies(void **state)
{
    (void)state;
    begin(lie, 0);
    linked_ask(&linked, &query, LINK_REQ, "{\"kinds\":[1]}");
    LINKED_UNTIL(&linked, query.stored == 1);
    assert_int_equal(query.count, 1);
    assert_int_equal(link_unasked(linked.link), 18 + 5);
    assert_int_equal(linked.opened, 1);
    linked_drop(&query);
    end();
}

/* ---- it withholds ---- */

static void stay_silent(struct liar *self, struct liar_client *client, const char *text)
{
    (void)self;
    (void)client;
    (void)text;
}

static void test_silence(void **state)
{
    static struct linked_query count, neg;
    (void)state;
    begin(stay_silent, 0);
    linked_ask(&linked, &query, LINK_REQ, "{\"kinds\":[1]}");
    linked_ask(&linked, &count, LINK_COUNT, "{\"kinds\":[1]}");
    linked_ask(&linked, &neg, LINK_NEG, "{\"kinds\":[1]}");
    LINKED_UNTIL(&linked, query.is_closed && count.is_closed && neg.is_closed);
    assert_string_equal(query.closed, "error: the relay does not answer");
    assert_int_equal(linked.closed, 0);
    linked_drop(&query);
    linked_drop(&count);
    linked_drop(&neg);
    /* an event's answer is waited for on another connection */
    linked_publish(&linked, SIGN(.person = 1, .kind = 1));
    LINKED_UNTIL(&linked, linked.fates[LINK_LATER] == 1);
    assert_string_equal(linked.settled_why, "error: the relay never answers");
    assert_string_equal(linked.why, "it does not answer what is published");
    assert_int_equal(linked.opened, 4);
    end();
}

/* ---- it hangs up, at what it does not like ---- */

static void hang_up(struct liar *self, struct liar_client *client, const char *text)
{
    (void)self;
    if (is(text, "EVENT"))
        liar_cut(client);
}

static void test_hang_up(void **state)
{
    (void)state;
    begin(hang_up, 0);
    linked_publish(&linked, SIGN(.person = 1, .kind = 1));
    LINKED_UNTIL(&linked, linked.fates[LINK_LATER] == 1);
    assert_int_equal(linked.opened, 4);
    end();
}

/* ---- it refuses ---- */

static int asked;

static void refuse(struct liar *self, struct liar_client *client, const char *text)
{
    (void)self;
    if (is(text, "REQ")) {
        static const char *const reasons[] = {"rate-limited: slowly", "error: one moment",
                                              "restricted: not you"};
        liar_sayf(client, "[\"CLOSED\",\"%s\",\"%s\"]", liar_name(text), reasons[asked++]);
    } else if (is(text, "COUNT")) {
        liar_say(client, "[\"NOTICE\",\"what is COUNT?\"]");
    } else if (is(text, "EVENT")) {
        static const char *const reasons[] = {"rate-limited: slowly", "error: one moment",
                                              "blocked: never"};
        const char *id = strstr(text, "\"id\":\"") + 6;
        liar_sayf(client, "[\"OK\",\"%.64s\",false,\"%s\"]", id, reasons[asked++]);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    begin(refuse, 0);
    asked = 0;
    linked_ask(&linked, &query, LINK_REQ, "{}");
    LINKED_UNTIL(&linked, query.is_closed);
    assert_string_equal(query.closed, "restricted: not you");
    linked_drop(&query);
    linked_ask(&linked, &query, LINK_COUNT, "{}");
    LINKED_UNTIL(&linked, query.is_closed);
    assert_string_equal(query.closed, "what is COUNT?");
    assert_string_equal(linked.notice, "what is COUNT?");
    linked_drop(&query);
    asked = 0;
    linked_publish(&linked, SIGN(.person = 1, .kind = 1));
    LINKED_UNTIL(&linked, linked.fates[LINK_REFUSED] == 1);
    assert_int_equal(asked, 3);
    assert_string_equal(linked.settled_why, "blocked: never");
    assert_int_equal(linked.opened, 1);
    end();
}

/* ---- it wants to know who we are, and does not believe it, or does not say how ---- */

static bool challenges;

static void distrust(struct liar *self, struct liar_client *client, const char *text)
{
    (void)self;
    if (text == NULL && challenges)
        liar_say(client, "[\"AUTH\",\"prove it\"]");
    else if (is(text, "AUTH"))
        liar_sayf(client, "[\"OK\",\"%.64s\",false,\"invalid: no\"]",
                  strstr(text, "\"id\":\"") + 6);
    else if (is(text, "REQ"))
        liar_sayf(client, "[\"CLOSED\",\"%s\",\"auth-required: who?\"]", liar_name(text));
}

static void test_distrust(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        challenges = i == 0;
        begin(distrust, 5);
        linked_ask(&linked, &query, LINK_REQ, "{}");
        LINKED_UNTIL(&linked, query.is_closed);
        assert_string_equal(
            query.closed, challenges
                              ? "invalid: no"
                              : "auth-required: the relay asks who we are, and not how to say it");
        linked_drop(&query);
        end();
    }
}

/* ---- frames and pages that are none ---- */

static struct span odd_frame;
static uint8_t odd_byte;

static void be_odd(struct liar *self, struct liar_client *client, const char *text)
{
    (void)self;
    if (text == NULL)
        liar_say_frame(client, odd_byte, odd_frame);
}

static void test_odd_frames(void **state)
{
    enum { TOO_LONG = (4 << 20) + 1 };
    static const struct {
        uint8_t byte;
        size_t len;
        const char *why;
    } cases[] = {{0x82, 10, "it sent a binary message"},
                 {0x81, TOO_LONG, "it sent a message that is too long"},
                 {0x88, 0, "it closed the connection"},
                 {0xf1, 3, "it closed the connection"},
                 {0x83, 3, "it closed the connection"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        odd_byte = cases[i].byte;
        odd_frame = (struct span){scratch_repeat("x", TOO_LONG, ""), cases[i].len};
        begin(be_odd, 0);
        LINKED_UNTIL(&linked, linked.closed == 2);
        assert_string_equal(linked.why, cases[i].why);
        end();
    }
}

static void test_no_websocket(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: AAAA=\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        begin(stay_silent, 0);
        liar.upgrade = answers[i];
        LINKED_UNTIL(&linked, linked.closed == 2);
        assert_int_equal(linked.opened, 0);
        assert_true(linked.why[0] != '\0');
        end();
    }
}

static void test_pages(void **state)
{
    (void)state;
    begin(stay_silent, 0);
    liar.page = "{\"limitation\":{\"max_subscriptions\":3}}";
    LINKED_UNTIL(&linked, link_info(linked.link) != NULL);
    assert_int_equal(link_info(linked.link)->subs_max, 3);
    end();
    /* one that is none does not keep us from anything */
    begin(hang_up, 0);
    liar.page = "<html>";
    linked_publish(&linked,
                   SIGN(.person = 1, .kind = 1, .content = scratch_repeat("long", 20000, "")));
    LINKED_UNTIL(&linked, linked.closed == 1);
    assert_null(link_info(linked.link));
    end();
}

/* ---- it is freed, whatever it is about to do ---- */

static void free_at(struct liar *self, struct liar_client *client, const char *text)
{
    (void)text;
    if (self->owner == NULL || linked.link == NULL)
        return;
    liar_say(client, "[\"NOTICE\",\"x\"]");
    link_free(linked.link);
    linked.link = NULL;
}

static void test_freed(void **state)
{
    (void)state;
    begin(stay_silent, 0); /* at once */
    link_free(linked.link);
    linked.link = NULL;
    end();
    begin(stay_silent, 0); /* while it connects */
    linked_begin(&linked);
    linked_turn(&linked, "");
    end();
    begin(free_at, 0); /* as soon as the other side has it */
    liar.owner = &liar;
    LINKED_UNTIL(&linked, linked.link == NULL);
    end();
    begin(stay_silent, 0); /* with everything under way */
    linked_ask(&linked, &query, LINK_REQ, "{}");
    linked_publish(&linked, SIGN(.person = 1, .kind = 1));
    LINKED_UNTIL(&linked, liar.came == 1);
    end();
    begin(hang_up, 0); /* while it waits */
    liar_close(&liar);
    LINKED_UNTIL(&linked, linked.closed == 1);
    linked_close(&linked);
    scratch_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lies),         cmocka_unit_test(test_silence),
        cmocka_unit_test(test_hang_up),      cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_distrust),     cmocka_unit_test(test_odd_frames),
        cmocka_unit_test(test_no_websocket), cmocka_unit_test(test_pages),
        cmocka_unit_test(test_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
