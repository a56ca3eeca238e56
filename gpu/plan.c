#include "gpu/plan_parts.h"

#include <assert.h>
#include <stdlib.h>

void *plan_array(size_t count, size_t size)
{
    void *array = calloc(count + 1, size);
    if (array == NULL)
        abort();
    return array;
}

/* ---- how often each layer is had ---- */

static float times_of(uint32_t capacity, uint32_t first, uint32_t end, uint32_t layers)
{
    return (float)capacity * (float)layers / (float)(end - first);
}

void plan_hold(struct plan_layer *at, uint32_t layers, uint32_t first, uint32_t end,
               uint32_t capacity)
{
    for (uint32_t i = first; i < end && i < layers; i++) {
        at[i].holders++;
        at[i].times += times_of(capacity, first, end, layers);
    }
}

static uint32_t count_lacking(const struct plan_layer *at, uint32_t layers, uint32_t *first)
{
    uint32_t count = 0;
    *first = layers;
    for (uint32_t i = layers; i-- > 0;)
        if (at[i].holders == 0) {
            count++;
            *first = i;
        }
    return count;
}

static float least_of(const struct plan_layer *at, uint32_t layers)
{
    float least = layers > 0 ? at[0].times : 0;
    for (uint32_t i = 1; i < layers; i++)
        least = at[i].times < least ? at[i].times : least;
    return least;
}

static bool holds(const struct allocation_facts *facts, uint32_t model)
{
    return facts->held.model == model && facts->held.first < facts->held.end;
}

static uint32_t count_of(const struct allocation_model *model)
{
    return model->count < ALLOCATION_NODES_MAX ? model->count : ALLOCATION_NODES_MAX;
}

/* ---- the plan ---- */

int plan_compare_keys(const void *left, const void *right)
{
    const struct plan_member *a = left, *b = right;
    return memcmp(&a->key, &b->key, sizeof a->key);
}

static void gather(struct plan *plan, const struct allocation_facts *facts, uint32_t index)
{
    const struct allocation_model *model = &facts->models[index];
    struct plan_member *self = &plan->members[plan->count++];
    *self =
        (struct plan_member){.key = facts->self, .room = model->room, .capacity = facts->capacity};
    if (holds(facts, index)) {
        self->old_first = facts->held.first;
        self->old_end = facts->held.end;
        plan_hold(plan->before, plan->layers, self->old_first, self->old_end, self->capacity);
    }
    for (uint32_t i = 0; i < count_of(model); i++) {
        const struct allocation_node *node = &model->nodes[i];
        assert(node->first < node->end && node->end <= model->layers);
        plan_hold(plan->before, plan->layers, node->first, node->end, node->capacity);
        if (node->room == 0) {
            plan_hold(plan->after, plan->layers, node->first, node->end, node->capacity);
            continue;
        }
        plan->members[plan->count++] =
            (struct plan_member){node->key,
                                 node->first,
                                 node->end,
                                 0,
                                 0,
                                 node->room < model->layers ? node->room : model->layers,
                                 node->capacity};
    }
    qsort(plan->members, plan->count, sizeof *plan->members, plan_compare_keys);
    for (uint32_t i = 0; i < plan->count; i++)
        if (memcmp(&plan->members[i].key, &facts->self, sizeof facts->self) == 0)
            plan->self = i;
}

void plan_make(struct plan *plan, const struct allocation_facts *facts, uint32_t index)
{
    const struct allocation_model *model = &facts->models[index];
    uint32_t ignored;
    assert(model->layers > 0 && model->room > 0 && model->room <= model->layers);
    *plan = (struct plan){.layers = model->layers};
    plan->members = plan_array(count_of(model) + 1, sizeof *plan->members);
    plan->before = plan_array(model->layers, sizeof *plan->before);
    plan->after = plan_array(model->layers, sizeof *plan->after);
    gather(plan, facts, index);
    plan_arrange(plan);
    plan->lacks_before = count_lacking(plan->before, plan->layers, &plan->lacking);
    plan->lacks_after = count_lacking(plan->after, plan->layers, &ignored);
    plan->least_before = least_of(plan->before, plan->layers);
    plan->least_after = least_of(plan->after, plan->layers);
}

void plan_clear(struct plan *plan)
{
    free(plan->members);
    free(plan->before);
    free(plan->after);
}

/* ---- who goes first ---- */

static bool is_mover(const struct plan_member *member)
{
    return member->old_first < member->old_end &&
           (member->old_first != member->first || member->old_end != member->end);
}

/* It alone has a layer that it is to leave. */
static bool leaves_gap(const struct plan *plan, const struct plan_member *member)
{
    for (uint32_t i = member->old_first; i < member->old_end; i++)
        if (plan->before[i].holders == 1 && (i < member->first || i >= member->end))
            return true;
    return false;
}

uint32_t plan_rank(const struct plan *plan)
{
    const struct plan_member *self = &plan->members[plan->self];
    bool self_leaves = leaves_gap(plan, self);
    uint32_t rank = 0;
    if (!is_mover(self))
        return 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct plan_member *member = &plan->members[i];
        if (i == plan->self || !is_mover(member))
            continue;
        bool leaves = leaves_gap(plan, member);
        rank += leaves != self_leaves ? self_leaves : i < plan->self;
    }
    return rank;
}

/* ---- as it is ---- */

float plan_least_of_others(const struct allocation_facts *facts, uint32_t index)
{
    const struct allocation_model *model = &facts->models[index];
    struct plan_layer *layers = plan_array(model->layers, sizeof *layers);
    for (uint32_t i = 0; i < count_of(model); i++)
        plan_hold(layers, model->layers, model->nodes[i].first, model->nodes[i].end,
                  model->nodes[i].capacity);
    float least = least_of(layers, model->layers);
    free(layers);
    return least;
}

float plan_busy(const struct allocation_facts *facts, uint32_t index)
{
    const struct allocation_model *model = &facts->models[index];
    float busy = 0;
    for (uint32_t i = 0; i < count_of(model); i++)
        busy += (float)model->nodes[i].busy * (float)(model->nodes[i].end - model->nodes[i].first);
    if (holds(facts, index))
        busy += (float)facts->busy * (float)(facts->held.end - facts->held.first);
    return busy / (float)model->layers;
}
