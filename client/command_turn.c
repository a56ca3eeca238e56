#include "client/command_turn.h"

#include <stdlib.h>

#include "client/secret.h"
#include "shared/err.h"

static bool is_dash(const char *word)
{
    return strcmp(word, "-") == 0;
}

/* How many of the first words may be a "-" that stands for lines. */
static size_t places(const struct command_call *call)
{
    const struct command *command = call->command;
    if (call->is_inner || command->lines == COMMAND_LINES_NONE)
        return 0;
    return command->lines_max > 0 && command->lines_max < call->word_count ? command->lines_max
                                                                           : call->word_count;
}

struct command_turns command_turns(struct command_call *call)
{
    struct command_turns turns = {.call = call, .word_count = call->word_count, .input = stdin};
    memcpy(turns.words, call->words, sizeof turns.words);
    return turns;
}

/* The next line that is not empty, less the spaces at its end; *is_line: there is one. */
static bool read_line(struct command_turns *turns, bool *is_line, struct err *err)
{
    ssize_t len;
    *is_line = false;
    while (!*is_line && (len = getline(&turns->line, &turns->capacity, turns->input)) > 0) {
        turns->call->line++;
        if (strlen(turns->line) != (size_t)len)
            return err_set(err, ERR_INVALID, "a zero byte");
        while (len > 0 && strchr("\r\n\t ", turns->line[len - 1]) != NULL)
            turns->line[--len] = '\0';
        *is_line = len > 0;
    }
    return true;
}

/* ---- each word is a turn ---- */

static bool next_word(struct command_turns *turns, bool *is_turn, struct err *err)
{
    struct command_call *call = turns->call;
    while (turns->next < turns->word_count) {
        call->word_count = 1;
        call->words[0] = turns->words[turns->next];
        *is_turn = true;
        if (!is_dash(call->words[0])) {
            turns->next++;
            call->line = 0;
            return true;
        }
        if (!read_line(turns, is_turn, err))
            return false;
        call->words[0] = turns->line;
        if (*is_turn)
            return true;
        turns->next++;
    }
    *is_turn = false;
    return true;
}

/* ---- each line is a turn ---- */

static bool next_line(struct command_turns *turns, bool *is_turn, struct err *err)
{
    if (!read_line(turns, is_turn, err))
        return false;
    *turns->lines = turns->line;
    return true;
}

/* ---- all lines are words ---- */

static bool add_lines(struct command_turns *turns, bool *is_turn, struct err *err)
{
    struct command_call *call = turns->call;
    size_t at = (size_t)(turns->lines - call->words), after = turns->word_count - at - 1;
    bool is_line = true;
    call->word_count = at;
    while (true) {
        if (!read_line(turns, &is_line, err))
            return false;
        if (!is_line)
            break;
        if (call->word_count + after == COMMAND_WORDS_MAX)
            return err_set(err, ERR_INVALID, "over %d words", COMMAND_WORDS_MAX);
        size_t size = strlen(turns->line) + 1;
        call->words[call->word_count++] =
            arena_copy(&turns->arena, (struct span){turns->line, size}).at;
    }
    call->line = 0;
    for (size_t i = 0; i < after; i++)
        call->words[call->word_count++] = turns->words[at + 1 + i];
    turns->is_over = true;
    *is_turn = call->word_count >= call->command->words_min;
    return true;
}

/* Finds the "-". */
static bool find_lines(struct command_turns *turns, struct err *err)
{
    struct command_call *call = turns->call;
    for (size_t i = 0; i < places(call); i++) {
        if (!is_dash(call->words[i]))
            continue;
        if (turns->lines != NULL)
            return err_set(err, ERR_INVALID, "only one word can be what standard input says");
        turns->lines = &call->words[i];
    }
    return true;
}

bool command_turn(struct command_turns *turns, bool *is_turn, struct err *err)
{
    struct command_call *call = turns->call;
    bool is_each = call->command->lines == COMMAND_LINES_WORD && !call->is_inner;
    *is_turn = false;
    if (turns->is_over)
        return true;
    if (is_each && turns->word_count > 0)
        return next_word(turns, is_turn, err);
    if (turns->lines == NULL && !find_lines(turns, err))
        return false;
    if (turns->lines != NULL)
        return call->command->lines == COMMAND_LINES_ALL ? add_lines(turns, is_turn, err)
                                                         : next_line(turns, is_turn, err);
    turns->is_over = *is_turn = true;
    return true;
}

void command_turns_end(struct command_turns *turns)
{
    if (turns->line != NULL)
        secret_wipe(turns->line, turns->capacity);
    free(turns->line);
    arena_clear(&turns->arena);
}

enum command_status command_each(struct command_call *call,
                                 enum command_status (*run)(struct command_call *call))
{
    struct command_turns turns = command_turns(call);
    enum command_status status = COMMAND_DONE;
    bool is_turn, goes_on = true;
    struct err err;
    while (goes_on) {
        if (!command_turn(&turns, &is_turn, &err)) {
            status = command_fail(call, &err);
            break;
        }
        if (!is_turn)
            break;
        enum command_status done = run(call);
        status = done != COMMAND_DONE ? done : status;
        goes_on = done != COMMAND_USAGE && done != COMMAND_UNAUTHORISED;
        call->turn++;
    }
    command_turns_end(&turns);
    return status;
}
