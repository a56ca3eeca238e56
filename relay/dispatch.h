/* dispatch.h - one message from a client: to ingest, query, auth or a refusal.
 *
 *   threads  loop thread only
 *   errors   every refusal goes to the peer, as OK or CLOSED when it names its cause, else NOTICE
 */
#pragma once

#include "shared/base.h"

struct dispatch;
struct ingest;
struct policy;
struct query;
struct reconcile_desk;
struct session;

struct dispatch_setup {
    struct ingest *ingest;
    struct query *query;
    struct reconcile_desk *reconciles;
    int64_t filters_max;
    int64_t message_bytes_max;
};

struct dispatch *dispatch_new(const struct dispatch_setup *setup);
void dispatch_free(struct dispatch *dispatch);

/* A connection is there: sends the challenge. */
void dispatch_opened(struct dispatch *dispatch, struct session *session);

/* One whole message. text is borrowed for the call. */
void dispatch_message(struct dispatch *dispatch, struct session *session, struct span text);

/* One that was longer than message_bytes_max, or not text, of which only the beginning was kept. */
void dispatch_too_long(struct dispatch *dispatch, struct session *session, struct span beginning);
void dispatch_not_text(struct dispatch *dispatch, struct session *session);

/* At the end of each turn of the loop, before what it has made is written. */
void dispatch_turn_end(struct dispatch *dispatch);

/* The connection is gone; the session is still valid during the call. */
void dispatch_closed(struct dispatch *dispatch, struct session *session);
