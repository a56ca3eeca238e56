/* NIP-86: what is banned, allowed and changed, in this relay and in all others on the database. */
#include "tests/manage.h"
#include "tests/stage.h"

enum { OPERATOR = 500, HELPER = 501, STRANGER = 502, GOOD = 510, BAD = 511, FRIEND = 512 };

#define TALK (&stage_talk)
#define PORT stage_relay.port

static const char *list_text(const char *method)
{
    char *text = json_dumps(manage_result(PORT, OPERATOR, method, "[]"), JSON_COMPACT);
    const char *kept = scratch_format("%s", text);
    free(text);
    return kept;
}

static void list_is(const char *method, const char *text)
{
    const char *got = list_text(method);
    if (strcmp(got, text) != 0)
        fail_msg("%s is %s, not %s", method, got, text);
}

static void list_has(const char *method, const char *part)
{
    const char *text = list_text(method);
    if (strstr(text, part) == NULL)
        fail_msg("%s lacks %s: %s", method, part, text);
}

static const char *one(const char *text)
{
    return scratch_format("[\"%s\"]", text);
}

static const char *by(uint32_t person)
{
    return one(signer_pubkey(person));
}

static const struct signer_event *note(uint32_t person, const char *content)
{
    return SIGN(.person = person, .kind = 1, .content = content);
}

static int64_t count_of(const struct signer_event *event)
{
    return talk_count(TALK, scratch_format("{\"ids\":[\"%s\"]}", event->id));
}

static void stored(const struct signer_event *event)
{
    assert_int_equal(count_of(event), 1);
}

/* From the database when the ban is answered; from memory when the tail tells of it. */
static void await_gone(const struct signer_event *event)
{
    while (count_of(event) > 0)
        ;
}

static void test_ban_pubkey(void **state)
{
    const struct signer_event *before = note(BAD, "buy"), *after = note(BAD, "buy more");
    const struct signer_event *other = note(GOOD, "hello");
    (void)state;
    talk_accept(TALK, before);
    talk_accept(TALK, other);
    manage_do(PORT, OPERATOR, "banpubkey",
              scratch_format("[\"%s\",\"sp\\u00e4m\"]", signer_pubkey(BAD)));
    await_gone(before);
    stored(other);
    talk_refuse(TALK, after, "blocked: ");
    talk_refuse(TALK, before, "blocked: ");
    talk_refuse(TALK, SIGN(.person = BAD, .kind = 20001), "blocked: ");
    talk_repeat(TALK, other);
    list_has("listbannedpubkeys",
             scratch_format("\"pubkey\":\"%s\",\"reason\":\"sp\xc3\xa4m\"", signer_pubkey(BAD)));
    list_is("listallowedpubkeys", "[]");
    manage_do(PORT, OPERATOR, "unbanpubkey", by(BAD));
    list_is("listbannedpubkeys", "[]");
    talk_accept(TALK, after);
}

/* An allow list lets in those on it, the operators, and what they send for others. */
static void test_allow_pubkey(void **state)
{
    (void)state;
    manage_do(PORT, OPERATOR, "allowpubkey", by(FRIEND));
    list_has("listallowedpubkeys", signer_pubkey(FRIEND));
    talk_accept(TALK, SIGN(.person = STRANGER + 90, .kind = 62,
                           .tags = "[[\"relay\",\"ALL_RELAYS\"]]")); /* NIP-62: whoever it is */
    talk_accept(TALK, note(FRIEND, "in"));
    talk_accept(TALK, note(OPERATOR, "in"));
    talk_refuse(TALK, note(GOOD, "out"), "restricted: ");
    talk_refuse(TALK, SIGN(.person = STRANGER, .kind = 1059), "auth-required: ");
    talk_login(TALK, FRIEND, scratch_format("ws://127.0.0.1:%u", PORT));
    talk_accept(TALK, SIGN(.person = STRANGER, .kind = 1059));
    struct fetch_answer answer =
        fetch(PORT, "GET / HTTP/1.1\r\nAccept: application/nostr+json\r\n");
    assert_non_null(strstr(answer.body, "\"restricted_writes\":true"));
    /* one or the other */
    manage_do(PORT, OPERATOR, "banpubkey", by(FRIEND));
    list_is("listallowedpubkeys", "[]");
    manage_do(PORT, OPERATOR, "allowpubkey", by(FRIEND));
    list_is("listbannedpubkeys", "[]");
    manage_do(PORT, OPERATOR, "unbanpubkey", by(FRIEND)); /* which it is not */
    list_has("listallowedpubkeys", signer_pubkey(FRIEND));
    manage_do(PORT, OPERATOR, "unallowpubkey", by(FRIEND));
    list_is("listallowedpubkeys", "[]");
    talk_accept(TALK, note(GOOD, "in again"));
}

static void test_banned_key_cannot_sign_in(void **state)
{
    (void)state;
    manage_do(PORT, OPERATOR, "banpubkey", by(BAD));
    const char *tags = scratch_format("[[\"relay\",\"ws://127.0.0.1:%u\"],[\"challenge\",\"%s\"]]",
                                      PORT, stage_talk.challenge);
    talk_auth(TALK, SIGN(.person = BAD, .kind = 22242, .tags = tags), "blocked: ");
    manage_do(PORT, OPERATOR, "unbanpubkey", by(BAD));
}

static void test_events(void **state)
{
    const struct signer_event *bad = note(GOOD, "regrettable"), *fine = note(GOOD, "fine");
    (void)state;
    talk_accept(TALK, bad);
    talk_accept(TALK, fine);
    manage_do(PORT, OPERATOR, "banevent", scratch_format("[\"%s\",\"why\"]", bad->id));
    await_gone(bad);
    stored(fine);
    talk_refuse(TALK, bad, "blocked: ");
    list_has("listbannedevents", scratch_format("{\"id\":\"%s\",\"reason\":\"why\"", bad->id));
    manage_do(PORT, OPERATOR, "unbanevent", one(bad->id));
    list_is("listbannedevents", "[]");
    talk_accept(TALK, bad);
    /* an allowed event passes the lists */
    const struct signer_event *banned = note(BAD, "but this one");
    manage_do(PORT, OPERATOR, "banpubkey", by(BAD));
    manage_do(PORT, OPERATOR, "allowevent", one(banned->id));
    list_has("listallowedevents", banned->id);
    talk_accept(TALK, banned);
    talk_refuse(TALK, note(BAD, "another"), "blocked: ");
    manage_do(PORT, OPERATOR, "unallowevent", one(banned->id));
    list_is("listallowedevents", "[]");
    manage_do(PORT, OPERATOR, "unbanpubkey", by(BAD));
}

static void test_kinds(void **state)
{
    (void)state;
    manage_do(PORT, OPERATOR, "disallowkind", "[7]");
    list_is("listdisallowedkinds", "[7]");
    talk_refuse(TALK, SIGN(.person = GOOD, .kind = 7), "blocked: ");
    talk_accept(TALK, note(GOOD, "kind 1"));
    manage_do(PORT, OPERATOR, "allowkind", "[7]"); /* lifts the ban, and no more than that */
    list_is("listallowedkinds", "[]");
    list_is("listdisallowedkinds", "[]");
    talk_accept(TALK, SIGN(.person = GOOD, .kind = 7));
    manage_do(PORT, OPERATOR, "allowkind", "[\"1\"]");
    manage_do(PORT, OPERATOR, "allowkind", "[65535]");
    list_has("listallowedkinds", "65535");
    talk_accept(TALK, note(GOOD, "kind 1 again"));
    talk_refuse(TALK, SIGN(.person = GOOD, .kind = 8), "blocked: ");
    manage_do(PORT, OPERATOR, "disallowkind", "[1]");
    manage_do(PORT, OPERATOR, "disallowkind", "[65535]");
    list_is("listallowedkinds", "[]");
    manage_do(PORT, OPERATOR, "allowkind", "[1]");
    manage_do(PORT, OPERATOR, "allowkind", "[65535]");
    talk_accept(TALK, SIGN(.person = GOOD, .kind = 8));
}

static json_t *document(void)
{
    struct fetch_answer answer =
        fetch(PORT, "GET / HTTP/1.1\r\nAccept: application/nostr+json\r\n");
    json_t *json = json_loads(answer.body, 0, NULL);
    assert_non_null(json);
    return json;
}

static void document_says(const char *key, const char *want)
{
    json_t *json = document();
    const char *got = json_string_value(json_object_get(json, key));
    if (want == NULL ? got != NULL : got == NULL || strcmp(got, want) != 0)
        fail_msg("%s is %s", key, got == NULL ? "missing" : got);
    json_decref(json);
}

static void test_settings(void **state)
{
    (void)state;
    document_says("name", "As configured");
    manage_do(PORT, OPERATOR, "changerelayname", "[\"The \\\"new\\\" name\"]");
    manage_do(PORT, OPERATOR, "changerelaydescription", "[\"two\\nlines\"]");
    manage_do(PORT, OPERATOR, "changerelayicon", "[\"https://relay.example/i.png\"]");
    document_says("name", "The \"new\" name");
    document_says("description", "two\nlines");
    document_says("icon", "https://relay.example/i.png");
    manage_do(PORT, OPERATOR, "changerelayname", "[\"\"]");
    manage_do(PORT, OPERATOR, "changerelaydescription", "[\"\"]");
    manage_do(PORT, OPERATOR, "changerelayicon", "[\"\"]");
    document_says("name", "As configured");
    document_says("description", NULL);
    json_t *json = document();
    char *nips = json_dumps(json_object_get(json, "supported_nips"), JSON_COMPACT);
    assert_non_null(strstr(nips, ",86,"));
    free(nips);
    json_decref(json);
}

static bool is_welcome(struct ws *ws, const char *address)
{
    return ws_open(ws, &(struct ws_options){.address = {"127.0.0.1", PORT, NULL, NULL, 0},
                                            .headers = scratch_format("X-Forwarded-For: %s\r\n",
                                                                      address)}) &&
           ws_receive(ws, wire_now_ms() + WIRE_WAIT_MS) == WS_MESSAGE;
}

static void is_cut(struct ws *ws)
{
    assert_int_equal(ws_receive(ws, wire_now_ms() + WIRE_WAIT_MS), WS_CLOSED);
    assert_int_equal(ws->close_code, 1008);
    ws_close(ws);
}

static void is_refused(const char *address)
{
    struct ws ws;
    assert_false(is_welcome(&ws, address));
    assert_int_equal(ws.status, 403);
    ws_close(&ws);
}

static void test_ips(void **state)
{
    struct ws blocked[4], others[2];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(blocked); i++)
        assert_true(is_welcome(&blocked[i], i < 2 ? "192.0.2.7" : "2001:db8:1:2::1"));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_true(is_welcome(&others[i], i == 0 ? "192.0.2.8" : "2001:db8:1:3::1"));
    manage_do(PORT, OPERATOR, "blockip", "[\"192.0.2.7\",\"flood\"]");
    manage_do(PORT, OPERATOR, "blockip", "[\"2001:DB8:1:2:3::9\"]");
    for (size_t i = 0; i < ARRAY_LEN(blocked); i++)
        is_cut(&blocked[i]);
    is_refused("192.0.2.7");
    is_refused("2001:db8:1:2:ffff::1");
    list_has("listblockedips", "{\"ip\":\"192.0.2.7\",\"reason\":\"flood\"");
    list_has("listblockedips", "{\"ip\":\"2001:db8:1:2::/64\",\"reason\":\"\"");
    manage_do(PORT, OPERATOR, "unblockip", "[\"192.0.2.7\"]");
    manage_do(PORT, OPERATOR, "unblockip", "[\"2001:db8:1:2::\"]");
    list_is("listblockedips", "[]");
    assert_true(is_welcome(&blocked[0], "192.0.2.7"));
    ws_close(&blocked[0]);
    manage_do(PORT, OPERATOR, "blockip", "[\"192.0.2.0/24\"]");
    is_cut(&others[0]);
    is_refused("192.0.2.255");
    manage_do(PORT, OPERATOR, "unblockip", "[\"192.0.2.99/24\"]");
    ws_close(&others[1]);
}

static const struct signer_event *report(uint32_t person, const char *id, const char *words)
{
    return SIGN(.person = person, .kind = 1984, .content = words,
                .tags = scratch_format("[[\"e\",\"%s\",\"spam\"],[\"p\",\"%s\"]]", id,
                                       signer_pubkey(BAD)));
}

static void test_reports(void **state)
{
    const struct signer_event *one_bad = note(BAD, "cheap \\\"pills\\\""),
                              *two = note(BAD, "pills");
    (void)state;
    list_is("listeventsneedingmoderation", "[]");
    talk_accept(TALK, one_bad);
    talk_accept(TALK, two);
    talk_accept(TALK, report(GOOD, one_bad->id, "look"));
    talk_accept(TALK, report(FRIEND, one_bad->id, ""));
    talk_accept(TALK, report(GOOD, two->id, ""));
    talk_accept(TALK, report(GOOD, signer_pubkey(9), "of what is not here"));
    json_t *list = manage_result(PORT, OPERATOR, "listeventsneedingmoderation", "[]");
    assert_int_equal(json_array_size(list), 2);
    list_has("listeventsneedingmoderation", scratch_format("\"id\":\"%s\"", one_bad->id));
    list_has("listeventsneedingmoderation", "\"reason\":\"spam (2 reports)");
    list_has("listeventsneedingmoderation", "\"excerpt\":\"cheap \\\"pills\\\"\"");
    manage_do(PORT, OPERATOR, "allowevent", one(two->id)); /* it is fine */
    manage_do(PORT, OPERATOR, "banevent", one(one_bad->id));
    list_is("listeventsneedingmoderation", "[]");
    stored(two);
    await_gone(one_bad);
    manage_do(PORT, OPERATOR, "unallowevent", one(two->id));
    manage_do(PORT, OPERATOR, "unbanevent", one(one_bad->id));
}

/* Another relay on the same database, which is told, and one that starts later. */
static void test_other_relays(void **state)
{
    struct relay other;
    struct talk talk;
    struct ws ws;
    const struct relay_setup setup = {.schema = stage_relay.schema};
    const struct signer_event *before = note(BAD, "here and there");
    (void)state;
    relay_start(&other, &setup);
    talk_open(&talk, &other);
    talk_accept(&talk, before);
    manage_do(PORT, OPERATOR, "banpubkey", by(BAD));
    manage_do(PORT, OPERATOR, "changerelayname", "[\"Of both\"]");
    assert_true(ws_open(
        &ws, &(struct ws_options){.address = {"127.0.0.1", other.port, NULL, "127.0.0.9", 0}}));
    manage_do(PORT, OPERATOR, "blockip", "[\"127.0.0.9\"]");
    assert_int_equal(ws_receive(&ws, wire_now_ms() + WIRE_WAIT_MS), WS_MESSAGE); /* AUTH */
    is_cut(&ws);
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    while (
        talk_publish(&talk, note(BAD, scratch_format("%lld", (long long)wire_now_ms()))).accepted)
        assert_true(wire_now_ms() < deadline_ms);
    talk_refuse(&talk, note(BAD, "later"), "blocked: ");
    assert_int_equal(talk_count(&talk, scratch_format("{\"ids\":[\"%s\"]}", before->id)), 0);
    talk_close(&talk);
    relay_stop(&other);
    relay_start(&other, &setup); /* restart keeps bans */
    talk_open(&talk, &other);
    talk_refuse(&talk, note(BAD, "after the restart"), "blocked: ");
    struct fetch_answer answer =
        fetch(other.port, "GET / HTTP/1.1\r\nAccept: application/nostr+json\r\n");
    assert_non_null(strstr(answer.body, "\"name\":\"Of both\""));
    assert_int_equal(manage_ask(other.port, OPERATOR, "supportedmethods", "[]").status, 405);
    talk_close(&talk);
    relay_stop(&other);
    manage_do(PORT, OPERATOR, "unbanpubkey", by(BAD));
    manage_do(PORT, OPERATOR, "changerelayname", "[\"\"]");
    manage_do(PORT, OPERATOR, "unblockip", "[\"127.0.0.9\"]");
}

/* What was on its way when the ban came goes, too. */
static void test_flood(void **state)
{
    enum { FLOOD = 200 };
    (void)state;
    for (int i = 0; i < FLOOD; i++)
        talk_sayf(TALK, "[\"EVENT\",%s]", note(BAD, scratch_format("flood %d", i))->json);
    manage_do(PORT, OPERATOR, "banpubkey", by(BAD));
    for (int i = 0; i < FLOOD; i++)
        talk_await(TALK, "OK");
    talk_refuse(TALK, note(BAD, "last"), "blocked: ");
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    while (talk_count(TALK, scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(BAD))) > 0)
        assert_true(wire_now_ms() < deadline_ms);
    manage_do(PORT, OPERATOR, "unbanpubkey", by(BAD));
}

static int close_stage(void **state)
{
    manage_clear();
    return stage_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_ban_pubkey), STAGE_TEST(test_allow_pubkey),
        STAGE_TEST(test_events),     STAGE_TEST(test_banned_key_cannot_sign_in),
        STAGE_TEST(test_kinds),      STAGE_TEST(test_settings),
        STAGE_TEST(test_ips),        STAGE_TEST(test_reports),
        STAGE_TEST(test_flood),      STAGE_TEST(test_other_relays)};
    const char *const options[] = {scratch_format("admin_pubkeys=%s", signer_pubkey(OPERATOR)),
                                   "name=As configured", "trusted_proxies=127.0.0.0/8", NULL};
    stage_options = options;
    return cmocka_run_group_tests(tests, stage_open, close_stage);
}
