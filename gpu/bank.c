#include "gpu/bank.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/keys.h"
#include "gpu/cluster.h"
#include "gpu/ledger.h"
#include "gpu/mint.h"
#include "gpu/mint_policy.h"
#include "shared/err.h"

enum { POLICY_BYTES_MAX = 1 << 16 };

struct bank {
    struct cluster *cluster; /* NULL: the database is another's */
    struct keys *seed;
    struct database *database;
    struct ledger *ledger;
    struct mint *mint;
};

static bool read_policy(struct mint_policy *policy, const char *path, struct err *err)
{
    struct text text = {0};
    struct err why;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return err_set(err, ERR_INVALID, "%.60s: cannot be read", path);
    text.len = fread(text_reserve(&text, POLICY_BYTES_MAX), 1, POLICY_BYTES_MAX, file);
    fclose(file);
    bool ok = mint_policy_read(policy, text_span(&text), &why) ||
              err_set(err, ERR_INVALID, "%.40s: %.70s", path, why.text);
    text_clear(&text);
    return ok;
}

static bool open_parts(struct bank *bank, const struct bank_options *options, struct err *err)
{
    struct mint_policy policy = mint_policy_default();
    struct database_setup setup = {.conninfo = options->database,
                                   .connections = options->connections};
    if (options->policy_file != NULL && !read_policy(&policy, options->policy_file, err))
        return false;
    bank->seed = seed_open(&options->seed, err);
    if (bank->seed == NULL)
        return false;
    if (options->database == NULL) {
        bank->cluster = cluster_open(options->data, err);
        if (bank->cluster == NULL)
            return false;
        setup.conninfo = cluster_conninfo(bank->cluster);
    }
    bank->database = database_open(&setup, err);
    if (bank->database == NULL)
        return false;
    bank->ledger = ledger_open(bank->database);
    bank->mint =
        mint_open(&(struct mint_setup){.ledger = bank->ledger,
                                       .seed = keys_secret(bank->seed),
                                       .policy = &policy,
                                       .name = options->name != NULL ? options->name : "Shoal"},
                  err);
    return bank->mint != NULL;
}

struct bank *bank_open(const struct bank_options *options, struct err *err)
{
    struct bank *bank = calloc(1, sizeof *bank);
    if (bank == NULL)
        abort();
    if (open_parts(bank, options, err))
        return bank;
    bank_close(bank);
    return NULL;
}

void bank_close(struct bank *bank)
{
    if (bank == NULL)
        return;
    mint_close(bank->mint);
    if (bank->ledger != NULL)
        ledger_close(bank->ledger);
    if (bank->database != NULL)
        database_close(bank->database);
    if (bank->cluster != NULL)
        cluster_close(bank->cluster);
    keys_free(bank->seed);
    free(bank);
}

struct mint *bank_mint(const struct bank *bank)
{
    return bank->mint;
}

struct database *bank_database(const struct bank *bank)
{
    return bank->database;
}

struct ledger *bank_ledger(const struct bank *bank)
{
    return bank->ledger;
}
