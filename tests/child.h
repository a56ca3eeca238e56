/* child.h - a step of a test in a process of its own.
 *
 *   errors  a failed assertion of the running test
 */
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

/* Runs step, which must not fail: it may _exit with another status than 0. */
static inline void in_child(void (*step)(void))
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        step();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}
