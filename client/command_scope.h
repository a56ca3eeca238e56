/* command_scope.h - what a command is about: filters, from options or from what the store holds.
 * Part of command.
 *
 *   ownership  filters live in the arena
 */
#pragma once

#include "client/command.h"

struct arena;
struct err;
struct filter;
struct store;

#define SCOPE_OPTIONS                                                         \
    {"author", "WHO", "all by this person; may be repeated"},                 \
        {"entity", "ID", "all of this document or profile; may be repeated"}, \
        {"circle", "ID", "all of this circle; may be repeated"},              \
        {"filter", "FILTER", "all that match, as JSON; may be repeated"},     \
    {                                                                         \
        "all", NULL, "all that the relay has"                                 \
    }

struct scope {
    struct filter *filters;
    uint32_t count;
};

/* Where no option says: what you wrote, and all of the entities in the store; no filters when there
 * is nothing of that. */
MUST_CHECK bool scope_read(struct scope *scope, struct arena *arena,
                           const struct command_call *call, struct store *store, struct err *err);
