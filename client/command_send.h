/* command_send.h - events given to relays, each until it is answered; and what became of them.
 * Part of command.
 *
 *   ownership  borrows all it is given
 */
#pragma once

#include "client/command.h"

struct event;
struct net;

struct send_call {
    struct net *net;
    const char *const *relays;
    uint32_t relay_count;
    const struct event *events;
    uint32_t event_count;
    bool is_quiet; /* only what went wrong is said, on standard error */
};

/* COMMAND_DONE: every relay has every event. COMMAND_PARTLY: some has some. With the option dry-run
 * it only says what would be sent where. */
enum command_status send_events(const struct send_call *call);
