/* worker.h - stages in processes of their own, for tests: this very program, run anew.
 *
 *   ownership  worker_stop or worker_kill ends the process
 *   threads    worker_kill any; else one. A worker ends with the thread that started it
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct worker {
    pid_t pid; /* 0: none */
    uint16_t port;
    const char *layers, *next, *wire, *model, *key_file;
    uint8_t door; /* 0: none; else strangers are let in who write to worker_keys of that number */
    char address[64];
};

struct keys;
struct keys *worker_keys(uint8_t number);

/* main's first statement: does a worker's work, and then is true. */
bool worker_is_one(int argc, char **argv, int *status);

/* Starts it, on the port it had, and waits until it listens. */
void worker_start(struct worker *worker);

/* At once, as a machine that loses its power. */
void worker_kill(struct worker *worker);
void worker_reap(struct worker *worker);

/* And checks that it ends well, which it says after it has given all back. */
void worker_stop(struct worker *worker);
