#include "client/roll.h"

#include "client/position.h"
#include "client/state.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

enum { AROUND = 200 }; /* elements on each side that are given new positions */

struct roll *roll_new(struct arena *arena, struct roll_ops ops, const struct state *state,
                      struct span key, uint32_t random)
{
    size_t count = 0;
    struct roll *roll = arena_alloc(arena, sizeof *roll);
    const struct state_element **elements =
        state != NULL ? state_elements(state, arena, key, &count) : NULL;
    *roll = (struct roll){.arena = arena, .ops = ops, .key = key, .random = random};
    for (size_t i = 0; i < count; i++) {
        if (elements[i]->position.value.len == 0)
            continue; /* of a set by the same name */
        roll->items = arena_grow(arena, struct roll_item, roll->items, roll->count);
        roll->items[roll->count++] =
            (struct roll_item){.tag = {elements[i]->event, elements[i]->index},
                               .value = arena_copy(arena, elements[i]->value),
                               .position = arena_copy(arena, elements[i]->position.value)};
    }
    return roll;
}

static bool has_room(const struct roll *roll, size_t wanted, struct err *err)
{
    return *roll->ops.count + wanted <= OP_COUNT_MAX ||
           err_set(err, ERR_INVALID, "over %d changes at once", OP_COUNT_MAX - 1);
}

static struct op *add_op(struct roll *roll, enum op_type type)
{
    *roll->ops.at = arena_grow(roll->arena, struct op, *roll->ops.at, *roll->ops.count);
    struct op *op = &(*roll->ops.at)[(*roll->ops.count)++];
    *op = (struct op){.type = type, .key = roll->key};
    return op;
}

/* Puts an element at a position: what this event adds begins there. */
static void place(struct roll *roll, struct roll_item *item, struct span position)
{
    item->position = position;
    if (item->adding > 0) {
        (*roll->ops.at)[item->adding - 1].position = position;
        return;
    }
    struct op_tag *tag = arena_alloc(roll->arena, sizeof *tag);
    *tag = item->tag;
    struct op *op = add_op(roll, OP_MOVE);
    op->position = position;
    op->tags = tag;
    op->tag_count = 1;
}

static struct span position_of(const struct roll *roll, size_t index)
{
    return index < roll->count ? roll->items[index].position : SPAN("");
}

static bool find_between(struct roll *roll, struct span *position, struct span low,
                         struct span high)
{
    struct text out = {0};
    roll->random = roll->random * 1664525 + 1013904223;
    bool ok = position_between(&out, low, high, roll->random >> 8, NULL);
    *position = arena_copy(roll->arena, text_span(&out));
    text_clear(&out);
    return ok;
}

/* Gives those from begin to end new positions: first the one in the middle, then those in the
 * middles of the halves, so that all stay short. */
static bool spread(struct roll *roll, size_t begin, size_t end)
{
    const struct span before = begin > 0 ? position_of(roll, begin - 1) : SPAN("");
    const struct span behind = position_of(roll, end);
    size_t count = end - begin, stride = 1;
    while (stride <= count / 2)
        stride *= 2;
    for (; stride > 0; stride /= 2) {
        for (size_t nth = stride; nth <= count; nth += 2 * stride) {
            struct span low = nth > stride ? position_of(roll, begin + nth - stride - 1) : before;
            struct span high =
                nth + stride <= count ? position_of(roll, begin + nth + stride - 1) : behind;
            struct span position;
            if (!find_between(roll, &position, low, high))
                return false;
            place(roll, &roll->items[begin + nth - 1], position);
        }
    }
    return true;
}

/* A position for what is to be at index. */
static bool find_place(struct roll *roll, struct span *position, size_t index, struct err *err)
{
    const struct span low = index > 0 ? position_of(roll, index - 1) : SPAN("");
    if (find_between(roll, position, low, position_of(roll, index)))
        return true;
    size_t begin = index > AROUND ? index - AROUND : 0;
    size_t end = roll->count - index > AROUND ? index + AROUND : roll->count;
    if (!has_room(roll, end - begin + 1, err))
        return false;
    return (spread(roll, begin, end) &&
            find_between(roll, position, index > 0 ? position_of(roll, index - 1) : SPAN(""),
                         position_of(roll, index))) ||
           err_set(err, ERR_INVALID, "no place there in the list");
}

static bool is_index(const struct roll *roll, size_t at, size_t count, struct err *err)
{
    return at < count || err_set(err, ERR_INVALID, "no place %zu in %.*s, which has %zu", at + 1,
                                 SPAN_ARG(roll->key), roll->count);
}

static void open_gap(struct roll *roll, size_t at)
{
    roll->items = arena_grow(roll->arena, struct roll_item, roll->items, roll->count);
    memmove(roll->items + at + 1, roll->items + at, (roll->count - at) * sizeof *roll->items);
    roll->count++;
}

static void close_gap(struct roll *roll, size_t at)
{
    roll->count--;
    memmove(roll->items + at, roll->items + at + 1, (roll->count - at) * sizeof *roll->items);
}

bool roll_insert(struct roll *roll, size_t at, struct span json, struct err *err)
{
    struct span position;
    if (!is_index(roll, at, roll->count + 1, err) || !has_room(roll, 1, err) ||
        !find_place(roll, &position, at, err))
        return false;
    struct op *op = add_op(roll, OP_ADD);
    op->value = json;
    op->position = position;
    open_gap(roll, at);
    roll->items[at] =
        (struct roll_item){.adding = *roll->ops.count, .value = json, .position = position};
    return true;
}

bool roll_move(struct roll *roll, size_t from, size_t to, struct err *err)
{
    struct span position;
    if (!is_index(roll, from, roll->count, err) || !is_index(roll, to, roll->count, err) ||
        !has_room(roll, 1, err))
        return false;
    struct roll_item item = roll->items[from];
    close_gap(roll, from);
    if (!find_place(roll, &position, to, err))
        return false;
    place(roll, &item, position);
    open_gap(roll, to);
    roll->items[to] = item;
    return true;
}

bool roll_remove(struct roll *roll, size_t at, struct err *err)
{
    if (!is_index(roll, at, roll->count, err) || !has_room(roll, 1, err))
        return false;
    if (roll->items[at].adding > 0)
        return err_set(err, ERR_INVALID, "place %zu in %.*s came in this very change", at + 1,
                       SPAN_ARG(roll->key));
    struct op_tag *tag = arena_alloc(roll->arena, sizeof *tag);
    *tag = roll->items[at].tag;
    struct op *op = add_op(roll, OP_REM);
    op->tags = tag;
    op->tag_count = 1;
    close_gap(roll, at);
    return true;
}
