/* server.h - libwebsockets on the loop: frames in, outboxes out, back-pressure.
 *
 *   threads  loop thread only
 *   errors   ERR_INTERNAL: the port is taken, a TLS file cannot be read
 *   spec     RFC 6455; NIP-01 "relays expose a websocket endpoint"
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct admin;
struct config;
struct control;
struct dispatch;
struct err;
struct server;
struct session_table;
struct shards;

struct server_setup {
    const struct config *config;
    struct session_table *sessions;
    struct dispatch *dispatch;
    struct shards *store; /* for /health */
    struct admin *admin;
    const struct control *control;
    int socket; /* to listen on; taken over */
};

/* Has read the TLS files, when it returns. NULL, with err, when it cannot. */
struct server *server_new(uv_loop_t *loop, const struct server_setup *setup, struct err *err);

/* Connections are accepted from now on. */
MUST_CHECK bool server_listen(struct server *server, struct err *err);

/* The operators changed something: the relay says so, and who is blocked now goes. */
void server_describe(struct server *server);
void server_cut_blocked(struct server *server);

/* Stops accepting. */
void server_stop_listening(struct server *server);

/* Closes every connection with 1001 once its outbox is empty; calls done when none is left. */
void server_drain(struct server *server, void (*done)(void *owner), void *owner);

/* Ends every connection. Memory goes when the last handle has closed. */
void server_free(struct server *server);
