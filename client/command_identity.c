/* shoal identity: the key, how it came here and how it leaves. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/command.h"
#include "client/derive.h"
#include "client/did.h"
#include "client/holder.h"
#include "client/keys.h"
#include "client/mnemonic.h"
#include "client/ncryptsec.h"
#include "client/secret.h"
#include "client/terminal.h"
#include "client/vault.h"
#include "shared/arena.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/text.h"

/* One member of the output: "name": "value", or name and value in columns. */
static void add_member(struct text *out, const struct command_call *call, const char *name,
                       struct span value)
{
    if (call->is_json) {
        text_addf(out, "%s\"%s\":", out->len == 0 ? "{" : ",", name);
        text_add_json(out, value);
    } else {
        text_addf(out, "%-12s%.*s\n", name, SPAN_ARG(value));
    }
}

static void end_members(struct text *out, const struct command_call *call)
{
    if (call->is_json)
        text_add(out, SPAN("}\n"));
}

/* Who somebody is, in every form. */
static enum command_status show_person(const struct command_call *call,
                                       const struct bytes32 *pubkey, const char *path)
{
    struct text out = {0}, value = {0};
    const struct bech32 word = {.type = BECH32_NPUB, .key = *pubkey};
    text_add_hex(&value, pubkey->at, sizeof pubkey->at);
    add_member(&out, call, "pubkey", text_span(&value));
    value.len = 0;
    if (bech32_encode(&value, &word))
        add_member(&out, call, "npub", text_span(&value));
    value.len = 0;
    did_write_nostr(&value, pubkey);
    add_member(&out, call, "did:nostr", text_span(&value));
    value.len = 0;
    did_write_key(&value, pubkey);
    add_member(&out, call, "did:key", text_span(&value));
    if (path != NULL)
        add_member(&out, call, "file", command_span(path));
    end_members(&out, call);
    text_clear(&value);
    return command_print(call, &out);
}

/* The password of a new file: typed twice, where it is typed. NULL on failure. */
static char *new_password(const struct command_call *call, struct err *err)
{
    const char *path = command_value(call, "password-file");
    char *password = terminal_secret(path, "New password: ", err);
    if (password == NULL || path != NULL)
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

/* Puts keys into the file under a new password. */
static enum command_status keep(const struct command_call *call, const struct keys *keys,
                                enum ncryptsec_past past)
{
    char path[VAULT_PATH_MAX];
    struct ncryptsec_terms terms = {.past = past};
    struct text word = {0};
    struct err err;
    int64_t cost;
    if (!command_number(call, "cost", NCRYPTSEC_LOG_N, NCRYPTSEC_LOG_N_MAX, &cost))
        return COMMAND_USAGE;
    terms.log_n = (uint32_t)cost;
    randombytes_buf(&terms.seed, sizeof terms.seed);
    bool may_replace = command_value(call, "replace") != NULL;
    char *password =
        vault_path(path, command_value(call, "key"), &err) ? new_password(call, &err) : NULL;
    bool ok = password != NULL &&
              ncryptsec_seal(&word, keys, command_span(password), &terms, &err) &&
              vault_write(path, text_span(&word), may_replace, &err);
    secret_free(password);
    text_clear(&word);
    return ok ? show_person(call, keys_pubkey(keys), path) : command_fail(call, &err);
}

static enum command_status run_new(struct command_call *call)
{
    struct keys *keys = NULL;
    struct bytes32 *secret = secret_new(sizeof *secret);
    while (keys == NULL) { /* once, but for one in 2^128 */
        randombytes_buf(secret, sizeof *secret);
        keys = keys_new(secret);
    }
    secret_free(secret);
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

static enum command_status run_import(struct command_call *call)
{
    struct err err;
    const char *path = command_value(call, "from");
    int64_t account;
    if (!command_number(call, "account", 0, DERIVE_ACCOUNT_MAX, &account))
        return COMMAND_USAGE;
    char *line = terminal_secret(path, "Secret key or words: ", &err);
    if (line == NULL)
        return command_fail(call, &err);
    struct span typed = command_span(line);
    struct keys *keys;
    if (strncmp(line, "ncryptsec1", 10) == 0)
        keys = keys_of_sealed(call, typed, &err);
    else if (strchr(line, ' ') != NULL)
        keys = keys_of_words(call, typed, (uint32_t)account, &err);
    else
        keys = keys_of_secret(typed, &err);
    secret_free(line);
    enum command_status status =
        keys != NULL ? keep(call, keys, NCRYPTSEC_UNKNOWN) : command_fail(call, &err);
    keys_free(keys);
    return status;
}

static enum command_status run_show(struct command_call *call)
{
    char path[VAULT_PATH_MAX];
    struct err err;
    enum command_status status;
    struct holder *holder = command_holder(call, &status);
    if (holder == NULL)
        return status;
    status = vault_path(path, command_value(call, "key"), &err)
                 ? show_person(call, holder_pubkey(holder), path)
                 : command_fail(call, &err);
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

static enum command_status run_export(struct command_call *call)
{
    char path[VAULT_PATH_MAX];
    struct text word = {0};
    struct err err;
    enum command_status status;
    if (command_value(call, "nsec") != NULL) {
        struct keys *keys = command_keys(call, &status);
        if (keys != NULL)
            status = print_secret(call, keys);
        keys_free(keys);
        return status;
    }
    if (!vault_path(path, command_value(call, "key"), &err) || !vault_read(&word, path, &err))
        return command_fail(call, &err);
    text_add(&word, SPAN("\n"));
    return command_print(call, &word);
}

#define OPTION_COST                                                      \
    {                                                                    \
        "cost", "N", "2^N KiB of memory to try a password, 1 to 22 [16]" \
    }
#define OPTION_REPLACE                           \
    {                                            \
        "replace", NULL, "the key that is there" \
    }

static const struct command_option options_new[] = {
    COMMAND_OPTION_KEY, COMMAND_OPTION_PASSWORD, OPTION_COST, OPTION_REPLACE, COMMAND_OPTION_JSON};

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
    OPTION_COST,
    OPTION_REPLACE,
    COMMAND_OPTION_JSON};

const struct command command_identity_import = {
    .name = "identity import",
    .help = "keep a key that you have: nsec, hex, ncryptsec, or the words of a wallet",
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
