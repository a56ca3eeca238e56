/* option.h - one setting as a row of a table: its names, its type, its range, its words.
 *
 * A table describes the fields of a struct; everything that reads or shows settings is made
 * from it. A name has three spellings: listen_port in a file, SHOAL_RELAY_LISTEN_PORT in the
 * environment, --listen-port (or listen-port) on the command line.
 *
 *   threads  pure
 *   errors   ERR_INVALID, naming the setting as it was spelled, and what is expected
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;

enum option_type {
    OPTION_BOOL,    /* bool: yes, no, true, false */
    OPTION_INTEGER, /* int64_t, min to max */
    OPTION_LEVEL,   /* int64_t: enum log_level by name */
    OPTION_TEXT,    /* char[size]: UTF-8 without control characters, trimmed */
    OPTION_WORD, /* char[size]: lowercase letters, digits and _, max of them; not a digit first */
};

struct option {
    const char *name;
    const char *group; /* heading in --help */
    enum option_type type;
    size_t offset, size;
    int64_t min, max;
    const char *preset;
    const char *help;
};

#define OPTION_ENVIRONMENT "SHOAL_RELAY_"

/* NULL when there is none of that name; err then proposes one that is near. */
const struct option *option_find(const struct option *table, size_t count, const char *name,
                                 struct err *err);

/* name: as the user spelled it. */
MUST_CHECK bool option_set(const struct option *option, void *fields, const char *name,
                           const char *value, struct err *err);

/* The value as option_set reads it back. */
void option_write_value(struct text *out, const struct option *option, const void *fields);

/* What it takes: "0 to 65535", "yes or no", ... */
void option_write_range(struct text *out, const struct option *option);
