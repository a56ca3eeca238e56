#include "gpu/seed.h"

#include <sodium.h>
#include <unistd.h>

#include "client/keys.h"
#include "client/ncryptsec.h"
#include "client/secret.h"
#include "client/terminal.h"
#include "client/vault.h"
#include "shared/err.h"
#include "shared/text.h"

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

/* Typed twice, where it is typed. NULL on failure. */
static char *new_password(const char *file, struct err *err)
{
    char *password = terminal_secret(file, "New password of the mint's seed: ", err);
    if (password == NULL || file != NULL)
        return password;
    char *again = terminal_secret(NULL, "Once more: ", err);
    bool is_same = again != NULL && strcmp(password, again) == 0;
    secret_free(again);
    if (is_same)
        return password;
    secret_free(password);
    err_fill(err, ERR_INVALID, "the two are not the same");
    return NULL;
}

static struct keys *random_keys(void)
{
    struct keys *keys = NULL;
    struct bytes32 *secret = secret_new(sizeof *secret);
    while (keys == NULL) { /* once, but for one in 2^128 */
        randombytes_buf(secret, sizeof *secret);
        keys = keys_new(secret);
    }
    secret_free(secret);
    return keys;
}

bool seed_make(const struct seed_options *options, struct err *err)
{
    struct ncryptsec_terms terms = {.log_n = NCRYPTSEC_LOG_N, .past = NCRYPTSEC_SAFE};
    struct text word = {0};
    if (access(options->file, F_OK) == 0)
        return err_set(err, ERR_RESTRICTED, "%.60s is there already, and may be a mint's seed",
                       options->file);
    char *password = new_password(options->password_file, err);
    if (password == NULL)
        return false;
    randombytes_buf(&terms.seed, sizeof terms.seed);
    struct keys *keys = random_keys();
    bool ok = ncryptsec_seal(&word, keys, span_of(password), &terms, err) &&
              vault_write(options->file, text_span(&word), false, err);
    keys_free(keys);
    secret_free(password);
    text_clear(&word);
    return ok;
}

struct keys *seed_open(const struct seed_options *options, struct err *err)
{
    struct vault vault = {0};
    struct keys *keys = NULL;
    char *password = NULL;
    if (access(options->file, F_OK) != 0) {
        err_fill(err, ERR_RESTRICTED, "no seed in %.60s: shoal-gpu mint init makes one",
                 options->file);
        return NULL;
    }
    if (vault_read(&vault, options->file, err))
        password = terminal_secret(options->password_file, "Password of the mint's seed: ", err);
    if (password != NULL)
        keys = ncryptsec_open(vault.word, span_of(password), err);
    secret_free(password);
    vault_clear(&vault);
    return keys;
}
