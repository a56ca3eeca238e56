/* secret.h - memory for what must not leak: locked, left out of core dumps, wiped.
 *
 *   ownership  the caller's, until secret_free
 *   threads    any
 *   errors     none: without memory it aborts. Where the system locks no memory (a limit of 0),
 *              it is wiped and guarded all the same
 */
#pragma once

#include "shared/base.h"

enum { SECRET_TEXT_MAX = 1023 }; /* bytes of a password or of words typed */

/* Zeroed, between guard pages. */
void *secret_new(size_t size) __attribute__((malloc, returns_nonnull));

/* Wipes first. at may be NULL. */
void secret_free(void *at);

/* For copies on the stack; no compiler leaves it out. */
void secret_wipe(void *at, size_t size);

/* The text in a normal form, NUL-terminated, to be freed by secret_free; NULL when it is no UTF-8,
 * holds a NUL or is longer than SECRET_TEXT_MAX in that form. */
enum secret_form { SECRET_NFKC, SECRET_NFKD };
MUST_CHECK char *secret_normal(struct span text, enum secret_form form);
