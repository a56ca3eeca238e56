/* command_scope.h - what a command is about: filters, from options or from what the store holds.
 * Part of command.
 *
 *   ownership  filters live in the arena
 */
#pragma once

#include "client/command.h"
#include "shared/filter.h"

struct arena;
struct err;
struct store;

#define SCOPE_OPTIONS                                                                   \
    {"author", "WHO", "all by this person; may be repeated"},                           \
        {"entity", "ID", "all of this document or profile; may be repeated"},           \
        {"circle", "CIRCLE", "all of this circle, by its name or id; may be repeated"}, \
        {"filter", "FILTER", "all that match, as JSON; may be repeated"},               \
    {                                                                                   \
        "all", NULL, "all that the relay has"                                           \
    }

struct scope {
    struct filter *filters;
    uint32_t count;
    struct bytes32 *authors; /* of whom all is meant */
    size_t author_count;
};

/* Where no option says: what you wrote, and all of the entities in the store; no filters when there
 * is nothing of that. */
MUST_CHECK bool scope_read(struct scope *scope, struct arena *arena,
                           const struct command_call *call, struct store *store, struct err *err);

/* One more relay to ask, and what for. */
struct scope_stop {
    struct span url;
    struct filter filter;
};

/* The relays that the authors write to, by their own lists (NIP-65) as far as these are in the
 * store: few that meet each author twice. */
MUST_CHECK bool scope_route(struct scope_stop **stops, size_t *count, struct arena *arena,
                            const struct scope *scope, struct store *store, struct err *err);
