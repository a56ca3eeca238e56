#include "client/state.h"

#include "client/node.h"
#include "client/op.h"

enum { NAME_BYTES = sizeof(struct bytes32) + 4 };

struct name {
    uint8_t at[NAME_BYTES]; /* of an element; an index in big endian keeps the order */
};

void state_clear(struct state *state)
{
    arena_clear(&state->arena);
    *state = (struct state){0};
}

static struct name name_of(const struct bytes32 *event, uint32_t index)
{
    struct name name;
    memcpy(name.at, event->at, sizeof event->at);
    for (uint32_t i = 0; i < 4; i++)
        name.at[sizeof event->at + i] = (uint8_t)(index >> (24 - 8 * i));
    return name;
}

static bool is_later(const struct state_stamp *a, const struct state_stamp *b)
{
    if (a->hlc != b->hlc)
        return a->hlc > b->hlc;
    int order = memcmp(a->id.at, b->id.at, sizeof a->id.at);
    return order != 0 ? order < 0 : a->index > b->index;
}

static void write_field(struct state *state, struct state_field *field,
                        const struct state_stamp *stamp, struct span value)
{
    if (field->is_written && !is_later(stamp, &field->stamp))
        return;
    field->is_written = true;
    field->stamp = *stamp;
    field->value = arena_copy(&state->arena, value);
}

static void set_field(struct state *state, const struct state_stamp *stamp, struct span key,
                      struct span value)
{
    struct state_field *field = trie_get(&state->fields, key);
    if (field == NULL) {
        field = arena_alloc(&state->arena, sizeof *field);
        trie_put(&state->fields, &state->arena, key, field);
    }
    write_field(state, field, stamp, value);
}

/* Also one that nobody has added yet: what is said of it is kept until then. */
static struct state_element *element_of(struct state *state, const struct bytes32 *event,
                                        uint32_t index)
{
    struct name name = name_of(event, index);
    struct state_element *element = trie_get(&state->elements, SPAN_OF(name));
    if (element == NULL) {
        element = arena_alloc(&state->arena, sizeof *element);
        *element = (struct state_element){.event = *event, .index = index};
        trie_put(&state->elements, &state->arena, SPAN_OF(name), element);
    }
    return element;
}

static void add_element(struct state *state, const struct state_stamp *stamp, const struct op *op)
{
    struct state_element *element = element_of(state, &stamp->id, stamp->index);
    element->is_added = true;
    element->key = arena_copy(&state->arena, op->key);
    element->value = arena_copy(&state->arena, op->value);
    if (op->position.len > 0)
        write_field(state, &element->position, stamp, op->position);
}

static void add_amount(struct state *state, const struct op *op)
{
    uint64_t *sum = trie_get(&state->counters, op->key);
    if (sum == NULL) {
        sum = arena_alloc(&state->arena, sizeof *sum);
        trie_put(&state->counters, &state->arena, op->key, sum);
    }
    *sum += (uint64_t)op->amount;
}

static void apply_op(struct state *state, const struct node *node, const struct op *op,
                     const struct state_stamp *stamp)
{
    switch (op->type) {
    case OP_UNKNOWN:
        return;
    case OP_CREATE:
        if (node_is_root(node) && state->type.len == 0)
            state->type = arena_copy(&state->arena, op->key);
        return;
    case OP_SET:
        set_field(state, stamp, op->key, op->value);
        return;
    case OP_DEL:
        set_field(state, stamp, op->key, SPAN(""));
        return;
    case OP_ADD:
        add_element(state, stamp, op);
        return;
    case OP_REM:
        for (uint32_t i = 0; i < op->tag_count; i++)
            element_of(state, &op->tags[i].event, op->tags[i].index)->is_removed = true;
        return;
    case OP_MOVE:
        write_field(state, &element_of(state, &op->tags[0].event, op->tags[0].index)->position,
                    stamp, op->position);
        return;
    case OP_INC:
        add_amount(state, op);
        return;
    }
}

void state_apply(struct state *state, const struct node *node, const struct op_list *ops)
{
    for (uint32_t i = 0; i < ops->count; i++) {
        struct state_stamp stamp = {node->hlc, node->id, i};
        apply_op(state, node, &ops->at[i], &stamp);
    }
}

const struct span *state_field_value(const struct state *state, struct span key)
{
    const struct state_field *field = trie_get(&state->fields, key);
    return field != NULL && field->value.len > 0 ? &field->value : NULL;
}

bool state_is_deleted(const struct state *state)
{
    const struct span *value = state_field_value(state, SPAN(OP_DELETED));
    return value != NULL && span_eq(*value, SPAN("true"));
}
