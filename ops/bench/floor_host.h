/* floor_host.h - a websocket server with nothing in it: sockets, frames, one loop.
 *
 * It reads what bench_load sends, and nothing else; anything odd ends the program.
 *
 *   ownership  guests are the host's; out is sent, as one, when on_message has seen all that came
 */
#pragma once

#include "shared/text.h"

struct floor_guest {
    int socket;
    bool is_websocket;
    struct text in, out;
    uint32_t number; /* of struct floor_host's guests */
};

struct floor_host;

/* A message, unmasked; its answers are appended to guest->out as frames. */
typedef void floor_message_fn(struct floor_host *host, struct floor_guest *guest,
                              struct span message);

struct floor_host {
    floor_message_fn *on_message;
    struct floor_guest **guests;
    uint32_t count, room;
};

/* Prints "ready port=N" and serves until it is ended. */
_Noreturn void floor_host_serve(struct floor_host *host);

/* Appends a text frame. */
void floor_frame(struct text *out, struct span payload);

/* One send(), of what the socket takes of it now: guests read. */
void floor_send_bytes(const struct floor_guest *guest, struct span bytes);
