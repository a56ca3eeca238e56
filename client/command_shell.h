/* command_shell.h - the tables of commands as the completions of shells want them.
 *
 * A command's name is one word, or two: the first then names a group, and may name a
 * command as well.
 *
 *   ownership  names are borrowed from the tables; an offer's choices are the caller's to clear
 */
#pragma once

#include "client/command.h"
#include "shared/text.h"

/* What the shells offer for a value, or for the words of a command: FILE and FOLDER are files, a|b
 * these. */
struct command_offer {
    struct text choices; /* apart by spaces */
    bool is_file;
};

/* From how --help names it; NULL: nothing is taken. */
struct command_offer command_shell_offer(const char *named);

/* The first word of a command's name, and the second, or "". */
struct span command_shell_first_word(const struct command *command);
const char *command_shell_second_word(const struct command *command);

/* Whether no command before it in the table begins with the same word. */
bool command_shell_is_first(const struct command_call *call, size_t at);

/* Whether the command's name and the other's begin with the same word, and the other's has two. */
bool command_shell_is_in(const struct command *command, const struct command *other);

/* Whether there is a name of two words that begins with this one's first. */
bool command_shell_is_group(const struct command_call *call, size_t at);

/* What is said of a first word: the help of the command with that name, or nothing of a group. */
const char *command_shell_first_help(const struct command_call *call, size_t at);

/* Every name of two words, as a shell's case has them: 'identity new' | 'identity show'. */
void command_shell_pairs(struct text *out, const struct command_call *call, const char *between);

/* The three completions. */
void command_shell_bash(struct text *out, const struct command_call *call);
void command_shell_zsh(struct text *out, const struct command_call *call);
void command_shell_fish(struct text *out, const struct command_call *call);
