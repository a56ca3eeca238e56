/* tube.h - a websocket whose handshake is done: whole texts, in and out.
 *
 *   units      bytes
 *   ownership  tube_new to tube_free, after which nothing is called; the descriptor stays open.
 *              What is heard is borrowed for the call
 *   threads    loop thread only
 *   errors     gone: the other side has left, breaks the rules, or does not read. Once, and only
 *              tube_free may follow
 *   spec       RFC 6455
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct tube;

enum { TUBE_TEXT_BYTES_MAX = 1 << 17, TUBE_PENDING_BYTES_MAX = 1 << 20, TUBE_ACCEPT_CHARS = 28 };

struct tube_setup {
    uv_loop_t *loop;
    int fd;
    struct span early; /* what came behind the handshake */
    void (*heard)(void *owner, struct span text);
    void (*gone)(void *owner);
    void *owner;
};

struct tube *tube_new(const struct tube_setup *setup);
void tube_free(struct tube *tube);

/* Dropped when it has gone. */
void tube_send(struct tube *tube, struct span text);

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key. */
void tube_accept(char accept[TUBE_ACCEPT_CHARS + 1], const char *key);
