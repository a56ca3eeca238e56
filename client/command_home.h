/* command_home.h - what a command needs to use the store. Part of command.
 *
 *   ownership  home_open to store_close
 *   threads    one
 *   errors     home_open says what went wrong; the others leave it to the caller
 */
#pragma once

#include "client/command.h"
#include "client/store.h"

struct arena;
struct replica;
struct text;

#define HOME_OPTION                                                           \
    {                                                                         \
        "home", "FOLDER", "your store [$SHOAL_HOME, or ~/.local/share/shoal]" \
    }
#define HOME_OPTION_DRY_RUN                                       \
    {                                                             \
        "dry-run", NULL, "say what would be done, and do nothing" \
    }
#define HOME_OPTION_RELAY                                                         \
    {                                                                             \
        "relay", "URL", "queue it for this relay, not for yours; may be repeated" \
    }

#define HOME_OPTION_AT                                                                         \
    {                                                                                          \
        "at", "TIME", "as it was: unix seconds, 2026-11-21T14:30:00Z, or after an event [now]" \
    }

/* NULL after saying why not. */
struct store *home_open(const struct command_call *call, enum command_status *status);

/* The same, which leaves it to the caller to say why not. */
struct store *home_store(const struct command_call *call, struct err *err);

/* A command that looks. out: its report, printed when it could see all. */
typedef bool home_look_fn(struct store *store, struct text *out, const struct command_call *call,
                          struct err *err);
enum command_status home_look(struct command_call *call, home_look_fn *look);

/* Unix milliseconds. */
uint64_t home_now(void);

/* An id in any form, or the digits that an id in the store begins with. */
MUST_CHECK bool home_resolve(struct store *store, struct bytes32 *id, const char *word,
                             struct err *err);

/* Unix seconds, or 2026-11-21 or 2026-11-21T14:30:00Z, in milliseconds. */
MUST_CHECK bool home_time(uint64_t *ms, const char *word, struct err *err);

/* The stamp until which things count by an option: the end of a second, or an event's. UINT64_MAX
 * where none was given. */
MUST_CHECK bool home_cut(struct store *store, uint64_t *cut, const struct command_call *call,
                         const char *option, struct err *err);

/* A thing as it was then, to be freed. ERR_INVALID: nobody had made it yet. */
MUST_CHECK bool home_replica(struct store *store, struct replica **replica,
                             const struct bytes32 *root, const struct command_call *call,
                             const char *option, struct err *err);

/* The relays that --relay names, or else the store's. */
MUST_CHECK bool home_relays(struct store *store, struct span **urls, size_t *count,
                            struct arena *arena, const struct command_call *call, struct err *err);

/* All of a file, or of standard input where it is "-", in the arena. */
struct home_file {
    const struct command_call *call;
    const char *path;
    size_t max; /* bytes */
};
MUST_CHECK bool home_read_file(struct span *bytes, struct arena *arena,
                               const struct home_file *file, struct err *err);

/* Ends a transaction: commits it, or undoes it for --dry-run. */
MUST_CHECK bool home_commit(struct store *store, const struct command_call *call, struct err *err);

/* 2026-11-21 14:30, of unix seconds. */
void home_write_time(struct text *out, int64_t seconds);

/* Text of others on a terminal: without control characters, in one line of at most max bytes. */
void home_write_words(struct text *out, struct span words, size_t max);

/* The same with its lines, each indented by so many spaces, and ended. */
void home_write_lines(struct text *out, struct span words, int indent);

/* A member of a JSON object that is hex. */
void home_write_hex(struct text *out, const char *name, const struct bytes32 *value);
