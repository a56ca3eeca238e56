/* command_editor.h - a text in the editor that the user likes. Part of command.
 *
 *   ownership  the result lives in the arena
 *   errors     ERR_INTERNAL: there is none, or it failed; ERR_INVALID: no UTF-8, or too long
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;

/* $VISUAL or $EDITOR edits text, in a file that nobody else may read. */
MUST_CHECK bool editor_run(struct span *text, struct arena *arena, struct err *err);
