/* Laws of allocation: a swarm of nodes that each choose for themselves, of what they saw a while
 * ago and in any order, comes to hold every layer, stays as it is under a load that stays, gives
 * each node no more than it has room for, and goes where answers wait. */
#include "gpu/allocation.h"
#include "tests/random.h"
#include "tests/test.h"

enum {
    NODES = 12,
    MODELS = 2,
    LAYERS = 24,
    TURN_MS = 1000,
    TICK_MS = 250,
    TICKS = 700, /* until it is still */
    STILL = 200, /* and for how long */
    ROUNDS = 8
};

struct member {
    struct bytes32 key;
    uint32_t room[MODELS], capacity;
    struct allocation_range held, seen; /* seen: by others, a tick ago */
    struct allocation_turn turn;
    bool is_alive, is_fixed, may_run;
};

struct swarm {
    struct member members[NODES];
    uint32_t count, models, layers[MODELS];
    uint32_t busy[MODELS]; /* answers that are wanted of each */
    uint64_t now_ms;
    uint32_t moves;
};

static bool is_of(const struct allocation_range *range, uint32_t model)
{
    return range->model == model && range->first < range->end;
}

/* What is wanted of a model is with who holds it. */
static uint32_t busy_of(const struct swarm *swarm, const struct allocation_range *range)
{
    uint64_t holders = 0;
    for (uint32_t i = 0; i < swarm->count; i++)
        if (swarm->members[i].is_alive && is_of(&swarm->members[i].held, range->model))
            holders += swarm->members[i].held.end - swarm->members[i].held.first;
    return holders == 0 ? 0
                        : (uint32_t)((uint64_t)swarm->busy[range->model] *
                                     swarm->layers[range->model] / holders);
}

static void decide(struct swarm *swarm, struct member *self)
{
    struct allocation_node nodes[MODELS][NODES];
    struct allocation_model models[MODELS];
    struct allocation_choice choice;
    struct allocation_facts facts = {.models = models,
                                     .model_count = swarm->models,
                                     .self = self->key,
                                     .capacity = self->capacity,
                                     .busy = busy_of(swarm, &self->held),
                                     .held = self->held,
                                     .may_run = self->may_run};
    for (uint32_t m = 0; m < swarm->models; m++) {
        models[m] = (struct allocation_model){
            .layers = swarm->layers[m], .room = self->room[m], .nodes = nodes[m]};
        for (uint32_t i = 0; i < swarm->count; i++) {
            const struct member *other = &swarm->members[i];
            if (other != self && other->is_alive && is_of(&other->seen, m))
                nodes[m][models[m].count++] =
                    (struct allocation_node){other->key,      other->seen.first,
                                             other->seen.end, other->is_fixed ? 0 : other->room[m],
                                             other->capacity, busy_of(swarm, &other->seen)};
        }
    }
    allocation_choose(&choice, &facts);
    assert_true(choice.range.first <= choice.range.end);
    assert_true(choice.range.end - choice.range.first <= self->room[choice.range.model]);
    assert_true(choice.range.end <= swarm->layers[choice.range.model]);
    assert_true(self->may_run || choice.range.first == choice.range.end);
    assert_true(!choice.is_move || choice.why[0] != '\0');
    if (allocation_is_due(&self->turn, &choice, &facts, TURN_MS, swarm->now_ms)) {
        self->held = choice.range;
        self->turn = (struct allocation_turn){0};
        swarm->moves++;
    }
}

static void run(struct swarm *swarm, uint32_t ticks)
{
    for (uint32_t tick = 0; tick < ticks; tick++) {
        swarm->now_ms += TICK_MS;
        for (uint32_t i = 0; i < swarm->count; i++) {
            struct member *member = &swarm->members[random_below(swarm->count)];
            if (member->is_alive && !member->is_fixed)
                decide(swarm, member);
        }
        for (uint32_t i = 0; i < swarm->count; i++)
            swarm->members[i].seen = swarm->members[i].held;
    }
}

/* Nobody moves any more. */
static void settle(struct swarm *swarm)
{
    run(swarm, TICKS);
    swarm->moves = 0;
    run(swarm, STILL);
    assert_int_equal(swarm->moves, 0);
}

static float least(const struct swarm *swarm, uint32_t model)
{
    float worst = 1e9F;
    for (uint32_t layer = 0; layer < swarm->layers[model]; layer++) {
        float times = 0;
        for (uint32_t i = 0; i < swarm->count; i++) {
            const struct member *member = &swarm->members[i];
            if (member->is_alive && is_of(&member->held, model) && member->held.first <= layer &&
                layer < member->held.end)
                times += (float)member->capacity * (float)swarm->layers[model] /
                         (float)(member->held.end - member->held.first);
        }
        worst = times < worst ? times : worst;
    }
    return worst;
}

static uint32_t room_of(const struct swarm *swarm, uint32_t model)
{
    uint32_t room = 0;
    for (uint32_t i = 0; i < swarm->count; i++)
        if (swarm->members[i].is_alive && !swarm->members[i].is_fixed)
            room += swarm->members[i].room[model];
    return room;
}

static void make(struct swarm *swarm, uint32_t models)
{
    *swarm = (struct swarm){.count = 2 + random_below(NODES - 1), .models = models, .now_ms = 5000};
    for (uint32_t m = 0; m < models; m++)
        swarm->layers[m] = 2 + random_below(LAYERS - 1);
    for (uint32_t i = 0; i < swarm->count; i++) {
        struct member *member = &swarm->members[i];
        *member =
            (struct member){.capacity = 1 + random_below(8), .is_alive = true, .may_run = true};
        for (size_t j = 0; j < sizeof member->key; j++)
            member->key.at[j] = (uint8_t)random_below(256);
        for (uint32_t m = 0; m < models; m++)
            member->room[m] = 1 + random_below(swarm->layers[m]);
    }
}

static void property_every_layer_is_held(void **state)
{
    (void)state;
    struct swarm swarm;
    uint32_t covered = 0;
    for (int round = 0; round < ROUNDS; round++) {
        make(&swarm, 1);
        for (uint32_t i = 0; i < swarm.count; i++) /* some stay where they are */
            if (random_below(5) == 0) {
                struct member *member = &swarm.members[i];
                member->is_fixed = true;
                member->held.end = member->room[0];
                member->seen = member->held;
            }
        settle(&swarm);
        if (room_of(&swarm, 0) < swarm.layers[0])
            continue;
        assert_true(least(&swarm, 0) > 0);
        for (uint32_t i = 0; i < swarm.count; i++) /* some die */
            swarm.members[i].is_alive = random_below(3) != 0;
        settle(&swarm);
        if (room_of(&swarm, 0) < swarm.layers[0])
            continue;
        assert_true(least(&swarm, 0) > 0);
        covered++;
    }
    assert_true(covered > ROUNDS / 4);
}

/* Machines that are alike: the weakest layer has most of what all of them could give it. */
static void property_load_is_shared(void **state)
{
    (void)state;
    struct swarm swarm;
    for (int round = 0; round < ROUNDS; round++) {
        make(&swarm, 1);
        uint32_t room = 2 * swarm.layers[0] / swarm.count + 1 + random_below(4);
        room = room < swarm.layers[0] ? room : swarm.layers[0];
        for (uint32_t i = 0; i < swarm.count; i++) {
            swarm.members[i].room[0] = room;
            swarm.members[i].capacity = 4;
        }
        settle(&swarm);
        assert_true(least(&swarm, 0) >= 0.4F * 4 * (float)swarm.count);
    }
}

static uint32_t holders(const struct swarm *swarm, uint32_t model)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < swarm->count; i++)
        count += is_of(&swarm->members[i].held, model);
    return count;
}

static void property_goes_where_answers_wait(void **state)
{
    (void)state;
    struct swarm swarm;
    for (int round = 0; round < ROUNDS; round++) {
        make(&swarm, 2);
        swarm.count = 4 + random_below(NODES - 3);
        for (uint32_t i = 0; i < swarm.count; i++) {
            struct member *member = &swarm.members[i];
            *member = (struct member){.room = {swarm.layers[0], swarm.layers[1]},
                                      .capacity = 2,
                                      .is_alive = true,
                                      .may_run = true};
            for (size_t j = 0; j < sizeof member->key; j++)
                member->key.at[j] = (uint8_t)random_below(256);
        }
        for (uint32_t hot = 0; hot < 2; hot++) {
            swarm.busy[hot] = 8 * swarm.count; /* four times what all can make at once */
            swarm.busy[1 - hot] = 1;
            settle(&swarm);
            assert_true(holders(&swarm, hot) > holders(&swarm, 1 - hot));
            assert_true(holders(&swarm, 1 - hot) >= 1);
            assert_int_equal(holders(&swarm, 0) + holders(&swarm, 1), swarm.count);
        }
    }
}

static void property_nobody_works_after_hours(void **state)
{
    (void)state;
    struct swarm swarm;
    for (int round = 0; round < ROUNDS; round++) {
        make(&swarm, 2);
        settle(&swarm);
        for (uint32_t i = 0; i < swarm.count; i++)
            swarm.members[i].may_run = false;
        settle(&swarm);
        assert_int_equal(holders(&swarm, 0) + holders(&swarm, 1), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(property_every_layer_is_held),
                                       cmocka_unit_test(property_load_is_shared),
                                       cmocka_unit_test(property_goes_where_answers_wait),
                                       cmocka_unit_test(property_nobody_works_after_hours)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
