/* usage.h - what processes and the machine used: CPU seconds and memory, from /proc.
 *
 * A server is named by the pids of its first processes; all their descendants count.
 *
 *   units      seconds; bytes
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct usage {
    uint64_t at_ns;
    double client_s, server_s; /* CPU of this process, of the server */
    double machine_s;          /* of everything */
};

uint64_t usage_now_ns(void);

/* pids: "12,34"; NULL: no server is known. */
struct usage usage_take(const char *pids);

/* The server's proportional set size: shared pages are shared out. */
uint64_t usage_memory_bytes(const char *pids);

/* Prints wall_s, client_cores, foreign_cores (of neither client nor server) and, when count is not
 * 0 and a server is known, server_us: its CPU for each of count. Lines "name value". */
void usage_print(const struct usage *before, const struct usage *after, uint64_t count);
