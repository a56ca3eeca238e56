/* abort.h - proof that a step aborts the program, without losing the test's own process.
 *
 * A child process would do as well, but what it covered would not be counted.
 */
#pragma once

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static sigjmp_buf abort_return;

static inline void abort_caught(int number)
{
    siglongjmp(abort_return, number);
}

static inline bool abort_by(void (*step)(void))
{
    struct sigaction old, new = {.sa_handler = abort_caught};
    sigaction(SIGABRT, &new, &old);
    volatile bool aborted = true;
    if (sigsetjmp(abort_return, 1) == 0) {
        step();
        aborted = false;
    }
    sigaction(SIGABRT, &old, NULL);
    return aborted;
}
