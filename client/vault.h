/* vault.h - the file that holds an identity: one ncryptsec, readable by its owner alone; and below
 * it the address of a bunker, where that keeps the key, and this one only speaks with it.
 *
 *   ownership  the caller's buffers; vault_clear after vault_read
 *   errors     ERR_RESTRICTED: others may read it, or there is one already, or none;
 *              ERR_INTERNAL: the system says no
 *   spec       NIP-49
 */
#pragma once

#include "shared/text.h"

struct err;

enum { VAULT_PATH_MAX = 4096 };

struct vault {
    struct text text;
    struct span word, bunker; /* in text; no bunker: empty */
};

/* The file named, or else $SHOAL_KEY_FILE, or shoal/key in the user's configuration. */
MUST_CHECK bool vault_path(char path[VAULT_PATH_MAX], const char *named, struct err *err);

MUST_CHECK bool vault_read(struct vault *vault, const char *path, struct err *err);
void vault_clear(struct vault *vault);

/* One line or both; whole or not at all, even when the power fails. may_replace: the one that is
 * there. */
MUST_CHECK bool vault_write(const char *path, struct span words, bool may_replace, struct err *err);

/* False: there is one already. */
MUST_CHECK bool vault_refuse(const char *path, struct err *err);

/* The same file from wherever one is; it is there. */
MUST_CHECK bool vault_absolute(char path[VAULT_PATH_MAX], const char *file, struct err *err);
