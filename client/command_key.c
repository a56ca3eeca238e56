/* The user's key: read, asked of an agent or a bunker, written under a password. */
#include "client/command_key.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/agent.h"
#include "client/did.h"
#include "client/holder.h"
#include "client/keys.h"
#include "client/secret.h"
#include "client/terminal.h"
#include "shared/arena.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/sig.h"
#include "shared/text.h"

/* ---- who that is ---- */

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

enum command_status key_show(const struct command_call *call, const struct bytes32 *pubkey,
                             const char *path, struct span bunker)
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
    if (bunker.len > 0)
        add_member(&out, call, "bunker", bunker);
    if (command_value(call, "dry-run") != NULL)
        text_add(&out, call->is_json ? SPAN(",\"dry_run\":true") : SPAN("nothing was kept\n"));
    end_members(&out, call);
    text_clear(&value);
    return command_print(call, &out);
}

/* ---- a file of it ---- */

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

enum command_status key_begin(struct key_file *file, const struct command_call *call)
{
    struct err err;
    int64_t cost;
    *file = (struct key_file){.call = call,
                              .may_replace = command_value(call, "replace") != NULL,
                              .is_trial = command_value(call, "dry-run") != NULL};
    if (!command_number(call, "cost", NCRYPTSEC_LOG_N, NCRYPTSEC_LOG_N_MAX, &cost))
        return COMMAND_USAGE;
    file->terms.log_n = (uint32_t)cost;
    randombytes_buf(&file->terms.seed, sizeof file->terms.seed);
    bool ok = vault_path(file->path, command_value(call, "key"), &err);
    if (ok && !file->may_replace && access(file->path, F_OK) == 0)
        ok = vault_refuse(file->path, &err);
    if (ok && file->is_trial)
        return COMMAND_DONE;
    if (ok)
        file->password = new_password(call, &err);
    return file->password != NULL ? COMMAND_DONE : command_fail(call, &err);
}

enum command_status key_keep(struct key_file *file, const struct keys *keys,
                             enum ncryptsec_past past, const struct bunker_place *place)
{
    struct text words = {0}, bunker = {0};
    struct err err;
    if (file->is_trial)
        return key_show(file->call, keys_pubkey(keys), file->path, (struct span){0});
    file->terms.past = past;
    bool ok = ncryptsec_seal(&words, keys, command_span(file->password), &file->terms, &err);
    if (place != NULL) {
        bunker_write(&bunker, place);
        text_add(&words, SPAN("\n"));
        text_add(&words, text_span(&bunker));
    }
    ok = ok && vault_write(file->path, text_span(&words), file->may_replace, &err);
    enum command_status status =
        ok ? key_show(file->call, place != NULL ? &place->user : keys_pubkey(keys), file->path,
                      text_span(&bunker))
           : command_fail(file->call, &err);
    text_clear(&words);
    text_clear(&bunker);
    return status;
}

void key_end(struct key_file *file)
{
    secret_free(file->password);
    file->password = NULL;
}

struct keys *key_random(void)
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

/* ---- the one that is there ---- */

static bool read_vault(struct vault *vault, const struct command_call *call, struct err *err)
{
    char path[VAULT_PATH_MAX];
    *vault = (struct vault){0};
    return vault_path(path, command_value(call, "key"), err) && vault_read(vault, path, err);
}

static struct keys *open_word(const struct command_call *call, struct span word, struct err *err)
{
    const char *path = command_value(call, "password-file");
    struct keys *keys = NULL;
    char *password = NULL;
    if (call->is_inner && path == NULL)
        err_fill(err, ERR_RESTRICTED, "no agent keeps the key: shoal agent start");
    else
        password = terminal_secret(path, "Password: ", err);
    if (password != NULL)
        keys = ncryptsec_open(word, command_span(password), err);
    secret_free(password);
    return keys;
}

struct keys *command_keys(const struct command_call *call, enum command_status *status)
{
    struct vault vault;
    struct err err;
    struct keys *keys = NULL;
    bool ok = read_vault(&vault, call, &err);
    if (ok && vault.bunker.len > 0)
        err_fill(&err, ERR_RESTRICTED, "the key is with a bunker, which keeps it");
    else if (ok)
        keys = open_word(call, vault.word, &err);
    vault_clear(&vault);
    *status = keys != NULL ? COMMAND_DONE : command_fail(call, &err);
    return keys;
}

/* The agent where it keeps that very key, or else the key itself. */
static struct holder *ask_agent(const struct command_call *call, struct span word, struct err *err)
{
    char path[AGENT_PATH_MAX];
    struct bytes32 mark = sig_sha256(word);
    struct holder *holder = agent_path(path, NULL, NULL) ? agent_holder(path, &mark) : NULL;
    struct keys *keys = holder == NULL ? open_word(call, word, err) : NULL;
    return keys != NULL ? holder_of_keys(keys) : holder;
}

/* ---- a bunker ---- */

static void on_told(const void *owner, const char *page)
{
    const struct command_call *call = owner;
    fprintf(stderr, "shoal %s: the bunker wants you to open %s\n", call->command->name, page);
}

struct bunker *key_bunker(const struct command_call *call, struct holder *client,
                          const struct bunker_place *place, struct err *err)
{
    const char *proxy = command_value(call, "proxy");
    if (proxy == NULL)
        proxy = secure_getenv("SHOAL_PROXY");
    const struct bunker_setup setup = {.client = client,
                                       .place = place,
                                       .proxy = command_span(proxy != NULL ? proxy : ""),
                                       .ca_file = command_value(call, "ca-file"),
                                       .told = on_told,
                                       .owner = call};
    return bunker_new(&setup, err);
}

/* Speaks with the bunker by the key at hand. */
static struct holder *reach_bunker(const struct command_call *call, struct holder *client,
                                   struct span address, struct err *err)
{
    struct arena arena = {0};
    struct bunker_place place;
    struct bunker *bunker = NULL;
    bool ok = bunker_parse(&place, &arena, address, err);
    if (ok && !place.has_user)
        ok = err_set(err, ERR_INVALID, "the address of a bunker does not say whose it is");
    if (ok)
        bunker = key_bunker(call, client, &place, err);
    else
        holder_free(client);
    arena_clear(&arena);
    return bunker != NULL ? bunker_holder(bunker, &place.user) : NULL;
}

struct holder *command_find_holder(const struct command_call *call, struct err *err)
{
    struct vault vault;
    struct holder *holder = read_vault(&vault, call, err) ? ask_agent(call, vault.word, err) : NULL;
    if (holder != NULL && vault.bunker.len > 0)
        holder = reach_bunker(call, holder, vault.bunker, err);
    vault_clear(&vault);
    return holder;
}

struct holder *command_holder(const struct command_call *call, enum command_status *status)
{
    struct err err;
    struct holder *holder = command_find_holder(call, &err);
    *status = holder != NULL ? COMMAND_DONE : command_fail(call, &err);
    return holder;
}
