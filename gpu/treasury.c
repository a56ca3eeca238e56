#include "gpu/treasury.h"

#include "gpu/mint.h"
#include "shared/err.h"

static bool init(const struct treasury_options *options, FILE *out, struct err *err)
{
    if (options->unit != NULL)
        return err_set(err, ERR_INVALID, "mint init wants a file alone");
    if (!seed_make(&options->bank.seed, err))
        return false;
    fprintf(out, "%s\n", options->bank.seed.file);
    return true;
}

static bool rotate(const struct treasury_options *options, FILE *out, struct err *err)
{
    char id[MINT_ID_CHARS + 1];
    if (options->unit == NULL || (options->bank.database == NULL && options->bank.data == NULL))
        return err_set(err, ERR_INVALID,
                       "mint rotate wants a file, a unit and --database or "
                       "--data");
    struct bank *bank = bank_open(&options->bank, err);
    if (bank == NULL)
        return false;
    bool ok = mint_rotate(bank_mint(bank), options->unit, id, err);
    if (ok)
        fprintf(out, "%s\n", id);
    bank_close(bank);
    return ok;
}

bool treasury_run(const struct treasury_options *options, FILE *out, struct err *err)
{
    const char *action = options->action != NULL ? options->action : "";
    bool is_init = strcmp(action, "init") == 0;
    if (!is_init && strcmp(action, "rotate") != 0)
        return err_set(err, ERR_INVALID, "mint wants init or rotate, not '%.20s'", action);
    if (options->bank.seed.file == NULL)
        return err_set(err, ERR_INVALID, "mint %s wants the file of a seed", action);
    return is_init ? init(options, out, err) : rotate(options, out, err);
}
