#include "relay/control.h"

#include <stdio.h>

#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/text.h"
#include "tests/test.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct span span(const char *text)
{
    return (struct span){text, strlen(text)};
}

static struct bytes32 bytes(uint8_t value)
{
    struct bytes32 out;
    memset(&out, value, sizeof out);
    return out;
}

/* The name that stands for word; "" when there is none. */
static const char *name_of(enum control_list list, const char *word)
{
    static char out[200];
    struct text text = {0};
    struct err err;
    bool is_good = control_name(&text, list, span(word), &err);
    snprintf(out, sizeof out, "%.*s", is_good ? (int)text.len : 0, text.len > 0 ? text.at : "");
    text_clear(&text);
    return out;
}

static void test_names(void **state)
{
    static const struct {
        enum control_list list;
        const char *word, *name;
    } cases[] = {
        {CONTROL_PUBKEY, HEX_A, HEX_A},
        {CONTROL_PUBKEY, "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6",
         "3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d"},
        {CONTROL_PUBKEY, "AA", ""},
        {CONTROL_PUBKEY, "", ""},
        {CONTROL_EVENT, HEX_B, HEX_B},
        {CONTROL_EVENT, "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6", ""},
        {CONTROL_KIND, "0", "0"},
        {CONTROL_KIND, "007", "7"},
        {CONTROL_KIND, "65535", "65535"},
        {CONTROL_KIND, "65536", ""},
        {CONTROL_KIND, "000000", ""},
        {CONTROL_KIND, "", ""},
        {CONTROL_IP, "192.0.2.1", "192.0.2.1"},
        {CONTROL_IP, "::ffff:192.0.2.1", "192.0.2.1"},
        {CONTROL_IP, "192.0.2.77/24", "192.0.2.0/24"},
        {CONTROL_IP, "192.0.2.77/32", "192.0.2.77"},
        {CONTROL_IP, "192.0.2.77/0", "0.0.0.0/0"},
        {CONTROL_IP, "192.0.2.77/33", ""},
        {CONTROL_IP, "192.0.2.77/", ""},
        {CONTROL_IP, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
        {CONTROL_IP, "2001:db8:1:2::/128", "2001:db8:1:2::/64"},
        {CONTROL_IP, "2001:db8:1:2::/33", "2001:db8::/33"},
        {CONTROL_IP, "2001:db8::/129", ""},
        {CONTROL_IP, "bob", ""},
        {CONTROL_METHOD, HEX_A " banpubkey", HEX_A " banpubkey"},
        {CONTROL_METHOD, HEX_A, ""},
        {CONTROL_METHOD, "bob banpubkey", ""},
        {CONTROL_SETTING, "name", "name"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("%s\n", cases[i].word);
        assert_string_equal(name_of(cases[i].list, cases[i].word), cases[i].name);
    }
}

static void put(struct control *control, enum control_list list, const char *name, bool is_allowed)
{
    const struct control_item item = {
        .list = list, .is_allowed = is_allowed, .name = span(name), .note = SPAN("why"), .at = 5};
    control_put(control, &item);
}

struct question {
    uint8_t pubkey, id;
    uint16_t kind;
    uint8_t key; /* authenticated; 0: nobody */
};

/* The prefix of the refusal; "" when it is admitted. */
static const char *asked(const struct control *control, const struct question *question)
{
    struct event event = {
        .pubkey = bytes(question->pubkey), .id = bytes(question->id), .kind = question->kind};
    struct bytes32 key = bytes(question->key);
    struct err err;
    if (control_admits(control, &event, &key, question->key != 0, &err))
        return "";
    return err_prefix(err.code);
}

#define ASKED(control, ...) asked(control, &(struct question){__VA_ARGS__})

static void test_admission(void **state)
{
    struct bytes32 keeper = bytes(0xee);
    struct control *control = control_new(&keeper, 1);
    (void)state;
    assert_string_equal(ASKED(control, 0xaa, 1, 1, 0), "");
    put(control, CONTROL_PUBKEY, HEX_A, false);
    assert_string_equal(ASKED(control, 0xaa, 1, 1, 0), "blocked");
    assert_string_equal(ASKED(control, 0xbb, 1, 1, 0), "");
    assert_string_equal(ASKED(control, 0xbb, 1, 1, 0xaa), "blocked");
    put(control, CONTROL_EVENT, HEX_B, true);
    assert_string_equal(ASKED(control, 0xaa, 0xbb, 1, 0), "");
    put(control, CONTROL_EVENT, HEX_B, false);
    assert_string_equal(ASKED(control, 0xcc, 0xbb, 1, 0), "blocked");
    put(control, CONTROL_PUBKEY, HEX_A, true); /* the other verdict takes its place */
    assert_string_equal(ASKED(control, 0xaa, 1, 1, 0), "");
    assert_string_equal(ASKED(control, 0xcc, 1, 1, 0), "restricted");
    assert_string_equal(ASKED(control, 0xcc, 1, 1059, 0), "auth-required");
    assert_string_equal(ASKED(control, 0xcc, 1, 1059, 0xcc), "restricted");
    assert_string_equal(ASKED(control, 0xcc, 1, 1059, 0xaa), "");
    assert_string_equal(ASKED(control, 0xee, 1, 1, 0), "");
    assert_true(control_restricts(control));
    control_drop(control, CONTROL_PUBKEY, SPAN(HEX_A));
    assert_string_equal(ASKED(control, 0xcc, 1, 1, 0), "");
    assert_false(control_restricts(control));
    put(control, CONTROL_KIND, "7", false);
    assert_string_equal(ASKED(control, 0xcc, 1, 7, 0), "blocked");
    assert_string_equal(ASKED(control, 0xcc, 1, 8, 0), "");
    put(control, CONTROL_KIND, "8", true);
    put(control, CONTROL_KIND, "7", true);
    assert_string_equal(ASKED(control, 0xcc, 1, 7, 0), "");
    assert_string_equal(ASKED(control, 0xcc, 1, 9, 0), "blocked");
    control_clear(control);
    assert_string_equal(ASKED(control, 0xcc, 0xbb, 9, 0), "");
    control_free(control);
}

static bool is_blocked(const struct control *control, const uint8_t ip[16], size_t len)
{
    return control_blocks_ip(control, (struct span){(const char *)ip, len});
}

static void test_networks(void **state)
{
    static const uint8_t four[16] = {192, 0, 2, 77}, near[16] = {192, 0, 3, 77};
    static const uint8_t six[16] = {0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 9};
    struct control *control = control_new(NULL, 0);
    (void)state;
    assert_false(is_blocked(control, four, 4));
    put(control, CONTROL_IP, "192.0.2.77", false);
    assert_true(is_blocked(control, four, 4));
    assert_false(is_blocked(control, near, 4));
    assert_false(is_blocked(control, four, 16));
    put(control, CONTROL_IP, "192.0.2.0/23", false);
    assert_true(is_blocked(control, near, 4));
    control_drop(control, CONTROL_IP, SPAN("192.0.2.0/23"));
    assert_false(is_blocked(control, near, 4));
    put(control, CONTROL_IP, "2001:db8:1:2::/64", false);
    assert_true(is_blocked(control, six, 16));
    assert_true(is_blocked(control, six, 8)); /* as addresses are counted */
    put(control, CONTROL_IP, "0.0.0.0/0", false);
    assert_true(is_blocked(control, near, 4));
    control_free(control);
}

static void count_item(void *owner, const struct control_item *item)
{
    assert_true(span_eq(item->note, SPAN("why")));
    assert_int_equal(item->at, 5);
    *(size_t *)owner += 1;
}

static void test_many(void **state)
{
    enum { MANY = 5000 };
    struct control *control = control_new(NULL, 0);
    char name[65];
    size_t count = 0;
    (void)state;
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "%064x", i);
        put(control, CONTROL_PUBKEY, name, i % 2 == 0);
    }
    put(control, CONTROL_PUBKEY, "not a name", false);
    control_each(control, CONTROL_PUBKEY, count_item, &count);
    assert_int_equal(count, MANY);
    for (int i = 0; i < MANY; i += 3) {
        snprintf(name, sizeof name, "%064x", i);
        control_drop(control, CONTROL_PUBKEY, span(name));
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "%064x", i);
        const struct control_item *item = control_find(control, CONTROL_PUBKEY, span(name));
        assert_int_equal(item == NULL, i % 3 == 0);
        if (item != NULL)
            assert_int_equal(item->is_allowed, i % 2 == 0);
    }
    control_free(control);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names), cmocka_unit_test(test_admission),
        cmocka_unit_test(test_networks), cmocka_unit_test(test_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
