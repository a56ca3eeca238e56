/* command_wallet.h - what a command needs to use the wallet: the purse in the store, its seed, and
 * one mint. Part of command.
 *
 *   ownership  pocket_open to pocket_close, whatever it returned
 *   threads    one
 *   errors     said where they happen
 */
#pragma once

#include "client/command_home.h"
#include "client/command_net.h"
#include "client/trade.h"
#include "shared/arena.h"

#define WALLET_OPTIONS_LOOK HOME_OPTION, COMMAND_OPTION_JSON

#define WALLET_OPTIONS                                                                           \
    {"mint", "URL", "the mint's address [the only one]"}, HOME_OPTION_DRY_RUN, HOME_OPTION,      \
        COMMAND_OPTION_JSON,                                                                     \
        {"proxy", "HOST:PORT", "a SOCKS5 proxy, such as Tor's [$SHOAL_PROXY]"},                  \
        {"ca-file", "FILE", "authorities to trust besides the system's (PEM)"},                  \
        {"timeout", "SECONDS", "give up after so long without a word [15]"}, COMMAND_OPTION_KEY, \
        COMMAND_OPTION_PASSWORD

#define WALLET_OPTION_FORCE                                                   \
    {                                                                         \
        "force", NULL, "keep more than 20 typical jobs of credit at one node" \
    }

#define WALLET_OPTION_UNIT                                                         \
    {                                                                              \
        "unit", "UNIT", "ccr, which is paid for, or ccr-promo [where only one is]" \
    }

struct pocket {
    const struct command_call *call;
    struct arena arena;
    struct store *store;
    struct net net;
    bool has_net;
    bool is_trial; /* all is one transaction, which is undone */
    struct holder *holder;
    struct trade trade;
};

/* The purse alone. */
enum command_status pocket_look(struct pocket *pocket, const struct command_call *call);

/* With its seed and a loop, but no mint yet. */
enum command_status pocket_open(struct pocket *pocket, const struct command_call *call);
void pocket_close(struct pocket *pocket);

/* The mint of that address, or with len 0 the one that --mint names, or else the only one. */
MUST_CHECK bool pocket_choose(struct pocket *pocket, struct span url, struct err *err);

/* To be spoken with; what was left open there is ended first. */
MUST_CHECK bool pocket_reach(struct pocket *pocket, struct err *err);

/* All of a command: opens the wallet, does a step, and prints its report. */
typedef bool pocket_step_fn(struct pocket *pocket, struct text *out, struct err *err);
enum command_status pocket_run(const struct command_call *call, pocket_step_fn *step);

/* Credits, as people say them: 12.5 is 1250 units. */
MUST_CHECK bool pocket_amount(uint64_t *units, const char *word, struct err *err);
void pocket_write_amount(struct text *out, uint64_t units);

/* Less the slashes at the end. */
struct span pocket_url(const char *word);
