#include "relay/dispatch.h"

#include <stdlib.h>
#include <uv.h>

#include "relay/address.h"
#include "relay/auth.h"
#include "relay/ingest.h"
#include "relay/query.h"
#include "relay/reconcile.h"
#include "relay/reply.h"
#include "relay/session.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/message.h"

struct dispatch {
    struct dispatch_setup setup;
};

struct dispatch *dispatch_new(const struct dispatch_setup *setup)
{
    struct dispatch *dispatch = calloc(1, sizeof *dispatch);
    if (dispatch == NULL)
        abort();
    dispatch->setup = *setup;
    return dispatch;
}

void dispatch_free(struct dispatch *dispatch)
{
    free(dispatch);
}

void dispatch_opened(struct dispatch *dispatch, struct session *session)
{
    (void)dispatch;
    auth_challenge(session);
}

/* In the words that answer this type of message. */
static void refuse(struct dispatch *dispatch, struct session *session,
                   const struct message *message, const struct err *why)
{
    switch (message->type) {
    case MESSAGE_EVENT:
    case MESSAGE_AUTH:
        reply_ok(session, &message->event.id, false, why);
        return;
    case MESSAGE_REQ:
        if (message->sub.at == NULL)
            break;
        query_close(dispatch->setup.query, session, message->sub); /* what CLOSED says is so */
        reply_closed(session, message->sub, why);
        return;
    case MESSAGE_COUNT:
        if (message->sub.at == NULL)
            break;
        reply_closed(session, message->sub, why);
        return;
    case MESSAGE_NEG_OPEN:
    case MESSAGE_NEG_MSG:
        if (message->sub.at == NULL)
            break;
        reconcile_refuse(session, message->sub, why);
        return;
    case MESSAGE_UNKNOWN:
    case MESSAGE_CLOSE:
    case MESSAGE_NEG_CLOSE:
    case MESSAGE_OK:
    case MESSAGE_EOSE:
    case MESSAGE_CLOSED:
    case MESSAGE_NOTICE:
    case MESSAGE_NEG_ERR:
        break;
    }
    reply_notice(session, why);
}

/* Whether the address has a token left for a message of this type. */
static bool may_go(struct session *session, enum message_type type, struct err *err)
{
    int64_t now_ms = (int64_t)(uv_hrtime() / 1000000);
    if (session->address == NULL)
        return true;
    if (type == MESSAGE_EVENT || type == MESSAGE_AUTH)
        return address_may_publish(session->address, now_ms, err);
    if (type == MESSAGE_REQ || type == MESSAGE_COUNT || type == MESSAGE_NEG_OPEN)
        return address_may_query(session->address, now_ms, err);
    return true;
}

/* Hands the message on, and its arena with it. */
static void route(struct dispatch *dispatch, struct session *session, struct arena *arena,
                  const struct message *message)
{
    struct ingest *ingest = dispatch->setup.ingest;
    struct query *query = dispatch->setup.query;
    struct reconcile_desk *reconciles = dispatch->setup.reconciles;
    switch (message->type) {
    case MESSAGE_EVENT:
        ingest_event(ingest, session, arena, &message->event);
        return;
    case MESSAGE_AUTH:
        ingest_auth(ingest, session, arena, &message->event);
        return;
    case MESSAGE_REQ:
        query_req(query, session, arena, message->sub, message->filters, message->filter_count);
        return;
    case MESSAGE_COUNT:
        query_count(query, session, arena, message->sub, message->filters, message->filter_count);
        return;
    case MESSAGE_CLOSE:
        query_close(query, session, message->sub);
        break;
    case MESSAGE_NEG_OPEN:
        reconcile_open(reconciles, session, arena, message->sub, message->filters, message->bytes);
        return;
    case MESSAGE_NEG_MSG:
        reconcile_message(reconciles, session, message->sub, message->bytes);
        break;
    case MESSAGE_NEG_CLOSE:
        reconcile_close(session, message->sub);
        break;
    case MESSAGE_UNKNOWN: /* these do not come from message_parse_client */
    case MESSAGE_OK:
    case MESSAGE_EOSE:
    case MESSAGE_CLOSED:
    case MESSAGE_NOTICE:
    case MESSAGE_NEG_ERR:
        break;
    }
    arena_clear(arena);
}

void dispatch_message(struct dispatch *dispatch, struct session *session, struct span text)
{
    struct arena arena = {0};
    struct message message;
    struct err err;
    if (session->doomed)
        return;
    /* Parsed from a copy, into which the event's spans may point for as long as it is under way. */
    struct span copy = arena_copy(&arena, text);
    bool is_good =
        message_parse_client(&message, &arena, copy, (uint32_t)dispatch->setup.filters_max, &err) &&
        may_go(session, message.type, &err);
    if (is_good) {
        route(dispatch, session, &arena, &message);
        return;
    }
    refuse(dispatch, session, &message, &err);
    arena_clear(&arena);
}

void dispatch_too_long(struct dispatch *dispatch, struct session *session, struct span beginning)
{
    struct arena arena = {0};
    struct message message;
    struct err err;
    message_peek(&message, &arena, beginning);
    err_fill(&err, ERR_INVALID, "a message of more than %lld bytes",
             (long long)dispatch->setup.message_bytes_max);
    refuse(dispatch, session, &message, &err);
    arena_clear(&arena);
}

void dispatch_not_text(struct dispatch *dispatch, struct session *session)
{
    struct err err;
    (void)dispatch;
    err_fill(&err, ERR_INVALID, "messages are text, not binary");
    reply_notice(session, &err);
}

void dispatch_turn_end(struct dispatch *dispatch)
{
    ingest_turn_end(dispatch->setup.ingest);
}

void dispatch_closed(struct dispatch *dispatch, struct session *session)
{
    query_session_ended(dispatch->setup.query, session);
    reconcile_session_ended(session);
}
