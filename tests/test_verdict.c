/* Verdicts and proofs: what is written is read, and what does not hold together is refused. */
#include "shared/verdict.h"

#include <stdio.h>

#include "client/keys.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/fraud.h"
#include "shared/kind.h"
#include "shared/receipt.h"
#include "shared/text.h"
#include "tests/test.h"

static struct arena arena;

static int clear(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

/* Signs an event as a node, and reads it as it comes; json: as that; NULL. */
static struct event sign(uint8_t node, struct event event, struct span *json)
{
    const struct bytes32 secret = {{0, node}}, aux = {{0}};
    struct keys *keys = keys_new(&secret);
    struct text text = {0};
    assert_non_null(keys);
    keys_sign(keys, &event, &aux);
    keys_free(keys);
    event_write(&text, &event);
    struct span copy = arena_copy(&arena, text_span(&text));
    text_clear(&text);
    assert_true(event_parse(&event, &arena, copy, NULL));
    if (json != NULL)
        *json = copy;
    return event;
}

static struct receipt sample(uint8_t job, uint8_t model)
{
    return (struct receipt){.job = {{job}},
                            .model = {{model}},
                            .quote = SPAN("q"),
                            .profile = SPAN("cpu"),
                            .unit = SPAN("ccr"),
                            .output_tokens = 100,
                            .amount = 9};
}

static struct event receipt_of(uint8_t node, const struct receipt *receipt, struct span *json)
{
    struct text tags = {0};
    receipt_write(&tags, receipt);
    struct event event = {.kind = KIND_RECEIPT,
                          .created_at = 5,
                          .tags_json = arena_copy(&arena, text_span(&tags)),
                          .content_json = SPAN("")};
    text_clear(&tags);
    return sign(node, event, json);
}

/* Of node 1's job 1, by node 2. */
static struct verdict verdict_of(uint32_t checked, uint32_t same)
{
    const struct receipt job = sample(1, 7), check = sample(2, 7);
    struct verdict verdict = {.job = job.job, .checked = checked, .same = same, .first = same};
    verdict.node = receipt_of(1, &job, &verdict.receipts[0]).pubkey;
    (void)receipt_of(2, &check, &verdict.receipts[1]);
    return verdict;
}

static struct event event_of(const struct verdict *verdict)
{
    struct text tags = {0}, content = {0};
    verdict_write(&tags, &content, verdict);
    struct event event = {.kind = KIND_VERDICT,
                          .tags_json = arena_copy(&arena, text_span(&tags)),
                          .content_json = arena_copy(&arena, text_span(&content))};
    text_clear(&tags);
    text_clear(&content);
    return sign(3, event, NULL);
}

static void test_right(void **state)
{
    static const struct {
        uint32_t checked, same;
        bool is_right;
    } cases[] = {{0, 0, false},     {1, 0, true},      {2, 0, false},    {49, 48, true},
                 {99, 97, false},   {100, 98, true},   {100, 97, false}, {100, 100, true},
                 {1000, 980, true}, {1000, 979, false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct verdict verdict = {.checked = cases[i].checked, .same = cases[i].same};
        assert_int_equal(verdict_is_right(&verdict), cases[i].is_right);
    }
}

static void test_round(void **state)
{
    (void)state;
    for (uint32_t same = 90; same <= 100; same += 10) {
        const struct verdict verdict = verdict_of(100, same);
        struct event event = event_of(&verdict);
        struct verdict read;
        assert_true(verdict_read(&read, &arena, &event, NULL));
        assert_memory_equal(&read.job, &verdict.job, 32);
        assert_memory_equal(&read.node, &verdict.node, 32);
        assert_true(read.checked == 100 && read.same == same && read.first == same);
        for (int i = 0; i < 2; i++)
            assert_true(span_eq(read.receipts[i], verdict.receipts[i]));
        struct span expected = same == 100 ? SPAN("right") : SPAN("wrong");
        assert_true(span_eq(*event_tag_value(&event, SPAN("verdict")), expected));
    }
}

static void refuse(const struct verdict *verdict, const char *why)
{
    struct event event = event_of(verdict);
    struct verdict read;
    struct err err;
    assert_false(verdict_read(&read, &arena, &event, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_non_null(strstr(err.text, why));
}

static void test_refused(void **state)
{
    const struct verdict good = verdict_of(100, 90);
    const struct receipt other = sample(2, 8), job = sample(1, 7);
    struct verdict bad = good;
    (void)state;
    bad.same = 101;
    refuse(&bad, "more than the whole");
    bad = verdict_of(101, 90);
    refuse(&bad, "tokens that there are not");
    bad = verdict_of(0, 0);
    refuse(&bad, "tokens that there are not");
    bad = good;
    bad.job.at[0] = 9;
    refuse(&bad, "another job");
    bad = good;
    bad.node.at[0] ^= 1;
    refuse(&bad, "another job");
    bad = good;
    (void)receipt_of(2, &other, &bad.receipts[1]);
    refuse(&bad, "no other node");
    bad = good;
    (void)receipt_of(1, &job, &bad.receipts[1]);
    refuse(&bad, "no other node");
    bad.receipts[0] = SPAN("{}");
    refuse(&bad, "");
    bad.receipts[0] = SPAN("");
    refuse(&bad, "");
    bad = good;
    struct text forged = {0};
    text_add(&forged, good.receipts[0]);
    forged.at[forged.len - 3] = forged.at[forged.len - 3] == '0' ? '1' : '0'; /* of the signature */
    bad.receipts[0] = text_span(&forged);
    refuse(&bad, "not signed");
    text_clear(&forged);
}

/* What lacks a tag, or two receipts. */
static void test_broken(void **state)
{
    static const char *const names[] = {"e", "p", "checked", "same", "first"};
    const struct verdict good = verdict_of(100, 90);
    struct event event = event_of(&good);
    struct verdict read;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct text tags = {0};
        struct event broken = event;
        char quoted[16];
        snprintf(quoted, sizeof quoted, "[\"%s\"", names[i]);
        text_add(&tags, event.tags_json);
        text_add(&tags, SPAN("\0"));
        *(strstr(tags.at, quoted) + 2) = 'X';
        struct span json = arena_copy(&arena, (struct span){tags.at, tags.len - 1});
        assert_true(event_parse_tags(&broken, &arena, json, NULL));
        assert_false(verdict_read(&read, &arena, &broken, NULL));
        text_clear(&tags);
    }
    struct event broken = event;
    broken.content_json = SPAN("[]");
    assert_false(verdict_read(&read, &arena, &broken, NULL));
    broken.content_json = SPAN("1");
    assert_false(verdict_read(&read, &arena, &broken, NULL));
    event.kind = KIND_RECEIPT;
    assert_false(verdict_read(&read, &arena, &event, NULL));
}

/* ---- proofs ---- */

static void expect_proof(const struct event *a, const struct event *b)
{
    struct text tags = {0}, content = {0};
    struct bytes32 node;
    struct err err;
    if (!fraud_check(&arena, a, b, &err))
        fail_msg("%s", err.text);
    fraud_write(&tags, &content, a, b);
    struct event event = {
        .kind = KIND_FRAUD, .tags_json = text_span(&tags), .content_json = text_span(&content)};
    event = sign(4, event, NULL);
    assert_true(event_names_pubkey(&event, 'p', &a->pubkey));
    assert_true(fraud_read(&node, &arena, &event, NULL));
    assert_memory_equal(&node, &a->pubkey, 32);
    text_clear(&tags);
    text_clear(&content);
}

static void expect_none(const struct event *a, const struct event *b, const char *why)
{
    struct err err;
    assert_false(fraud_check(&arena, a, b, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_non_null(strstr(err.text, why));
}

static void test_receipts(void **state)
{
    const struct receipt first = sample(1, 7);
    const struct event event = receipt_of(1, &first, NULL);
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct receipt other = first;
        other.job.at[3] = i == 0;
        other.model.at[3] = i == 1;
        other.tokens.at[3] = i == 2;
        other.seed.at[3] = i == 3;
        other.prompt_tokens += i == 4;
        other.output_tokens += i == 5;
        other.amount += i == 6;
        other.unit = i == 7 ? SPAN("ccr-promo") : SPAN("ccr");
        const struct event second = receipt_of(1, &other, NULL);
        expect_proof(&event, &second);
    }
    struct receipt same = first;
    same.ms = 77;
    struct event second = receipt_of(1, &same, NULL);
    expect_none(&event, &second, "say the same");
    same.quote = SPAN("r");
    same.amount = 1;
    second = receipt_of(1, &same, NULL);
    expect_none(&event, &second, "two quotes");
    same.quote = SPAN("q");
    second = receipt_of(2, &same, NULL);
    expect_none(&event, &second, "two keys");
    second = receipt_of(1, &same, NULL);
    second.sig.at[9] ^= 1;
    expect_none(&event, &second, "signature");
    expect_none(&second, &event, "signature");
    second.tags = NULL;
    second.tag_count = 0;
    expect_none(&event, &second, "tag");
    expect_none(&second, &event, "tag");
}

static struct event counted(uint16_t kind, const char *tags)
{
    return sign(
        1,
        (struct event){.kind = kind, .tags_json = {tags, strlen(tags)}, .content_json = SPAN("x")},
        NULL);
}

static void test_sequence(void **state)
{
    static const uint16_t kinds[] = {KIND_TRANSFER, KIND_TRANSFER_ACK, KIND_MINT_SUPPLY};
    static const char *const others[] = {"[[\"seq\",\"2\"],[\"issuer\",\"a\"]]",
                                         "[[\"seq\",\"1\"],[\"issuer\",\"b\"]]",
                                         "[[\"seq\",\"1\"]]", "[[\"issuer\",\"a\"]]"};
    const char *first = "[[\"seq\",\"1\"],[\"issuer\",\"a\"]]";
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct event a = counted(kinds[i], first);
        const struct event b =
            counted(kinds[i], "[[\"seq\",\"1\"],[\"issuer\",\"a\"],[\"e\",\"\"]]");
        expect_proof(&a, &b);
        expect_none(&a, &a, "say the same");
        for (size_t j = 0; j < ARRAY_LEN(others); j++) {
            const struct event other = counted(kinds[i], others[j]);
            expect_none(&a, &other, "they are not of one");
        }
    }
    const struct event a = counted(KIND_MINT_SUPPLY, "[]"), note = counted(KIND_NOTE, first);
    expect_none(&a, &a, "they are not of one");
    expect_none(&a, &note, "contradict nothing");
    expect_none(&note, &note, "contradict nothing");
}

static void test_no_proof(void **state)
{
    static const char *const contents[] = {"", "[]", "{}", "[1,2]", "[{},{}]"};
    struct bytes32 node;
    struct event event = {.kind = KIND_RECEIPT};
    (void)state;
    assert_false(fraud_read(&node, &arena, &event, NULL));
    event.kind = KIND_FRAUD;
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        event.content_json = (struct span){contents[i], strlen(contents[i])};
        assert_false(fraud_read(&node, &arena, &event, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_right),
                                       cmocka_unit_test_teardown(test_round, clear),
                                       cmocka_unit_test_teardown(test_refused, clear),
                                       cmocka_unit_test_teardown(test_broken, clear),
                                       cmocka_unit_test_teardown(test_receipts, clear),
                                       cmocka_unit_test_teardown(test_sequence, clear),
                                       cmocka_unit_test_teardown(test_no_proof, clear)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
