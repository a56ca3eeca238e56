#include "client/command.h"

#include <stdarg.h>
#include <stdio.h>

#include "client/agent.h"
#include "client/holder.h"
#include "client/keys.h"
#include "client/ncryptsec.h"
#include "client/secret.h"
#include "client/terminal.h"
#include "client/vault.h"
#include "shared/err.h"
#include "shared/number.h"
#include "shared/sig.h"
#include "shared/text.h"

const char *command_next_value(const struct command_call *call, const char *name, size_t *place)
{
    while (*place < call->given_count) {
        size_t at = (*place)++;
        if (strcmp(call->given[at].option->name, name) == 0)
            return call->given[at].value;
    }
    return NULL;
}

const char *command_value(const struct command_call *call, const char *name)
{
    const char *last = NULL, *value;
    size_t place = 0;
    while ((value = command_next_value(call, name, &place)) != NULL)
        last = value;
    return last;
}

bool command_number(const struct command_call *call, const char *name, int64_t preset, int64_t max,
                    int64_t *out)
{
    const char *value = command_value(call, name);
    *out = preset;
    if (value == NULL || (number_decimal(out, command_span(value)) && *out <= max))
        return true;
    command_misuse(call, "--%s: expected 0 to %lld, got '%s'", name, (long long)max, value);
    return false;
}

enum command_status command_fail(const struct command_call *call, const struct err *err)
{
    fprintf(stderr, "shoal %s: %s\n", call->command->name, err->text);
    return err->code == ERR_RESTRICTED ? COMMAND_UNAUTHORISED : COMMAND_FAILED;
}

enum command_status command_misuse(const struct command_call *call, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "shoal %s: ", call->command->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nshoal %s --help says more\n", call->command->name);
    return COMMAND_USAGE;
}

enum command_status command_print(const struct command_call *call, struct text *out)
{
    bool ok =
        (out->len == 0 || fwrite(out->at, 1, out->len, stdout) == out->len) && fflush(stdout) == 0;
    text_clear(out);
    if (ok)
        return COMMAND_DONE;
    fprintf(stderr, "shoal %s: cannot write to standard output\n", call->command->name);
    return COMMAND_FAILED;
}

/* The sealed key of the file that the options name. */
static bool read_word(struct text *word, const struct command_call *call, struct err *err)
{
    char path[VAULT_PATH_MAX];
    return vault_path(path, command_value(call, "key"), err) && vault_read(word, path, err);
}

static struct keys *open_word(const struct command_call *call, const struct text *word,
                              struct err *err)
{
    char *password = terminal_secret(command_value(call, "password-file"), "Password: ", err);
    struct keys *keys = NULL;
    if (password != NULL)
        keys = ncryptsec_open(text_span(word), command_span(password), err);
    secret_free(password);
    return keys;
}

struct keys *command_keys(const struct command_call *call, enum command_status *status)
{
    struct text word = {0};
    struct err err;
    struct keys *keys = read_word(&word, call, &err) ? open_word(call, &word, &err) : NULL;
    text_clear(&word);
    *status = keys != NULL ? COMMAND_DONE : command_fail(call, &err);
    return keys;
}

/* The agent where it keeps that very key, or else the key itself. */
static struct holder *find_holder(const struct command_call *call, const struct text *word,
                                  struct err *err)
{
    char path[AGENT_PATH_MAX];
    struct bytes32 mark = sig_sha256(text_span(word));
    struct holder *holder = agent_path(path, NULL, NULL) ? agent_holder(path, &mark) : NULL;
    struct keys *keys = holder == NULL ? open_word(call, word, err) : NULL;
    return keys != NULL ? holder_of_keys(keys) : holder;
}

struct holder *command_holder(const struct command_call *call, enum command_status *status)
{
    struct text word = {0};
    struct err err;
    struct holder *holder = read_word(&word, call, &err) ? find_holder(call, &word, &err) : NULL;
    text_clear(&word);
    *status = holder != NULL ? COMMAND_DONE : command_fail(call, &err);
    return holder;
}
