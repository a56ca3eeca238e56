/* wss:// and https:// from a certificate and key in the settings. */
#include <stdlib.h>
#include <unistd.h>

#include "tests/stage.h"

static char folder[] = "/tmp/shoal-tls-XXXXXX";
static struct relay relay;

static const char *file(const char *name)
{
    return scratch_format("%s/%s", folder, name);
}

static int start(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    const char *command = scratch_format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        " -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout '%s' -out '%s' 2>&1",
        file("key.pem"), file("certificate.pem"));
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): nothing in it is foreign */
    relay_start(&relay, &(struct relay_setup){
                            .options = OPTIONS(
                                scratch_format("tls_certificate=%s", file("certificate.pem")),
                                scratch_format("tls_key=%s", file("key.pem")), "processes=2")});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    relay_stop(&relay);
    unlink(file("key.pem"));
    unlink(file("certificate.pem"));
    rmdir(folder);
    return 0;
}

static struct wire_address address(void)
{
    return (struct wire_address){"127.0.0.1", relay.port, file("certificate.pem"), NULL, 0};
}

static void test_talk(void **state)
{
    static const size_t sizes[] = {1, 16383, 16384, 16385, 90000};
    struct talk talk, listener;
    (void)state;
    talk_open_with(&talk, &(struct ws_options){.address = address(), .deflate = true});
    talk_open_with(&listener, &(struct ws_options){.address = address()});
    talk_subscribe(&listener, "live", "{\"limit\":0}");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const struct signer_event *event =
            SIGN(.person = 220, .kind = 1, .content = scratch_repeat("s", sizes[i], ""));
        talk_accept(&talk, event);
        talk_await_event(&listener, "live", event);
        EXPECT(&talk, scratch_format("{\"ids\":[\"%s\"]}", event->id), event);
    }
    /* the address in the challenge's answer is that of TLS */
    talk_login(&talk, 220, scratch_format("wss://127.0.0.1:%u/", relay.port));
    talk_is_quiet(&listener);
    talk_close(&talk);
    talk_close(&listener);
}

static void test_https(void **state)
{
    struct wire wire;
    struct wire_address at = address();
    char answer[4096] = "";
    size_t used = 0, received;
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    (void)state;
    assert_true(wire_open(&wire, &at));
    wire_send(&wire,
              SPAN("GET / HTTP/1.1\r\nHost: x\r\nAccept: application/nostr+json\r\n"
                   "Connection: close\r\n\r\n"),
              deadline_ms);
    while (used < sizeof answer - 1 && strstr(answer, "supported_nips") == NULL &&
           wire_receive(&wire, answer + used, sizeof answer - 1 - used, &received, deadline_ms) ==
               WIRE_DONE)
        used += received;
    assert_non_null(strstr(answer, "HTTP/1.1 200"));
    assert_non_null(strstr(answer, "supported_nips"));
    wire_close(&wire);
}

static void test_plain_is_refused(void **state)
{
    struct ws ws;
    (void)state;
    assert_false(
        ws_open(&ws, &(struct ws_options){.address = {"127.0.0.1", relay.port, NULL, NULL, 0}}));
    ws_close(&ws);
}

/* A file that cannot be read ends the start, at once. */
static void test_no_certificate(void **state)
{
    struct relay other;
    (void)state;
    assert_false(relay_try_start(
        &other, &(struct relay_setup){.options = OPTIONS("tls_certificate=/nowhere/c.pem",
                                                         "tls_key=/nowhere/k.pem")}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_talk), cmocka_unit_test(test_https),
                                       cmocka_unit_test(test_plain_is_refused),
                                       cmocka_unit_test(test_no_certificate)};
    return cmocka_run_group_tests(tests, start, stop);
}
