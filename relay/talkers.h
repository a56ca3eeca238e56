/* talkers.h - which addresses send most, over all processes of the relay.
 *
 * Like metrics, a shared mapping with a slot for each process: it writes what it has measured, any
 * process reads all.
 *
 *   units    rates: per second, over some seconds
 *   threads  writing: loop thread of the slot's process; reading: any process
 */
#pragma once

#include "shared/base.h"

enum { TALKERS_MAX = 16, TALKERS_ALL_MAX = 64 };

struct talker {
    uint8_t ip[8]; /* 4 bytes of IPv4, or the network of IPv6 */
    uint8_t ip_len;
    uint32_t connections;
    float events_per_s, reqs_per_s;
};

/* Before fork. Without it one private slot is used. */
void talkers_open(void);

/* In the process itself. */
void talkers_use(uint32_t process);

/* What this process has: at most TALKERS_MAX. */
void talkers_write(const struct talker *talkers, uint32_t count);

/* Of all processes, the busiest first, each address once. Returns how many. */
uint32_t talkers_read(struct talker out[TALKERS_ALL_MAX]);

/* The order of talkers_read: for qsort. */
int talkers_compare(const void *a, const void *b);
