/* The state is a function of the set of events: 10,000 histories of several writers, some of whose
 * events are void or ahead of their time, delivered permuted, duplicated and in parts, come to one
 * hash, and to what a fold over the sorted events says. */
#include <stdlib.h>

#include "client/entity.h"
#include "client/hlc.h"
#include "client/node.h"
#include "client/op.h"
#include "client/state.h"
#include "shared/arena.h"
#include "shared/kind.h"
#include "tests/random.h"
#include "tests/test.h"

enum { HISTORIES = 10000, EVENTS_MAX = 24, OPS_MAX = 3, WRITERS_MAX = 4, KEYS = 3 };
enum { START_MS = 1000000, HORIZON_MS = START_MS + 100000, LATER_MS = 2 * HORIZON_MS };

static const struct span keys[KEYS] = {{"a", 1}, {"bb", 2}, {"", 0}};
static const struct span values[] = {{"0", 1}, {"1", 1}, {"\"x\"", 3}, {"[]", 2}};
static const struct span positions[] = {{"A", 1}, {"V", 1}, {"V1", 2}, {"z", 1}};

static struct made {
    struct node node;
    struct bytes32 parents[NODE_PARENTS_MAX];
    struct op ops[OPS_MAX];
    struct op_tag tags[OPS_MAX];
    struct op_list list;
    bool is_valid; /* by the oracle */
} events[EVENTS_MAX];

static uint32_t event_count, voided, delayed, contested;

static struct op random_op(struct op_tag *tag)
{
    const struct op_tag named = {events[random_below(event_count + 1)].node.id,
                                 random_below(OPS_MAX)};
    struct op op = {.key = keys[random_below(KEYS)],
                    .value = values[random_below(ARRAY_LEN(values))],
                    .tags = tag,
                    .tag_count = 1};
    static const enum op_type types[] = {OP_SET, OP_SET,  OP_DEL, OP_ADD,    OP_ADD,
                                         OP_REM, OP_MOVE, OP_INC, OP_UNKNOWN};
    *tag = named;
    op.type = types[random_below(ARRAY_LEN(types))];
    op.amount = (int64_t)random_below(20) - 10;
    if (op.type == OP_MOVE || (op.type == OP_ADD && random_below(2) == 0))
        op.position = positions[random_below(ARRAY_LEN(positions))];
    if (op.type == OP_SET && random_below(8) == 0) {
        op.key = SPAN(OP_DELETED);
        op.value = random_below(2) == 0 ? SPAN("true") : SPAN("false");
    }
    return op;
}

static struct bytes32 random_id(void)
{
    struct bytes32 id;
    for (size_t i = 0; i < sizeof id.at; i++)
        id.at[i] = (uint8_t)random_below(256);
    return id;
}

/* Bends an event so that it never counts, or not yet. */
static void spoil(struct node *node)
{
    switch (random_below(3)) {
    case 0:
        node->hlc = hlc_make(START_MS - 1, 0);
        return;
    case 1:
        node->root.at[0] ^= 1;
        return;
    default:
        node->hlc = hlc_make(HORIZON_MS + 1 + random_below(1000), 0);
        return;
    }
}

/* The next event of a writer who knows what writer holds. */
static void make_event(struct entity *writer)
{
    struct made *made = &events[event_count];
    uint64_t now_ms = START_MS + event_count * random_below(3);
    made->node = (struct node){.kind = KIND_OP, .id = random_id(), .hlc = hlc_make(START_MS, 0)};
    made->node.root = made->node.id;
    if (event_count > 0 && !entity_next(writer, &made->node, made->parents, now_ms, NULL))
        return;
    if (event_count > 0 && random_below(12) == 0)
        spoil(&made->node);
    made->list = (struct op_list){made->ops, 1 + random_below(OPS_MAX)};
    for (uint32_t i = 0; i < made->list.count; i++)
        made->ops[i] = random_op(&made->tags[i]);
    if (event_count == 0)
        made->ops[0] = (struct op){.type = OP_CREATE, .key = SPAN("note")};
    event_count++;
    if (writer != NULL)
        entity_put(writer, &made->node, &made->list);
}

static struct entity *new_entity(void)
{
    return entity_new(&events[0].node.root, HORIZON_MS, NULL, NULL);
}

/* Delivers some of the events, in any order, some twice. */
static void deliver_some(struct entity *entity)
{
    for (uint32_t i = 0; i < event_count; i++) {
        const struct made *made = &events[random_below(event_count)];
        entity_put(entity, &made->node, &made->list);
    }
}

static void deliver_all(struct entity *entity)
{
    uint32_t order[EVENTS_MAX];
    for (uint32_t i = 0; i < event_count; i++) {
        uint32_t at = random_below(i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    for (uint32_t i = 0; i < event_count; i++) {
        const struct made *made = &events[order[i]];
        entity_put(entity, &made->node, &made->list);
        if (random_below(4) == 0)
            entity_put(entity, &made->node, &made->list);
    }
}

static const struct made *find(const struct bytes32 *id)
{
    for (uint32_t i = 0; i < event_count; i++)
        if (memcmp(&events[i].node.id, id, sizeof *id) == 0)
            return &events[i];
    return NULL;
}

/* Parents were made before their children, so one pass tells. */
static void judge_all(uint64_t horizon_ms)
{
    for (uint32_t i = 0; i < event_count; i++) {
        const struct node *node = &events[i].node;
        bool ok = hlc_ms(node->hlc) <= horizon_ms &&
                  memcmp(&node->root, &events[0].node.id, sizeof node->root) == 0;
        for (uint32_t j = 0; j < node->parent_count; j++) {
            const struct made *parent = find(&node->parents[j]);
            ok = ok && parent->is_valid && parent->node.hlc < node->hlc;
        }
        events[i].is_valid = ok;
    }
}

/* Earlier first; at one time the lower id last, so that it wins. */
static int compare(const void *a, const void *b)
{
    const struct made *x = *(const struct made *const *)a, *y = *(const struct made *const *)b;
    if (x->node.hlc != y->node.hlc)
        return x->node.hlc < y->node.hlc ? -1 : 1;
    return -memcmp(&x->node.id, &y->node.id, sizeof x->node.id);
}

struct folded {
    struct span fields[KEYS]; /* empty: not there */
    int64_t counters[KEYS];
    bool is_deleted;
};

static uint32_t key_of(const struct op *op)
{
    uint32_t key = 0;
    while (key < KEYS && !span_eq(keys[key], op->key))
        key++;
    return key;
}

static void fold_op(struct folded *out, const struct op *op)
{
    uint32_t key = key_of(op);
    if (key == KEYS) {
        out->is_deleted = op->type == OP_SET && span_eq(op->value, SPAN("true"));
        return;
    }
    if (op->type == OP_SET || op->type == OP_DEL) {
        contested += out->fields[key].len > 0;
        out->fields[key] = op->type == OP_SET ? op->value : SPAN("");
    }
    if (op->type == OP_INC)
        out->counters[key] += op->amount;
}

static struct folded fold(void)
{
    const struct made *sorted[EVENTS_MAX];
    struct folded out = {0};
    for (uint32_t i = 0; i < event_count; i++)
        sorted[i] = &events[i];
    qsort(sorted, event_count, sizeof(const struct made *), compare);
    for (uint32_t i = 0; i < event_count; i++)
        for (uint32_t j = 0; sorted[i]->is_valid && j < sorted[i]->list.count; j++)
            if (sorted[i]->ops[j].type != OP_CREATE)
                fold_op(&out, &sorted[i]->ops[j]);
    return out;
}

static void check_folded(const struct state *state)
{
    struct folded folded = fold();
    assert_int_equal(state_is_deleted(state), folded.is_deleted);
    for (uint32_t i = 0; i < KEYS; i++) {
        const struct span *value = state_field_value(state, keys[i]);
        const uint64_t *sum = trie_get(&state->counters, keys[i]);
        assert_true(span_eq(value != NULL ? *value : SPAN(""), folded.fields[i]));
        assert_true((sum != NULL ? (int64_t)*sum : 0) == folded.counters[i]);
    }
}

static void check_same(struct entity *const *replicas, uint32_t count)
{
    struct bytes32 first = state_hash(entity_state(replicas[0]));
    for (uint32_t i = 1; i < count; i++) {
        struct bytes32 hash = state_hash(entity_state(replicas[i]));
        assert_memory_equal(hash.at, first.at, sizeof hash.at);
        assert_int_equal(entity_applied_count(replicas[i]), entity_applied_count(replicas[0]));
        assert_int_equal(entity_heads(replicas[i], NULL, 0), entity_heads(replicas[0], NULL, 0));
    }
    check_folded(entity_state(replicas[0]));
}

static void check_history(void)
{
    struct entity *replicas[WRITERS_MAX + 1];
    uint32_t writers = 1 + random_below(WRITERS_MAX), length = 2 + random_below(EVENTS_MAX - 1);
    event_count = 0;
    make_event(NULL);
    for (uint32_t i = 0; i < writers; i++) {
        replicas[i] = new_entity();
        deliver_some(replicas[i]);
    }
    while (event_count < length) {
        struct entity *writer = replicas[random_below(writers)];
        make_event(writer);
        if (random_below(3) == 0)
            deliver_some(replicas[random_below(writers)]);
    }
    replicas[writers] = new_entity(); /* one that has heard of nothing yet */
    for (uint32_t i = 0; i <= writers; i++)
        deliver_all(replicas[i]);
    judge_all(HORIZON_MS);
    check_same(replicas, writers + 1);
    voided += entity_applied_count(replicas[0]) + entity_waiting_count(replicas[0]) < event_count;
    delayed += entity_waiting_count(replicas[0]) > 0;

    for (uint32_t i = 0; i <= writers; i++)
        entity_advance(replicas[i], LATER_MS);
    judge_all(LATER_MS);
    check_same(replicas, writers + 1);
    for (uint32_t i = 0; i <= writers; i++) {
        assert_int_equal(entity_waiting_count(replicas[i]), 0);
        entity_free(replicas[i]);
    }
}

static void test_order(void **state)
{
    (void)state;
    for (int i = 0; i < HISTORIES; i++)
        check_history();
    assert_true(voided > 1000 && delayed > 1000 && contested > 10000); /* the cases did come up */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
