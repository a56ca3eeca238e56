/* command_letter.h - what is told to one person alone, on its way. Part of command.
 *
 *   errors  the pen's; ERR_INVALID: nobody knows where his letters are left
 *   spec    NIP-17, NIP-59
 */
#pragma once

#include "client/pen.h"

/* Wraps a rumor of ours for one person, and queues that for where his letters are left; or for the
 * relays that the command names. */
MUST_CHECK bool letter_send(struct pen *pen, const struct event *rumor, const struct bytes32 *to,
                            struct err *err);
