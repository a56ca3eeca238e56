#include "relay/http.h"

#include "relay/config.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void test_accept(void **state)
{
    static const struct {
        bool wants;
        const char *accept;
    } cases[] = {
        {true, "application/nostr+json"},
        {true, "Application/Nostr+JSON"},
        {true, "text/html, application/nostr+json"},
        {true, "text/html;q=0.9,application/nostr+json;q=0.1,*/*;q=0.5"},
        {true, "application/nostr+json; charset=utf-8; q=1.0"},
        {true, " application/nostr+json ; q=0.001"},
        {true, "application/nostr+json;charset=\"x\""},
        {false, ""},
        {false, "*/*"},
        {false, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
        {false, "application/json"},
        {false, "application/nostr+json+rpc"},
        {false, "application/nostr+jso"},
        {false, "application/nostr+json;q=0"},
        {false, "application/nostr+json; q=0.000, text/html"},
        {false, "application/nostr+json;a=b;Q=0.0"},
        {false, ",;,;q=0,"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("%s\n", cases[i].accept);
        assert_int_equal(http_wants_nostr_json(span_of(cases[i].accept)), cases[i].wants);
    }
    assert_false(http_wants_nostr_json((struct span){NULL, 0}));
}

static void test_path(void **state)
{
    static const struct {
        const char *public_url, *path;
    } cases[] = {
        {"", "/"},
        {"wss://relay.example.com", "/"},
        {"wss://relay.example.com/", "/"},
        {"wss://relay.example.com/nostr", "/nostr"},
        {"wss://relay.example.com:444/a/b/?x=1#y", "/a/b/"},
        {"wss://one.example.com/a wss://two.example.com/b", "/a"},
        {"wss://one.example.com wss://two.example.com/b", "/"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct span path = http_path(cases[i].public_url);
        print_message("%s -> %.*s\n", cases[i].public_url, SPAN_ARG(path));
        assert_true(span_eq(path, span_of(cases[i].path)));
    }
    assert_true(http_is_path(SPAN("/"), SPAN("/")));
    assert_true(http_is_path(SPAN("/a"), SPAN("/a/")));
    assert_true(http_is_path(SPAN("/a/"), SPAN("/a")));
    assert_false(http_is_path(SPAN("/"), SPAN("/a")));
    assert_false(http_is_path(SPAN("/a"), SPAN("/")));
    assert_false(http_is_path(SPAN("/a"), SPAN("/a/b")));
}

static void test_console_path(void **state)
{
    (void)state;
    assert_true(http_is_console(SPAN("/"), SPAN("/admin")));
    assert_true(http_is_console(SPAN("/nostr"), SPAN("/nostr/admin")));
    assert_true(http_is_console(SPAN("/nostr/"), SPAN("/nostr/admin")));
    assert_false(http_is_console(SPAN("/nostr"), SPAN("/admin")));
    assert_false(http_is_console(SPAN("/"), SPAN("/admin/")));
    assert_false(http_is_console(SPAN("/"), SPAN("/")));
}

static void set(struct config *config, const char *name, const char *value)
{
    struct err err;
    assert_true(config_set(config, name, value, &err));
}

static void assert_document(const struct config *config, const char *document)
{
    struct text out = {0};
    http_write_nip11(&out, config, NULL);
    print_message("%.*s\n", SPAN_ARG(text_span(&out)));
    assert_true(span_eq(text_span(&out), span_of(document)));
    text_clear(&out);
}

/* Every number is another, so that none can stand in another's place. */
static void test_document(void **state)
{
    struct config config;
    (void)state;
    config_defaults(&config);
    set(&config, "name", "A \"relay\" \xc3\xa9");
    set(&config, "message_bytes_max", "100001");
    set(&config, "subscriptions_max", "31");
    set(&config, "filters_max", "7");
    set(&config, "limit_max", "1001");
    set(&config, "limit_default", "101");
    set(&config, "tags_max", "2001");
    set(&config, "content_chars_max", "60001");
    set(&config, "created_at_future_s_max", "901");
    assert_document(
        &config,
        "{\"name\":\"A \\\"relay\\\" \xc3\xa9\","
        "\"supported_nips\":[1,2,9,11,17,40,42,45,51,59,62,65,67,70,77,91],"
        "\"software\":\"shoal-relay\",\"version\":\"" SHOAL_VERSION "\","
        "\"limitation\":{\"max_message_length\":100001,\"max_subscriptions\":31,"
        "\"max_filters\":7,\"max_limit\":1001,\"max_subid_length\":64,\"max_event_tags\":2001,"
        "\"max_content_length\":60001,\"min_pow_difficulty\":0,\"auth_required\":false,"
        "\"payment_required\":false,\"restricted_writes\":false,\"created_at_upper_limit\":901,"
        "\"default_limit\":101}}");

    set(&config, "name", "n");
    set(&config, "description", "d");
    set(&config, "banner", "https://example.com/b");
    set(&config, "icon", "https://example.com/i");
    set(&config, "contact", "mailto:a@example.com");
    set(&config, "terms_of_service", "https://example.com/t");
    set(&config, "pow_bits_min", "11");
    set(&config, "auth_required", "true");
    set(&config, "created_at_past_s_max", "3601");
    set(&config, "pubkey", "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6");
    assert_document(
        &config,
        "{\"name\":\"n\",\"description\":\"d\",\"banner\":\"https://example.com/b\","
        "\"icon\":\"https://example.com/i\","
        "\"pubkey\":\"3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d\","
        "\"contact\":\"mailto:a@example.com\","
        "\"supported_nips\":[1,2,9,11,13,17,40,42,45,51,59,62,65,67,70,77,91],"
        "\"software\":\"shoal-relay\",\"version\":\"" SHOAL_VERSION "\","
        "\"terms_of_service\":\"https://example.com/t\","
        "\"limitation\":{\"max_message_length\":100001,\"max_subscriptions\":31,"
        "\"max_filters\":7,\"max_limit\":1001,\"max_subid_length\":64,\"max_event_tags\":2001,"
        "\"max_content_length\":60001,\"min_pow_difficulty\":11,\"auth_required\":true,"
        "\"payment_required\":false,\"restricted_writes\":true,\"created_at_lower_limit\":3601,"
        "\"created_at_upper_limit\":901,\"default_limit\":101}}");
}

/* Exactly the page's one style and one script are allowed, and nothing from elsewhere is named. */
static void check_page(struct span page)
{
    struct text policy = {0};
    assert_true(page.len > 10000 && page.len < 40000);
    assert_memory_equal(page.at, "<!doctype html>", 15);
    assert_null(memmem(page.at, page.len, "http://", 7));
    assert_null(memmem(page.at, page.len, "innerHTML", 9));
    http_write_page_policy(&policy, page);
    text_add(&policy, (struct span){"", 1});
    print_message("%s\n", policy.at);
    assert_non_null(strstr(policy.at, "default-src 'none'; script-src 'sha256-"));
    assert_non_null(strstr(policy.at, "='; style-src 'sha256-"));
    assert_non_null(strstr(policy.at, "frame-ancestors 'none'"));
    text_clear(&policy);
}

static void test_pages(void **state)
{
    (void)state;
    check_page(http_page());
    check_page(http_console());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept), cmocka_unit_test(test_path), cmocka_unit_test(test_document),
        cmocka_unit_test(test_console_path), cmocka_unit_test(test_pages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
