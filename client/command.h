/* command.h - one of the things that shoal does: its name, its options, its words, and the doing.
 *
 * --help and what is accepted are made from the same tables.
 *
 *   ownership  a call borrows the program's arguments
 *   errors     a command writes what went wrong to standard error and returns a status
 */
#pragma once

#include "client/command_all.h"
#include "client/command_lines.h"
#include "shared/base.h"

struct err;
struct holder;
struct keys;
struct pen;
struct store;
struct text;

enum command_status {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1,       /* also: something that was asked about is wrong */
    COMMAND_USAGE = 2,        /* the command line makes no sense */
    COMMAND_PARTLY = 3,       /* some relays have it, or have some of it */
    COMMAND_QUEUED = 4,       /* no relay was to be reached: it stays queued */
    COMMAND_UNAUTHORISED = 5, /* no key, or a wrong password */
};

enum { COMMAND_OPTIONS_MAX = 64, COMMAND_WORDS_MAX = 256 };

struct command_option {
    const char *name;  /* less the dashes */
    const char *value; /* what it takes, as --help names it; NULL: nothing */
    const char *help;
};

struct command_call;

struct command {
    const char *name;                       /* "encode", "identity new" */
    const char *words;                      /* its arguments, as --help names them */
    const char *help;                       /* one line */
    size_t words_min, words_max, lines_max; /* so many first words may be lines; 0: all */
    const struct command_option *options;
    size_t option_count;
    /* One of these does it. What only writes, or only looks, is apart from the program around it,
     * so that others call it, too; out: what is printed. run comes first where it is not alone. */
    enum command_status (*run)(struct command_call *call);
    bool (*write)(struct pen *pen, struct text *out, struct err *err);
    bool (*look)(struct store *store, struct text *out, const struct command_call *call,
                 struct err *err);
    void (*more)(struct text *out); /* what --help says besides; may be NULL */
    enum command_lines lines;
};

struct command_call {
    const struct command *command;
    const char *words[COMMAND_WORDS_MAX];
    size_t word_count;
    struct {
        const struct command_option *option;
        const char *value;
    } given[COMMAND_OPTIONS_MAX];
    size_t given_count, turn, line;   /* turn: from 0; line: of standard input, from 1, or 0 */
    bool is_json;                     /* lines of JSON rather than text for people */
    bool is_inner;                    /* nobody sits there: a "-" is a word, and none is asked */
    const struct command *const *all; /* the table of main, for what is made from all of it */
    size_t all_count;
};

#define COMMAND_OPTION_JSON                               \
    {                                                     \
        "json", NULL, "lines of JSON, also on a terminal" \
    }
#define COMMAND_OPTION_KEY                                                     \
    {                                                                          \
        "key", "FILE", "your key [$SHOAL_KEY_FILE, or shoal/key in ~/.config]" \
    }
#define COMMAND_OPTION_PASSWORD                                                         \
    {                                                                                   \
        "password-file", "FILE", "its password is the first line; -: of standard input" \
    }

static inline struct span command_span(const char *text)
{
    return (struct span){text, strlen(text)};
}

/* The last value given; NULL when none was. A flag's is "". */
const char *command_value(const struct command_call *call, const char *name);

/* The next value given of an option that may be repeated: *place begins at 0. NULL at the end. */
const char *command_next_value(const struct command_call *call, const char *name, size_t *place);

/* A number from 0 to max, preset when none was given. Says what is wrong with another. */
MUST_CHECK bool command_number(const struct command_call *call, const char *name, int64_t preset,
                               int64_t max, int64_t *out);

/* The same, which leaves it to the caller to say what is wrong. */
MUST_CHECK bool command_read_number(const struct command_call *call, const char *name,
                                    int64_t preset, int64_t max, int64_t *out, struct err *err);

/* "shoal encode: ..." on standard error. */
enum command_status command_fail(const struct command_call *call, const struct err *err);
enum command_status command_misuse(const struct command_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes to standard output, and empties out. */
enum command_status command_print(const struct command_call *call, struct text *out);

/* Who signs for the user: the agent where it keeps the key of the file that the options name, or
 * else that key, with the password. NULL after saying why not. */
struct holder *command_holder(const struct command_call *call, enum command_status *status);

/* The same, which leaves it to the caller to say why not. */
struct holder *command_find_holder(const struct command_call *call, struct err *err);

/* The key itself, for what only its secret will do. */
struct keys *command_keys(const struct command_call *call, enum command_status *status);
