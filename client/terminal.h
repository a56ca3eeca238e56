/* terminal.h - what the command line asks of whoever sits in front of it, and what it shows.
 *
 *   ownership  secrets are the caller's, of secret_new
 *   threads    one
 *   errors     ERR_RESTRICTED: nobody to ask; ERR_INTERNAL: the system says no
 */
#pragma once

#include "shared/base.h"

struct err;

/* No core dumps, and no debugger of another process: to be called before any secret is read. */
void terminal_harden(void);

/* One line from path ("-": standard input), or, without a path, typed unseen after a prompt.
 * NUL-terminated, without the end of the line; NULL on failure. */
MUST_CHECK char *terminal_secret(const char *path, const char *prompt, struct err *err);

/* Standard output is a terminal: somebody reads it. */
bool terminal_shows_text(void);
