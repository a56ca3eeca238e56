/* command.h - the command line as a value: which command, on which model, with what options.
 *
 *   ownership  texts are the arguments'
 *   threads    pure
 *   errors     ERR_INVALID, for people
 */
#pragma once

#include "gpu/bench.h"
#include "gpu/outpost.h"
#include "gpu/run.h"
#include "gpu/service_market.h"
#include "gpu/treasury.h"

enum command_kind {
    COMMAND_NONE,
    COMMAND_INSPECT,
    COMMAND_RUN,
    COMMAND_BENCH,
    COMMAND_SERVE,
    COMMAND_AUDIT,
    COMMAND_MINT
};

struct command {
    enum command_kind kind;
    bool is_help, is_version;
    struct run_options run; /* its model is that of every command */
    const char *cache_dir;  /* NULL: in the user's */
    const char *device;     /* NULL: auto */
    bool is_json, skip_root;
    const char *listen, *name, *key_file;   /* of serve; NULL: not said */
    const char *backend, *backend_key_file; /* the same */
    const char *database, *data;            /* where credit is; NULL: not said */
    uint32_t stages;                        /* of bench */
    struct service_market_options market;   /* its roots are not said here */
    const char *wallet;
    const char *price, *mint_url; /* of serve; NULL: not said */
    struct treasury_options mint; /* its bank is serve's, too */
    uint32_t parallel, waiting, backend_silence_s;
    struct outpost_options stage; /* its layers, next, is_lead, key_file and wire; NULL: not said */
    const char *stage_url;        /* of serve; NULL: not said */
};

extern const char *const command_usage[]; /* what follows each other, NULL last */

/* arguments: up to NULL, without the program's name. */
MUST_CHECK bool command_read(struct command *command, char **arguments, struct err *err);
