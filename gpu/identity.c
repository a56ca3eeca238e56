#include "gpu/identity.h"

#include "client/holder.h"
#include "client/keys.h"
#include "client/ncryptsec.h"
#include "client/secret.h"
#include "client/terminal.h"
#include "client/vault.h"
#include "shared/err.h"

static struct keys *unseal(const struct vault *vault, const struct identity_options *options,
                           struct err *err)
{
    if (vault->bunker.len > 0)
        return err_fill(err, ERR_UNSUPPORTED, "the key of a node is kept here, not by a bunker"),
               NULL;
    char *password = terminal_secret(options->password_file, "Password of the node's key: ", err);
    if (password == NULL)
        return NULL;
    struct keys *keys = ncryptsec_open(vault->word, (struct span){password, strlen(password)}, err);
    secret_free(password);
    return keys;
}

struct holder *identity_open(const struct identity_options *options, struct err *err)
{
    char path[VAULT_PATH_MAX];
    struct vault vault = {0};
    struct keys *keys = NULL;
    if (vault_path(path, options->key_file, err) && vault_read(&vault, path, err))
        keys = unseal(&vault, options, err);
    vault_clear(&vault);
    return keys != NULL ? holder_of_keys(keys) : NULL;
}
