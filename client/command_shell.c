#include "client/command_shell.h"

static bool is_choice(struct span word)
{
    if (word.len < 3 || memchr(word.at + 1, '|', word.len - 2) == NULL)
        return false;
    for (size_t i = 0; i < word.len; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-|", word.at[i]) == NULL)
            return false;
    return true;
}

struct command_offer command_shell_offer(const char *named)
{
    struct command_offer offer = {0};
    for (const char *at = named != NULL ? named : ""; *at != '\0';) {
        struct span word = {at, strcspn(at, " ,[].")};
        offer.is_file =
            offer.is_file || span_eq(word, SPAN("FILE")) || span_eq(word, SPAN("FOLDER"));
        if (is_choice(word)) {
            text_add(&offer.choices, offer.choices.len > 0 ? SPAN(" ") : SPAN(""));
            for (size_t i = 0; i < word.len; i++)
                text_add(&offer.choices, word.at[i] == '|' ? SPAN(" ") : (struct span){at + i, 1});
        }
        at += word.len + (word.len == 0);
    }
    return offer;
}

struct span command_shell_first_word(const struct command *command)
{
    return (struct span){command->name, strcspn(command->name, " ")};
}

const char *command_shell_second_word(const struct command *command)
{
    const char *rest = command->name + command_shell_first_word(command).len;
    return *rest == ' ' ? rest + 1 : rest;
}

bool command_shell_is_first(const struct command_call *call, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (span_eq(command_shell_first_word(call->all[i]),
                    command_shell_first_word(call->all[at])))
            return false;
    return true;
}

bool command_shell_is_in(const struct command *command, const struct command *other)
{
    return command_shell_second_word(other)[0] != '\0' &&
           span_eq(command_shell_first_word(command), command_shell_first_word(other));
}

bool command_shell_is_group(const struct command_call *call, size_t at)
{
    for (size_t i = 0; i < call->all_count; i++)
        if (command_shell_is_in(call->all[at], call->all[i]))
            return true;
    return false;
}

const char *command_shell_first_help(const struct command_call *call, size_t at)
{
    for (size_t i = 0; i < call->all_count; i++)
        if (command_shell_second_word(call->all[i])[0] == '\0' &&
            span_eq(command_shell_first_word(call->all[i]),
                    command_shell_first_word(call->all[at])))
            return call->all[i]->help;
    return "";
}

void command_shell_pairs(struct text *out, const struct command_call *call, const char *between)
{
    size_t begin = out->len;
    for (size_t i = 0; i < call->all_count; i++)
        if (command_shell_second_word(call->all[i])[0] != '\0')
            text_addf(out, "%s'%s'", out->len > begin ? between : "", call->all[i]->name);
}
