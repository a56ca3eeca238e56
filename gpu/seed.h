/* seed.h - the secret that all keys of a mint are derived from: a file under a password.
 *
 * As an identity's, it is one ncryptsec, readable by its owner alone. Whoever has the file and the
 * password can issue credit without end; whoever loses it can issue and redeem none.
 *
 *   ownership  seed_open gives what keys_free takes; the seed is its secret
 *   threads    before there are others: a password may be asked for
 *   errors     ERR_RESTRICTED: no such file, one already, one that others may read, a wrong
 *              password, or nobody to ask for it
 *   spec       NIP-49
 */
#pragma once

#include "shared/base.h"

struct err;
struct keys;

struct seed_options {
    const char *file;
    const char *password_file; /* its first line; "-": of standard input; NULL: asked for */
};

/* A new one, random. */
MUST_CHECK bool seed_make(const struct seed_options *options, struct err *err);

/* NULL on failure. */
MUST_CHECK struct keys *seed_open(const struct seed_options *options, struct err *err);
