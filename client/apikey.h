/* apikey.h - who may use a node's API: keys in a file, one a line.
 *
 * Only their hashes are kept. Blank lines, and those that begin with #, are left out.
 *
 *   ownership  a plain value
 *   threads    immutable once read
 *   errors     ERR_INVALID a file without a key, with too many, or too large
 *   spec       RFC 6750 "Authorization Request Header Field"
 */
#pragma once

#include "shared/base.h"

struct err;

enum { APIKEY_COUNT_MAX = 256, APIKEY_FILE_BYTES_MAX = 1 << 16, APIKEY_BYTES_MAX = 512 };

struct apikey_list {
    uint32_t count; /* 0: anybody may */
    struct bytes32 hashes[APIKEY_COUNT_MAX];
};

MUST_CHECK bool apikey_read(struct apikey_list *list, const char *path, struct err *err);

/* The first key of a file, to be shown to others; NUL-terminated. */
MUST_CHECK bool apikey_read_own(char key[APIKEY_BYTES_MAX + 1], const char *path, struct err *err);

/* authorization: the header, "Bearer KEY"; NULL when there is none. */
bool apikey_allows(const struct apikey_list *list, const char *authorization);
