/* Behind a proxy: whose address counts, and whose word is not taken. */
#include "tests/stage.h"

static bool is_welcome(const struct relay *relay, const char *forwarded_for, struct ws *ws)
{
    const char *headers =
        forwarded_for != NULL ? scratch_format("X-Forwarded-For: %s\r\n", forwarded_for) : NULL;
    return ws_open(ws, &(struct ws_options){.address = {"127.0.0.1", relay->port, NULL, NULL, 0},
                                            .headers = headers}) &&
           ws_receive(ws, wire_now_ms() + WIRE_WAIT_MS) == WS_MESSAGE;
}

/* Two connections, of which only as many are welcome as their addresses differ. */
static void check_pair(const struct relay *relay, const char *one, const char *other, bool differ)
{
    struct ws a, b;
    bool a_welcome = is_welcome(relay, one, &a);
    bool b_welcome = is_welcome(relay, other, &b);
    if (!a_welcome || b_welcome != differ)
        fail_msg("%s is %s, then %s is %s", one, a_welcome ? "welcome" : "refused", other,
                 b_welcome ? "welcome" : "refused");
    ws_close(&a);
    ws_close(&b);
    /* until the relay has seen them go: the next pair may be the same addresses */
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    bool free_again = false;
    while (!free_again) {
        assert_true(wire_now_ms() < deadline_ms);
        free_again = is_welcome(relay, one, &a);
        ws_close(&a);
    }
    free_again = false;
    while (!free_again) {
        assert_true(wire_now_ms() < deadline_ms);
        free_again = is_welcome(relay, other, &b);
        ws_close(&b);
    }
}

static void test_trusted(void **state)
{
    static const struct {
        const char *one, *other;
        bool differ;
    } cases[] = {
        {"203.0.113.1", "203.0.113.2", true},
        {"203.0.113.3", "203.0.113.3", false},
        /* from the right: what a client made up stands to the left of what the proxy added */
        {"1.1.1.1, 203.0.113.4", "2.2.2.2, 203.0.113.4", false},
        {"1.1.1.1, 203.0.113.5", "1.1.1.1, 203.0.113.6", true},
        {"1.1.1.1,203.0.113.7,10.1.2.3", "2.2.2.2 ,203.0.113.7 , 10.9.9.9", false},
        /* an IPv6 /64 is one address */
        {"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", false},
        {"2001:db8:0:2::1", "2001:db8:0:3::1", true},
        {"::ffff:203.0.113.8", "203.0.113.8", false},
        /* what cannot be read ends the walk at the last good address: the proxy itself */
        {"nonsense", "more nonsense", false},
        {"203.0.113.9, nonsense, 203.0.113.10", "203.0.113.11, nonsense, 203.0.113.10", false},
    };
    struct relay relay;
    (void)state;
    relay_start(&relay, &(struct relay_setup){
                            .options = OPTIONS("trusted_proxies=127.0.0.0/8, 10.0.0.0/8 fd00::/8",
                                               "connections_per_address_max=1")});
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_pair(&relay, cases[i].one, cases[i].other, cases[i].differ);
    relay_stop(&relay);
}

static void test_untrusted(void **state)
{
    struct relay relay;
    (void)state;
    relay_start(&relay, &(struct relay_setup){.options = OPTIONS("trusted_proxies=10.0.0.0/8",
                                                                 "connections_per_address_max=1")});
    check_pair(&relay, "203.0.113.1", "203.0.113.2", false);
    check_pair(&relay, NULL, "10.0.0.1", false);
    relay_stop(&relay);
}

/* The token buckets are by that address too. */
static void test_rate(void **state)
{
    struct relay relay;
    struct talk talks[3];
    static const char *const from[] = {"203.0.113.1", "9.9.9.9, 203.0.113.1", "203.0.113.2"};
    (void)state;
    relay_start(&relay, &(struct relay_setup){.options = OPTIONS("trusted_proxies=127.0.0.1",
                                                                 "events_per_s_max=1",
                                                                 "event_burst_max=5")});
    for (int i = 0; i < 3; i++)
        talk_open_with(
            &talks[i],
            &(struct ws_options){.address = {"127.0.0.1", relay.port, NULL, NULL, 0},
                                 .headers = scratch_format("X-Forwarded-For: %s\r\n", from[i])});
    for (int i = 0; i < 30; i++)
        talk_publish(&talks[0], SIGN(.person = 210, .kind = 20000,
                                     .tags = scratch_format("[[\"n\",\"%d\"]]", i)));
    talk_refuse(&talks[1], SIGN(.person = 210, .kind = 20001), "rate-limited: ");
    talk_accept(&talks[2], SIGN(.person = 210, .kind = 20001));
    for (int i = 0; i < 3; i++)
        talk_close(&talks[i]);
    relay_stop(&relay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_trusted),
                                       cmocka_unit_test(test_untrusted),
                                       cmocka_unit_test(test_rate)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
