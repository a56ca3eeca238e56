/* pen_text.h - what a pen writes in the text of an entity. Part of pen.
 *
 *   threads  the store's
 *   errors   the pen's; ERR_INVALID: more than relays take at once
 */
#pragma once

#include "client/pen.h"

struct doc;
struct text;

/* The document of what is changed, as this device edits it, to be freed by doc_free; before is
 * given its state vector. NULL on failure. */
struct doc *pen_text_open(const struct pen *pen, const struct pen_change *change,
                          struct text *before, struct err *err);

/* Signs, keeps and queues what was written in the document since; or an update of that device. */
MUST_CHECK bool pen_text_write(struct pen *pen, struct pen_change *change, struct doc *doc,
                               const struct text *before, struct event *event, struct err *err);
MUST_CHECK bool pen_text_pass(struct pen *pen, struct pen_change *change, struct span update,
                              struct event *event, struct err *err);
