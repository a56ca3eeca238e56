/* Policy: every refusal in its words, each limit at its edge and one past it. */
#include "relay/policy.h"

#include <stdio.h>

#include "relay/rules.h"
#include "relay/session.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/text.h"
#include "tests/quoted.h"
#include "tests/test.h"

enum { NOW = 1000000 };

#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"
#define ME ZEROS "01"
#define YOU ZEROS "02"

static const struct policy open_policy = {
    .created_at_future_s_max = 900,
    .content_chars_max = 10,
    .tags_max = 3,
    .filter_values_max = 3,
    .subscriptions_max = 5,
    .public_url = "",
};

static void on_wake(void *owner)
{
    (void)owner;
}

static struct session *open_session(struct session_table **table, const char *key)
{
    *table = session_table_new(1 << 20);
    struct session *session = session_open(*table, on_wake, NULL);
    struct bytes32 pubkey;
    if (key != NULL) {
        assert_true(hex_decode(pubkey.at, sizeof pubkey.at, (struct span){key, 64}));
        assert_true(session_add_key(session, &pubkey));
    }
    memcpy(session->challenge, "0123456789abcdef0123456789abcdef", SESSION_CHALLENGE_CHARS);
    memcpy(session->local_ip, "\xc0\x00\x02\x07", 4);
    session->local_ip_len = 4;
    return session;
}

static void close_session(struct session *session, struct session_table *table)
{
    session_close(session);
    session_table_free(table);
}

struct sketch {
    int64_t created_at;
    int kind;
    const char *tags, *content; /* single quotes; NULL: none */
    const char *id;             /* NULL: zeroes */
};

/* An event by ME. */
static struct event draw(struct arena *arena, const struct sketch *sketch)
{
    struct text text = {0};
    struct event event;
    text_addf(&text, "{'id':'%s','pubkey':'" ME "','created_at':%lld,'kind':%d,'tags':[%s],",
              sketch->id == NULL ? ZEROS "00" : sketch->id, (long long)sketch->created_at,
              sketch->kind, sketch->tags == NULL ? "" : sketch->tags);
    text_addf(&text, "'content':'%s','sig':'" ZEROS "00" ZEROS "00'}%c",
              sketch->content == NULL ? "" : sketch->content, '\0');
    assert_true(event_parse(&event, arena, quoted(arena, text.at), NULL));
    text_clear(&text);
    return event;
}

static void expect(bool is_good, const struct err *err, const char *refusal)
{
    char line[160];
    if (refusal == NULL) {
        assert_true(is_good);
        return;
    }
    assert_false(is_good);
    snprintf(line, sizeof line, "%s: %s", err_prefix(err->code), err->text);
    assert_string_equal(line, refusal);
}

struct event_case {
    struct sketch event;
    const char *refusal; /* NULL: none */
};

typedef bool judge_fn(const struct policy *policy, const struct event *event,
                      const struct session *session, int64_t now, struct err *err);

/* What judge says of each event in a session without a key. */
static void check_cases(judge_fn *judge, const struct policy *policy,
                        const struct event_case *cases, size_t count)
{
    struct session_table *table;
    struct session *session = open_session(&table, NULL);
    for (size_t i = 0; i < count; i++) {
        struct arena arena = {0};
        struct err err;
        print_message("%zu\n", i);
        struct event event = draw(&arena, &cases[i].event);
        expect(judge(policy, &event, session, NOW, &err), &err, cases[i].refusal);
        arena_clear(&arena);
    }
    close_session(session, table);
}

#define EMBEDDED(tags)                                                                   \
    "{\\'id\\':\\'" ME "\\',\\'pubkey\\':\\'" YOU "\\',\\'created_at\\':1,\\'kind\\':1," \
    "\\'tags\\':[" tags "],\\'content\\':\\'\\',\\'sig\\':\\'" ZEROS "00" ZEROS "00\\'}"

static void test_event(void **state)
{
    static const struct event_case cases[] = {
        {{NOW, 1, NULL, "0123456789", NULL}, NULL},
        {{NOW, 1, NULL, "01234567890", NULL}, "invalid: more than 10 characters in content"},
        {{NOW, 1, NULL, "\\u00e9\\n\\n\\n\\n\\n\\n\\n\\n\\n", NULL}, NULL},
        {{NOW, 1, "['a'],['b'],['c']", NULL, NULL}, NULL},
        {{NOW, 1, "['a'],['b'],['c'],['d']", NULL, NULL}, "invalid: more than 3 tags"},
        {{NOW + 900, 1, NULL, NULL, NULL}, NULL},
        {{NOW + 901, 1, NULL, NULL, NULL}, "invalid: created_at is more than 900 s in the future"},
        {{INT64_MAX, 1, NULL, NULL, NULL}, "invalid: created_at is more than 900 s in the future"},
        {{0, 1, NULL, NULL, NULL}, NULL},
        {{NOW, 1, "['expiration','1000001']", NULL, NULL}, NULL},
        {{NOW, 1, "['expiration','1000000']", NULL, NULL}, "invalid: the event has expired"},
        {{NOW, 20000, "['expiration','1']", NULL, NULL}, NULL},
        {{NOW, 22242, NULL, NULL, NULL}, "invalid: kind 22242 goes into an AUTH message"},
        {{NOW, 1, "['-']", NULL, NULL}, "auth-required: only its author may publish this event"},
        {{NOW, 62, NULL, NULL, NULL}, "invalid: no relay tag names this relay or ALL_RELAYS"},
        {{NOW, 62, "['relay']", NULL, NULL},
         "invalid: no relay tag names this relay or ALL_RELAYS"},
        {{NOW, 62, "['relay','wss://other.example'],['relay','ALL_RELAYS']", NULL, NULL}, NULL},
        {{NOW, 62, "['relay','ws://LOCALHOST:7777/']", NULL, NULL}, NULL},
        {{NOW, 62, "['relay','wss://other.example']", NULL, NULL},
         "invalid: no relay tag names this relay or ALL_RELAYS"},
    };
    (void)state;
    check_cases(policy_event, &open_policy, cases, ARRAY_LEN(cases));
}

static bool judge_fetched(const struct policy *policy, const struct event *event,
                          const struct session *session, int64_t now, struct err *err)
{
    (void)session;
    return policy_fetched(policy, event, now, err);
}

/* From another relay: nobody is its author, and only a public URL is ours. */
static void test_fetched(void **state)
{
    static const struct event_case cases[] = {
        {{NOW, 1, NULL, "0123456789", NULL}, NULL},
        {{NOW, 1, NULL, "01234567890", NULL}, "invalid: more than 10 characters in content"},
        {{NOW + 901, 1, NULL, NULL, NULL}, "invalid: created_at is more than 900 s in the future"},
        {{NOW, 20000, NULL, NULL, NULL}, "invalid: ephemeral events are not stored"},
        {{NOW, 1, "['-']", NULL, NULL}, "restricted: only its author may publish this event"},
        {{NOW, 62, "['relay','ALL_RELAYS']", NULL, NULL}, NULL},
        {{NOW, 62, "['relay','ws://localhost:7777/']", NULL, NULL},
         "invalid: no relay tag names this relay or ALL_RELAYS"},
        {{NOW, 62, "['relay','wss://other.example']", NULL, NULL},
         "invalid: no relay tag names this relay or ALL_RELAYS"},
    };
    static const struct event_case ours = {
        {NOW, 62, "['relay','wss://other.example'],['relay','wss://ME.example/']", NULL, NULL},
        NULL};
    struct policy policy = open_policy;
    (void)state;
    check_cases(judge_fetched, &policy, cases, ARRAY_LEN(cases));
    policy.public_url = "wss://me.example";
    policy.auth_required = true; /* but we asked for it */
    check_cases(judge_fetched, &policy, &ours, 1);
}

/* Nobody may write, and yet may vanish. */
static void test_vanish_whoever(void **state)
{
    static const struct event_case cases[] = {
        {{NOW, 1, NULL, NULL, NULL}, "restricted: only some may write here, and this key is none"},
        {{NOW, 62, "['relay','ALL_RELAYS']", NULL, NULL}, NULL},
    };
    struct policy policy = open_policy;
    struct rules *rules = rules_new(&(struct rules_setup){"", "62", YOU, "", "", 0}, NULL);
    (void)state;
    policy.rules = rules;
    check_cases(policy_event, &policy, cases, 2);
    rules_free(rules);
}

static void test_reposts(void **state)
{
    static const struct event_case cases[] = {
        {{NOW, 6, NULL, EMBEDDED("[\\'-\\']"), NULL}, "blocked: a repost of a protected event"},
        {{NOW, 16, NULL, EMBEDDED("[\\'-\\']"), NULL}, "blocked: a repost of a protected event"},
        {{NOW, 6, NULL, EMBEDDED("[\\'e\\']"), NULL}, NULL},
        {{NOW, 1, NULL, EMBEDDED("[\\'-\\']"), NULL}, NULL}, /* a note that shows one */
        {{NOW, 6, NULL, "{\\'tags\\':[[\\'a\\'],[\\'-\\']]}", NULL},
         "blocked: a repost of a protected event"},
        {{NOW, 6, NULL, "{\\'tags\\': [[\\'-\\']] ,", NULL},
         "blocked: a repost of a protected event"},
        {{NOW, 6, NULL, "{\\'content\\':\\'[[-]]\\'}", NULL}, NULL},
        {{NOW, 6, NULL, "{\\'tags\\'", NULL}, NULL},
        {{NOW, 6, NULL, "{\\'tags\\':", NULL}, NULL},
        {{NOW, 6, NULL, "{\\'tags\\':1 2", NULL}, NULL},
        {{NOW, 6, NULL, "no event", NULL}, NULL},
        {{NOW, 6, NULL, NULL, NULL}, NULL},
    };
    struct policy policy = open_policy;
    (void)state;
    policy.content_chars_max = 1000;
    check_cases(policy_event, &policy, cases, ARRAY_LEN(cases));
}

static void test_past(void **state)
{
    struct policy policy = open_policy;
    struct session_table *table;
    struct session *session = open_session(&table, NULL);
    struct arena arena = {0};
    struct err err;
    (void)state;
    policy.created_at_past_s_max = 60;
    struct event event = draw(&arena, &(struct sketch){.created_at = NOW - 60, .kind = 1});
    assert_true(policy_event(&policy, &event, session, NOW, &err));
    event.created_at--;
    expect(policy_event(&policy, &event, session, NOW, &err), &err,
           "invalid: created_at is more than 60 s in the past");
    arena_clear(&arena);
    close_session(session, table);
}

static void test_pow(void **state)
{
#define SIXTY "000000000000000000000000000000000000000000000000000000000000"
    static const struct event_case cases[] = {
        {{NOW, 1, NULL, NULL, "00ff" SIXTY}, NULL},
        {{NOW, 1, NULL, NULL, "01ff" SIXTY}, "pow: difficulty 7 is less than 8"},
        {{NOW, 1, "['nonce','1','8']", NULL, "00ff" SIXTY}, NULL},
        {{NOW, 1, "['nonce','1','7']", NULL, "00ff" SIXTY},
         "pow: the committed target 7 is less than 8"},
    };
    struct policy policy = open_policy;
    (void)state;
    policy.pow_bits_min = 8;
    check_cases(policy_event, &policy, cases, ARRAY_LEN(cases));
}

static void test_protected_and_required(void **state)
{
    static const struct {
        const char *key;
        bool auth_required;
        struct sketch event;
        const char *refusal;
    } cases[] = {
        {ME, false, {NOW, 1, "['-']", NULL, NULL}, NULL},
        {YOU,
         false,
         {NOW, 1, "['-']", NULL, NULL},
         "restricted: only its author may publish this event"},
        {NULL,
         true,
         {NOW, 1, NULL, NULL, NULL},
         "auth-required: this relay takes events from known people only"},
        {YOU, true, {NOW, 1, NULL, NULL, NULL}, NULL}, /* anybody's event, from somebody known */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct policy policy = open_policy;
        struct arena arena = {0};
        struct session_table *table;
        struct session *session = open_session(&table, cases[i].key);
        struct err err;
        policy.auth_required = cases[i].auth_required;
        struct event event = draw(&arena, &cases[i].event);
        expect(policy_event(&policy, &event, session, NOW, &err), &err, cases[i].refusal);
        close_session(session, table);
        arena_clear(&arena);
    }
}

static void test_filters(void **state)
{
#define GATE "private messages are for those they name"
    static const char *const unknown = "auth-required: " GATE;
    static const char *const foreign = "restricted: " GATE ": ask for #p of your own";
    static const struct {
        const char *key, *filter, *refusal;
    } cases[] = {
        {NULL, "{}", NULL},
        {NULL, "{'kinds':[1,2,3]}", NULL},
        {NULL, "{'kinds':[1,2,3],'#t':['a']}", "invalid: more than 3 values in a filter"},
        {NULL, "{'kinds':[4]}", unknown},
        {NULL, "{'kinds':[1,1059]}", unknown},
        {NULL, "{'kinds':[21059]}", unknown},
        {ME, "{'kinds':[1,1059]}", NULL}, /* what is not for us is left out */
        {ME, "{'kinds':[1059]}", foreign},
        {ME, "{'kinds':[1059],'#p':['" YOU "']}", foreign},
        {ME, "{'kinds':[1059],'#p':['" ME "','" YOU "']}", NULL},
        {ME, "{'kinds':[1059],'authors':['" ME "']}", foreign},
        {ME, "{'kinds':[4],'authors':['" ME "']}", NULL},
        {ME, "{'kinds':[4],'authors':['" YOU "']}", foreign},
        {ME, "{'kinds':[4],'authors':['" YOU "'],'#p':['" ME "']}", NULL},
        {ME, "{'kinds':[1059],'ids':['" YOU "']}", NULL},
        {ME, "{'kinds':[1059],'#t':[]}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct session_table *table;
        struct session *session = open_session(&table, cases[i].key);
        struct filter filters[2];
        struct err err;
        print_message("%s\n", cases[i].filter);
        assert_true(filter_parse(&filters[0], &arena, SPAN("{}"), NULL));
        assert_true(filter_parse(&filters[1], &arena, quoted(&arena, cases[i].filter), NULL));
        expect(policy_filters(&open_policy, filters, 2, session, &err), &err, cases[i].refusal);
        close_session(session, table);
        arena_clear(&arena);
    }
}

static void test_filters_of_strangers(void **state)
{
    struct policy policy = open_policy;
    struct session_table *table;
    struct session *session = open_session(&table, NULL);
    struct err err;
    (void)state;
    policy.auth_required = true;
    expect(policy_filters(&policy, NULL, 0, session, &err), &err,
           "auth-required: this relay answers known people only");
    close_session(session, table);
    session = open_session(&table, ME);
    assert_true(policy_filters(&policy, NULL, 0, session, &err));
    close_session(session, table);
}

static void test_visible(void **state)
{
    static const struct {
        const char *key;
        struct sketch event;
        bool visible;
    } cases[] = {
        {NULL, {1, 1, NULL, NULL, NULL}, true},
        {NULL, {1, 4, "['p','" YOU "']", NULL, NULL}, false},
        {YOU, {1, 4, "['p','" YOU "']", NULL, NULL}, true},
        {ME, {1, 4, "['p','" YOU "']", NULL, NULL}, true},
        {ME, {1, 1059, "['p','" YOU "']", NULL, NULL}, false},
        {YOU, {1, 1059, "['p','" YOU "']", NULL, NULL}, true},
        {YOU, {1, 1059, "['e','" YOU "']", NULL, NULL}, false},
        {YOU, {1, 21059, "['p','" YOU "']", NULL, NULL}, true},
        {NULL, {1, 21059, "['p','" YOU "']", NULL, NULL}, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct session_table *table;
        struct session *session = open_session(&table, cases[i].key);
        struct event event = draw(&arena, &cases[i].event);
        assert_int_equal(policy_visible(&event, session), cases[i].visible);
        close_session(session, table);
        arena_clear(&arena);
    }
}

static void test_auth(void **state)
{
#define CHALLENGE "['challenge','0123456789abcdef0123456789abcdef']"
#define RELAY "['relay','ws://192.0.2.7:7777']"
    static const struct event_case cases[] = {
        {{NOW, 22242, CHALLENGE "," RELAY, NULL, NULL}, NULL},
        {{NOW - 600, 22242, CHALLENGE "," RELAY, NULL, NULL}, NULL},
        {{NOW + 600, 22242, CHALLENGE "," RELAY, NULL, NULL}, NULL},
        {{NOW - 601, 22242, CHALLENGE "," RELAY, NULL, NULL},
         "invalid: created_at is more than 600 s away"},
        {{NOW + 601, 22242, CHALLENGE "," RELAY, NULL, NULL},
         "invalid: created_at is more than 600 s away"},
        {{NOW, 1, CHALLENGE "," RELAY, NULL, NULL}, "invalid: an AUTH event has kind 22242"},
        {{NOW, 22242, RELAY, NULL, NULL}, "invalid: the challenge is another one"},
        {{NOW, 22242, "['challenge','0123'], " RELAY, NULL, NULL},
         "invalid: the challenge is another one"},
        {{NOW, 22242, CHALLENGE, NULL, NULL}, "invalid: the relay tag names another relay"},
        {{NOW, 22242, CHALLENGE ",['relay','ws://192.0.2.8']", NULL, NULL},
         "invalid: the relay tag names another relay"},
    };
    (void)state;
    check_cases(policy_auth, &open_policy, cases, ARRAY_LEN(cases));
}

static void test_this_relay(void **state)
{
    static const struct {
        const char *public_url, *url;
        bool is_this;
    } cases[] = {
        {"", "ws://localhost:7777", true},
        {"", "wss://127.0.0.5/", true},
        {"", "ws://[::1]:7777", true},
        {"", "ws://192.0.2.7:7777/", true},
        {"", "ws://[::ffff:192.0.2.7]", true},
        {"", "ws://192.0.2.8", false},
        {"", "ws://[2001:db8::1]", false},
        {"", "ws://relay.example", false},
        {"", "localhost", false},
        {"wss://relay.example", "wss://relay.example/", true},
        {"wss://relay.example", "ws://localhost:7777", false},
        {"wss://relay.example  ws://b.example/x ", "ws://B.example:80/x/", true},
        {"wss://relay.example  ws://b.example/x ", "ws://b.example", false},
    };
    struct session_table *table;
    struct session *session = open_session(&table, NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct policy policy = {.public_url = cases[i].public_url};
        print_message("%s\n", cases[i].url);
        assert_int_equal(policy_is_this_relay(
                             &policy, (struct span){cases[i].url, strlen(cases[i].url)}, session),
                         cases[i].is_this);
    }
    close_session(session, table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_event),
                                       cmocka_unit_test(test_fetched),
                                       cmocka_unit_test(test_vanish_whoever),
                                       cmocka_unit_test(test_reposts),
                                       cmocka_unit_test(test_past),
                                       cmocka_unit_test(test_pow),
                                       cmocka_unit_test(test_protected_and_required),
                                       cmocka_unit_test(test_filters),
                                       cmocka_unit_test(test_filters_of_strangers),
                                       cmocka_unit_test(test_visible),
                                       cmocka_unit_test(test_auth),
                                       cmocka_unit_test(test_this_relay)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
