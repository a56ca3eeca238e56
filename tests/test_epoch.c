/* Keys of a circle's epochs: given to members, refused to others; what they seal; earlier keys. */
#include "client/epoch.h"

#include "client/draft.h"
#include "client/holder.h"
#include "client/keys.h"
#include "client/node.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/sig.h"
#include "tests/test.h"

enum { PEOPLE = 4 }; /* the last is no member */

static const struct bytes32 circle = {{7}}, aux = {{1}};
static struct holder *people[PEOPLE];
static struct bytes32 nonces[EPOCH_PEOPLE_MAX + 1], keys[EPOCH_PEOPLE_MAX];
static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < PEOPLE; i++) {
        people[i] = holder_of_keys(keys_new(&(struct bytes32){{1, (uint8_t)i}}));
        keys[i] = *holder_pubkey(people[i]);
    }
    for (size_t i = 0; i < EPOCH_PEOPLE_MAX + 1; i++)
        nonces[i] = (struct bytes32){{2, (uint8_t)i}};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < PEOPLE; i++)
        holder_free(people[i]);
    arena_clear(&arena);
    return 0;
}

static struct event share(const struct bytes32 *key, uint32_t count, uint32_t earlier)
{
    struct draft draft = {0};
    struct event event;
    const struct epoch_share share = {.circle = circle,
                                      .key = *key,
                                      .people = keys,
                                      .people_count = count,
                                      .earlier = nonces,
                                      .earlier_count = earlier,
                                      .nonces = nonces};
    assert_true(epoch_draft(&draft, people[0], &share, NULL));
    draft_finish(&draft, &event, &arena);
    assert_true(holder_sign(people[0], &event, &aux, NULL));
    draft_clear(&draft);
    return event;
}

static void test_share(void **state)
{
    const struct bytes32 key = {{42}}, other = {{8}};
    struct bytes32 opened;
    struct err err;
    (void)state;
    struct event event = share(&key, PEOPLE - 1, 2);
    assert_int_equal(event.kind, KIND_KEY_EPOCH);
    for (int i = 0; i < PEOPLE; i++) {
        assert_int_equal(epoch_open(&opened, people[i], &event, &circle, &err), i < PEOPLE - 1);
        if (i < PEOPLE - 1)
            assert_memory_equal(&opened, &key, sizeof key);
    }
    assert_string_equal(err.text, "a key that is not for us");
    assert_false(epoch_open(&opened, people[1], &event, &other, &err));
    assert_string_equal(err.text, "a key that is not the one it is said to be");

    size_t count;
    struct bytes32 *earlier = epoch_earlier(&count, &arena, &event, &key);
    assert_int_equal(count, 2);
    assert_memory_equal(earlier, nonces, 2 * sizeof *earlier);
    epoch_earlier(&count, &arena, &event, &other);
    assert_int_equal(count, 0);
}

/* As many as there may be fit into what relays take. */
static void test_limits(void **state)
{
    const struct bytes32 key = {{42}};
    struct text json = {0};
    size_t count;
    (void)state;
    for (int i = PEOPLE; i < EPOCH_PEOPLE_MAX; i++)
        keys[i] = keys[i % PEOPLE];
    struct event event = share(&key, EPOCH_PEOPLE_MAX, EPOCH_EARLIER_MAX);
    event_write(&json, &event);
    assert_in_range(json.len, 50000, 65536);
    epoch_earlier(&count, &arena, &event, &key);
    assert_int_equal(count, EPOCH_EARLIER_MAX);
    text_clear(&json);
}

static struct event make_inner(uint16_t kind, const struct bytes32 *of)
{
    struct draft draft = {.kind = kind, .created_at = 1700000000};
    struct event event;
    draft_tag_id(&draft, SPAN("h"), of, SPAN(""));
    text_add(&draft.content, SPAN("{\"op\":\"create\",\"type\":\"note\"}"));
    draft_finish(&draft, &event, &arena);
    assert_true(holder_sign(people[1], &event, &aux, NULL));
    draft_clear(&draft);
    return event;
}

static struct event seal(const struct event *inner, const struct bytes32 *key)
{
    struct draft draft = {0};
    struct event outer;
    assert_true(epoch_seal(&draft, &circle, key, inner, &nonces[0], NULL));
    draft_finish(&draft, &outer, &arena);
    assert_true(holder_sign(people[2], &outer, &aux, NULL));
    draft_clear(&draft);
    return outer;
}

static void test_seal(void **state)
{
    const struct bytes32 key = {{42}}, other = {{8}};
    struct epoch_sealed sealed;
    struct event inner = make_inner(KIND_OP, &circle), read;
    struct bytes32 name = epoch_name(&circle, &key);
    (void)state;
    struct event outer = seal(&inner, &key);
    assert_int_equal(outer.created_at, inner.created_at);
    assert_true(epoch_sealed(&sealed, &outer, NULL));
    assert_memory_equal(&sealed.circle, &circle, sizeof circle);
    assert_memory_equal(&sealed.epoch, &name, sizeof name);
    assert_true(epoch_unseal(&read, &arena, &key, &outer, NULL));
    assert_memory_equal(&read.id, &inner.id, sizeof inner.id);
    assert_memory_equal(&read.pubkey, &keys[1], sizeof *keys);
    assert_false(epoch_unseal(&read, &arena, &other, &outer, NULL));
    assert_false(epoch_sealed(&sealed, &inner, NULL));
}

static void test_bad_inner(void **state)
{
    const struct bytes32 key = {{42}}, other = {{8}};
    struct event foreign = make_inner(KIND_OP, &other), wrong_kind = make_inner(1, &circle);
    struct event open = make_inner(KIND_CIRCLE_OP, &circle);
    struct event forged = make_inner(KIND_TEXT_UPDATE, &circle), read;
    forged.sig.at[5] ^= 1;
    const struct {
        const struct event *inner;
        const char *refusal;
    } cases[] = {{&foreign, "sealed for another circle than it is of"},
                 {&wrong_kind, "a sealed event of kind 1"},
                 {&open, "a secret change that does not say that it is one"},
                 {&forged, "a sealed event whose id or signature is wrong"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event outer = seal(cases[i].inner, &key);
        struct err err;
        assert_false(epoch_unseal(&read, &arena, &key, &outer, &err));
        assert_string_equal(err.text, cases[i].refusal);
    }
}

/* A change of the circle itself: of that circle, and marked so that nobody sends it as it is. */
static void test_secret(void **state)
{
    const struct bytes32 key = {{42}};
    (void)state;
    for (int is_right = 0; is_right < 2; is_right++) {
        const struct node node = {.hlc = UINT64_C(0x018bcfe5687b0000),
                                  .root = is_right == 1 ? circle : key,
                                  .parents = &circle,
                                  .parent_count = 1};
        struct draft draft = {.kind = KIND_CIRCLE_OP};
        struct event event, read;
        struct err err = {.text = ""};
        node_draft(&node, &draft);
        draft_tag(&draft, (struct span[]){SPAN("-")}, 1);
        text_add(&draft.content, SPAN("{\"op\":\"leave\"}"));
        draft_finish(&draft, &event, &arena);
        draft_clear(&draft);
        assert_true(holder_sign(people[1], &event, &aux, NULL));
        struct event outer = seal(&event, &key);
        assert_int_equal(epoch_unseal(&read, &arena, &key, &outer, &err), is_right);
        assert_string_equal(err.text,
                            is_right == 1 ? "" : "sealed for another circle than it is of");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_share), cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_seal), cmocka_unit_test(test_secret),
                                       cmocka_unit_test(test_bad_inner)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
