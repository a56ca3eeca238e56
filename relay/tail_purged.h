/* tail_purged.h - the notice that a purge leaves: which events are gone.
 *
 * It is made by the statement that deletes them, in its transaction: "purged", a space, and the
 * ids as hex digits, one behind the other.
 */
#pragma once

#include "shared/base.h"

/* Ids in one: 64 digits each, and PostgreSQL's limit is 7999 bytes. */
enum { TAIL_PURGED_MAX = 100 };

struct tail_purged {
    uint32_t count;
    struct bytes32 ids[]; /* sorted, each once */
};

/* The caller's to free. NULL: the payload is no such notice. */
struct tail_purged *tail_purged_read(const char *payload);
