/* command_circle.h - shoal circle, and which circle is meant. Part of command.
 *
 *   errors  ERR_INVALID: none, or several
 */
#pragma once

#include "client/command.h"

struct store;

extern const struct command command_circle_new, command_circle_list, command_circle_show,
    command_circle_add, command_circle_rm, command_circle_role, command_circle_policy,
    command_circle_leave, command_circle_void, command_circle_keys;

/* By its name, or as any id. */
MUST_CHECK bool command_circle_find(struct store *store, struct bytes32 *id, const char *word,
                                    struct err *err);
