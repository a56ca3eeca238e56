/* command_pen.h - events of one's own on their way: signed, kept and queued, all that one command
 * writes in one transaction. Part of command.
 *
 *   ownership  pen_run opens and closes; what its function makes lives in the pen's arena
 *   threads    one
 */
#pragma once

#include "client/command_home.h"
#include "client/node.h"
#include "client/op.h"
#include "shared/arena.h"

struct draft;
struct event;
struct holder;
struct replica;

enum { PEN_TEXT_BYTES_MAX = 60000 }; /* that a person writes at once: relays take little more */

#define PEN_OPTIONS                                                          \
    HOME_OPTION_RELAY, HOME_OPTION_DRY_RUN, HOME_OPTION, COMMAND_OPTION_KEY, \
        COMMAND_OPTION_PASSWORD, COMMAND_OPTION_JSON

struct pen {
    const struct command_call *call;
    struct store *store;
    struct holder *holder;
    struct arena arena;
    size_t queued; /* relays that the last event put was queued for */
};

/* Writes what the command is about; out: its report, printed once all is committed. */
typedef bool pen_fn(struct pen *pen, struct text *out, struct err *err);
enum command_status pen_run(struct command_call *call, pen_fn *write);

const struct bytes32 *pen_me(const struct pen *pen);
int64_t pen_now(void); /* unix seconds */

/* The words of the call from the first on, with spaces between, or all of standard input where the
 * only one is "-": UTF-8, not empty. */
MUST_CHECK bool pen_text(struct pen *pen, struct span *text, size_t first, struct err *err);

/* Ends with draft. */
MUST_CHECK bool pen_sign(struct pen *pen, struct event *event, struct draft *draft,
                         struct err *err);

/* Keeps it, queued for the relays that the call or else the store names; or for those given. */
MUST_CHECK bool pen_put(struct pen *pen, const struct event *event, struct err *err);
MUST_CHECK bool pen_put_at(struct pen *pen, const struct event *event, const struct span *relays,
                           size_t count, struct err *err);

/* What every command that writes one event says: the id of what it is about, and the event's. */
void pen_report(const struct pen *pen, struct text *out, const struct bytes32 *id,
                const struct bytes32 *event);

/* ---- entities ---- */

/* One event of operations on an entity. */
struct pen_change {
    struct replica *replica; /* of what is changed; NULL for what is new */
    struct node node;
    struct bytes32 parents[NODE_PARENTS_MAX];
    struct op *ops;
    size_t op_count;
};

/* Begins what is new: the first operation creates it. */
MUST_CHECK bool pen_create(struct pen *pen, struct pen_change *change, struct span type,
                           struct err *err);

/* Begins a change of what is there; ERR_RESTRICTED: it is somebody else's. */
MUST_CHECK bool pen_load(struct pen *pen, struct pen_change *change, const struct bytes32 *root,
                         struct err *err);
void pen_clear(struct pen_change *change);

struct op *pen_op(struct pen *pen, struct pen_change *change, enum op_type type, struct span key);

/* As canonical JSON: is_json, or a string. */
MUST_CHECK bool pen_value(struct pen *pen, struct span *json, struct span value, bool is_json,
                          struct err *err);

/* Takes out of a set all that says so, of what is seen here. */
MUST_CHECK bool pen_remove(struct pen *pen, struct pen_change *change, struct span key,
                           struct span json, struct err *err);

/* Signs, keeps and queues it: the next event of this device. */
MUST_CHECK bool pen_finish(struct pen *pen, struct pen_change *change, struct event *event,
                           struct err *err);

/* The entity's id, once finished. */
const struct bytes32 *pen_root(const struct pen_change *change, const struct event *event);
