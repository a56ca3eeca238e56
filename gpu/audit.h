/* audit.h - the command that says whether a node's credit adds up.
 *
 *   ownership  out is the caller's
 *   threads    blocking
 *   errors     ERR_INVALID no cluster in that folder; ERR_INTERNAL the database, or its schema
 */
#pragma once

#include "shared/base.h"
#include "shared/text.h"

struct err;

struct audit_options {
    const char *database, *data; /* the one, or the other; NULL */
    bool is_json;
};

/* is_sound: there is no difference. Nothing is changed in the database. */
MUST_CHECK bool audit_run(const struct audit_options *options, struct text *out, bool *is_sound,
                          struct err *err);
