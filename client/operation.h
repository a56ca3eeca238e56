/* operation.h - an operation of the sync format that applications speak: one change of one entity,
 * as a JSON object.
 *
 *     {"id":"...","entityType":"note","entityId":"...","operation":"update",
 *      "payload":{"title":"Fish"},"hlcTimestamp":"018bcfe5687b0000","vectorClock":{"...":3}}
 *
 * The members of the payload are fields of the entity: null takes one away. A payload may hold, as
 * "_event", the event that somebody signed for this; then that is what counts, and all else only
 * says what it means. Any other is foreign.
 *
 *   units      hlc: of hlc.h; hlcTimestamp: 16 hex digits, unix milliseconds as a number or in
 *              digits, or those with a counter behind them: "1700000000000:3"
 *   ownership  what is parsed lives in the arena, or points into the text
 *   errors     ERR_INVALID
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct event;
struct text;

enum { OPERATION_NAME_BYTES_MAX = 200 };

enum operation_act {
    OPERATION_CREATE,  /* create, insert */
    OPERATION_UPDATE,  /* update, set, patch, upsert */
    OPERATION_DELETE,  /* delete, remove */
    OPERATION_RESTORE, /* restore */
};

struct operation {
    struct span id, entity_type, entity_id;
    enum operation_act act;
    struct span payload; /* JSON: an object; empty: none */
    struct span event;   /* JSON; empty: it is foreign */
    uint64_t hlc;
};

MUST_CHECK bool operation_parse(struct operation *operation, struct arena *arena, struct span json,
                                struct err *err);

/* A member of the payload that is no name of ours; to be begun with scan_object. */
struct operation_field {
    struct span key, json; /* canonical; null: there is no such field any more */
};

/* All of them. ERR_INVALID: no JSON in canonical form, a name that begins with "_". */
MUST_CHECK bool operation_fields(const struct operation *operation, struct operation_field **fields,
                                 size_t *count, struct arena *arena, struct err *err);

/* Appends one, but for its last member and brace: what vectorClock is. type, root and hlc: of the
 * entity that the event is of; root NULL: of none. */
struct operation_place {
    struct span type;
    const struct bytes32 *root;
    uint64_t hlc;
};
void operation_write(struct text *out, const struct event *event, struct span json,
                     const struct operation_place *place);
