#include "client/socks.h"

#include <stdio.h>

#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

static void check_proxy(const char *text, const char *host, uint16_t port)
{
    struct socks_proxy proxy;
    struct err err;
    bool ok = socks_proxy_parse(&proxy, (struct span){text, strlen(text)}, &err);
    if (host == NULL) {
        assert_false(ok);
        assert_string_equal(err.text, "a proxy: expected HOST:PORT");
        return;
    }
    assert_true(ok);
    assert_string_equal(proxy.host, host);
    assert_int_equal(proxy.port, port);
}

static void test_proxies(void **state)
{
    char long_name[SOCKS_HOST_MAX + 2];
    (void)state;
    check_proxy("127.0.0.1:9150", "127.0.0.1", 9150);
    check_proxy("localhost", "localhost", SOCKS_PORT_DEFAULT);
    check_proxy("socks5://tor:1", "tor", 1);
    check_proxy("socks5h://tor:65535", "tor", 65535);
    check_proxy("[::1]:9050", "::1", 9050);
    check_proxy("[::1]", "::1", SOCKS_PORT_DEFAULT);
    check_proxy("", NULL, 0);
    check_proxy(":9050", NULL, 0);
    check_proxy("a:0", NULL, 0);
    check_proxy("a:65536", NULL, 0);
    check_proxy("a:b", NULL, 0);
    check_proxy("a:", NULL, 0);
    check_proxy("[::1", NULL, 0);
    check_proxy("[::1]9050", NULL, 0);
    memset(long_name, 'a', sizeof long_name);
    long_name[SOCKS_HOST_MAX] = '\0';
    check_proxy(long_name, long_name, SOCKS_PORT_DEFAULT);
    long_name[SOCKS_HOST_MAX] = 'a';
    long_name[SOCKS_HOST_MAX + 1] = '\0';
    check_proxy(long_name, NULL, 0);
}

/* Hears it byte by byte; the verdict of the last, and what is said is appended. */
static enum socks_verdict hear(struct socks *socks, struct span bytes, struct text *out,
                               struct err *err)
{
    struct text gathered = {0};
    enum socks_verdict verdict = SOCKS_MORE;
    for (size_t i = 0; i < bytes.len && verdict == SOCKS_MORE; i++) {
        text_add(&gathered, (struct span){bytes.at + i, 1});
        struct span rest = text_span(&gathered);
        verdict = socks_hear(socks, &rest, out, err);
        memmove(gathered.at, rest.at, rest.len);
        gathered.len = rest.len;
    }
    text_clear(&gathered);
    return verdict;
}

static void check_said(struct text *out, struct span wanted)
{
    assert_int_equal(out->len, wanted.len);
    assert_memory_equal(out->at, wanted.at, wanted.len);
    text_clear(out);
}

static void test_conversation(void **state)
{
    const struct {
        enum socks_kind kind;
        struct span address, asked;
    } cases[] = {
        {SOCKS_NAME, SPAN("example.onion"), SPAN("\5\1\0\3\15example.onion\0\120")},
        {SOCKS_IP4, SPAN("\177\0\0\1"), SPAN("\5\1\0\1\177\0\0\1\0\120")},
        {SOCKS_IP6, SPAN("0123456789abcdef"),
         SPAN("\5\1\0\4"
              "0123456789abcdef\0\120")},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct socks socks = {.kind = cases[i].kind, .address = cases[i].address, .port = 80};
        struct text out = {0};
        struct err err;
        socks_begin(&socks, &out);
        check_said(&out, SPAN("\5\1\0"));
        assert_int_equal(hear(&socks, SPAN("\5\0"), &out, &err), SOCKS_MORE);
        check_said(&out, cases[i].asked);
        assert_int_equal(hear(&socks, SPAN("\5\0\0\1\0\0\0\0\0\0"), &out, &err), SOCKS_DONE);
        assert_int_equal(out.len, 0);
    }
}

/* What the other end says at once is left. */
static void test_rest(void **state)
{
    const struct span answers[] = {SPAN("\5\0\5\0\0\1....pphello"),
                                   SPAN("\5\0\5\0\0\3\4namepphello"),
                                   SPAN("\5\0\5\0\0\4................pphello")};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct socks socks = {.kind = SOCKS_NAME, .address = SPAN("a"), .port = 80};
        struct span bytes = answers[i];
        struct text out = {0};
        struct err err;
        assert_int_equal(socks_hear(&socks, &bytes, &out, &err), SOCKS_DONE);
        assert_true(span_eq(bytes, SPAN("hello")));
        text_clear(&out);
    }
}

static void test_refusals(void **state)
{
    const struct {
        struct span answer;
        const char *why;
    } cases[] = {
        {SPAN("HTTP/1.1"), "what should be a proxy does not speak SOCKS5"},
        {SPAN("\5\2"), "the proxy wants a password"},
        {SPAN("\5\377"), "the proxy wants a password"},
        {SPAN("\5\0\4\0\0\1...."), "what should be a proxy does not speak SOCKS5"},
        {SPAN("\5\0\5\5\0\1....pp"), "the connection was refused"},
        {SPAN("\5\0\5\4\0\1....pp"), "the host is unreachable"},
        {SPAN("\5\0\5\377\0\1....pp"), "the proxy failed"},
        {SPAN("\5\0\5\0\0\2....pp"), "the proxy names an address of no known kind"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct socks socks = {.kind = SOCKS_NAME, .address = SPAN("a"), .port = 80};
        struct text out = {0};
        struct err err;
        assert_int_equal(hear(&socks, cases[i].answer, &out, &err), SOCKS_FAILED);
        assert_string_equal(err.text, cases[i].why);
        text_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proxies), cmocka_unit_test(test_conversation),
        cmocka_unit_test(test_rest), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
