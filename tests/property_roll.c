/* Lists that several writers change at the same time by what a roll makes of places: each writer
 * gets what it asked for, and whatever the order of delivery, all come to one list. Some events are
 * of writers who care for nothing, and put all in one position. */
#include "client/roll.h"

#include "client/entity.h"
#include "client/hlc.h"
#include "client/node.h"
#include "client/state.h"
#include "shared/arena.h"
#include "shared/kind.h"
#include "tests/random.h"
#include "tests/test.h"

enum { HISTORIES = 10000, EVENTS_MAX = 20, WRITERS_MAX = 4, OPS_MAX = 4, ITEMS_MAX = 200 };
enum { START_MS = 1000000, HORIZON_MS = START_MS + 100000 };

static struct made {
    struct node node;
    struct bytes32 parents[NODE_PARENTS_MAX];
    struct op *ops;
    size_t op_count;
} events[EVENTS_MAX];

static struct arena arena; /* of one history */
static uint32_t event_count, moved, removed, crowded, concurrent;

struct values { /* what a writer wants to see */
    struct span at[ITEMS_MAX];
    size_t count;
};

static struct values values_of(const struct entity *entity)
{
    struct values values = {.count = 0};
    size_t count;
    const struct state_element **items =
        state_elements(entity_state(entity), &arena, SPAN("l"), &count);
    for (size_t i = 0; i < count; i++)
        values.at[values.count++] = items[i]->value;
    return values;
}

static struct span take(struct values *values, size_t at)
{
    struct span value = values->at[at];
    values->count--;
    memmove(values->at + at, values->at + at + 1, (values->count - at) * sizeof *values->at);
    return value;
}

static void give(struct values *values, size_t at, struct span value)
{
    memmove(values->at + at + 1, values->at + at, (values->count - at) * sizeof *values->at);
    values->at[at] = value;
    values->count++;
}

static struct span next_value(void)
{
    static uint32_t number;
    uint32_t rest = ++number;
    char digits[10];
    size_t begin = sizeof digits;
    for (; begin > 0 && rest > 0; rest /= 10)
        digits[--begin] = (char)('0' + rest % 10);
    return arena_copy(&arena, (struct span){digits + begin, sizeof digits - begin});
}

/* One change at random places, also of what this event put there. */
static void change(struct roll *roll, struct values *wanted)
{
    size_t at = random_below((uint32_t)wanted->count + 1);
    size_t from = wanted->count > 0 ? random_below((uint32_t)wanted->count) : 0;
    uint32_t kind = random_below(4);
    if (kind == 0 && wanted->count > 0 && at < wanted->count) {
        assert_true(roll_move(roll, from, at, NULL));
        give(wanted, at, take(wanted, from));
        moved++;
    } else if (kind == 1 && wanted->count > 0 && roll->items[from].adding == 0) {
        assert_true(roll_remove(roll, from, NULL));
        take(wanted, from);
        removed++;
    } else {
        struct span value = next_value();
        assert_true(roll_insert(roll, at, value, NULL));
        give(wanted, at, value);
    }
}

/* As others may write: all in one place. */
static void crowd(struct roll *roll)
{
    for (size_t i = 0; i < *roll->ops.count; i++)
        if ((*roll->ops.at)[i].position.len > 0)
            (*roll->ops.at)[i].position = SPAN("V");
    crowded++;
}

static struct bytes32 random_id(void)
{
    struct bytes32 id;
    for (size_t i = 0; i < sizeof id.at; i++)
        id.at[i] = (uint8_t)random_below(256);
    return id;
}

static void put(struct entity *entity, const struct made *made)
{
    const struct op_list ops = {made->ops, (uint32_t)made->op_count};
    (void)entity_put(entity, &made->node, &ops);
}

static void make_event(struct entity *writer)
{
    struct made *made = &events[event_count];
    *made = (struct made){.node = {.kind = KIND_OP, .id = random_id()}};
    assert_true(entity_next(writer, &made->node, made->parents,
                            START_MS + event_count * random_below(3), NULL));
    concurrent += made->node.parent_count > 1;
    struct values wanted = values_of(writer);
    struct roll *roll = roll_new(&arena, (struct roll_ops){&made->ops, &made->op_count},
                                 entity_state(writer), SPAN("l"), random_below(UINT32_MAX));
    for (uint32_t left = 1 + random_below(OPS_MAX); left > 0; left--)
        change(roll, &wanted);
    bool is_careless = random_below(5) == 0;
    if (is_careless)
        crowd(roll);
    event_count++;
    put(writer, made);
    struct values got = values_of(writer);
    assert_int_equal(got.count, wanted.count);
    for (size_t i = 0; i < got.count && !is_careless; i++)
        assert_true(span_eq(got.at[i], wanted.at[i]));
}

static void make_root(void)
{
    struct made *made = &events[0];
    *made = (struct made){.node = {.kind = KIND_OP, .id = random_id(), .hlc = START_MS}};
    made->node.hlc = hlc_make(START_MS, 0);
    made->node.root = made->node.id;
    made->ops = arena_grow(&arena, struct op, NULL, 0);
    made->ops[made->op_count++] = (struct op){.type = OP_CREATE, .key = SPAN("note")};
    event_count = 1;
}

static void deliver_some(struct entity *entity)
{
    for (uint32_t i = 0; i < event_count; i++)
        put(entity, &events[random_below(event_count)]);
}

static void deliver_all(struct entity *entity)
{
    uint32_t order[EVENTS_MAX];
    for (uint32_t i = 0; i < event_count; i++) {
        uint32_t at = random_below(i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    for (uint32_t i = 0; i < event_count; i++)
        put(entity, &events[order[i]]);
}

static void check_history(void)
{
    struct entity *replicas[WRITERS_MAX + 1];
    uint32_t writers = 1 + random_below(WRITERS_MAX), length = 2 + random_below(EVENTS_MAX - 1);
    make_root();
    for (uint32_t i = 0; i <= writers; i++)
        replicas[i] = entity_new(&events[0].node.id, HORIZON_MS, NULL, NULL);
    for (uint32_t i = 0; i < writers; i++)
        put(replicas[i], &events[0]);
    while (event_count < length) {
        make_event(replicas[random_below(writers)]);
        if (random_below(3) == 0)
            deliver_some(replicas[random_below(writers)]);
    }
    for (uint32_t i = 0; i <= writers; i++)
        deliver_all(replicas[i]);
    struct bytes32 first = state_hash(entity_state(replicas[0]));
    for (uint32_t i = 1; i <= writers; i++) {
        struct bytes32 hash = state_hash(entity_state(replicas[i]));
        assert_memory_equal(hash.at, first.at, sizeof hash.at);
        assert_int_equal(entity_applied_count(replicas[i]), event_count);
    }
    for (uint32_t i = 0; i <= writers; i++)
        entity_free(replicas[i]);
    arena_clear(&arena);
}

static void test_order(void **state)
{
    (void)state;
    for (int i = 0; i < HISTORIES; i++)
        check_history();
    assert_true(moved > 10000 && removed > 10000); /* the cases did come up */
    assert_true(crowded > 10000 && concurrent > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
