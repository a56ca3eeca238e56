/* command_doc.h - the text of a thing. Part of command.
 *
 *   ownership  the result lives in the arena
 */
#pragma once

#include "shared/base.h"

struct arena;
struct replica;

/* The text that a replica holds. */
struct span doc_text_of(const struct replica *replica, struct arena *arena);
