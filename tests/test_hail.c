/* Stages that meet: those that fit, those that do not, strangers, and frames that are not whose
 * they say. */
#include "gpu/hail.h"

#include <stdio.h>

#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

static const struct bytes32 key = {"0123456789abcdef0123456789abcdef"};
static const struct bytes32 wrong_key = {"0123456789abcdef0123456789abcdeF"};
static const struct bytes32 numbers[] = {{"listener"}, {"caller"}};

static struct hail_self stage_of(uint32_t begin, uint32_t end)
{
    return (struct hail_self){.root = {"root"},
                              .layers = 22,
                              .begin = begin,
                              .end = end,
                              .width = 64,
                              .vocabulary = 300,
                              .origin = begin + 1};
}

static struct wire wire_of(const struct hail_message *message)
{
    return (struct wire){
        .type = WIRE_HELLO, .flags = message->flags, .payload = {message->at, message->len}};
}

struct meeting {
    struct hail listener, caller;
    struct err listener_err, caller_err;
};

static bool meet(struct meeting *meeting)
{
    struct hail_message message;
    struct hail_message answer;
    struct wire wire;
    hail_begin(&meeting->caller, &message);
    assert_int_equal(message.len, 0);
    hail_begin(&meeting->listener, &message);
    wire = wire_of(&message);
    assert_true(hail_hear(&meeting->caller, &answer, &wire, NULL));
    wire = wire_of(&answer);
    bool ok = hail_hear(&meeting->listener, &message, &wire, &meeting->listener_err);
    wire = wire_of(&message);
    return hail_hear(&meeting->caller, &answer, &wire, &meeting->caller_err) && ok;
}

static struct meeting meeting_of(const struct hail_self *listener, const struct hail_self *caller,
                                 enum hail_purpose purpose)
{
    return (struct meeting){.listener = hail_listen(listener, &key, &numbers[0]),
                            .caller = hail_call(caller, &key, &numbers[1], purpose)};
}

static void test_fit(void **state)
{
    struct hail_self first = stage_of(0, 12);
    struct hail_self last = stage_of(12, 22);
    struct meeting meeting = meeting_of(&last, &first, HAIL_ROWS);
    (void)state;
    assert_true(meet(&meeting));
    assert_int_equal(meeting.listener.other.end, 12);
    assert_int_equal(meeting.listener.other.origin, 1);
    assert_int_equal(meeting.caller.other.begin, 12);
    meeting = meeting_of(&last, &first, HAIL_RESULTS);
    assert_true(meet(&meeting));
    assert_int_equal(meeting.listener.purpose, HAIL_RESULTS);
}

static void check_refused(const struct hail_self *listener, const struct hail_self *caller,
                          enum hail_purpose purpose, const char *why)
{
    char said[128];
    struct meeting meeting = meeting_of(listener, caller, purpose);
    assert_false(meet(&meeting));
    assert_string_equal(meeting.listener_err.text, why);
    snprintf(said, sizeof said, "it says: %s", why);
    assert_string_equal(meeting.caller_err.text, said);
    assert_int_equal(meeting.listener.state, HAIL_FAILED);
}

static void test_refuse(void **state)
{
    struct hail_self first = stage_of(0, 12);
    struct hail_self last = stage_of(12, 22);
    struct hail_self gap = stage_of(13, 22);
    struct hail_self middle = stage_of(12, 20);
    struct hail_self other = last;
    (void)state;
    other.root.at[31] = 1;
    check_refused(&other, &first, HAIL_ROWS, "the weights are another model's");
    check_refused(&gap, &first, HAIL_ROWS, "layers 13-21 do not follow layers 0-11");
    check_refused(&first, &last, HAIL_ROWS, "layers 0-11 do not follow layers 12-21");
    check_refused(&middle, &first, HAIL_RESULTS, "results go from the last layers, not from 12-19");

    struct meeting meeting = meeting_of(&last, &first, HAIL_ROWS);
    meeting.caller.key = wrong_key;
    assert_false(meet(&meeting));
    assert_string_equal(meeting.listener_err.text, "it has not the key");

    /* A listener that only says that all is well. */
    struct hail_message message;
    struct hail_message answer;
    meeting = meeting_of(&last, &first, HAIL_ROWS);
    hail_begin(&meeting.listener, &message);
    struct wire wire = wire_of(&message);
    assert_true(hail_hear(&meeting.caller, &answer, &wire, NULL));
    char lie[96] = {0};
    wire = (struct wire){.type = WIRE_HELLO, .payload = SPAN_OF(lie)};
    assert_false(hail_hear(&meeting.caller, &answer, &wire, &meeting.caller_err));
    assert_string_equal(meeting.caller_err.text, "it has not the key");
    assert_int_equal(answer.len, 0);
}

static void test_turns(void **state)
{
    struct hail_self self = stage_of(0, 12);
    struct hail_message out;
    struct err err;
    struct wire wire = {.type = WIRE_HELLO, .payload = SPAN("short")};
    (void)state;
    struct hail listener = hail_listen(&self, &key, &numbers[0]);
    assert_false(hail_hear(&listener, &out, &wire, &err));
    assert_string_equal(err.text, "a greeting of 5 bytes");
    assert_false(hail_hear(&listener, &out, &wire, &err)); /* it has failed */
    assert_string_equal(err.text, "a frame out of turn");
    struct hail caller = hail_call(&self, &key, &numbers[1], HAIL_ROWS);
    assert_false(hail_hear(&caller, &out, &wire, &err));
    caller = hail_call(&self, &key, &numbers[1], HAIL_ROWS);
    wire.payload = SPAN_OF(numbers[0]);
    assert_true(hail_hear(&caller, &out, &wire, NULL));
    wire.payload = SPAN("short");
    assert_false(hail_hear(&caller, &out, &wire, NULL));
    listener = hail_listen(&self, &key, &numbers[0]);
    wire = (struct wire){.type = WIRE_OPEN};
    assert_false(hail_hear(&listener, &out, &wire, NULL));
}

static void test_frames(void **state)
{
    struct hail_self first = stage_of(0, 12);
    struct hail_self last = stage_of(12, 22);
    struct meeting meeting = meeting_of(&last, &first, HAIL_ROWS);
    struct wire wire = {.type = WIRE_REFUSE, .session = 5, .payload = SPAN("why")};
    char message[WIRE_HEADER_BYTES + 3];
    char second[sizeof message];
    (void)state;
    assert_true(meet(&meeting));
    memcpy(message + WIRE_HEADER_BYTES, wire.payload.at, wire.payload.len);
    wire_write(message, &wire);
    memcpy(second, message, sizeof message);
    hail_seal(&meeting.caller, message, wire.payload);
    hail_seal(&meeting.caller, second, wire.payload);
    assert_true(wire_read(&wire, SPAN_OF(message), NULL));

    struct hail before = meeting.listener;
    assert_true(hail_check(&meeting.listener, SPAN_OF(message)));
    assert_false(hail_check(&meeting.listener, SPAN_OF(message))); /* once */
    meeting.listener = before;
    assert_false(hail_check(&meeting.listener, SPAN_OF(second))); /* in order */
    meeting.listener = before;
    assert_false(hail_check(&meeting.caller, SPAN_OF(message))); /* not back to whose it is */
    message[sizeof message - 1] ^= 1;
    assert_false(hail_check(&meeting.listener, SPAN_OF(message)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fit), cmocka_unit_test(test_refuse),
                                       cmocka_unit_test(test_turns), cmocka_unit_test(test_frames)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
