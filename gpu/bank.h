/* bank.h - all that a node has for credit: its database, the mint over it, and the mint's seed.
 *
 *   ownership  bank_open to bank_close, once no thread is in a call; options are borrowed for the
 *              call, and what is lent lives as long as the bank
 *   threads    bank_open before there are others: a password may be asked for
 *   errors     those of seed, database and mint; ERR_INVALID: the policy
 */
#pragma once

#include "gpu/seed.h"

struct bank;
struct database;
struct err;
struct ledger;
struct mint;

struct bank_options {
    struct seed_options seed; /* file NULL: there is no bank */
    const char *database;     /* a connection string; or: */
    const char *data;         /* the folder of a private cluster */
    const char *policy_file;  /* JSON; NULL: as it is by default */
    const char *name;         /* of the mint; NULL: "Shoal" */
    uint32_t connections;     /* at once; 0: as database.h says */
};

/* NULL on failure. */
MUST_CHECK struct bank *bank_open(const struct bank_options *options, struct err *err);
void bank_close(struct bank *bank); /* may be NULL */

struct mint *bank_mint(const struct bank *bank);
struct database *bank_database(const struct bank *bank);
struct ledger *bank_ledger(const struct bank *bank);
