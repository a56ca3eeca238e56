/* operator_key.h - the operator's secret key, in memory that is locked, not dumped, and wiped.
 *
 *   errors  ERR_INVALID: no key, a file that others may read; ERR_INTERNAL: the system
 */
#pragma once

#include "shared/base.h"

struct err;

struct operator_key {
    struct bytes32 secret, pubkey;
};

/* From the file at path, which nobody but its owner may read; NULL: a line of stdin, asked for when
 * it is a terminal. Hex or nsec. NULL, with err, when there is none. */
struct operator_key *operator_key_read(const char *path, struct err *err);
void operator_key_free(struct operator_key *key);
