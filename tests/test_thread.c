#include "client/thread.h"

#include "client/draft.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "tests/test.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define NPUB "npub1lycg5qvjtrp3qjf5f7zl382j9x6nrjz9sdhenvyxq8c3808qxmus6gq266"
#define KEY "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
#define NSEC "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"

static struct span span(const char *text)
{
    return (struct span){text, strlen(text)};
}

/* The first byte of what the tags say; 0: nothing. */
static void test_read(void **state)
{
    static const struct {
        uint16_t kind;
        const char *tags;
        uint8_t root, parent;
    } cases[] = {
        {1, "[]", 0, 0},
        {1, "[[\"p\",\"" A "\"],[\"e\"],[\"e\",\"x\"],[]]", 0, 0},
        {1, "[[\"e\",\"" A "\",\"\",\"root\"]]", 0xaa, 0xaa},
        {1, "[[\"e\",\"" B "\",\"\",\"reply\"],[\"e\",\"" A "\",\"\",\"root\"]]", 0xaa, 0xbb},
        {1, "[[\"e\",\"" B "\",\"\",\"reply\"]]", 0xbb, 0xbb},
        {1, "[[\"e\",\"" C "\",\"\",\"mention\"]]", 0, 0},
        {1, "[[\"e\",\"" A "\"],[\"e\",\"" C "\"],[\"e\",\"" B "\"]]", 0xaa, 0xbb},
        {1, "[[\"e\",\"" A "\"]]", 0xaa, 0xaa},
        {1, "[[\"e\",\"" A "\",\"\",\"root\"],[\"e\",\"" C "\"]]", 0xaa, 0xaa},
        {1111, "[[\"E\",\"" A "\"],[\"e\",\"" B "\"],[\"e\",\"" C "\"]]", 0xaa, 0xbb},
        {1111, "[[\"A\",\"30023:x:y\"],[\"e\",\"" B "\"]]", 0xbb, 0xbb},
        {1111, "[[\"E\",\"" A "\"]]", 0xaa, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct event event = {.kind = cases[i].kind};
        struct thread thread;
        print_message("%s\n", cases[i].tags);
        assert_true(event_parse_tags(&event, &arena, span(cases[i].tags), NULL));
        thread_read(&thread, &event);
        assert_int_equal(thread.has_parent, cases[i].parent != 0);
        assert_int_equal(thread.parent.at[0], cases[i].parent);
        assert_int_equal(thread.root.at[31], cases[i].root);
        arena_clear(&arena);
    }
}

/* What is written for an answer is read as one. */
static void test_reply(void **state)
{
    struct arena arena = {0};
    struct event first = {.kind = 1}, second, third;
    struct thread thread;
    struct draft one = {0}, two = {0};
    (void)state;
    memset(&first.id, 1, sizeof first.id);
    memset(&first.pubkey, 2, sizeof first.pubkey);
    thread_reply(&one, &first);
    draft_finish(&one, &second, &arena);
    memset(&second.id, 3, sizeof second.id);
    memset(&second.pubkey, 4, sizeof second.pubkey);
    assert_int_equal(second.kind, 1);
    thread_read(&thread, &second);
    assert_int_equal(thread.root.at[0], 1);
    assert_int_equal(thread.parent.at[0], 1);
    thread_reply(&two, &second);
    draft_finish(&two, &third, &arena);
    thread_read(&thread, &third);
    assert_int_equal(thread.root.at[0], 1);
    assert_int_equal(thread.parent.at[0], 3);
    assert_true(event_names_pubkey(&third, 'p', &first.pubkey));
    assert_true(event_names_pubkey(&third, 'p', &second.pubkey));
    draft_clear(&one);
    draft_clear(&two);
    arena_clear(&arena);
}

/* A note is passed on as a note; all else says what it is, and by which address. */
static void test_repost(void **state)
{
    struct arena arena = {0};
    struct event note = {.kind = 1}, list = {.kind = 10002}, event;
    struct draft draft = {0}, other = {0};
    (void)state;
    memset(&note.pubkey, 0xaa, sizeof note.pubkey);
    memset(&list.pubkey, 0xaa, sizeof list.pubkey);
    thread_repost(&draft, &note, SPAN("wss://x.example"));
    draft_finish(&draft, &event, &arena);
    assert_int_equal(event.kind, 6);
    assert_int_equal(event.tag_count, 2);
    assert_true(span_eq(event.tags[0].items[2], SPAN("wss://x.example")));
    assert_true(span_eq(*event_tag_value(&event, SPAN("p")), SPAN(A)));
    thread_repost(&other, &list, SPAN(""));
    draft_finish(&other, &event, &arena);
    assert_int_equal(event.kind, 16);
    assert_true(span_eq(*event_tag_value(&event, SPAN("a")), SPAN("10002:" A ":")));
    assert_true(span_eq(*event_tag_value(&event, SPAN("k")), SPAN("10002")));
    draft_clear(&draft);
    draft_clear(&other);
    arena_clear(&arena);
}

/* A reaction to what is replaced names it by its address. */
static void test_react(void **state)
{
    struct arena arena = {0};
    struct event to = {.kind = 10002}, event;
    struct draft draft = {0};
    (void)state;
    memset(&to.pubkey, 0xaa, sizeof to.pubkey);
    thread_react(&draft, &to);
    draft_finish(&draft, &event, &arena);
    assert_int_equal(event.kind, 7);
    assert_true(span_eq(*event_tag_value(&event, SPAN("a")), SPAN("10002:" A ":")));
    assert_true(span_eq(*event_tag_value(&event, SPAN("k")), SPAN("10002")));
    draft_clear(&draft);
    arena_clear(&arena);
}

static void test_mention(void **state)
{
    static const struct {
        const char *text, *tags;
    } cases[] = {
        {"", ""},
        {"#Fish#no #fish, (#SEA_1) # x", "[\"t\",\"fish\"],[\"t\",\"sea_1\"]"},
        {"#\xc3\xa9t\xc3\xa9.", "[\"t\",\"\xc3\xa9t\xc3\xa9\"]"},
        {"nostr:" NPUB " and " NPUB, "[\"p\",\"" KEY "\"]"},
        {"a" NPUB " npub1x", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct draft draft = {0};
        print_message("%s\n", cases[i].text);
        assert_true(thread_mention(&draft, span(cases[i].text), NULL));
        assert_true(span_eq(text_span(&draft.tags), span(cases[i].tags)));
        draft_clear(&draft);
    }
}

static void test_secret(void **state)
{
    struct draft draft = {0};
    struct err err;
    (void)state;
    assert_false(thread_mention(&draft, SPAN("my key is " NSEC "!"), &err));
    assert_int_equal(err.code, ERR_RESTRICTED);
    assert_int_equal(draft.tags.len, 0);
    draft_clear(&draft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),    cmocka_unit_test(test_reply),
        cmocka_unit_test(test_react),   cmocka_unit_test(test_repost),
        cmocka_unit_test(test_mention), cmocka_unit_test(test_secret)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
