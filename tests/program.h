/* program.h - the relay's program run to its end, with what it wrote: for what is no server.
 *
 *   ownership  program_clear frees the texts
 *   errors     a failed assertion of the running test
 */
#pragma once

#include <sys/types.h>

#include "shared/base.h"
#include "shared/text.h"

struct program {
    pid_t pid;
    int in, out, error;             /* our ends of its pipes; -1: closed */
    struct text out_text, err_text; /* NUL-terminated once it has ended */
    int status;                     /* exit status; 128 and the signal when it was killed */
};

/* arguments: what follows the program's name, up to NULL. */
void program_start(struct program *program, const char *const *arguments);

/* Waits until it has written that to stderr. */
void program_await_error(struct program *program, const char *words);

/* Closes its stdin, reads both outputs, waits. */
void program_end(struct program *program);

void program_clear(struct program *program);

/* All of it, with that on its stdin. */
void program_run(struct program *program, struct span in, const char *const *arguments);
