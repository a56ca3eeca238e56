/* command_link.h - which things say that they belong to one. Part of command.
 *
 *   ownership  borrows all it is given
 */
#pragma once

#include "shared/base.h"

struct err;
struct store;
struct text;

/* Appends them: a JSON array, or a line for each. */
MUST_CHECK bool link_write_back(struct store *store, struct text *out, const struct bytes32 *to,
                                bool is_json, struct err *err);
