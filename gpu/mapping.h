/* mapping.h - a file of the operator's, in memory as it lies on disk.
 *
 * The bytes are clean pages of the file: they cost no memory that the system could not take back.
 * Whoever cuts the file short while it is mapped ends the program with SIGBUS; model files are
 * replaced, not rewritten.
 *
 *   ownership  mapping_close gives the bytes back; zero is valid and empty
 *   threads    immutable once open
 *   errors     ERR_INVALID: no such file, not a regular one, empty; with its path
 */
#pragma once

#include "shared/base.h"

struct err;

/* Tells a file from what is later put in its place. */
struct mapping_identity {
    uint64_t device, inode, size;
    int64_t modified_ns, changed_ns; /* unix time; the latter wraps in 2262 */
};

struct mapping {
    struct span bytes;
    struct mapping_identity identity;
};

MUST_CHECK bool mapping_open(struct mapping *mapping, const char *path, struct err *err);
void mapping_close(struct mapping *mapping);
