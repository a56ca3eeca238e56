/* pen_text.h - what a pen writes in the text of an entity. Part of pen.
 *
 *   threads  the store's
 *   errors   the pen's; ERR_INVALID: more than relays take at once, or nothing to write
 */
#pragma once

#include "client/doc.h"
#include "client/pen.h"

struct text;

/* The document of what is changed, as this device edits it, to be freed by doc_free. NULL on
 * failure. */
struct doc *pen_text_open(const struct pen *pen, const struct pen_change *change, struct err *err);

/* Signs, keeps and queues what was written in the document since it was opened. */
MUST_CHECK bool pen_text_write(struct pen *pen, struct pen_change *change, struct doc *doc,
                               struct event *event, struct err *err);

/* The same for an update that an editor made: what of it is new here. An editor that does not write
 * as the client of this device has a client of its own, which is claimed for it. ERR_INVALID: it
 * goes on from what is not here, or is by several clients. */
MUST_CHECK bool pen_text_apply(struct pen *pen, struct pen_change *change, struct span update,
                               struct event *event, struct err *err);

/* Takes the last edit of this device back, or with DOC_REDO makes it again. */
MUST_CHECK bool pen_text_undo(struct pen *pen, struct pen_change *change, enum doc_step step,
                              struct event *event, struct err *err);

/* Deletes what somebody wrote in the texts of a circle who was not to, for programs that apply all
 * that they hear, where nobody has done so. count: texts. */
MUST_CHECK bool pen_text_mend(struct pen *pen, uint64_t *count, const struct bytes32 *circle,
                              struct err *err);
