#include "relay/reply.h"

#include "relay/auth.h"
#include "relay/metrics.h"
#include "relay/session.h"
#include "shared/text.h"

static void send(struct session *session, struct text *text)
{
    session_send(session, text_span(text), NULL);
    text_clear(text);
}

static void refuse(struct session *session, const struct err *why)
{
    metrics_refused(why->code);
    if (why->code == ERR_AUTH_REQUIRED)
        auth_remind(session);
}

void reply_ok(struct session *session, const struct bytes32 *id, bool accepted,
              const struct err *why)
{
    struct text text = {0};
    if (!accepted)
        refuse(session, why);
    message_write_ok(&text, id, accepted, why);
    send(session, &text);
}

void reply_closed(struct session *session, struct span name, const struct err *why)
{
    struct text text = {0};
    refuse(session, why);
    message_write_closed(&text, name, why);
    send(session, &text);
}

void reply_notice(struct session *session, const struct err *why)
{
    struct text text = {0};
    refuse(session, why);
    message_write_notice(&text, why);
    send(session, &text);
}

void reply_eose(struct session *session, struct span name, enum message_finish finish)
{
    struct text text = {0};
    message_write_eose(&text, name, finish);
    send(session, &text);
}

void reply_count(struct session *session, struct span name, int64_t count, bool approximate,
                 const struct hll *hll)
{
    struct text text = {0};
    message_write_count(&text, name, count, approximate, hll);
    send(session, &text);
}

void reply_neg_msg(struct session *session, struct span name, struct span bytes)
{
    struct text text = {0};
    message_write_neg_msg(&text, name, bytes);
    send(session, &text);
}

void reply_neg_err(struct session *session, struct span name, const struct err *why,
                   int64_t records_max)
{
    struct text text = {0};
    refuse(session, why);
    message_write_neg_err(&text, name, why, records_max);
    send(session, &text);
}
