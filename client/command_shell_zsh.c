#include "client/command_shell.h"

/* Inside single quotes, where a quote is '\'', and of a spec, where these are to be escaped. */
static void add_zsh(struct text *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("[]:\\", *text) != NULL)
            text_add(out, SPAN("\\"));
        text_add(out, *text == '\'' ? SPAN("'\\''") : (struct span){text, 1});
    }
}

/* ":message:action" */
static void add_zsh_value(struct text *out, const char *named)
{
    struct command_offer offer = command_shell_offer(named);
    text_add(out, SPAN(":"));
    add_zsh(out, named);
    if (offer.choices.len > 0)
        text_addf(out, ":(%.*s)", SPAN_ARG(text_span(&offer.choices)));
    else
        text_add(out, offer.is_file ? SPAN(":_files") : SPAN(": "));
    text_clear(&offer.choices);
}

static void add_zsh_command(struct text *out, const struct command *command)
{
    text_addf(out, "    '%s')\n        _arguments -S", command->name);
    for (size_t i = 0; i < command->option_count; i++) {
        const struct command_option *option = &command->options[i];
        text_addf(out, " \\\n            '*--%s%s[", option->name,
                  option->value != NULL ? "=" : "");
        add_zsh(out, option->help);
        text_add(out, SPAN("]"));
        if (option->value != NULL)
            add_zsh_value(out, option->value);
        text_add(out, SPAN("'"));
    }
    text_add(out, SPAN(" \\\n            '--help[say more]'"));
    if (command->words != NULL && command->words[0] != '\0') {
        text_add(out, SPAN(" \\\n            '*"));
        add_zsh_value(out, command->words);
        text_add(out, SPAN("'"));
    }
    text_add(out, SPAN("\n        ;;\n"));
}

static void add_zsh_described(struct text *out, struct span name, const char *help)
{
    text_addf(out, " \\\n            '%.*s:", SPAN_ARG(name));
    add_zsh(out, help);
    text_add(out, SPAN("'"));
}

/* The second words, described, where the third word of the line is being typed. */
static void add_zsh_group(struct text *out, const struct command_call *call, size_t at)
{
    text_addf(out, "    '3 %.*s')\n        offered=(",
              SPAN_ARG(command_shell_first_word(call->all[at])));
    for (size_t i = 0; i < call->all_count; i++)
        if (command_shell_is_in(call->all[at], call->all[i]))
            add_zsh_described(out, command_span(command_shell_second_word(call->all[i])),
                              call->all[i]->help);
    text_add(out, SPAN(")\n        _describe -t commands command offered\n        ;;\n"));
}

void command_shell_zsh(struct text *out, const struct command_call *call)
{
    text_add(out, SPAN("#compdef shoal\n"
                       "# Completion of shoal for zsh, made by: shoal completion zsh\n"
                       "_shoal()\n{\n    local name=$words[2]\n    local -a offered\n"
                       "    if (( CURRENT == 2 )); then\n        offered=("));
    for (size_t i = 0; i < call->all_count; i++)
        if (command_shell_is_first(call, i))
            add_zsh_described(out, command_shell_first_word(call->all[i]),
                              command_shell_first_help(call, i));
    text_add(out, SPAN(")\n        _describe -t commands command offered\n"
                       "        _arguments '--help[say more]' '--version[say which this is]'\n"
                       "        return\n    fi\n    case \"$CURRENT $name\" in\n"));
    for (size_t i = 0; i < call->all_count; i++)
        if (command_shell_is_first(call, i) && command_shell_is_group(call, i))
            add_zsh_group(out, call, i);
    text_add(out, SPAN("    esac\n    if (( CURRENT > 3 )); then\n"
                       "        case \"$name $words[3]\" in\n        ("));
    command_shell_pairs(out, call, " | ");
    text_add(out, SPAN(")\n            name=\"$name $words[3]\"\n            shift words\n"
                       "            (( CURRENT-- ))\n            ;;\n        esac\n    fi\n"
                       "    shift words\n    (( CURRENT-- ))\n    case $name in\n"));
    for (size_t i = 0; i < call->all_count; i++)
        add_zsh_command(out, call->all[i]);
    text_add(out, SPAN("    esac\n}\n"
                       "if [[ $funcstack[1] = _shoal ]]; then _shoal \"$@\"; "
                       "else compdef _shoal shoal; fi\n"));
}
