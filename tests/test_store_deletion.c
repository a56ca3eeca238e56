/* Deletions and requests to vanish: what they take, what they leave, before and after. */
#include "shared/kind.h"
#include "tests/made.h"
#include "tests/test.h"

#define KEY_A "6161616161616161616161616161616161616161616161616161616161616161"

static void test_deletion(void **state)
{
    (void)state;
    struct event *note = made_event('a', 100, 1, "[[\"t\",\"x\"]]");
    struct event *kept = made_event('a', 100, 1, "[]");
    MADE_PUT(STORE_NEW, note);
    MADE_PUT(STORE_NEW, kept);
    struct event *deletion = made_deletion('a', 50, note); /* its time is not asked */
    MADE_PUT(STORE_NEW, deletion);
    MADE_GONE(note);
    MADE_STORED(kept);
    MADE_STORED(deletion);
    MADE_PUT(STORE_DELETED, note);
    MADE_PUT(STORE_DUPLICATE, deletion);

    struct event *later = made_event('a', 100, 1, "[]"); /* deleted before it came */
    MADE_PUT(STORE_NEW, made_deletion('a', 60, later));
    MADE_PUT(STORE_DELETED, later);
    MADE_GONE(later);
}

static void test_deletion_foreign(void **state)
{
    (void)state;
    struct event *note = made_event('a', 100, 1, "[]");
    MADE_PUT(STORE_NEW, note);
    MADE_PUT(STORE_NEW, made_deletion('b', 200, note));
    MADE_STORED(note);
    struct event *later = made_event('a', 100, 1, "[]");
    MADE_PUT(STORE_NEW, made_deletion('b', 200, later));
    MADE_PUT(STORE_NEW, later);
    struct event *profile = made_event('a', 100, 0, "[]");
    MADE_PUT(STORE_NEW, profile);
    MADE_PUT(STORE_NEW, made_event('b', 200, KIND_DELETION, "[[\"a\",\"0:" KEY_A ":\"]]"));
    MADE_STORED(profile);
    MADE_PUT(STORE_DUPLICATE, profile);
}

/* NIP-09: a deletion of a deletion has no effect; nor has one of a request to vanish. */
static void test_deletion_of_deletion(void **state)
{
    (void)state;
    struct event *note = made_event('a', 100, 1, "[]");
    struct event *deletion = made_deletion('a', 101, note);
    MADE_PUT(STORE_NEW, note);
    MADE_PUT(STORE_NEW, deletion);
    MADE_PUT(STORE_NEW, made_deletion('a', 102, deletion));
    MADE_STORED(deletion);
    MADE_PUT(STORE_DELETED, note);
    struct event *early = made_deletion('a', 103, note);
    MADE_PUT(STORE_NEW, made_deletion('a', 104, early));
    MADE_PUT(STORE_NEW, early);
    struct event *vanish = made_event('a', 10, KIND_VANISH, "[[\"relay\",\"ALL_RELAYS\"]]");
    MADE_PUT(STORE_NEW, vanish);
    MADE_PUT(STORE_NEW, made_deletion('a', 105, vanish));
    MADE_STORED(vanish);
}

static void test_deletion_by_address(void **state)
{
    (void)state;
    struct event *x = made_event('a', 100, 30023, "[[\"d\",\"x:1\"]]");
    struct event *y = made_event('a', 100, 30023, "[[\"d\",\"y\"]]");
    struct event *profile = made_event('a', 100, 0, "[]");
    MADE_PUT(STORE_NEW, x);
    MADE_PUT(STORE_NEW, y);
    MADE_PUT(STORE_NEW, profile);
    MADE_PUT(STORE_NEW, made_event('a', 99, KIND_DELETION, "[[\"a\",\"30023:" KEY_A ":x:1\"]]"));
    MADE_STORED(x); /* newer than the deletion */
    MADE_PUT(STORE_NEW, made_event('a', 100, KIND_DELETION,
                                   "[[\"a\",\"30023:" KEY_A ":x:1\"],[\"a\",\"0:" KEY_A ":\"]]"));
    MADE_GONE(x);
    MADE_GONE(profile);
    MADE_STORED(y);
    MADE_PUT(STORE_DELETED, x);
    MADE_PUT(STORE_DELETED, made_event('a', 99, 30023, "[[\"d\",\"x:1\"]]"));
    struct event *newer = made_event('a', 101, 30023, "[[\"d\",\"x:1\"]]");
    MADE_PUT(STORE_NEW, newer);
    MADE_STORED(newer);
    MADE_PUT(STORE_NEW, made_event('a', 101, 0, "[]"));

    /* What names no address, or not one of the signer's, deletes nothing at all. */
    static const char *const odd[] = {
        "[[\"a\",\"\"]]",
        "[[\"a\"]]",
        "[[\"a\",\":\"]]",
        "[[\"a\",\"30023:" KEY_A "\"]]",
        "[[\"a\",\"30023:" KEY_A ":\"]]",
        "[[\"a\",\"0:" KEY_A ":x:1\"]]",
        "[[\"a\",\"1:" KEY_A ":\"]]",
        "[[\"a\",\"99999:" KEY_A ":y\"]]",
        "[[\"a\",\"030023:" KEY_A ":y\"]]",
        "[[\"a\",\"-1:" KEY_A ":y\"]]",
        "[[\"e\",\"\"]]",
        "[[\"e\"]]",
        "[]",
    };
    for (size_t i = 0; i < ARRAY_LEN(odd); i++)
        MADE_PUT(STORE_NEW, made_event('a', 1000, KIND_DELETION, odd[i]));
    MADE_STORED(y);
    MADE_STORED(newer);
}

/* A refused version leaves what is stored alone. */
static void test_deleted_version(void **state)
{
    (void)state;
    struct event *old = made_event('a', 100, 0, "[]");
    struct event *deleted = made_event('a', 200, 0, "[]");
    MADE_PUT(STORE_NEW, old);
    MADE_PUT(STORE_NEW, made_deletion('a', 300, deleted));
    MADE_PUT(STORE_DELETED, deleted);
    MADE_STORED(old);
}

static void test_gift_wrap(void **state)
{
    (void)state;
    const char *to_b = made_text("[[\"p\",\"%s\"]]", made_key('b'));
    struct event *wrap = made_event('x', 100, KIND_GIFT_WRAP, to_b);
    struct event *later = made_event('y', 100, KIND_GIFT_WRAP, to_b);
    struct event *seal = made_event('x', 100, 13, to_b);
    MADE_PUT(STORE_NEW, wrap);
    MADE_PUT(STORE_NEW, seal);
    MADE_PUT(STORE_NEW, made_deletion('c', 200, wrap));
    MADE_STORED(wrap);
    MADE_PUT(STORE_NEW, made_deletion('b', 200, wrap));
    MADE_GONE(wrap);
    MADE_PUT(STORE_DELETED, wrap);
    MADE_PUT(STORE_NEW, made_deletion('b', 200, later));
    MADE_PUT(STORE_DELETED, later);
    MADE_PUT(STORE_NEW,
             made_deletion('b', 200, seal)); /* only wraps are the recipient's to delete */
    MADE_STORED(seal);

    struct event *old = made_event('x', 300, KIND_GIFT_WRAP, to_b);
    MADE_PUT(STORE_NEW, old);
    MADE_PUT(STORE_NEW, made_event('b', 300, KIND_VANISH, "[[\"relay\",\"ALL_RELAYS\"]]"));
    MADE_GONE(old);
    MADE_PUT(STORE_DELETED, old);
    MADE_PUT(STORE_NEW, made_event('x', 301, KIND_GIFT_WRAP, to_b));
}

static void test_vanish(void **state)
{
    (void)state;
    struct event *note = made_event('a', 100, 1, "[[\"t\",\"x\"]]");
    struct event *profile = made_event('a', 100, 0, "[]");
    struct event *newer = made_event('a', 101, 1, "[]");
    struct event *foreign = made_event('b', 1, 1, "[]");
    struct event *deletion = made_deletion('a', 99, foreign);
    MADE_PUT(STORE_NEW, note);
    MADE_PUT(STORE_NEW, profile);
    MADE_PUT(STORE_NEW, newer);
    MADE_PUT(STORE_NEW, foreign);
    MADE_PUT(STORE_NEW, deletion);
    struct event *vanish = made_event('a', 100, KIND_VANISH, "[[\"relay\",\"ALL_RELAYS\"]]");
    MADE_PUT(STORE_NEW, vanish);
    MADE_GONE(note);
    MADE_GONE(profile);
    MADE_GONE(deletion);
    MADE_STORED(newer);
    MADE_STORED(foreign);
    MADE_STORED(vanish);
    MADE_PUT(STORE_DELETED, note);
    MADE_PUT(STORE_DELETED, deletion);
    MADE_PUT(STORE_DUPLICATE, vanish);
    MADE_PUT(STORE_DELETED, made_event('a', 99, KIND_VANISH, "[]"));
    MADE_PUT(STORE_NEW, made_event('a', 102, 1, "[]"));
    struct event *again = made_event('a', 200, KIND_VANISH, "[]");
    MADE_PUT(STORE_NEW, again);
    MADE_GONE(newer);
    MADE_GONE(vanish); /* the newer one says it too */
    MADE_PUT(STORE_DELETED, vanish);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MADE_TEST(test_deletion),
        MADE_TEST(test_deletion_foreign),
        MADE_TEST(test_deletion_of_deletion),
        MADE_TEST(test_deletion_by_address),
        MADE_TEST(test_deleted_version),
        MADE_TEST(test_gift_wrap),
        MADE_TEST(test_vanish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
