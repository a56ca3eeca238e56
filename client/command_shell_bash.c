#include "client/command_shell.h"

static const char bash_head[] =
    "# Completion of shoal for bash, made by: shoal completion bash\n"
    "_shoal_offer() # LIST WORD: what of the list begins with the word; @ is files\n"
    "{\n"
    "    mapfile -t COMPREPLY < <(\n"
    "        case \" $1 \" in *' @ '*) compgen -f -- \"$2\" ;; esac\n"
    "        compgen -W \"${1//@/}\" -- \"$2\"\n"
    "    )\n"
    "    case \" $1 \" in *' @ '*) compopt -o filenames 2> /dev/null ;; esac\n"
    "}\n"
    "_shoal()\n"
    "{\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local name=${COMP_WORDS[1]} options='' values='' words='' value\n"
    "    COMPREPLY=()\n"
    "    if [ \"$word\" = = ]; then # --key=FILE comes as three words\n"
    "        word=''\n"
    "    elif [ \"$before\" = = ]; then\n"
    "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
    "        _shoal_offer '";

static const char bash_tail[] = "    for value in $values; do\n"
                                "        if [ \"${value%%=*}\" = \"$before\" ]; then\n"
                                "            value=${value#*=}\n"
                                "            _shoal_offer \"${value//|/ }\" \"$word\"\n"
                                "            return\n"
                                "        fi\n"
                                "    done\n"
                                "    case $word in -*) words=$options ;; esac\n"
                                "    _shoal_offer \"$words\" \"$word\"\n"
                                "}\n"
                                "complete -F _shoal shoal\n";

static void add_bash_value(struct text *out, const struct command_option *option)
{
    struct command_offer offer = command_shell_offer(option->value);
    text_addf(out, " --%s=%s", option->name, offer.is_file ? "@" : "");
    for (size_t i = 0; i < offer.choices.len; i++)
        if (offer.choices.at[i] == ' ')
            offer.choices.at[i] = '|';
    text_add(out, offer.is_file && offer.choices.len > 0 ? SPAN("|") : SPAN(""));
    text_add(out, text_span(&offer.choices));
    text_clear(&offer.choices);
}

static void add_bash_command(struct text *out, const struct command *command)
{
    struct command_offer offer = command_shell_offer(command->words);
    text_addf(out, "        '%s')\n            options='", command->name);
    for (size_t i = 0; i < command->option_count; i++)
        text_addf(out, "--%s ", command->options[i].name);
    text_add(out, SPAN("--help'\n            values='"));
    for (size_t i = 0; i < command->option_count; i++)
        if (command->options[i].value != NULL)
            add_bash_value(out, &command->options[i]);
    text_addf(out, "'\n            words='%s", offer.is_file ? "@ " : "");
    text_add(out, text_span(&offer.choices));
    text_add(out, SPAN("'\n            ;;\n"));
    text_clear(&offer.choices);
}

/* The second words that name a command together with this first one. */
static void add_seconds(struct text *out, const struct command_call *call, size_t at)
{
    for (size_t i = 0; i < call->all_count; i++)
        if (command_shell_is_in(call->all[at], call->all[i]))
            text_addf(out, "%s ", command_shell_second_word(call->all[i]));
}

void command_shell_bash(struct text *out, const struct command_call *call)
{
    text_add(out, command_span(bash_head));
    for (size_t i = 0; i < call->all_count; i++)
        if (command_shell_is_first(call, i))
            text_addf(out, "%.*s ", SPAN_ARG(command_shell_first_word(call->all[i])));
    text_add(out, SPAN("--help --version' \"$word\"\n        return\n    fi\n"
                       "    case \"$name ${COMP_WORDS[2]}\" in\n        "));
    command_shell_pairs(out, call, " | ");
    text_add(out, SPAN(")\n            [ \"$COMP_CWORD\" -eq 2 ] || name=\"$name "
                       "${COMP_WORDS[2]}\" ;;\n    esac\n    case $name in\n"));
    for (size_t i = 0; i < call->all_count; i++)
        add_bash_command(out, call->all[i]);
    text_add(out, SPAN("    esac\n    case \"$COMP_CWORD $name\" in\n"));
    for (size_t i = 0; i < call->all_count; i++)
        if (command_shell_is_first(call, i) && command_shell_is_group(call, i)) {
            text_addf(out, "        '2 %.*s') words='",
                      SPAN_ARG(command_shell_first_word(call->all[i])));
            add_seconds(out, call, i);
            text_add(out, SPAN("' ;;\n"));
        }
    text_add(out, SPAN("    esac\n"));
    text_add(out, command_span(bash_tail));
}
