/* op.h - what an event of kind 1570 does to an entity.
 *
 * The content is one operation or a list of them, as JSON objects:
 *
 *     {"op":"create","type":"note"}              once, in the event that is the root
 *     {"op":"set","k":"title","v":"Shoal"}       a field; "_del" is whether it is deleted
 *     {"op":"del","k":"title"}                   a field is not there any more
 *     {"op":"add","k":"tags","v":"fish"}         to a set; with "p", a position, to a list
 *     {"op":"rem","k":"tags","ids":[TAG, ...]}   what others added meanwhile stays
 *     {"op":"move","k":"todo","id":TAG,"p":...}  an element of a list
 *     {"op":"inc","k":"stock","n":-2}            a counter
 *
 * TAG names what an add added: the id of its event, and ":3" behind it when the add was not the
 * first operation of the event but the one after three others. Operations that are unknown here
 * count, and do nothing.
 *
 *   ownership  all lives in the arena
 *   errors     ERR_INVALID: then the event does nothing, for anybody
 *   spec       Shoal's state, "Datatypes"
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct event;
struct text;

enum { OP_COUNT_MAX = 1000, OP_TAGS_MAX = 1000, OP_KEY_BYTES_MAX = 256 };

#define OP_DELETED "_del" /* the field that a deletion sets, and a restoration */

enum op_type { OP_UNKNOWN, OP_CREATE, OP_SET, OP_DEL, OP_ADD, OP_REM, OP_MOVE, OP_INC };

struct op_tag {
    struct bytes32 event;
    uint32_t index; /* of the operation in the event */
};

struct op {
    enum op_type type;
    struct span key;           /* of the field, set, list or counter; the type of a create */
    struct span value;         /* canonical JSON, of a set or add */
    struct span position;      /* of a move, and of an add to a list; else empty */
    int64_t amount;            /* of an inc */
    const struct op_tag *tags; /* of a rem; the one of a move */
    uint32_t tag_count;
};

struct op_list {
    const struct op *at;
    uint32_t count;
};

/* event: of kind 1570. */
MUST_CHECK bool op_parse(struct op_list *ops, struct arena *arena, const struct event *event,
                         struct err *err);

/* Appends one operation as JSON. */
void op_write(struct text *out, const struct op *op);
