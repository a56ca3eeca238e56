/* floor.h - the parts a relay is made of, each bare: what no relay on this machine can go below.
 *
 * Each prints lines "name value".
 */
#pragma once

#include <stddef.h>

/* Signatures checked per second: one_per_s on one core, all_per_s on all. */
void floor_verify(const char *path, size_t count);

/* Events of the file copied per second into the relay's own tables, in a schema of their own that
 * is dropped after: per_s with 500 in a transaction, one_p50_us for a transaction of one. */
void floor_copy(const char *conninfo, const char *path, size_t count);

/* Frames of 900 bytes sent per second to connections that only read. */
void floor_send(size_t connections, size_t frames_at_once, double seconds);

/* A websocket server that sends back what it gets; prints "ready port=N", and serves until it is
 * ended. */
_Noreturn void floor_echo(void);

/* A relay that checks nothing and keeps nothing: it answers a REQ with EOSE and an EVENT with OK,
 * and sends the event to all others. As floor_echo otherwise. */
_Noreturn void floor_relay(void);
