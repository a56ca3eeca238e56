/* The client's links over TLS and through a proxy: whom they trust, and what they tell. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/forwarder.h"
#include "tests/linked.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/test.h"

static struct linked linked;
static struct linked_query query;

/* ---- certificates ---- */

static char folder[] = "/tmp/shoal-link-XXXXXX";

static const char *file(const char *name)
{
    return scratch_format("%s/%s", folder, name);
}

static void make_certificate(void)
{
    assert_non_null(mkdtemp(folder));
    const char *command = scratch_format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        " -subj /CN=relay -addext subjectAltName=IP:127.0.0.1 -keyout '%s' -out '%s' 2>&1",
        file("key.pem"), file("certificate.pem"));
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): nothing in it is foreign */
}

static void remove_certificate(void)
{
    unlink(file("key.pem"));
    unlink(file("certificate.pem"));
    rmdir(folder);
}

static void check_certificate(const struct relay *relay, const char *host, const char *ca_file,
                              bool is_good)
{
    linked_open(&linked,
                &(struct linked_setup){.url = scratch_format("wss://%s:%u", host, relay->port),
                                       .ca_file = ca_file});
    linked_publish(&linked, SIGN(.person = 1, .kind = 1));
    LINKED_UNTIL(&linked,
                 linked.closed == 2 || linked.fates[LINK_TAKEN] + linked.fates[LINK_KNOWN]);
    assert_int_equal(linked.opened, is_good);
    if (!is_good && strstr(linked.why, "cert") == NULL)
        fail_msg("%s", linked.why);
    linked_close(&linked);
}

static void test_certificates(void **state)
{
    struct relay relay;
    struct forwarder forwarder;
    (void)state;
    make_certificate();
    relay_start(&relay, &(struct relay_setup){
                            .options = OPTIONS(
                                scratch_format("tls_certificate=%s", file("certificate.pem")),
                                scratch_format("tls_key=%s", file("key.pem")))});
    check_certificate(&relay, "127.0.0.1", file("certificate.pem"), true);
    check_certificate(&relay, "127.0.0.1", NULL, false);                    /* of nobody known */
    check_certificate(&relay, "localhost", file("certificate.pem"), false); /* another's */
    /* through a proxy it is the relay's that counts */
    for (int is_good = 0; is_good < 2; is_good++) {
        const char *host = is_good ? "127.0.0.1" : "relay.onion";
        linked_start(&linked);
        forwarder_open(&forwarder, &linked.loop);
        const struct linked_setup setup = {.url = scratch_format("wss://%s:%u", host, relay.port),
                                           .ca_file = file("certificate.pem"),
                                           .proxy = scratch_format("127.0.0.1:%u", forwarder.port)};
        linked_open(&linked, &setup);
        LINKED_UNTIL(&linked, is_good ? linked.opened == 1 : linked.closed == 1);
        assert_int_equal(linked.opened, is_good);
        forwarder_close(&forwarder);
        linked_close(&linked);
    }
    relay_stop(&relay);
    remove_certificate();
    scratch_clear();
}

/* ---- a proxy ---- */

static void test_proxy(void **state)
{
    struct relay relay;
    struct forwarder forwarder;
    (void)state;
    relay_start(&relay, &(struct relay_setup){0});
    linked_start(&linked);
    forwarder_open(&forwarder, &linked.loop);
    const struct linked_setup setup = {
        .url = scratch_format("ws://abcdefghijklmnop.onion:%u", relay.port),
        .proxy = scratch_format("socks5h://localhost:%u", forwarder.port)};
    linked_open(&linked, &setup);
    for (int i = 0; i < 100; i++)
        linked_publish(&linked, SIGN(.person = 2, .kind = 1,
                                     .content = scratch_repeat("x", (size_t)i * 300, "")));
    linked_ask(&linked, &query, LINK_REQ, "{\"kinds\":[1]}");
    LINKED_UNTIL(&linked, linked.fates[LINK_TAKEN] == 100 && linked_different(&query) == 100 &&
                              link_info(linked.link) != NULL);
    assert_string_equal(forwarder.asked, scratch_format("abcdefghijklmnop.onion:%u", relay.port));
    linked_drop(&query);
    forwarder_close(&forwarder); /* with all who are in it */
    LINKED_UNTIL(&linked, linked.closed == 2);
    assert_string_equal(linked.why, "the proxy cannot be reached");
    linked_close(&linked);
    relay_stop(&relay);
    scratch_clear();
}

static void test_proxy_refuses(void **state)
{
    struct forwarder forwarder;
    (void)state;
    linked_start(&linked);
    forwarder_open(&forwarder, &linked.loop);
    forwarder.refusal = 4;
    linked_open(&linked,
                &(struct linked_setup){.url = "ws://127.0.0.1:9",
                                       .proxy = scratch_format("127.0.0.1:%u", forwarder.port)});
    LINKED_UNTIL(&linked, linked.closed == 1);
    assert_string_equal(linked.why, "the host is unreachable");
    assert_string_equal(forwarder.asked, "IPv4");
    forwarder_close(&forwarder);
    linked_close(&linked);
    /* without one, no onion's name is told to anybody */
    linked_open(&linked, &(struct linked_setup){.url = "ws://abc.onion"});
    LINKED_UNTIL(&linked, linked.closed == 1);
    assert_string_equal(linked.why, "an onion service is reached through a proxy, Tor's");
    linked_close(&linked);
    scratch_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_certificates),
                                       cmocka_unit_test(test_proxy),
                                       cmocka_unit_test(test_proxy_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
