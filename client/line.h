/* line.h - an answer that comes in pieces, line by line: server-sent events, or one JSON object a
 * line.
 *
 *   ownership  line_clear; a line is borrowed for the call
 *   threads    one at a time
 *   bounds     LINE_BYTES_MAX: what is longer is passed over, to its end
 *   spec       WHATWG HTML "Server-sent events"
 */
#pragma once

#include "shared/text.h"

enum { LINE_BYTES_MAX = 1 << 20 };

struct line {
    struct text rest; /* of what has not ended yet */
    bool is_long;     /* past the most: until its end */
};

/* Without its end. It may not touch the line. */
typedef void line_fn(void *owner, struct span text);

void line_add(struct line *line, struct span bytes, line_fn *fn, void *owner);

/* What came last, without an end. */
void line_end(struct line *line, line_fn *fn, void *owner);
void line_clear(struct line *line);

/* What follows "data:" in a line of server-sent events; false: it is another field. */
bool line_data(struct span *data, struct span text);
