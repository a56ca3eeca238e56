#include "gpu/entry.h"

#include <math.h>
#include <stdlib.h>

#include "gpu/model.h"

static double *turns_of(const struct hyper *hyper, const float *divisors)
{
    double *turns = calloc(hyper->rotary / 2 + 1, sizeof *turns);
    if (turns == NULL)
        abort();
    for (uint32_t i = 0; i < hyper->rotary / 2; i++)
        turns[i] = pow((double)hyper->rope_base, -2.0 * i / hyper->rotary) / (double)divisors[i];
    return turns;
}

bool entry_make(struct entry *entry, const struct model *model, bool has_embedding)
{
    const struct hyper *hyper = &model->hyper;
    *entry = (struct entry){.hyper = *hyper};
    entry->turns = turns_of(hyper, hyper->divisors);
    entry->long_turns =
        turns_of(hyper, hyper->rope_switch > 0 ? hyper->long_divisors : hyper->divisors);
    return !has_embedding ||
           (view_find(&entry->embedding, model, (struct weight_id){.weight = WEIGHT_EMBEDDING}) &&
            (hyper->rotary > 0 ||
             view_find(&entry->positions, model, (struct weight_id){.weight = WEIGHT_POSITIONS})));
}

void entry_clear(struct entry *entry)
{
    free(entry->turns);
    free(entry->long_turns);
    *entry = (struct entry){0};
}

static void add_position(const struct entry *entry, float *state, uint32_t position)
{
    float *learned = calloc((size_t)entry->hyper.width + 1, sizeof *learned);
    if (learned == NULL)
        abort();
    view_read_row(&entry->positions, learned, position);
    for (uint32_t i = 0; i < entry->hyper.width; i++)
        state[i] += learned[i];
    free(learned);
}

void entry_state(const struct entry *entry, float *state, const struct exec_row *row)
{
    uint32_t width = entry->hyper.width;
    if (row->in != NULL) {
        memcpy(state, row->in, width * sizeof *state);
        return;
    }
    view_read_row(&entry->embedding, state, row->token);
    for (uint32_t i = 0; i < width; i++)
        state[i] *= entry->hyper.embedding_scale;
    if (entry->hyper.rotary == 0)
        add_position(entry, state, row->position);
}

void entry_turns(const struct entry *entry, float *turns, const struct exec_row *row)
{
    const double *of = row->is_long ? entry->long_turns : entry->turns;
    double magnitude = (double)entry->hyper.rope_magnitude;
    for (uint32_t i = 0; i < entry->hyper.rotary / 2; i++) {
        double angle = row->position * of[i];
        *turns++ = (float)(cos(angle) * magnitude);
        *turns++ = (float)(sin(angle) * magnitude);
    }
}
