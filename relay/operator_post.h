/* operator_post.h - one HTTP POST, over TCP or TLS, and its whole answer.
 *
 * TLS certificates are checked against the host's name and the system's authorities.
 *
 *   threads  blocking
 *   errors   ERR_INTERNAL: which step failed, and why
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;
struct url;

struct operator_post {
    const struct url *url;
    const char *headers; /* lines, each with its end */
    struct span body;
};

MUST_CHECK bool operator_post(const struct operator_post *post, int *status, struct text *body,
                              struct err *err);
