/* shoal manual: fills in the template of the man page, in roff, with every command and option.
 *
 *     .\" COMMANDS     such a line becomes a subsection for each command
 *     .\" VERSION      becomes the title, with the version
 */
#include <stdio.h>
#include <stdlib.h>

#include "client/command.h"
#include "shared/err.h"
#include "shared/text.h"

/* Text as roff has it: a dash is a minus, which can be searched for and copied. */
static void add_text(struct text *out, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '\\')
            text_add(out, SPAN("\\e"));
        else if (*text == '-')
            text_add(out, SPAN("\\-"));
        else if (*text == '"')
            text_add(out, SPAN("\\(dq"));
        else
            text_add(out, (struct span){text, 1});
}

/* A line that is text whatever it begins with. */
static void add_line(struct text *out, const char *text)
{
    text_add(out, text[0] == '.' || text[0] == '\'' ? SPAN("\\&") : SPAN(""));
    add_text(out, text);
    text_add(out, SPAN("\n"));
}

static void add_option(struct text *out, const struct command_option *option)
{
    text_add(out, SPAN(".TP\n\\fB\\-\\-"));
    add_text(out, option->name);
    text_add(out, SPAN("\\fR"));
    if (option->value != NULL) {
        text_add(out, SPAN(" \\fI"));
        add_text(out, option->value);
        text_add(out, SPAN("\\fR"));
    }
    text_add(out, SPAN("\n"));
    add_line(out, option->help);
}

static void add_command(struct text *out, const struct command *command)
{
    text_add(out, SPAN(".SS shoal "));
    add_text(out, command->name);
    text_add(out, SPAN("\\fR"));
    text_add(out, command->option_count > 0 ? SPAN(" [\\fIOPTION\\fR...]") : SPAN(""));
    if (command->words != NULL && command->words[0] != '\0') {
        text_add(out, SPAN(" \\fI"));
        add_text(out, command->words);
        text_add(out, SPAN("\\fR"));
    }
    text_add(out, SPAN("\n"));
    add_line(out, command->help);
    for (size_t i = 0; i < command->option_count; i++)
        add_option(out, &command->options[i]);
}

static enum command_status run_manual(struct command_call *call)
{
    struct text out = {0};
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) >= 0)
        if (strcmp(line, ".\\\" VERSION\n") == 0)
            text_addf(&out, ".TH SHOAL 1 \"\" \"shoal %s\" \"Shoal\"\n", SHOAL_VERSION);
        else if (strcmp(line, ".\\\" COMMANDS\n") == 0)
            for (size_t i = 0; i < call->all_count; i++)
                add_command(&out, call->all[i]);
        else
            text_add(&out, command_span(line));
    free(line);
    if (ferror(stdin) == 0)
        return command_print(call, &out);
    struct err err;
    err_fill(&err, ERR_INTERNAL, "cannot read standard input");
    text_clear(&out);
    return command_fail(call, &err);
}

const struct command command_manual = {.name = "manual",
                                       .words = "< TEMPLATE",
                                       .help = "write the man page: a template, with all commands",
                                       .words_max = 0,
                                       .run = run_manual};
