/* command_lines.h - what a word "-" of a command stands for. Part of command.
 *
 * Lines of standard input, for which command_turn.h does the command.
 */
#pragma once

enum command_lines {
    COMMAND_LINES_NONE, /* it is a word, or the command's own matter */
    COMMAND_LINES_WORD, /* each word is a turn of its own, and so is each line */
    COMMAND_LINES_EACH, /* each line is a turn, with the other words */
    COMMAND_LINES_ALL,  /* all lines are words of the only turn */
};
