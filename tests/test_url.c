/* Relay URLs: which are one, which are none. */
#include "shared/url.h"

#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

static struct span text_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void test_equal(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"wss://relay.example", "wss://relay.example/", true},
        {"wss://relay.example", "WSS://Relay.EXAMPLE:443//", true},
        {"ws://relay.example", "ws://relay.example:80/#top", true},
        {"ws://relay.example:", "ws://relay.example", true},
        {"ws://[2001:DB8::1]:7777/a/", "ws://[2001:db8::1]:7777/a", true},
        {"wss://relay.example/?a=1", "wss://relay.example/?a=1", true},
        {"wss://relay.example", "ws://relay.example", false},
        {"wss://relay.example", "wss://relay.example:444", false},
        {"wss://relay.example", "wss://relay.example.org", false},
        {"wss://relay.example/a", "wss://relay.example/A", false},
        {"wss://relay.example?a=1", "wss://relay.example?a=2", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct url a, b;
        print_message("%s %s\n", cases[i].a, cases[i].b);
        assert_true(url_parse(&a, text_of(cases[i].a), NULL));
        assert_true(url_parse(&b, text_of(cases[i].b), NULL));
        assert_int_equal(url_equal(&a, &b), cases[i].equal);
    }
}

static void test_write(void **state)
{
    static const char *const cases[][2] = {
        {"WSS://Relay.EXAMPLE:443//", "wss://relay.example"},
        {"ws://relay.example:443/a?b#c", "ws://relay.example:443/a?b"},
        {"ws://[2001:DB8::1]:7777/", "ws://[2001:db8::1]:7777"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct url url;
        struct text text = {0};
        assert_true(url_parse(&url, text_of(cases[i][0]), NULL));
        url_write(&text, &url);
        text_add(&text, (struct span){"", 1});
        assert_string_equal(text.at, cases[i][1]);
        text_clear(&text);
    }
}

static void test_parts(void **state)
{
    struct url url;
    (void)state;
    assert_true(url_parse(&url, SPAN("wss://A.b:65535/x?y#z"), NULL));
    assert_true(url.is_tls);
    assert_string_equal(url.host, "a.b");
    assert_int_equal(url.port, 65535);
    assert_true(span_eq(url.path, SPAN("/x?y")));
}

static void test_refuse(void **state)
{
    static const struct {
        struct span url;
        const char *text;
    } cases[] = {
        {{"", 0}, "expected ws:// or wss://"},
        {{"relay.example", 13}, "expected ws:// or wss://"},
        {{"https://relay.example", 21}, "expected ws:// or wss://"},
        {{"ws://", 5}, "a host has 1 to 253 characters"},
        {{"ws:///path", 10}, "a host has 1 to 253 characters"},
        {{"ws://me@relay", 13}, "a character that no host has"},
        {{"ws://re lay", 11}, "a character that no host has"},
        {{"ws://re\x7flay", 11}, "a character that no host has"},
        {{"ws://re\0lay", 11}, "a character that no URL has"},
        {{"ws://[::1", 9}, "expected ] after an IPv6 address"},
        {{"ws://[::1]7", 11}, "expected a port or a path after the host"},
        {{"ws://a:0", 8}, "a port is a number from 1 to 65535"},
        {{"ws://a:65536", 12}, "a port is a number from 1 to 65535"},
        {{"ws://a:100000", 13}, "a port is a number from 1 to 65535"},
        {{"ws://a:8x", 9}, "a port is a number from 1 to 65535"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct url url;
        struct err err;
        assert_false(url_parse(&url, cases[i].url, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_string_equal(err.text, cases[i].text);
    }
}

static void test_host_length(void **state)
{
    char text[5 + URL_HOST_MAX + 1] = "ws://";
    struct url url;
    (void)state;
    memset(text + 5, 'a', URL_HOST_MAX + 1);
    assert_true(url_parse(&url, (struct span){text, 5 + URL_HOST_MAX}, NULL));
    assert_int_equal(strlen(url.host), URL_HOST_MAX);
    assert_false(url_parse(&url, (struct span){text, 5 + URL_HOST_MAX + 1}, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_equal), cmocka_unit_test(test_write),
                                       cmocka_unit_test(test_parts), cmocka_unit_test(test_refuse),
                                       cmocka_unit_test(test_host_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
