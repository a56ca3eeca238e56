/* Connection strings, and what a wallet service says. */
#include "gpu/nwc.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"
#include "tests/test.h"

#define KEY "b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4"
#define SECRET "71a8c14c1407c113601079c4302dab36460f0ccd0ad506f1f2dc73b5100e4f3c"

static bool read_place(struct nwc_place *place, const char *text)
{
    struct err err = {0};
    bool ok = nwc_read_place(place, (struct span){text, strlen(text)}, &err);
    assert_int_equal(ok, err.text[0] == '\0');
    return ok;
}

static void test_place(void **state)
{
    struct nwc_place place;
    (void)state;
    assert_true(read_place(&place, "nostr+walletconnect://" KEY
                                   "?relay=wss%3A%2F%2Frelay.example%2fa&secret=" SECRET
                                   "&lud16=me@example.com&relay=ws://127.0.0.1:7777"));
    assert_int_equal(place.wallet.at[0], 0xb8);
    assert_int_equal(place.secret.at[31], 0x3c);
    assert_int_equal(place.relay_count, 2);
    assert_string_equal(place.relays[0], "wss://relay.example/a");
    assert_string_equal(place.relays[1], "ws://127.0.0.1:7777");
    static const char *const wrong[] = {
        "",
        "nostr:" KEY,
        "nostr+walletconnect://",
        "nostr+walletconnect://" KEY,
        "nostr+walletconnect://" KEY "?secret=" SECRET,
        "nostr+walletconnect://" KEY "?relay=wss://a.example",
        "nostr+walletconnect://" KEY "?relay=wss%3&secret=" SECRET,
        "nostr+walletconnect://" KEY "?relay=wss%zz//a&secret=" SECRET,
        "nostr+walletconnect://" KEY "?relay=https://a.example&secret=" SECRET,
        "nostr+walletconnect://" KEY "?relay=wss://a.example&secret=71"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(read_place(&place, wrong[i]));
}

static void test_requests(void **state)
{
    const struct bytes32 hash = {{0xab}};
    struct text text = {0};
    (void)state;
    nwc_write_invoice(&text, 21000, SPAN("a \"cup\""), 900);
    assert_true(
        span_eq(text_span(&text), SPAN("{\"method\":\"make_invoice\",\"params\":{\"amount\":21000,"
                                       "\"description\":\"a \\\"cup\\\"\",\"expiry\":900}}")));
    text.len = 0;
    nwc_write_pay(&text, SPAN("lnbc1"));
    assert_true(span_eq(text_span(&text),
                        SPAN("{\"method\":\"pay_invoice\",\"params\":{\"invoice\":\"lnbc1\"}}")));
    text.len = 0;
    nwc_write_lookup(&text, &hash);
    assert_true(span_eq(text_span(&text),
                        SPAN("{\"method\":\"lookup_invoice\",\"params\":{\"payment_hash\":\"ab0000"
                             "0000000000000000000000000000000000000000000000000000000000\"}}")));
    text_clear(&text);
}

static bool read(struct nwc_answer *answer, struct arena *arena, const char *text)
{
    return nwc_read_answer(answer, arena, (struct span){text, strlen(text)}, NULL);
}

static void test_answers(void **state)
{
    struct arena arena = {0};
    struct nwc_answer answer;
    (void)state;
    assert_true(read(&answer, &arena,
                     "{\"result_type\":\"lookup_invoice\",\"error\":null,\"result\":{\"type\":"
                     "\"outgoing\",\"state\":\"settled\",\"invoice\":\"lnbc1\",\"preimage\":\"00\","
                     "\"payment_hash\":\"" KEY "\",\"amount\":5,\"fees_paid\":2}}"));
    assert_int_equal(answer.fate, NWC_DONE);
    assert_int_equal(answer.payment.state, NWC_SETTLED);
    assert_true(answer.payment.is_outgoing && answer.payment.has_hash);
    assert_int_equal(answer.payment.msat, 5);
    assert_int_equal(answer.payment.fees_msat, 2);
    static const struct {
        const char *text;
        enum nwc_state state;
    } states[] = {
        {"\"state\":\"pending\"", NWC_PENDING},     {"\"state\":\"accepted\"", NWC_PENDING},
        {"\"state\":\"failed\"", NWC_OVER},         {"\"state\":\"expired\"", NWC_OVER},
        {"\"settled_at\":1700000000", NWC_SETTLED}, {"\"settled_at\":null", NWC_UNSAID},
        {"\"settled_at\":0", NWC_UNSAID},           {"\"amount\":-1", NWC_UNSAID}};
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        struct text text = {0};
        text_addf(&text, "{\"result\":{%s}}", states[i].text);
        assert_true(nwc_read_answer(&answer, &arena, text_span(&text), NULL));
        assert_int_equal(answer.payment.state, states[i].state);
        assert_false(answer.payment.has_hash);
        text_clear(&text);
    }
    arena_clear(&arena);
}

static void test_errors(void **state)
{
    static const struct {
        const char *code;
        enum nwc_fate fate;
    } codes[] = {{"NOT_FOUND", NWC_MISSING},       {"PAYMENT_FAILED", NWC_FAILED},
                 {"RESTRICTED", NWC_REFUSED},      {"INSUFFICIENT_BALANCE", NWC_REFUSED},
                 {"INTERNAL", NWC_UNKNOWN},        {"OTHER", NWC_UNKNOWN},
                 {"of no\\u0007kind", NWC_UNKNOWN}};
    struct arena arena = {0};
    struct nwc_answer answer;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct text text = {0};
        text_addf(&text, "{\"error\":{\"code\":\"%s\",\"message\":\"m\"},\"result\":null}",
                  codes[i].code);
        assert_true(nwc_read_answer(&answer, &arena, text_span(&text), NULL));
        assert_int_equal(answer.fate, codes[i].fate);
        text_clear(&text);
    }
    assert_string_equal(answer.why, "of no?kind m");
    static const char *const wrong[] = {
        "", "[]", "{}", "{\"result\":null}", "{\"result\":[]}", "{\"result\":{}"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(read(&answer, &arena, wrong[i]));
    arena_clear(&arena);
}

static bool note(struct nwc_payment *payment, bool *is_received, struct arena *arena,
                 const char *text)
{
    return nwc_read_notification(payment, is_received, arena, (struct span){text, strlen(text)},
                                 NULL);
}

static void test_notes(void **state)
{
    struct arena arena = {0};
    struct nwc_payment payment;
    bool is_received;
    (void)state;
    assert_true(note(&payment, &is_received, &arena,
                     "{\"notification_type\":\"payment_received\",\"notification\":{\"amount\":7,"
                     "\"payment_hash\":\"" KEY "\"}}"));
    assert_true(is_received);
    assert_int_equal(payment.msat, 7);
    assert_true(note(&payment, &is_received, &arena,
                     "{\"notification_type\":\"payment_sent\",\"notification\":{\"payment_hash\":"
                     "\"" KEY "\"}}"));
    assert_false(is_received);
    assert_false(note(&payment, &is_received, &arena,
                      "{\"notification_type\":\"payment_sent\",\"notification\":{}}"));
    assert_false(note(&payment, &is_received, &arena,
                      "{\"notification_type\":\"hold_invoice_accepted\",\"notification\":"
                      "{\"payment_hash\":\"" KEY "\"}}"));
    arena_clear(&arena);
}

static void test_seals(void **state)
{
    static const struct {
        const char *tags;
        bool seals;
    } trials[] = {{"[[\"encryption\",\"nip44_v2\"]]", true},
                  {"[[\"encryption\",\"nip04 nip44_v2\"]]", true},
                  {"[[\"encryption\",\"nip04\"]]", false},
                  {"[[\"encryption\",\"nip44_v22 xnip44_v2\"]]", false},
                  {"[[\"encryption\",\"\"]]", false},
                  {"[]", false}};
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(trials); i++) {
        struct event event = {.kind = KIND_WALLET_INFO};
        assert_true(event_parse_tags(&event, &arena,
                                     (struct span){trials[i].tags, strlen(trials[i].tags)}, NULL));
        assert_int_equal(nwc_seals(&event), trials[i].seals);
    }
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place),   cmocka_unit_test(test_requests),
        cmocka_unit_test(test_answers), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_notes),   cmocka_unit_test(test_seals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
