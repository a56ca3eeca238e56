/* command_turn.h - a command done several times: for each word, or for each line of standard input
 * in the place of a word that is "-". Part of command.
 *
 * Standard input is read when the first turn is taken: a password may have been its first line.
 *
 *   ownership  command_turns to command_turns_end; the words of the call are its words until then
 *   threads    one
 *   errors     ERR_INVALID: there are several "-", or over COMMAND_WORDS_MAX words
 */
#pragma once

#include <stdio.h>

#include "client/command.h"
#include "shared/arena.h"

struct command_turns {
    struct command_call *call;
    const char *words[COMMAND_WORDS_MAX]; /* as they were given */
    size_t word_count;
    size_t next;        /* word, where each is a turn */
    const char **lines; /* the place of the words that takes the lines; NULL: there are none */
    FILE *input;
    char *line;
    size_t capacity;
    struct arena arena; /* of lines that are all words at once */
    bool is_over;
};

struct command_turns command_turns(struct command_call *call);

/* Puts the words of the next turn into the call; *is_turn: there is one. */
MUST_CHECK bool command_turn(struct command_turns *turns, bool *is_turn, struct err *err);

/* Somebody may have taken a secret for a word: the lines are wiped. */
void command_turns_end(struct command_turns *turns);

/* Does it in every turn, one that fails or not, less those of which no other can do better. */
enum command_status command_each(struct command_call *call,
                                 enum command_status (*run)(struct command_call *call));
