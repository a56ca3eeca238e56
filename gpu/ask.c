#include "gpu/ask.h"

#include "gpu/tree.h"
#include "shared/arena.h"
#include "shared/number.h"

bool ask_parse(const struct tree **object, struct arena *arena, struct span body,
               struct refusal *refusal)
{
    struct err err;
    if (!tree_parse(object, arena, body, &err))
        return refusal_set(refusal, 400, NULL, "the body is no JSON: %s", err.text);
    return tree_as(*object, TREE_OBJECT) != NULL ||
           refusal_set(refusal, 400, NULL, "the body is no JSON object");
}

bool ask_read_count(const struct ask_reader *reader, const char *name, uint32_t *out,
                    uint32_t least, uint32_t most)
{
    const struct tree *field = tree_get(reader->object, name);
    uint64_t value;
    if (field == NULL)
        return true;
    if (!tree_integer(field, &value, most) || value < least)
        return refusal_set(reader->refusal, 400, name, "%s is a whole number, %u to %u", name,
                           least, most);
    *out = (uint32_t)value;
    return true;
}

bool ask_read_bool(const struct ask_reader *reader, const char *name, bool *out)
{
    const struct tree *field = tree_get(reader->object, name);
    if (field == NULL)
        return true;
    if (tree_as(field, TREE_BOOL) == NULL)
        return refusal_set(reader->refusal, 400, name, "%s is true or false", name);
    *out = tree_bool(field, false);
    return true;
}

bool ask_read_text(const struct ask_reader *reader, const char *name, struct span *out)
{
    const struct tree *field = tree_get(reader->object, name);
    if (field == NULL)
        return true;
    if (tree_as(field, TREE_STRING) == NULL)
        return refusal_set(reader->refusal, 400, name, "%s is a string", name);
    *out = arena_copy(reader->arena, tree_text(field));
    return true;
}

#define AT(member) offsetof(struct sampler_options, member)
static const struct {
    const char *name;
    size_t offset;
    double least, most;
} fractions[] = {
    {"temperature", AT(temperature), 0, 100},
    {"top_p", AT(top_p), 0, 1},
    {"min_p", AT(min_p), 0, 1},
    {"frequency_penalty", AT(frequency), -100, 100},
    {"presence_penalty", AT(presence), -100, 100},
    {"repetition_penalty", AT(repetition), 0.01, 100},
    {"repeat_penalty", AT(repetition), 0.01, 100},
};
#undef AT

bool ask_read_sampler(const struct ask_reader *reader)
{
    struct sampler_options *sampler = &reader->ask->sampler;
    for (size_t i = 0; i < ARRAY_LEN(fractions); i++) {
        const char *name = fractions[i].name;
        const struct tree *field = tree_get(reader->object, name);
        double value;
        if (field == NULL)
            continue;
        if (!tree_number(field, &value) || value < fractions[i].least || value > fractions[i].most)
            return refusal_set(reader->refusal, 400, name, "%s is a number, %g to %g", name,
                               fractions[i].least, fractions[i].most);
        memcpy((char *)sampler + fractions[i].offset, &(float){(float)value}, sizeof(float));
    }
    if (sampler->top_p == 0) { /* the best, as others take it */
        sampler->top_p = 1;
        sampler->top_k = 1;
    }
    return ask_read_count(reader, "top_k", &sampler->top_k, 0, INT32_MAX);
}

bool ask_read_seed(const struct ask_reader *reader)
{
    const struct tree *field = tree_get(reader->object, "seed");
    int64_t seed;
    if (field == NULL)
        return true;
    if (tree_as(field, TREE_NUMBER) == NULL || !number_value(&seed, field->text))
        return refusal_set(reader->refusal, 400, "seed", "seed is a whole number");
    for (size_t i = 0; i < 8; i++)
        reader->ask->sampler.seed.at[i] = (uint8_t)((uint64_t)seed >> 8 * i);
    reader->ask->has_seed = true;
    return true;
}

bool ask_read_stops(const struct ask_reader *reader)
{
    const struct tree *field = tree_get(reader->object, "stop");
    struct ask *ask = reader->ask;
    if (field == NULL)
        return true;
    const struct tree *stop = tree_as(field, TREE_ARRAY) != NULL ? field->first : field;
    for (; stop != NULL; stop = field == stop ? NULL : stop->next) {
        if (tree_text(stop).len == 0)
            return refusal_set(reader->refusal, 400, "stop",
                               "stop is a string or a list of strings, none empty");
        if (ask->stop_count == STOPPER_STRINGS_MAX)
            return refusal_set(reader->refusal, 400, "stop", "at most %d stop strings",
                               STOPPER_STRINGS_MAX);
        ask->stops[ask->stop_count++] = arena_copy(reader->arena, tree_text(stop));
    }
    return true;
}

static bool is_idle(const struct tree *field)
{
    double number;
    switch (field->type) {
    case TREE_NULL:
        return true;
    case TREE_BOOL:
        return !tree_bool(field, true);
    case TREE_NUMBER:
        return tree_number(field, &number) && number == 0;
    case TREE_STRING:
        return field->text.len == 0 || tree_is(field, "none") || tree_is(field, "auto");
    case TREE_ARRAY:
    case TREE_OBJECT:
        return field->count == 0;
    }
    return false;
}

bool ask_lacks(const struct ask_reader *reader, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct tree *field = tree_get(reader->object, names[i]);
        if (field != NULL && !is_idle(field))
            return refusal_set(reader->refusal, 400, names[i], "%s is not supported here",
                               names[i]);
    }
    return true;
}
