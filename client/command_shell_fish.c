#include "client/command_shell.h"

/* Text as a shell's quoted word has it: each of the characters in special gets prefix before it. */
static void add_escaped(struct text *out, const char *text, const char *special)
{
    for (; *text != '\0'; text++) {
        if (strchr(special, *text) != NULL)
            text_add(out, SPAN("\\"));
        text_add(out, (struct span){text, 1});
    }
}

static void add_fish_described(struct text *out, const char *help)
{
    text_add(out, SPAN(" -d '"));
    add_escaped(out, help, "'\\");
    text_add(out, SPAN("'\n"));
}

/* " -F", " -a 'these'" */
static void add_fish_offer(struct text *out, const char *named)
{
    struct command_offer offer = command_shell_offer(named);
    text_add(out, offer.is_file ? SPAN(" -F") : SPAN(""));
    if (offer.choices.len > 0)
        text_addf(out, " -a '%.*s'", SPAN_ARG(text_span(&offer.choices)));
    text_clear(&offer.choices);
}

static void add_fish_command(struct text *out, const struct command *command)
{
    struct command_offer offer = command_shell_offer(command->words);
    for (size_t i = 0; i < command->option_count; i++) {
        const struct command_option *option = &command->options[i];
        text_addf(out, "complete -c shoal -n '__shoal_is %s' -l %s", command->name, option->name);
        text_add(out, option->value != NULL ? SPAN(" -r") : SPAN(""));
        add_fish_offer(out, option->value);
        add_fish_described(out, option->help);
    }
    text_addf(out, "complete -c shoal -n '__shoal_is %s' -l help", command->name);
    add_fish_described(out, "say more");
    if (offer.is_file || offer.choices.len > 0) {
        text_addf(out, "complete -c shoal -n '__shoal_is %s'", command->name);
        add_fish_offer(out, command->words);
        text_add(out, SPAN("\n"));
    }
    text_clear(&offer.choices);
}

void command_shell_fish(struct text *out, const struct command_call *call)
{
    text_add(out, SPAN("# Completion of shoal for fish, made by: shoal completion fish\n"
                       "function __shoal_is # WORD...: whether this is the command being typed\n"
                       "    set -l words (commandline -opc)\n"
                       "    set -l name $words[2]\n"
                       "    switch \"$words[2] $words[3]\"\n        case "));
    command_shell_pairs(out, call, " ");
    text_add(out, SPAN("\n            set name \"$words[2] $words[3]\"\n    end\n"
                       "    test \"$name\" = \"$argv\"\nend\n"
                       "function __shoal_has # COUNT: whether so many words are before\n"
                       "    test (count (commandline -opc)) -eq $argv[1]\nend\n"
                       "complete -c shoal -f\n"
                       "complete -c shoal -n '__shoal_has 1' -l help -d 'say more'\n"
                       "complete -c shoal -n '__shoal_has 1' -l version -d 'say which this is'\n"));
    for (size_t i = 0; i < call->all_count; i++) {
        struct span first = command_shell_first_word(call->all[i]);
        const char *second = command_shell_second_word(call->all[i]);
        if (command_shell_is_first(call, i)) {
            text_addf(out, "complete -c shoal -n '__shoal_has 1' -a %.*s", SPAN_ARG(first));
            add_fish_described(out, command_shell_first_help(call, i));
        }
        if (second[0] != '\0') {
            text_addf(out, "complete -c shoal -n '__shoal_has 2; and __shoal_is %.*s' -a %s",
                      SPAN_ARG(first), second);
            add_fish_described(out, call->all[i]->help);
        }
    }
    for (size_t i = 0; i < call->all_count; i++)
        add_fish_command(out, call->all[i]);
}
