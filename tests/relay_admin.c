/* NIP-86 over NIP-98: who may ask for what, and how. */
#include <stdlib.h>

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

/* Each wrong in one way; the relay's methods are never reached. */
static void test_authorization(void **state)
{
    static const char *const body = "{\"method\":\"supportedmethods\",\"params\":[]}";
    const struct {
        struct manage_draft draft;
        int status;
        const char *error;
    } cases[] = {
        {{.person = OPERATOR}, 200, NULL},
        {{.person = OPERATOR, .u = scratch_format("ws://localhost:%u/", PORT)}, 200, NULL},
        {{.person = OPERATOR, .late_s = 55}, 200, NULL},
        {{.person = OPERATOR, .late_s = -55}, 200, NULL},
        {{.person = OPERATOR, .late_s = 70}, 401, "invalid: created_at"},
        {{.person = OPERATOR, .late_s = -70}, 401, "invalid: created_at"},
        {{.person = OPERATOR, .u = "wss://relay.elsewhere"}, 401, "invalid: the u tag"},
        {{.person = OPERATOR, .u = ""}, 401, "invalid: the u tag"},
        {{.person = OPERATOR, .u = "htt"}, 401, "invalid: the u tag"},
        {{.person = OPERATOR, .method = "GET"}, 401, "invalid: the method tag"},
        {{.person = OPERATOR, .method = ""}, 401, "invalid: the method tag"},
        {{.person = OPERATOR, .payload = ""}, 401, "invalid: the payload tag"},
        {{.person = OPERATOR, .payload = "00"}, 401, "invalid: the payload tag"},
        {{.person = OPERATOR, .kind = 22242}, 401, "invalid: an event that signs"},
        {{.person = OPERATOR, .is_forged = true}, 401, "invalid: the signature"},
        {{.person = STRANGER}, 403, "restricted: "},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *authorization = manage_authorization(PORT, &cases[i].draft, body);
        struct fetch_answer answer = manage_post(PORT, authorization, body);
        print_message("%s\n", cases[i].error != NULL ? cases[i].error : "good");
        if (cases[i].error != NULL)
            manage_is_refused(&answer, cases[i].status, cases[i].error);
        else
            assert_int_equal(answer.status, 200);
    }
}

static void test_wrong_headers(void **state)
{
    static const char *const wrong[] = {
        "Nostr",
        "Nostr !!!!",
        "Nostr e30=",
        "Basic YTpi",
        "Nostr YQ",
        "Bearer 00",
        "Nostr e30 x",
        "Nostr =",
        "",
        "Bearer 0000000000000000000000000000000000000000000000000000000000000000",
    };
    static const char *const body = "{\"method\":\"supportedmethods\",\"params\":[]}";
    struct fetch_answer answer = manage_post(PORT, NULL, body);
    (void)state;
    manage_is_refused(&answer, 401, "auth-required: ");
    assert_non_null(fetch_header(&answer, "WWW-Authenticate"));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        answer = manage_post(PORT, wrong[i], body);
        manage_is_refused(&answer, 401, "");
    }
}

static void test_replay(void **state)
{
    static const char *const body = "{\"method\":\"listbannedpubkeys\",\"params\":[]}";
    const struct manage_draft draft = {.person = OPERATOR};
    const char *authorization = manage_authorization(PORT, &draft, body);
    (void)state;
    struct fetch_answer answer = manage_post(PORT, authorization, body);
    assert_int_equal(answer.status, 200);
    for (int i = 0; i < 5; i++) {
        answer = manage_post(PORT, authorization, body);
        manage_is_refused(&answer, 401, "auth-required: this event was used already");
    }
}

/* Of bodies that are signed as they should be. */
static void test_wrong_bodies(void **state)
{
    static const char *const wrong[] = {
        "",
        "{}",
        "[]",
        "{\"method\":1}",
        "{\"method\":\"\"}",
        "{\"method\":\"listbannedpubkeys\",\"params\":{}}",
        "{\"method\":\"listbannedpubkeys\",\"method\":\"blockip\"}",
        "{\"method\":\"listbannedpubkeys\",\"params\":[]}x",
        "{\"method\":\"listbannedpubkeys\",\"params\":[1,2,3,4,5,6]}",
        "{\"method\":\"listbannedpubkeys\",\"params\":[\"x\"]}",
        "{\"method\":\"banpubkey\",\"params\":[]}",
        "{\"method\":\"banpubkey\",\"params\":[\"00\"]}",
        "{\"method\":\"banpubkey\",\"params\":[[]]}",
        "{\"method\":\"banpubkey\",\"params\":[null]}",
        "{\"method\":\"banevent\",\"params\":[\"bob\"]}",
        "{\"method\":\"allowkind\",\"params\":[65536]}",
        "{\"method\":\"allowkind\",\"params\":[-1]}",
        "{\"method\":\"allowkind\",\"params\":[\"x\"]}",
        "{\"method\":\"blockip\",\"params\":[\"1.2.3\"]}",
        "{\"method\":\"blockip\",\"params\":[\"1.2.3.4/33\"]}",
        "{\"method\":\"changerelayname\",\"params\":[\"a\\u0000b\"]}",
        "{\"method\":\"nothing\",\"params\":[]}",
    };
    const struct manage_draft draft = {.person = OPERATOR};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct fetch_answer answer =
            manage_post(PORT, manage_authorization(PORT, &draft, wrong[i]), wrong[i]);
        print_message("%s\n", wrong[i]);
        manage_is_refused(&answer, 400, "");
    }
    manage_refused(PORT, OPERATOR, "banpubkey", by(OPERATOR), 400, "invalid: an operator");
    manage_refused(PORT, OPERATOR, "changerelayname", one(scratch_repeat("x", 1024, "")), 400,
                   "invalid: more than");
}

static int status_of(const char *request, const char *body)
{
    return fetch_with(PORT, request, (struct span){body, strlen(body)}).status;
}

#define RPC "Content-Type: application/nostr+json+rpc\r\n"

static void test_http(void **state)
{
    (void)state;
    assert_int_equal(status_of("POST / HTTP/1.1\r\nContent-Type: application/json\r\n", "{}"), 415);
    assert_int_equal(status_of("POST / HTTP/1.1\r\n", "{}"), 415);
    assert_int_equal(status_of("PUT / HTTP/1.1\r\n" RPC, "{}"), 405);
    assert_int_equal(status_of("POST /elsewhere HTTP/1.1\r\n" RPC, "{}"), 405);
    assert_int_equal(fetch(PORT, "POST / HTTP/1.1\r\n" RPC).status, 411);
    assert_int_equal(fetch(PORT, "POST / HTTP/1.1\r\n" RPC "Content-Length: 16385\r\n").status,
                     413);
    assert_int_equal(
        fetch(PORT, "POST / HTTP/1.1\r\n" RPC "Content-Length: 99999999999999999999\r\n").status,
        413);
    assert_int_equal(fetch(PORT, "POST / HTTP/1.1\r\n" RPC "Content-Length: -1\r\n").status, 400);
    assert_int_equal(status_of("POST / HTTP/1.1\r\n" RPC, scratch_repeat("x", 16384, "")), 401);
    struct fetch_answer answer =
        fetch(PORT, "OPTIONS / HTTP/1.1\r\nOrigin: https://tool.example\r\n"
                    "Access-Control-Request-Method: POST\r\n"
                    "Access-Control-Request-Headers: authorization,content-type\r\n");
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(fetch_header(&answer, "Access-Control-Allow-Headers"), "Authorization"));
    assert_non_null(strstr(fetch_header(&answer, "Access-Control-Allow-Methods"), "POST"));
    answer = manage_ask(PORT, OPERATOR, "supportedmethods", "[]");
    assert_string_equal(fetch_header(&answer, "Access-Control-Allow-Origin"), "*");
}

static void test_supported_methods(void **state)
{
    static const char *const names[] = {"banpubkey",
                                        "unbanpubkey",
                                        "listbannedpubkeys",
                                        "allowpubkey",
                                        "unallowpubkey",
                                        "listallowedpubkeys",
                                        "assignmethod",
                                        "unassignmethod",
                                        "listmethodassignees",
                                        "createrole",
                                        "editrole",
                                        "deleterole",
                                        "assignrole",
                                        "unassignrole",
                                        "listeventsneedingmoderation",
                                        "allowevent",
                                        "unallowevent",
                                        "banevent",
                                        "unbanevent",
                                        "listbannedevents",
                                        "listallowedevents",
                                        "changerelayname",
                                        "changerelaydescription",
                                        "changerelayicon",
                                        "allowkind",
                                        "disallowkind",
                                        "listallowedkinds",
                                        "listdisallowedkinds",
                                        "blockip",
                                        "unblockip",
                                        "listblockedips"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        list_has("supportedmethods", scratch_format("\"%s\"", names[i]));
}

/* Labels, and who has them; what is gone comes back without them. */
static void test_roles(void **state)
{
    const char *one = scratch_format("[\"%s\",\"mods\"]", signer_pubkey(HELPER));
    (void)state;
    list_is("listroles", "[]");
    manage_do(PORT, OPERATOR, "createrole",
              "[\"mods\",\"Moderators\",\"keep \\\"order\\\"\",360,2]");
    manage_refused(PORT, OPERATOR, "createrole", "[\"mods\",\"Others\"]", 400, "invalid: ");
    manage_refused(PORT, OPERATOR, "createrole", "[\"a b\",\"Others\"]", 400, "invalid: ");
    manage_refused(PORT, OPERATOR, "createrole", "[\"x\",\"X\",\"\",361,2]", 400, "invalid: ");
    manage_refused(PORT, OPERATOR, "editrole", "[\"x\",\"X\"]", 400, "invalid: ");
    manage_refused(PORT, OPERATOR, "assignrole",
                   scratch_format("[\"%s\",\"x\"]", signer_pubkey(HELPER)), 400, "invalid: ");
    manage_do(PORT, OPERATOR, "assignrole", one);
    list_is("listroles",
            scratch_format("[{\"id\":\"mods\",\"label\":\"Moderators\",\"description\":"
                           "\"keep \\\"order\\\"\",\"color\":360,\"order\":2,"
                           "\"pubkeys\":[\"%s\"]}]",
                           signer_pubkey(HELPER)));
    manage_do(PORT, OPERATOR, "editrole", "[\"mods\",\"Mods\"]");
    manage_do(PORT, OPERATOR, "unassignrole", one);
    list_is("listroles", "[{\"id\":\"mods\",\"label\":\"Mods\",\"description\":\"\",\"color\":null,"
                         "\"order\":null,\"pubkeys\":[]}]");
    manage_do(PORT, OPERATOR, "assignrole", one);
    manage_do(PORT, OPERATOR, "deleterole", "[\"mods\"]");
    list_is("listroles", "[]");
    manage_do(PORT, OPERATOR, "createrole", "[\"mods\",\"Again\"]");
    list_has("listroles", "\"pubkeys\":[]");
    manage_do(PORT, OPERATOR, "deleterole", "[\"mods\"]");
}

static void test_assignment(void **state)
{
    const char *params = scratch_format("[\"%s\",\"banpubkey\"]", signer_pubkey(HELPER));
    (void)state;
    manage_refused(PORT, HELPER, "banpubkey", by(BAD), 403, "restricted: ");
    json_t *result = manage_result(PORT, OPERATOR, "assignmethod", params);
    assert_true(json_is_true(json_array_get(result, 0)));
    list_is(
        "listmethodassignees",
        scratch_format("[{\"pubkey\":\"%s\",\"methods\":[\"banpubkey\"]}]", signer_pubkey(HELPER)));
    manage_do(PORT, HELPER, "banpubkey", by(BAD));
    manage_do(PORT, OPERATOR, "unbanpubkey", by(BAD));
    manage_refused(PORT, HELPER, "unbanpubkey", by(BAD), 403, "restricted: ");
    manage_refused(PORT, HELPER, "assignmethod", params, 403, "restricted: ");
    char *own = json_dumps(manage_result(PORT, HELPER, "supportedmethods", "[]"), JSON_COMPACT);
    assert_string_equal(own, "[\"supportedmethods\",\"banpubkey\",\"login\",\"logout\"]");
    free(own);
    manage_refused(PORT, OPERATOR, "assignmethod",
                   scratch_format("[\"%s\",\"no such\"]", signer_pubkey(HELPER)), 400, "invalid: ");
    (void)manage_result(PORT, OPERATOR, "unassignmethod", params);
    manage_refused(PORT, HELPER, "banpubkey", by(BAD), 403, "restricted: ");
    list_is("listmethodassignees", "[]");
}

static void test_session(void **state)
{
    static const char *const body = "{\"method\":\"listbannedpubkeys\",\"params\":[]}";
    static const char *const leave = "{\"method\":\"logout\",\"params\":[]}";
    json_t *result = manage_result(PORT, OPERATOR, "login", "[]");
    const char *token =
        scratch_format("Bearer %s", json_string_value(json_object_get(result, "token")));
    (void)state;
    assert_string_equal(json_string_value(json_object_get(result, "pubkey")),
                        signer_pubkey(OPERATOR));
    assert_true(json_integer_value(json_object_get(result, "expires")) > signer_now() + 3600);
    for (int i = 0; i < 4; i++) /* any number of times */
        assert_int_equal(manage_post(PORT, token, body).status, 200);
    assert_int_equal(manage_post(PORT, token, leave).status, 200);
    struct fetch_answer answer = manage_post(PORT, token, body);
    manage_is_refused(&answer, 401, "auth-required: the session has ended");
    manage_refused(PORT, OPERATOR, "logout", "[]", 400, "invalid: ");
}

/* What the console shows. */
static void test_shown(void **state)
{
    (void)state;
    talk_accept(&stage_talk, SIGN(.person = OPERATOR, .kind = 30023));
    list_has("showstats", "{\"kind\":30023,\"count\":1}");
    list_has("showstats",
             scratch_format("{\"pubkey\":\"%s\",\"count\":1}", signer_pubkey(OPERATOR)));
    list_has("showstats", "\"connections_max\":");
    list_has("showconfig", "{\"name\":\"name\",\"value\":\"As configured\"");
    list_has("showconfig", "password=********");
    const char *config = list_text("showconfig");
    assert_null(strstr(config, "s3cret"));
    assert_int_equal(manage_ask(PORT, STRANGER, "showconfig", "[]").status, 403);
    assert_int_equal(fetch(PORT, "GET /admin HTTP/1.1\r\n").status, 200);
}

static int open_with_secret(void **state)
{
    const char *database = scratch_format("%s password=s3cret", getenv("TEST_DB"));
    (void)state;
    relay_start(&stage_relay,
                &(struct relay_setup){.options = stage_options, .database = database});
    return 0;
}

static int close_stage(void **state)
{
    manage_clear();
    return stage_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(test_authorization), STAGE_TEST(test_wrong_headers),
        STAGE_TEST(test_replay),        STAGE_TEST(test_wrong_bodies),
        STAGE_TEST(test_http),          STAGE_TEST(test_supported_methods),
        STAGE_TEST(test_shown),         STAGE_TEST(test_roles),
        STAGE_TEST(test_assignment),    STAGE_TEST(test_session)};
    const char *const options[] = {scratch_format("admin_pubkeys=%s", signer_pubkey(OPERATOR)),
                                   "name=As configured", "trusted_proxies=127.0.0.0/8", NULL};
    stage_options = options;
    return cmocka_run_group_tests(tests, open_with_secret, close_stage);
}
