/* command_pen.h - a command that writes: all its events are one transaction. Part of command.
 *
 *   ownership  pen_run opens and closes; what its function makes lives in the pen's arena
 *   threads    one
 */
#pragma once

#include "client/command_home.h"
#include "client/pen.h"

enum { PEN_TEXT_BYTES_MAX = 60000 }; /* that a person writes at once: relays take little more */

#define PEN_OPTIONS                                                          \
    HOME_OPTION_RELAY, HOME_OPTION_DRY_RUN, HOME_OPTION, COMMAND_OPTION_KEY, \
        COMMAND_OPTION_PASSWORD, COMMAND_OPTION_JSON

/* Writes what the command is about; out: its report, printed once all is committed. Where standard
 * input gives it several turns all of them are written, or none. */
typedef bool pen_fn(struct pen *pen, struct text *out, struct err *err);
enum command_status pen_run(struct command_call *call, pen_fn *write);

/* The same with a holder that is there, and less the printing. */
MUST_CHECK bool pen_write(const struct command_call *call, struct holder *holder, struct text *out,
                          pen_fn *write, struct err *err);

int64_t pen_now(void); /* unix seconds */

/* The words of the call from the first on, with spaces between, or all of standard input where the
 * only one is "-": UTF-8, not empty. */
MUST_CHECK bool pen_text(struct pen *pen, struct span *text, size_t first, struct err *err);

/* What every command that writes one event says: the id of what it is about, and the event's. */
void pen_report(const struct pen *pen, struct text *out, const struct bytes32 *id,
                const struct bytes32 *event);
