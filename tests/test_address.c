/* Addresses: who shares a bucket, how fast it fills, and whom a proxy speaks for. */
#include "relay/address.h"

#include "shared/err.h"
#include "tests/test.h"

static const struct address_limits limits = {
    .connections_max = 2,
    .events_per_s_max = 10,
    .event_burst_max = 3,
    .reqs_per_s_max = 1,
    .req_burst_max = 1,
};

static struct address *open_text(struct address_table *table, const char *text, int64_t now_ms,
                                 struct err *err)
{
    uint8_t ip[16];
    size_t len;
    assert_true(address_parse(ip, &len, (struct span){text, strlen(text)}));
    return address_open(table, (struct span){(const char *)ip, len}, now_ms, err);
}

static void test_connections(void **state)
{
    struct address_table *table = address_table_new(&limits);
    struct err err;
    (void)state;
    struct address *a = open_text(table, "192.0.2.1", 0, NULL);
    assert_ptr_equal(open_text(table, "::ffff:192.0.2.1", 0, NULL), a);
    assert_null(open_text(table, "192.0.2.1", 0, &err));
    assert_int_equal(err.code, ERR_RATE_LIMITED);
    assert_string_equal(err.text, "more than 2 connections from one address");
    struct address *b = open_text(table, "192.0.2.2", 0, NULL);
    assert_ptr_not_equal(a, b);
    address_close(a, 0);
    assert_ptr_equal(open_text(table, "192.0.2.1", 0, NULL), a);

    struct address *c = open_text(table, "2001:db8:0:1::1", 0, NULL);
    assert_ptr_equal(open_text(table, "2001:db8:0:1:ffff::2", 0, NULL), c);
    struct address *d = open_text(table, "2001:db8:0:2::1", 0, NULL);
    assert_ptr_not_equal(c, d);
    address_table_free(table);
}

static void test_buckets(void **state)
{
    struct address_table *table = address_table_new(&limits);
    struct address *address = open_text(table, "192.0.2.1", 1000, NULL);
    struct err err;
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(address_may_publish(address, 1000, NULL));
    assert_false(address_may_publish(address, 1099, &err));
    assert_int_equal(err.code, ERR_RATE_LIMITED);
    assert_string_equal(err.text, "more than 10 events a second from one address");
    assert_true(address_may_publish(address, 1100, NULL)); /* 10 a second: one each 100 ms */
    assert_false(address_may_publish(address, 1100, NULL));
    assert_false(address_may_publish(address, 900, NULL)); /* a clock that went back gives none */

    assert_true(address_may_query(address, 1100, NULL));
    assert_false(address_may_query(address, 2099, &err));
    assert_string_equal(err.text, "more than 1 queries a second from one address");
    assert_true(address_may_query(address, 2100, NULL));

    for (int i = 0; i < 3; i++) /* full after a long time, and no fuller */
        assert_true(address_may_publish(address, INT64_MAX, NULL));
    assert_false(address_may_publish(address, INT64_MAX, NULL));
    address_table_free(table);
}

/* Closing and opening again gives no new tokens; a full bucket is forgotten. */
static void test_reconnect(void **state)
{
    struct address_table *table = address_table_new(&limits);
    struct address *address = open_text(table, "192.0.2.1", 0, NULL);
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(address_may_publish(address, 0, NULL));
    address_close(address, 0);
    for (int i = 0; i < 10; i++) {
        address = open_text(table, "192.0.2.1", 50, NULL);
        assert_false(address_may_publish(address, 50, NULL));
        address_close(address, 50);
    }
    for (int i = 0; i < 10; i++) { /* others come and go; the idle one is swept among them */
        struct address *other = open_text(table, "192.0.2.9", 60, NULL);
        assert_true(address_may_query(other, 60, NULL) == (i == 0));
        address_close(other, 60);
    }
    address = open_text(table, "192.0.2.1", 10000, NULL);
    for (int i = 0; i < 3; i++)
        assert_true(address_may_publish(address, 10000, NULL));
    address_close(address, 20000);
    address_table_free(table);
}

static void test_no_limits(void **state)
{
    const struct address_limits none = {0};
    struct address_table *table = address_table_new(&none);
    struct address *address = open_text(table, "192.0.2.1", 0, NULL);
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_ptr_equal(open_text(table, "192.0.2.1", 0, NULL), address);
        assert_true(address_may_publish(address, 0, NULL));
        assert_true(address_may_query(address, 0, NULL));
    }
    address_table_free(table);
}

static void test_parse(void **state)
{
    static const char *const bad[] = {
        "",          "1.2.3",    "1.2.3.4.5",
        "1.2.3.256", "a",        "::g",
        " ::1",      "1.2.3.4 ", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0"};
    static const uint8_t ip6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    uint8_t ip[16];
    size_t len;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(address_parse(ip, &len, (struct span){bad[i], strlen(bad[i])}));
    assert_false(address_parse(ip, &len, (struct span){"1.2.3.4\0", 8}));
    assert_true(address_parse(ip, &len, SPAN("192.0.2.1")));
    assert_int_equal(len, 4);
    assert_memory_equal(ip, "\xc0\x00\x02\x01", 4);
    assert_true(address_parse(ip, &len, SPAN("2001:db8::1")));
    assert_int_equal(len, 16);
    assert_memory_equal(ip, ip6, 16);
    assert_true(address_parse(ip, &len, SPAN("::ffff:192.0.2.1")));
    assert_int_equal(len, 4);
}

static void test_networks(void **state)
{
    static const struct {
        const char *ip;
        bool have;
    } cases[] = {
        {"10.0.0.0", true},      {"10.255.255.255", true},
        {"11.0.0.0", false},     {"192.168.1.3", true},
        {"192.168.1.4", false},  {"192.168.1.1", true},
        {"::1", true},           {"::2", false},
        {"2001:db8:7f::", true}, {"2001:db8:80::", false},
        {"172.16.0.1", true},    {"172.16.0.2", false},
        {"0.0.0.1", false},
    };
    static const char *const bad[] = {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/ 8",
                                      "::/129",      "ten",       "10.0.0.0/8x", "10.0.0.0/0008"};
    struct err err;
    (void)state;
    struct address_networks *networks = address_networks_new(
        " 10.0.0.0/8,192.168.1.0/30 ::1, 2001:db8::/41 ::ffff:172.16.0.1/128", NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t ip[16];
        size_t len;
        print_message("%s\n", cases[i].ip);
        assert_true(address_parse(ip, &len, (struct span){cases[i].ip, strlen(cases[i].ip)}));
        assert_int_equal(address_networks_have(networks, (struct span){(const char *)ip, len}),
                         cases[i].have);
    }
    address_networks_free(networks);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_null(address_networks_new(bad[i], &err));
        assert_int_equal(err.code, ERR_INVALID);
    }
    networks = address_networks_new("0.0.0.0/0", NULL);
    assert_true(address_networks_have(networks, SPAN("\xff\x01\x02\x03")));
    address_networks_free(networks);
}

static void test_behind(void **state)
{
    static const struct {
        const char *peer, *header, *client;
    } cases[] = {
        {"192.0.2.1", "203.0.113.9", "192.0.2.1"}, /* not trusted: its header is a claim */
        {"10.0.0.1", "", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9", "203.0.113.9"},
        {"10.0.0.1", "1.1.1.1, 203.0.113.9 ,\t10.0.0.2", "203.0.113.9"}, /* from the right */
        {"10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"},                  /* all are trusted */
        {"10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9, nobody, 10.0.0.2", "10.0.0.2"},
        {"10.0.0.1", "203.0.113.9,", "10.0.0.1"},
        {"10.0.0.1", "2001:db8::5", "2001:db8::5"},
        {"::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"},
    };
    struct address_networks *trusted = address_networks_new("10.0.0.0/8", NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t peer[16], ip[16], client[16];
        size_t peer_len, len, client_len;
        print_message("%s %s\n", cases[i].peer, cases[i].header);
        assert_true(
            address_parse(peer, &peer_len, (struct span){cases[i].peer, strlen(cases[i].peer)}));
        assert_true(address_parse(client, &client_len,
                                  (struct span){cases[i].client, strlen(cases[i].client)}));
        address_behind(ip, &len, trusted, (struct span){(const char *)peer, peer_len},
                       (struct span){cases[i].header, strlen(cases[i].header)});
        assert_int_equal(len, client_len);
        assert_memory_equal(ip, client, len);
    }
    address_networks_free(trusted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections), cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_reconnect),   cmocka_unit_test(test_no_limits),
        cmocka_unit_test(test_parse),       cmocka_unit_test(test_networks),
        cmocka_unit_test(test_behind)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
