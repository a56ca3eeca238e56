/* vault.h - the file that holds an identity: one ncryptsec, readable by its owner alone.
 *
 *   ownership  the caller's buffers
 *   errors     ERR_RESTRICTED: others may read it, or there is one already, or none;
 *              ERR_INTERNAL: the system says no
 *   spec       NIP-49
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;

enum { VAULT_PATH_MAX = 4096 };

/* The file named, or else $SHOAL_KEY_FILE, or shoal/key in the user's configuration. */
MUST_CHECK bool vault_path(char path[VAULT_PATH_MAX], const char *named, struct err *err);

/* Appends the word. */
MUST_CHECK bool vault_read(struct text *word, const char *path, struct err *err);

/* Whole or not at all, even when the power fails. may_replace: the one that is there. */
MUST_CHECK bool vault_write(const char *path, struct span word, bool may_replace, struct err *err);

/* The same file from wherever one is; it is there. */
MUST_CHECK bool vault_absolute(char path[VAULT_PATH_MAX], const char *file, struct err *err);
