/* shoal completion: what a shell offers while a command is typed, made from the tables of all. */
#include "client/command_shell.h"

static enum command_status run_completion(struct command_call *call)
{
    static const struct {
        const char *name;
        void (*write)(struct text *out, const struct command_call *call);
    } shells[] = {
        {"bash", command_shell_bash}, {"zsh", command_shell_zsh}, {"fish", command_shell_fish}};
    struct text out = {0};
    for (size_t i = 0; i < ARRAY_LEN(shells); i++)
        if (strcmp(shells[i].name, call->words[0]) == 0) {
            shells[i].write(&out, call);
            return command_print(call, &out);
        }
    return command_misuse(call, "expected %s, got '%.20s'", call->command->words, call->words[0]);
}

const struct command command_completion = {.name = "completion",
                                           .words = "bash|zsh|fish",
                                           .help = "write what that shell completes commands by",
                                           .words_min = 1,
                                           .words_max = 1,
                                           .run = run_completion};
