#include "client/command.h"

#include <stdarg.h>
#include <stdio.h>

#include "shared/err.h"
#include "shared/number.h"
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

bool command_read_number(const struct command_call *call, const char *name, int64_t preset,
                         int64_t max, int64_t *out, struct err *err)
{
    const char *value = command_value(call, name);
    *out = preset;
    return value == NULL || (number_decimal(out, command_span(value)) && *out <= max) ||
           err_set(err, ERR_INVALID, "--%s: expected 0 to %lld, got '%.40s'", name, (long long)max,
                   value);
}

bool command_number(const struct command_call *call, const char *name, int64_t preset, int64_t max,
                    int64_t *out)
{
    struct err err;
    if (command_read_number(call, name, preset, max, out, &err))
        return true;
    command_misuse(call, "%s", err.text);
    return false;
}

enum command_status command_fail(const struct command_call *call, const struct err *err)
{
    fprintf(stderr, "shoal %s: ", call->command->name);
    if (call->line > 0)
        fprintf(stderr, "line %zu: ", call->line);
    fprintf(stderr, "%s\n", err->text);
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
