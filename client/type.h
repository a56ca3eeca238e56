/* type.h - the kinds of things that Shoal knows by name: what their fields are, and what may stand
 * in them. Others may be made just as well; nothing is known of those.
 *
 *   ownership  all is static
 *   errors     ERR_INVALID: what is said of the thing is not what such a thing has
 *   spec       Shoal's state, "Types"
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;

enum type_form {
    TYPE_TEXT,
    TYPE_NUMBER, /* from 0 to 1 */
    TYPE_COUNT,  /* a whole number */
    TYPE_FLAG,
    TYPE_CHOICE,
    TYPE_TIME,   /* 2026-11-21, or with a time behind it */
    TYPE_PERSON, /* a public key in hex */
    TYPE_SET,    /* of texts */
    TYPE_LINKS,  /* shoal link makes them */
};

struct type_field {
    const char *name;
    enum type_form form;
    bool is_needed;
    const char *choices; /* with spaces between */
};

struct type {
    const char *name, *help;
    const char *made_by;             /* a command; NULL: shoal new */
    const struct type_field *fields; /* the last has no name */
};

/* NULL at the end. */
const struct type *type_at(size_t index);

/* NULL: one that is not known. */
const struct type *type_find(struct span name);

/* That a field may have a value, which is canonical JSON, or a set hold it. type may be NULL. */
MUST_CHECK bool type_check(const struct type *type, struct span field, struct span value,
                           struct err *err);

/* That nothing is missing. has: whether a field has a value. type may be NULL. */
MUST_CHECK bool type_complete(const struct type *type, bool (*has)(void *owner, struct span field),
                              void *owner, struct err *err);

/* What --help says of them all. */
void type_describe(struct text *out);
