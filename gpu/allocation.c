#include "gpu/allocation.h"

#include <stdio.h>

#include "gpu/plan.h"

#define BETTER 1.25F /* the weakest layer, before a plan is followed for it */
#define NEEDIER 2.0F /* another model, before a node goes over to it */

/* ---- one model ---- */

static void say(struct allocation_choice *choice, const struct plan *plan)
{
    if (plan->lacks_before > 0)
        snprintf(choice->why, sizeof choice->why,
                 "%u of %u layers are held by nobody else, from %u", plan->lacks_before,
                 plan->layers, plan->lacking);
    else
        snprintf(choice->why, sizeof choice->why,
                 "the weakest layer is had %.1f times, and %.1f times so",
                 (double)plan->least_before, (double)plan->least_after);
}

static bool is_worth_it(const struct plan *plan)
{
    return plan->lacks_after < plan->lacks_before ||
           (plan->lacks_after == plan->lacks_before &&
            plan->least_after >= BETTER * plan->least_before && plan->least_after > 0);
}

static void choose_within(struct allocation_choice *choice, const struct allocation_facts *facts,
                          uint32_t model)
{
    struct plan plan;
    plan_make(&plan, facts, model);
    const struct plan_member *self = &plan.members[plan.self];
    bool holds = facts->held.first < facts->held.end && facts->held.model == model;
    choice->range = (struct allocation_range){model, self->first, self->end};
    if (holds && !is_worth_it(&plan)) {
        choice->range = facts->held;
        snprintf(choice->why, sizeof choice->why, "nothing better by a quarter");
    } else {
        say(choice, &plan);
    }
    choice->rank = plan_rank(&plan);
    plan_clear(&plan);
}

/* ---- which model ---- */

/* How much its answers wait for it where self is not: those there are, to how many its weakest
 * layer takes; as if one were always there, so that what nobody has is wanted, too. */
static float need(const struct allocation_facts *facts, uint32_t model)
{
    const float nobody = 0.0625F;
    float least = plan_least_of_others(facts, model);
    float busy = plan_busy(facts, model);
    return (busy > 1 ? busy : 1) / (least > nobody ? least : nobody);
}

static uint32_t choose_model(const struct allocation_facts *facts, char *why)
{
    bool holds = facts->held.first < facts->held.end;
    uint32_t best = holds ? facts->held.model : UINT32_MAX;
    float most = 0;
    if (holds && facts->models[best].room > 0) {
        if (plan_busy(facts, best) > 0 && plan_least_of_others(facts, best) == 0)
            return best; /* somebody asks for what would be whole no more */
        most = NEEDIER * need(facts, best);
    }
    for (uint32_t i = 0; i < facts->model_count; i++) {
        if (facts->models[i].room == 0 || (holds && i == facts->held.model))
            continue;
        float its = need(facts, i);
        if (its > most) {
            most = its;
            best = i;
            snprintf(why, ALLOCATION_WHY_BYTES,
                     "another model is wanted %.1f times as much as it is had", (double)its);
        }
    }
    return best;
}

/* Of those who hold what it holds, and choose, as many go over before it. */
static uint32_t rank_of_leaver(const struct allocation_facts *facts)
{
    const struct allocation_model *model = &facts->models[facts->held.model];
    uint32_t rank = 0;
    for (uint32_t i = 0; i < model->count; i++)
        rank += model->nodes[i].room > 0 &&
                memcmp(&model->nodes[i].key, &facts->self, sizeof facts->self) < 0;
    return rank;
}

void allocation_choose(struct allocation_choice *choice, const struct allocation_facts *facts)
{
    char why[ALLOCATION_WHY_BYTES] = "";
    bool holds = facts->held.first < facts->held.end;
    *choice = (struct allocation_choice){.range = {.model = facts->held.model}};
    uint32_t model = facts->may_run ? choose_model(facts, why) : UINT32_MAX;
    if (!facts->may_run) {
        snprintf(choice->why, sizeof choice->why, "these are not its hours");
    } else if (model == UINT32_MAX || facts->models[model].room == 0) {
        snprintf(choice->why, sizeof choice->why, "nothing that it may hold fits");
    } else {
        choose_within(choice, facts, model);
        if (holds && model != facts->held.model) {
            memcpy(choice->why, why, sizeof why);
            choice->rank = rank_of_leaver(facts);
        }
    }
    choice->is_move = choice->range.first != facts->held.first ||
                      choice->range.end != facts->held.end ||
                      (holds && choice->range.model != facts->held.model);
}

bool allocation_is_due(struct allocation_turn *turn, const struct allocation_choice *choice,
                       const struct allocation_facts *facts, uint64_t turn_ms, uint64_t now_ms)
{
    bool is_empty = facts->held.first == facts->held.end;
    if (!choice->is_move) {
        turn->is_wanted = false;
        return false;
    }
    if (!turn->is_wanted)
        *turn = (struct allocation_turn){true, now_ms};
    uint64_t wait_ms = is_empty || !facts->may_run ? 0 : (choice->rank + 1ULL) * turn_ms;
    return now_ms - turn->wanted_ms >= wait_ms;
}
