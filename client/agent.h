/* agent.h - the process that keeps a key in memory, as commands see it: where it listens, and what
 * it does when asked.
 *
 * One agent keeps one key behind one socket, which nobody else may use: the folder, the socket and
 * whoever is at its other end are looked at. Each question is a connection of its own, so that a
 * command may outlive an agent.
 *
 *   ownership  the caller's buffers
 *   threads    any
 *   errors     ERR_RESTRICTED: no agent, one of somebody else, or it is locked; ERR_INTERNAL: the
 *              system says no, or it does not answer; what the agent says
 */
#pragma once

#include "client/agent_wire.h"

struct holder;

enum { AGENT_PATH_MAX = 108 }; /* of a socket, with its NUL */

/* The socket named, or else $SHOAL_AGENT, shoal/agent in $XDG_RUNTIME_DIR, /tmp/shoal-UID/agent. */
MUST_CHECK bool agent_path(char path[AGENT_PATH_MAX], const char *named, struct err *err);

/* Makes the folder of the socket, takes the place of whoever was killed there, and holds it for as
 * long as *lock is open. ERR_RESTRICTED: there is an agent, or others may enter the folder. */
MUST_CHECK bool agent_claim(int *lock, const char *path, struct err *err);

/* Asks, and waits for the answer, which it appends. */
MUST_CHECK bool agent_ask(struct text *out, const char *path, const struct agent_request *request,
                          struct err *err);

/* hello->file points into text. */
MUST_CHECK bool agent_greet(struct agent_hello *hello, struct text *text, const char *path,
                            struct err *err);

/* The key whose sealed word has that mark; NULL where no agent keeps it unlocked. */
struct holder *agent_holder(const char *path, const struct bytes32 *mark);
