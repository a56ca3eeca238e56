/* plugin_answer.h - one line that a policy plugin says. Part of plugin.
 *
 *   threads  pure
 *   errors   ERR_INVALID
 *   spec     strfry "docs/plugins.md":
 *            {"id":"...","action":"accept|reject|shadowReject","msg":"..."}
 */
#pragma once

#include "shared/base.h"
#include "shared/err.h"

struct arena;

enum plugin_action {
    PLUGIN_ACCEPT,
    PLUGIN_REJECT,
    PLUGIN_SHADOW_REJECT, /* the sender is told that it was accepted */
};

struct plugin_answer {
    struct bytes32 id; /* of the event */
    enum plugin_action action;
    struct err why; /* of a rejection, from msg: "blocked: ..." where it has no prefix of its own */
};

MUST_CHECK bool plugin_answer_read(struct plugin_answer *answer, struct arena *arena,
                                   struct span line, struct err *err);
