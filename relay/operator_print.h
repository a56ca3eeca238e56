/* operator_print.h - what a relay answered, for people: a table, a list, or a word.
 *
 * Texts come from strangers: what would steer a terminal is left out.
 *
 *   threads  pure
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;

/* json: one value. */
MUST_CHECK bool operator_print(struct text *out, struct span json, struct err *err);

/* Text as it may be shown. */
void operator_print_text(struct text *out, struct span utf8);
