/* identity.h - the key that a node is known by: a file of `shoal identity new`.
 *
 *   ownership  identity_open gives what holder_free takes
 *   threads    before there are others: a password may be asked for
 *   errors     ERR_RESTRICTED: no such file, one that others may read, a wrong password, or nobody
 *              to ask for it; ERR_INVALID: no key
 *   spec       NIP-49
 */
#pragma once

#include "shared/base.h"

struct err;
struct holder;

struct identity_options {
    const char *key_file;      /* NULL: as the client finds it */
    const char *password_file; /* its first line; "-": of standard input; NULL: asked for */
};

/* NULL on failure. */
MUST_CHECK struct holder *identity_open(const struct identity_options *options, struct err *err);
