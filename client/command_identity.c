/* shoal identity: the key, how it came here and how it leaves. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/command_key.h"
#include "client/derive.h"
#include "client/holder.h"
#include "client/keys.h"
#include "client/mnemonic.h"
#include "client/secret.h"
#include "client/terminal.h"
#include "shared/arena.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/text.h"

/* Puts keys into the file under a new password. */
static enum command_status keep(const struct command_call *call, const struct keys *keys,
                                enum ncryptsec_past past)
{
    struct key_file file;
    enum command_status status = key_begin(&file, call);
    if (status == COMMAND_DONE)
        status = key_keep(&file, keys, past, NULL);
    key_end(&file);
    return status;
}

static enum command_status run_new(struct command_call *call)
{
    struct keys *keys = key_random();
    enum command_status status = keep(call, keys, NCRYPTSEC_SAFE);
    keys_free(keys);
    return status;
}

static struct keys *keys_of_words(const struct command_call *call, struct span words,
                                  uint32_t account, struct err *err)
{
    struct {
        struct bytes64 seed;
        struct bytes32 secret;
    } *work = secret_new(sizeof *work);
    const char *path = command_value(call, "passphrase-file");
    char *passphrase = path != NULL ? terminal_secret(path, "", err) : secret_new(1);
    struct keys *keys = NULL;
    if (passphrase != NULL && mnemonic_seed(&work->seed, words, command_span(passphrase), err)) {
        if (derive_account(&work->secret, &work->seed, account))
            keys = keys_new(&work->secret);
        if (keys == NULL)
            err_fill(err, ERR_INVALID, "these words have no key of that account");
    }
    secret_free(passphrase);
    secret_free(work);
    return keys;
}

static struct keys *keys_of_secret(struct span word, struct err *err)
{
    struct arena arena = {0};
    struct bech32 *read = secret_new(sizeof *read);
    struct keys *keys = NULL;
    bool ok = hex_decode(read->key.at, sizeof read->key.at, word) ||
              (bech32_decode(read, &arena, word, err) && read->type == BECH32_NSEC);
    if (ok)
        keys = keys_new(&read->key);
    if (keys == NULL)
        err_fill(err, ERR_INVALID,
                 "expected an nsec, 64 hex digits, an ncryptsec, or 12 to 24 words");
    secret_free(read);
    arena_clear(&arena);
    return keys;
}

static struct keys *keys_of_sealed(const struct command_call *call, struct span word,
                                   struct err *err)
{
    char *password =
        terminal_secret(command_value(call, "old-password-file"), "Password it has: ", err);
    struct keys *keys = NULL;
    if (password != NULL)
        keys = ncryptsec_open(word, command_span(password), err);
    secret_free(password);
    return keys;
}

static enum command_status import_line(const struct command_call *call, const char *line,
                                       uint32_t account)
{
    struct span typed = command_span(line);
    struct keys *keys;
    struct err err;
    if (bunker_is(typed))
        return key_import_bunker(call, typed);
    if (strncmp(line, "ncryptsec1", 10) == 0)
        keys = keys_of_sealed(call, typed, &err);
    else if (strchr(line, ' ') != NULL)
        keys = keys_of_words(call, typed, account, &err);
    else
        keys = keys_of_secret(typed, &err);
    enum command_status status =
        keys != NULL ? keep(call, keys, NCRYPTSEC_UNKNOWN) : command_fail(call, &err);
    keys_free(keys);
    return status;
}

static enum command_status run_import(struct command_call *call)
{
    struct err err;
    int64_t account;
    if (!command_number(call, "account", 0, DERIVE_ACCOUNT_MAX, &account))
        return COMMAND_USAGE;
    if (call->word_count > 0 && !bunker_is(command_span(call->words[0])))
        return command_misuse(call, "only the address of a bunker may be an argument");
    if (call->word_count > 0)
        return key_import_bunker(call, command_span(call->words[0]));
    char *line = terminal_secret(command_value(call, "from"), "Secret key or words: ", &err);
    if (line == NULL)
        return command_fail(call, &err);
    enum command_status status = import_line(call, line, (uint32_t)account);
    secret_free(line);
    return status;
}

/* Whose key the file is of, and where. */
static enum command_status show_file(const struct command_call *call, const struct bytes32 *pubkey)
{
    char path[VAULT_PATH_MAX];
    struct vault vault = {0};
    struct err err;
    bool ok = vault_path(path, command_value(call, "key"), &err) && vault_read(&vault, path, &err);
    enum command_status status =
        ok ? key_show(call, pubkey, path, vault.bunker) : command_fail(call, &err);
    vault_clear(&vault);
    return status;
}

static enum command_status run_show(struct command_call *call)
{
    enum command_status status;
    struct holder *holder = command_holder(call, &status);
    if (holder != NULL)
        status = show_file(call, holder_pubkey(holder));
    holder_free(holder);
    return status;
}

/* The secret itself, in memory that is wiped. */
static enum command_status print_secret(const struct command_call *call, const struct keys *keys)
{
    enum { NSEC_CHARS = 64 }; /* 63 and the end of the line: one block, which does not move */
    struct bech32 *word = secret_new(sizeof *word);
    struct text out = {0};
    word->type = BECH32_NSEC;
    word->key = *keys_secret(keys);
    text_reserve(&out, NSEC_CHARS);
    bool ok = bech32_encode(&out, word);
    text_add(&out, SPAN("\n"));
    ok = ok && fwrite(out.at, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    secret_wipe(out.at, out.capacity);
    text_clear(&out);
    secret_free(word);
    if (!ok)
        fprintf(stderr, "shoal %s: cannot write to standard output\n", call->command->name);
    return ok ? COMMAND_DONE : COMMAND_FAILED;
}

static enum command_status export_sealed(const struct command_call *call)
{
    char path[VAULT_PATH_MAX];
    struct vault vault = {0};
    struct text out = {0};
    struct err err;
    bool ok = vault_path(path, command_value(call, "key"), &err) && vault_read(&vault, path, &err);
    if (ok && vault.bunker.len > 0)
        ok = err_set(&err, ERR_RESTRICTED, "the key is with a bunker, which keeps it");
    text_add(&out, vault.word);
    text_add(&out, SPAN("\n"));
    enum command_status status = ok ? command_print(call, &out) : command_fail(call, &err);
    text_clear(&out);
    vault_clear(&vault);
    return status;
}

static enum command_status run_export(struct command_call *call)
{
    enum command_status status;
    if (command_value(call, "nsec") == NULL)
        return export_sealed(call);
    struct keys *keys = command_keys(call, &status);
    if (keys != NULL)
        status = print_secret(call, keys);
    keys_free(keys);
    return status;
}

static const struct command_option options_new[] = {COMMAND_OPTION_KEY, COMMAND_OPTION_PASSWORD,
                                                    KEY_OPTION_COST,    KEY_OPTION_REPLACE,
                                                    KEY_OPTION_DRY_RUN, COMMAND_OPTION_JSON};

const struct command command_identity_new = {.name = "identity new",
                                             .help = "make a new key, and keep it under a password",
                                             .options = options_new,
                                             .option_count = ARRAY_LEN(options_new),
                                             .run = run_new};

static const struct command_option options_import[] = {
    {"from", "FILE", "the secret is the first line; -: of standard input [asked for]"},
    {"old-password-file", "FILE", "the password of an ncryptsec [asked for]"},
    {"account", "N", "of words: which of their keys [0]"},
    {"passphrase-file", "FILE", "of words: the passphrase that belongs to them [none]"},
    COMMAND_OPTION_KEY,
    COMMAND_OPTION_PASSWORD,
    KEY_OPTION_COST,
    KEY_OPTION_REPLACE,
    KEY_OPTION_DRY_RUN,
    KEY_OPTIONS_NET,
    COMMAND_OPTION_JSON};

const struct command command_identity_import = {
    .name = "identity import",
    .words = "[BUNKER]",
    .help = "keep a key that you have: nsec, hex, ncryptsec, wallet words, or a bunker's address",
    .words_max = 1,
    .options = options_import,
    .option_count = ARRAY_LEN(options_import),
    .run = run_import};

static const struct command_option options_show[] = {COMMAND_OPTION_KEY, COMMAND_OPTION_PASSWORD,
                                                     COMMAND_OPTION_JSON};

const struct command command_identity_show = {.name = "identity show",
                                              .help = "say who you are, in every form",
                                              .options = options_show,
                                              .option_count = ARRAY_LEN(options_show),
                                              .run = run_show};

static const struct command_option options_export[] = {
    {"nsec", NULL, "the secret key itself, for whoever sees it"},
    COMMAND_OPTION_KEY,
    COMMAND_OPTION_PASSWORD};

const struct command command_identity_export = {.name = "identity export",
                                                .help = "write your key, sealed (ncryptsec)",
                                                .options = options_export,
                                                .option_count = ARRAY_LEN(options_export),
                                                .run = run_export};
