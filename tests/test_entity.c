/* Histories by hand: what waits, what never counts, who wins, and how the state is written. */
#include "client/entity.h"

#include "client/hlc.h"
#include "client/node.h"
#include "client/op.h"
#include "client/state.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "tests/quoted.h"
#include "tests/test.h"

enum { ROOT = 1, PARENTS_MAX = NODE_PARENTS_MAX };

static struct arena arena;
static struct entity *entity;

static struct bytes32 id_of(uint8_t number)
{
    return (struct bytes32){.at = {number}};
}

static int setup(void **state)
{
    const struct bytes32 root = id_of(ROOT);
    (void)state;
    entity = entity_new(&root, UINT64_MAX, NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    entity_free(entity);
    arena_clear(&arena);
    return 0;
}

/* parents: a byte each, 0 behind the last. */
static enum entity_verdict put(uint8_t id, uint64_t ms, const char *parents, const char *content)
{
    struct op_list ops = {0};
    struct text json = {0};
    struct bytes32 *ids = arena_array(&arena, struct bytes32, PARENTS_MAX);
    struct node node = {.id = id_of(id),
                        .kind = KIND_OP,
                        .hlc = hlc_make(ms, 0),
                        .root = id_of(ROOT),
                        .parents = ids,
                        .parent_count = (uint32_t)strlen(parents)};
    for (uint32_t i = 0; i < node.parent_count; i++)
        ids[i] = id_of((uint8_t)parents[i]);
    text_add_json(&json, quoted(&arena, content));
    struct span body = arena_copy(&arena, text_span(&json));
    text_clear(&json);
    const struct event event = {.content_json = {body.at + 1, body.len - 2}};
    assert_true(op_parse(&ops, &arena, &event, NULL));
    return entity_put(entity, &node, &ops);
}

static void assert_state(const char *wanted)
{
    struct text text = {0};
    state_write(entity_state(entity), &text, false);
    text_add(&text, SPAN("\0"));
    const struct span json = quoted(&arena, wanted);
    assert_string_equal(text.at, json.at);
    text_clear(&text);
}

#define CREATE "{'op':'create','type':'note'}"
#define TAG(digits) digits "00000000000000000000000000000000000000000000000000000000000000"

static void test_fields(void **state)
{
    (void)state;
    assert_int_equal(put(1, 10, "", "[" CREATE ",{'op':'set','k':'a','v':1}]"), ENTITY_APPLIED);
    assert_state("{'fields':{'a':1},'type':'note'}");
    put(2, 20, "\1", "{'op':'set','k':'a','v':2}");
    put(3, 15, "\1", "{'op':'set','k':'a','v':3}"); /* before, though it came later */
    assert_state("{'fields':{'a':2},'type':'note'}");
    put(5, 30, "\2", "{'op':'set','k':'a','v':5}");
    put(4, 30, "\2", "{'op':'set','k':'a','v':4}"); /* at one time the lower id */
    put(6, 30, "\2", "{'op':'set','k':'a','v':6}");
    assert_state("{'fields':{'a':4},'type':'note'}");
    put(7, 40, "\4", "[{'op':'set','k':'b','v':1},{'op':'set','k':'b','v':2}]");
    put(8, 50, "\7", "{'op':'del','k':'a'}");
    put(9, 45, "\7", "{'op':'set','k':'a','v':9}");
    put(10, 60, "\7", "{'op':'create','type':'other'}"); /* a root's word alone */
    assert_state("{'fields':{'b':2},'type':'note'}");
    assert_null(state_field_value(entity_state(entity), SPAN("a")));
}

static void test_lifecycle(void **state)
{
    (void)state;
    put(1, 10, "", "[" CREATE ",{'op':'set','k':'a','v':1}]");
    struct bytes32 alive = state_hash(entity_state(entity));
    put(2, 20, "\1", "{'op':'set','k':'_del','v':true}");
    put(3, 30, "\1", "{'op':'set','k':'b','v':2}"); /* meanwhile, by another */
    assert_true(state_is_deleted(entity_state(entity)));
    assert_state("{'deleted':true,'type':'note'}");
    struct bytes32 deleted = state_hash(entity_state(entity));
    assert_memory_not_equal(alive.at, deleted.at, 32);
    put(4, 40, "\2\3", "{'op':'set','k':'_del','v':false}");
    assert_state("{'fields':{'a':1,'b':2},'type':'note'}");
}

static void test_sets(void **state)
{
    (void)state;
    put(1, 10, "", CREATE);
    put(2, 20, "\1", "{'op':'add','k':'t','v':'fish'}");
    put(3, 21, "\1", "[{'op':'add','k':'t','v':'fish'},{'op':'add','k':'t','v':'ant'}]");
    assert_state("{'sets':{'t':['ant','fish']},'type':'note'}");
    put(4, 30, "\2", "{'op':'rem','k':'t','ids':['" TAG("02") "']}"); /* has not seen 3 */
    assert_state("{'sets':{'t':['ant','fish']},'type':'note'}");
    put(5, 40, "\3\4", "{'op':'rem','k':'t','ids':['" TAG("03") "','" TAG("03") ":1']}");
    assert_state("{'type':'note'}");
    put(6, 50, "\5", "{'op':'add','k':'u','v':[1]}");
    put(7, 60, "\6", "{'op':'add','k':'t','v':2}");
    assert_state("{'sets':{'t':[2],'u':[[1]]},'type':'note'}");
}

static void test_lists(void **state)
{
    size_t count;
    (void)state;
    put(1, 10, "", CREATE);
    put(2, 20, "\1", "[{'op':'add','k':'l','v':'a','p':'V'},{'op':'add','k':'l','v':'b','p':'W'}]");
    put(3, 21, "\1", "{'op':'add','k':'l','v':'a','p':'V'}"); /* the same twice is two */
    assert_state("{'lists':{'l':['a','a','b']},'type':'note'}");
    put(4, 30, "\2", "{'op':'move','k':'l','id':'" TAG("02") ":1','p':'A'}");
    assert_state("{'lists':{'l':['b','a','a']},'type':'note'}");
    put(5, 25, "\2", "{'op':'move','k':'l','id':'" TAG("02") ":1','p':'Z'}"); /* before that */
    assert_state("{'lists':{'l':['b','a','a']},'type':'note'}");
    const struct state_element **list =
        state_elements(entity_state(entity), &arena, SPAN("l"), &count);
    assert_int_equal(count, 3);
    assert_int_equal(list[0]->event.at[0], 2);
    assert_int_equal(list[0]->index, 1);
    put(6, 40, "\4", "{'op':'rem','k':'l','ids':['" TAG("02") ":1']}");
    put(7, 41, "\4", "{'op':'move','k':'l','id':'" TAG("02") ":1','p':'M'}"); /* stays away */
    assert_state("{'lists':{'l':['a','a']},'type':'note'}");
}

static void test_counters(void **state)
{
    (void)state;
    put(1, 10, "", CREATE);
    put(2, 20, "\1", "[{'op':'inc','k':'n','n':5},{'op':'inc','k':'m','n':-1}]");
    assert_int_equal(put(2, 20, "\1", "{'op':'inc','k':'n','n':5}"), ENTITY_DUPLICATE);
    put(3, 20, "\1", "{'op':'inc','k':'n','n':-7}");
    assert_state("{'counters':{'m':-1,'n':-2},'type':'note'}");
    put(4, 30, "\1", "[{'op':'inc','k':'n','n':9223372036854775807},{'op':'inc','k':'n','n':3}]");
    assert_state("{'counters':{'m':-1,'n':-9223372036854775808},'type':'note'}");
}

static void test_waiting(void **state)
{
    struct bytes32 ids[8];
    (void)state;
    assert_int_equal(put(4, 40, "\2\3", "{'op':'set','k':'a','v':4}"), ENTITY_PARKED);
    assert_int_equal(put(3, 30, "\2", "{'op':'set','k':'a','v':3}"), ENTITY_PARKED);
    assert_int_equal(put(4, 40, "\2\3", "{'op':'set','k':'a','v':4}"), ENTITY_DUPLICATE);
    assert_int_equal(entity_waiting_count(entity), 2);
    assert_int_equal(entity_missing(entity, ids, 8), 1);
    assert_int_equal(ids[0].at[0], 2);
    assert_int_equal(put(1, 10, "", CREATE), ENTITY_APPLIED);
    assert_state("{'type':'note'}");
    assert_int_equal(put(2, 20, "\1", "{'op':'set','k':'a','v':2}"), ENTITY_APPLIED);
    assert_state("{'fields':{'a':4},'type':'note'}");
    assert_int_equal(entity_waiting_count(entity), 0);
    assert_int_equal(entity_applied_count(entity), 4);
    assert_int_equal(entity_heads(entity, ids, 8), 1);
    assert_int_equal(ids[0].at[0], 4);
    assert_true(hlc_ms(entity_hlc(entity)) == 40);
}

static void test_void(void **state)
{
    (void)state;
    put(1, 10, "", CREATE);
    assert_int_equal(put(2, 10, "\1", "{'op':'set','k':'a','v':2}"), ENTITY_VOID); /* not after */
    assert_int_equal(put(3, 30, "\2", "{'op':'set','k':'a','v':3}"), ENTITY_VOID);
    assert_int_equal(put(4, 20, "\5", "{'op':'set','k':'a','v':4}"), ENTITY_PARKED);
    assert_int_equal(put(6, 40, "\4", "{'op':'set','k':'a','v':6}"), ENTITY_PARKED);
    put(5, 25, "\1", "{'op':'set','k':'b','v':5}"); /* and 4 says it comes after that */
    assert_state("{'fields':{'b':5},'type':'note'}");
    assert_int_equal(entity_waiting_count(entity), 0);
    struct node stranger = {.id = id_of(9), .hlc = hlc_make(50, 0), .root = id_of(8)};
    assert_int_equal(entity_put(entity, &stranger, NULL), ENTITY_VOID);
    assert_int_equal(entity_applied_count(entity), 2);
}

static void test_ahead(void **state)
{
    const struct bytes32 root = id_of(ROOT);
    (void)state;
    entity_free(entity);
    entity = entity_new(&root, 100, NULL, NULL);
    put(1, 10, "", CREATE);
    assert_int_equal(put(2, 101, "\1", "{'op':'set','k':'a','v':2}"), ENTITY_AHEAD);
    assert_int_equal(put(3, 150, "\2", "{'op':'set','k':'a','v':3}"), ENTITY_AHEAD);
    assert_int_equal(put(4, 100, "\1", "{'op':'set','k':'a','v':4}"), ENTITY_APPLIED);
    assert_state("{'fields':{'a':4},'type':'note'}");
    entity_advance(entity, 149);
    assert_state("{'fields':{'a':2},'type':'note'}");
    assert_int_equal(entity_waiting_count(entity), 1);
    entity_advance(entity, 150);
    assert_state("{'fields':{'a':3},'type':'note'}");
    assert_int_equal(entity_waiting_count(entity), 0);
}

static void test_next(void **state)
{
    struct bytes32 parents[NODE_PARENTS_MAX];
    struct node node = {.parent_count = 0};
    struct err err;
    (void)state;
    assert_false(entity_next(entity, &node, parents, 50, &err));
    assert_string_equal(err.text, "nothing of it is known here");
    put(1, 10, "", CREATE);
    for (uint8_t i = 2; i < 30; i++)
        put(i, 60, "\1", "{'op':'set','k':'a','v':2}");
    assert_true(entity_next(entity, &node, parents, 50, NULL));
    assert_int_equal(node.parent_count, NODE_PARENTS_MAX);
    assert_true(node.hlc == hlc_make(60, 1));
    assert_int_equal(node.root.at[0], ROOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lifecycle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waiting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_void, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
