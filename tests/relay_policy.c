/* NIP-13 proof of work, NIP-40 expiration, the created_at window, retention. */
#include "tests/stage.h"

#define TALK (&stage_talk)

static const char *by_id(const struct signer_event *event)
{
    return scratch_format("{\"ids\":[\"%s\"]}", event->id);
}

static void restart(const char *const *options)
{
    relay_start(&stage_relay, &(struct relay_setup){.options = options});
    talk_open(&stage_talk, &stage_relay);
}

static void end(void)
{
    talk_close(&stage_talk);
    relay_stop(&stage_relay);
}

static void test_proof_of_work(void **state)
{
    (void)state;
    restart(OPTIONS("pow_bits_min=9"));
    talk_accept(TALK, SIGN(.person = 70, .kind = 1, .pow_bits = 9, .pow_bits_short = 10));
    talk_accept(TALK, SIGN(.person = 70, .kind = 1, .pow_bits = 11));
    talk_accept(TALK, SIGN(.person = 70, .kind = 1, .pow_bits = 9, .pow_committed = "9"));
    talk_accept(TALK, SIGN(.person = 70, .kind = 1, .pow_bits = 9, .pow_committed = "10"));
    talk_refuse(TALK, SIGN(.person = 70, .kind = 1, .pow_bits = 8, .pow_bits_short = 9), "pow: ");
    talk_refuse(TALK, SIGN(.person = 70, .kind = 1, .pow_bits_short = 1), "pow: ");
    /* lucky: more than it committed to, which was too little */
    talk_refuse(TALK, SIGN(.person = 70, .kind = 1, .pow_bits = 9, .pow_committed = "8"), "pow: ");
    talk_refuse(TALK, SIGN(.person = 70, .kind = 1, .pow_bits = 9, .pow_committed = "0"), "pow: ");
    end();
}

static void test_no_proof_wanted(void **state)
{
    (void)state;
    restart(NULL);
    talk_accept(TALK, SIGN(.person = 70, .kind = 1, .pow_bits_short = 1, .pow_committed = "0"));
    end();
}

static const struct signer_event *window(int64_t from_now_s)
{
    return SIGN(.person = 71, .kind = 1, .created_at = signer_now() + from_now_s,
                .content = scratch_format("%lld", (long long)from_now_s));
}

/* A second or so may pass between signing and judging, and the relay's clock is a coarse one: the
 * edges are probed from their safe side, and to the second in test_policy. */
static void test_created_at_window(void **state)
{
    (void)state;
    restart(OPTIONS("created_at_future_s_max=300", "created_at_past_s_max=600"));
    talk_accept(TALK, window(0));
    talk_accept(TALK, window(299));
    talk_refuse(TALK, window(330), "invalid: ");
    talk_accept(TALK, window(-570));
    talk_refuse(TALK, window(-602), "invalid: ");
    talk_refuse(TALK, SIGN(.person = 71, .kind = 1, .created_at = INT64_MAX), "invalid: ");
    talk_refuse(TALK, SIGN(.person = 71, .kind = 1, .created_at = SIGNER_EPOCH), "invalid: ");
    talk_refuse(TALK, SIGN(.person = 71, .kind = 20000, .created_at = 1), "invalid: ");
    end();
}

static void test_any_age(void **state)
{
    const struct signer_event *week = window(-604800);
    const struct signer_event *epoch = SIGN(.person = 72, .kind = 1, .created_at = SIGNER_EPOCH);
    const struct signer_event *one = SIGN(.person = 72, .kind = 1, .created_at = 1);
    (void)state;
    restart(NULL);
    talk_accept(TALK, week);
    talk_accept(TALK, epoch);
    talk_accept(TALK, one);
    EXPECT(TALK, scratch_format("{\"authors\":[\"%s\"]}", epoch->pubkey), one, epoch);
    EXPECT(TALK, scratch_format("{\"authors\":[\"%s\"],\"until\":0}", epoch->pubkey), epoch);
    talk_accept(TALK, window(850)); /* created_at_future_s_max is 900 */
    talk_refuse(TALK, window(960), "invalid: ");
    end();
}

/* More than 32 bits of seconds are stored and ordered as they are. */
static void test_far_future(void **state)
{
    const struct signer_event *e32 = SIGN(.person = 73, .kind = 1, .created_at = 4294967296);
    const struct signer_event *e31 = SIGN(.person = 73, .kind = 1, .created_at = 2147483648);
    const struct signer_event *later = SIGN(.person = 73, .kind = 1, .created_at = 4900000000);
    const char *all = scratch_format("{\"authors\":[\"%s\"]}", e32->pubkey);
    (void)state;
    restart(OPTIONS("created_at_future_s_max=3155760000"));
    talk_accept(TALK, e32);
    talk_accept(TALK, later);
    talk_accept(TALK, e31);
    EXPECT(TALK, all, later, e32, e31);
    EXPECT(TALK, scratch_format("{\"authors\":[\"%s\"],\"since\":4294967296}", e32->pubkey), later,
           e32);
    end();
}

static const struct signer_event *expiring(int64_t from_now_s)
{
    return SIGN(.person = 74, .kind = 1, .content = scratch_format("%lld", (long long)from_now_s),
                .tags = scratch_format("[[\"expiration\",\"%lld\"]]",
                                       (long long)(signer_now() + from_now_s)));
}

/* Until it is true, by asking again: time passes while the relay answers. */
static void await_expiry(const struct signer_event *event)
{
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    while (talk_find(TALK, by_id(event)).count > 0)
        assert_true(wire_now_ms() < deadline_ms);
}

static void test_expiration(void **state)
{
    static const char *const unreadable[] = {"soon", "", "1.5", "1e3", " 1", "0x1"};
    (void)state;
    restart(NULL);
    talk_refuse(TALK, expiring(-1), "invalid: ");
    talk_refuse(TALK, expiring(-100000), "invalid: ");
    const struct signer_event *hour = expiring(3600);
    talk_accept(TALK, hour);
    EXPECT(TALK, by_id(hour), hour);
    for (size_t i = 0; i < ARRAY_LEN(unreadable); i++) {
        const struct signer_event *event =
            SIGN(.person = 74, .kind = 1, .created_at = 1700000000 + (int64_t)i,
                 .tags = scratch_format("[[\"expiration\",\"%s\"]]", unreadable[i]));
        talk_accept(TALK, event);
        EXPECT(TALK, by_id(event), event);
    }
    /* of no effect on what is not kept */
    talk_accept(TALK, SIGN(.person = 74, .kind = 20000, .tags = "[[\"expiration\",\"1\"]]"));
    /* the first tag counts */
    talk_accept(TALK, SIGN(.person = 74, .kind = 1,
                           .tags = "[[\"expiration\",\"99999999999\"],[\"expiration\",\"1\"]]"));
    const struct signer_event *two_s = expiring(2);
    talk_accept(TALK, two_s);
    int64_t before = talk_count(TALK, "{\"kinds\":[1]}");
    await_expiry(two_s);
    assert_int_equal(talk_count(TALK, "{\"kinds\":[1]}"), before - 1);
    assert_true(signer_now() >= two_s->created_at + 2);
    while (talk_publish(TALK, two_s).accepted) /* known, until the relay's coarse clock agrees */
        assert_true(signer_now() <= two_s->created_at + 3);
    end();
}

/* An expired version does not stand in the way of the one it replaced being gone, nor of a next. */
static void test_expired_replaceable(void **state)
{
    (void)state;
    restart(NULL);
    const struct signer_event *brief =
        SIGN(.person = 75, .kind = 10002,
             .tags = scratch_format("[[\"expiration\",\"%lld\"]]", (long long)signer_now() + 2));
    talk_accept(TALK, brief);
    await_expiry(brief);
    const struct signer_event *next = SIGN(.person = 75, .kind = 10002);
    talk_accept(TALK, next);
    EXPECT(TALK, scratch_format("{\"authors\":[\"%s\"]}", next->pubkey), next);
    end();
}

/* Until only these of the author are left. */
static void await_rest(const char *pubkey, size_t rest)
{
    const char *all = scratch_format("{\"authors\":[\"%s\"]}", pubkey);
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    while (talk_find(TALK, all).count > rest)
        assert_true(wire_now_ms() < deadline_ms);
}

/* What is past its age goes, whether it was stored before the relay was told to, or after. */
static void test_retention(void **state)
{
    (void)state;
    int64_t now = signer_now();
    restart(OPTIONS("retention_kinds=1=5s 7=0 1984=10m", "retention_s=1000"));
    enum { KEPT = 7 };
    const struct signer_event *kept[KEPT] = {
        SIGN(.person = 76, .kind = 1, .created_at = now + 600),
        SIGN(.person = 76, .kind = 1984, .created_at = now - 300),
        SIGN(.person = 76, .kind = 20, .created_at = now - 301),
        SIGN(.person = 76, .kind = 7, .created_at = now - 4000),
        SIGN(.person = 76, .kind = 30023, .created_at = now - 4001, .tags = "[[\"d\",\"\"]]"),
        SIGN(.person = 76, .kind = 5, .created_at = now - 4002),
        SIGN(.person = 76, .kind = 0, .created_at = now - 4003),
    };
    for (size_t i = 0; i < KEPT; i++)
        talk_accept(TALK, kept[i]);
    talk_accept(TALK, SIGN(.person = 76, .kind = 20, .created_at = now - 1001));
    talk_accept(TALK, SIGN(.person = 76, .kind = 1984, .created_at = now - 601));
    for (int64_t age_s = 1; age_s < 10; age_s++)
        talk_accept(TALK, SIGN(.person = 76, .kind = 1, .created_at = now - age_s));
    await_rest(kept[0]->pubkey, KEPT);
    talk_expect(TALK, scratch_format("{\"authors\":[\"%s\"]}", kept[0]->pubkey), kept, KEPT);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proof_of_work),       cmocka_unit_test(test_no_proof_wanted),
        cmocka_unit_test(test_created_at_window),   cmocka_unit_test(test_any_age),
        cmocka_unit_test(test_far_future),          cmocka_unit_test(test_expiration),
        cmocka_unit_test(test_expired_replaceable), cmocka_unit_test(test_retention)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
