/* node.h - `shoal-gpu serve` on the demonstration model, run by a test.
 *
 *   ownership  node_stop ends what node_start has begun
 *   errors     a failed assertion of the running test
 */
#pragma once

#include <sys/types.h>

#include "shared/text.h"

struct node {
    pid_t pid;
    int log; /* its stderr */
    uint16_t port;
    struct text said; /* NUL-terminated: what it has written there, as far as it was read */
};

/* arguments: of serve, up to NULL; it listens on 127.0.0.1, where the system lets it. Returns once
 * it is ready. */
void node_start(struct node *node, const char *binary, const char *const *arguments);

/* The same of one that does not answer HTTP: returns at once. */
void node_spawn(struct node *node, const char *binary, const char *const *arguments);

/* Waits until it has written that. */
void node_await(struct node *node, const char *words);

/* Sends the signal, waits for it to end and tells its exit status; 128 and a signal's number when
 * that ended it. */
int node_stop(struct node *node, int signal);
