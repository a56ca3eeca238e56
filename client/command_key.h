/* command_key.h - the user's key, as the options name it: how a file of one is written, and what a
 * bunker is told. Part of command.
 *
 *   ownership  key_begin to key_end
 */
#pragma once

#include "client/bunker.h"
#include "client/command.h"
#include "client/ncryptsec.h"
#include "client/vault.h"

/* Who somebody is, in every form. path, bunker: where the key is; NULL and empty: not told. */
enum command_status key_show(const struct command_call *call, const struct bytes32 *pubkey,
                             const char *path, struct span bunker);

/* A file on its way. */
struct key_file {
    const struct command_call *call;
    char path[VAULT_PATH_MAX];
    struct ncryptsec_terms terms;
    bool may_replace, is_trial;
    char *password; /* NULL in a trial, which asks for none */
};

/* Asks for what it takes, and says what is missing. */
enum command_status key_begin(struct key_file *file, const struct command_call *call);

/* Keys under the new password; place: of the bunker that they only speak with, or NULL. Says whose
 * key it is. A trial keeps nothing. */
enum command_status key_keep(struct key_file *file, const struct keys *keys,
                             enum ncryptsec_past past, const struct bunker_place *place);
void key_end(struct key_file *file);

/* Fresh. */
struct keys *key_random(void);

/* How a bunker is spoken with, with the key of client, which goes with it. */
struct bunker *key_bunker(const struct command_call *call, struct holder *client,
                          const struct bunker_place *place, struct err *err);

/* Keeps what leads to the bunker with that address. */
enum command_status key_import_bunker(const struct command_call *call, struct span word);

#define KEY_OPTION_COST                                                  \
    {                                                                    \
        "cost", "N", "2^N KiB of memory to try a password, 1 to 22 [16]" \
    }
#define KEY_OPTION_REPLACE                       \
    {                                            \
        "replace", NULL, "the key that is there" \
    }
#define KEY_OPTION_DRY_RUN                                       \
    {                                                            \
        "dry-run", NULL, "say what would be kept, and keep none" \
    }
#define KEY_OPTIONS_NET                                                      \
    {"proxy", "HOST:PORT", "a SOCKS5 proxy, such as Tor's [$SHOAL_PROXY]"},  \
    {                                                                        \
        "ca-file", "FILE", "authorities to trust besides the system's (PEM)" \
    }
