/* NIP-11 over raw HTTP, and the other things the port answers. */
#include <ctype.h>

#include "tests/fetch.h"
#include "tests/stage.h"

#define PUBKEY "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#define NOSTR_JSON "application/nostr+json"

static struct fetch_answer get(const char *path, const char *headers)
{
    return fetch(stage_relay.port, scratch_format("GET %s HTTP/1.1\r\n%s", path, headers));
}

static json_t *document(const char *headers)
{
    struct fetch_answer answer = get("/", headers);
    assert_int_equal(answer.status, 200);
    const char *type = fetch_header(&answer, "Content-Type");
    assert_non_null(type);
    assert_int_equal(strncmp(type, NOSTR_JSON, strlen(NOSTR_JSON)), 0);
    json_t *json = json_loadb(answer.body, answer.body_len, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_object(json));
    return json;
}

static void check_text(const json_t *json, const char *key, const char *want)
{
    const char *got = json_string_value(json_object_get(json, key));
    if (got == NULL || strcmp(got, want) != 0)
        fail_msg("%s is %s", key, got != NULL ? got : "missing");
}

static void test_document(void **state)
{
    json_t *json = document("Accept: " NOSTR_JSON "\r\n");
    (void)state;
    check_text(json, "name", "A \"test\" \xc3\xa9");
    check_text(json, "description", "what <it> is");
    check_text(json, "contact", "mailto:ops@relay.example");
    check_text(json, "pubkey", PUBKEY);
    check_text(json, "icon", "https://relay.example/icon.png");
    check_text(json, "banner", "https://relay.example/banner.png");
    check_text(json, "terms_of_service", "https://relay.example/terms");
    assert_non_null(json_string_value(json_object_get(json, "software")));
    assert_non_null(json_string_value(json_object_get(json, "version")));
    json_decref(json);
}

static void test_supported_nips(void **state)
{
    static const int supported[] = {1, 9, 11, 13, 17, 40, 42, 45, 59, 62, 67, 70, 77, 91};
    static const int not [] = {29, 43, 50, 86};
    json_t *json = document("Accept: " NOSTR_JSON "\r\n");
    const json_t *nips = json_object_get(json, "supported_nips");
    (void)state;
    assert_true(json_is_array(nips));
    for (size_t i = 0; i < json_array_size(nips); i++) {
        int nip = (int)json_integer_value(json_array_get(nips, i));
        for (size_t j = 0; j < ARRAY_LEN(not ); j++)
            assert_int_not_equal(nip, not [j]);
    }
    for (size_t j = 0; j < ARRAY_LEN(supported); j++) {
        bool found = false;
        for (size_t i = 0; i < json_array_size(nips); i++)
            found |= json_integer_value(json_array_get(nips, i)) == supported[j];
        if (!found)
            fail_msg("NIP %d is not named", supported[j]);
    }
    json_decref(json);
}

/* As configured; that they are enforced is relay_limits' business. */
static void test_limitation(void **state)
{
    static const struct {
        const char *key;
        int64_t value;
    } numbers[] = {
        {"max_message_length", 70000},    {"max_subscriptions", 6}, {"max_limit", 44},
        {"max_subid_length", 64},         {"max_event_tags", 22},   {"max_content_length", 333},
        {"min_pow_difficulty", 3},        {"default_limit", 11},    {"created_at_upper_limit", 100},
        {"created_at_lower_limit", 5000},
    };
    static const struct {
        const char *key;
        bool value;
    } booleans[] = {
        {"auth_required", true}, {"payment_required", false}, {"restricted_writes", true}};
    json_t *json = document("Accept: " NOSTR_JSON "\r\n");
    const json_t *limitation = json_object_get(json, "limitation");
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        const json_t *value = json_object_get(limitation, numbers[i].key);
        if (!json_is_integer(value) || json_integer_value(value) != numbers[i].value)
            fail_msg("%s is %lld", numbers[i].key, (long long)json_integer_value(value));
    }
    for (size_t i = 0; i < ARRAY_LEN(booleans); i++) {
        const json_t *value = json_object_get(limitation, booleans[i].key);
        if (!json_is_boolean(value) || json_is_true(value) != booleans[i].value)
            fail_msg("%s is not %d", booleans[i].key, booleans[i].value);
    }
    json_decref(json);
}

static void test_negotiation(void **state)
{
    static const struct {
        bool json;
        const char *headers;
    } cases[] = {
        {true, "Accept: application/nostr+json\r\n"},
        {true, "accept: Application/Nostr+JSON\r\n"},
        {true, "Accept: text/html, application/nostr+json;q=0.5\r\n"},
        {true, "Accept: application/nostr+json , */*\r\n"},
        {false, "Accept: text/html\r\n"},
        {false, "Accept: application/json\r\n"},
        {false, "Accept: application/nostr+json;q=0\r\n"},
        {false, "Accept: application/nostr+jsonx\r\n"},
        {false, "Accept: */*\r\n"},
        {false, ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fetch_answer answer = get("/", cases[i].headers);
        const char *type = fetch_header(&answer, "Content-Type");
        assert_int_equal(answer.status, 200);
        assert_non_null(type);
        bool is_json = strncmp(type, NOSTR_JSON, strlen(NOSTR_JSON)) == 0;
        if (is_json != cases[i].json)
            fail_msg("%s gives %s", cases[i].headers, type);
        if (!is_json)
            assert_int_equal(strncmp(type, "text/html", 9), 0);
    }
}

static void check_cors(const struct fetch_answer *answer)
{
    const char *origin = fetch_header(answer, "Access-Control-Allow-Origin");
    assert_non_null(origin);
    assert_string_equal(origin, "*");
    assert_non_null(fetch_header(answer, "Access-Control-Allow-Headers"));
    assert_non_null(fetch_header(answer, "Access-Control-Allow-Methods"));
}

static void test_cors(void **state)
{
    struct fetch_answer answer = get("/", "Accept: " NOSTR_JSON "\r\n");
    (void)state;
    check_cors(&answer);
    answer = fetch(stage_relay.port, "OPTIONS / HTTP/1.1\r\nOrigin: https://app.example\r\n"
                                     "Access-Control-Request-Method: GET\r\n");
    assert_true(answer.status == 200 || answer.status == 204);
    check_cors(&answer);
}

/* One endpoint only (NIP-01 as of 2026): other paths are neither pages nor websockets. */
static void test_other_paths(void **state)
{
    struct ws ws;
    (void)state;
    assert_int_equal(get("/nothing", "").status, 404);
    assert_int_equal(get("/../etc/passwd", "").status == 200, false);
    bool ok =
        ws_open(&ws, &(struct ws_options){.address = {"127.0.0.1", stage_relay.port, NULL, NULL, 0},
                                          .path = "/elsewhere"});
    assert_false(ok);
    assert_int_equal(ws.status, 404);
    ws_close(&ws);
}

static void test_health_and_metrics(void **state)
{
    struct fetch_answer answer = get("/health", "");
    (void)state;
    assert_int_equal(answer.status, 200);
    answer = get("/metrics", "");
    assert_int_equal(answer.status, 200);
    static const char *const names[] = {"shoal_relay_connections_opened_total",
                                        "shoal_relay_events_stored_total",
                                        "shoal_relay_ack_seconds_bucket{",
                                        "shoal_relay_req_seconds_bucket{",
                                        "shoal_relay_batch_events_bucket{",
                                        "shoal_relay_fanout_seconds_bucket{",
                                        "shoal_relay_subscriptions",
                                        "# TYPE "};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strstr(answer.body, names[i]) == NULL)
            fail_msg("/metrics lacks %s", names[i]);
}

/* The page holds everything itself: no request to elsewhere, no markup from the settings. */
static void test_page(void **state)
{
    struct fetch_answer answer = get("/", "Accept: text/html\r\n");
    (void)state;
    assert_non_null(strstr(answer.body, "<!doctype html>") != NULL
                        ? answer.body
                        : strstr(answer.body, "<!DOCTYPE html>"));
    assert_null(strcasestr(answer.body, "<script src"));
    assert_null(strcasestr(answer.body, "<link rel=\"stylesheet\""));
    assert_null(strstr(answer.body, "what <it> is"));
    const char *policy = fetch_header(&answer, "Content-Security-Policy");
    assert_non_null(policy);
}

static const char *const options[] = {"name=A \"test\" \xc3\xa9",
                                      "description=what <it> is",
                                      "contact=mailto:ops@relay.example",
                                      ("pubkey=" PUBKEY),
                                      "icon=https://relay.example/icon.png",
                                      "banner=https://relay.example/banner.png",
                                      "terms_of_service=https://relay.example/terms",
                                      "message_bytes_max=70000",
                                      "subscriptions_max=6",
                                      "limit_max=44",
                                      "limit_default=11",
                                      "tags_max=22",
                                      "content_chars_max=333",
                                      "pow_bits_min=3",
                                      "created_at_future_s_max=100",
                                      "created_at_past_s_max=5000",
                                      "auth_required=true",
                                      NULL};

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document),   cmocka_unit_test(test_supported_nips),
        cmocka_unit_test(test_limitation), cmocka_unit_test(test_negotiation),
        cmocka_unit_test(test_cors),       cmocka_unit_test(test_other_paths),
        cmocka_unit_test(test_page),       cmocka_unit_test(test_health_and_metrics)};
    stage_options = options;
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
