/* auth.h - NIP-42: the challenge, and the answer to it.
 *
 *   threads  loop thread only
 *   spec     NIP-42
 */
#pragma once

#include "shared/base.h"

struct policy;
struct session;

/* Makes the session's challenge from 16 bytes of the system's randomness and sends it. */
void auth_challenge(struct session *session);

/* Sends the challenge that the session has, again: before a refusal with auth-required. */
void auth_remind(struct session *session);
