/* message.h - the messages between client and relay, parsed and written, in both directions.
 *
 *   ownership  spans point into the text parsed or into the arena: both must outlive the message
 *   threads    immutable once parsed
 *   errors     ERR_INVALID, ERR_UNSUPPORTED. What was read before the error stays in the message:
 *              type, and sub or event.id, so that the refusal can name what it refuses
 *   spec       NIP-01 "Communication between clients and relays"; NIP-42, NIP-45, NIP-67, NIP-77
 */
#pragma once

#include "shared/base.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"

struct arena;
struct hll;
struct text;

enum { MESSAGE_SUB_CHARS_MAX = 64 };

enum message_type {
    MESSAGE_UNKNOWN, /* could not be told */
    MESSAGE_EVENT,   /* both ways; sub only from the relay */
    MESSAGE_REQ,     /* from the client, as are the next two */
    MESSAGE_COUNT,   /* both ways: filters from the client, count from the relay */
    MESSAGE_CLOSE,
    MESSAGE_NEG_OPEN, /* from the client; filters is one */
    MESSAGE_NEG_MSG,  /* both ways */
    MESSAGE_NEG_CLOSE,
    MESSAGE_AUTH, /* both ways: event from the client, note (the challenge) from the relay */
    MESSAGE_OK,   /* from the relay, as are the rest */
    MESSAGE_EOSE,
    MESSAGE_CLOSED,
    MESSAGE_NOTICE,
    MESSAGE_NEG_ERR,
};

/* NIP-67: whether EOSE ends everything stored that matches. */
enum message_finish { MESSAGE_FINISH_UNKNOWN, MESSAGE_FINISH, MESSAGE_MORE };

struct message {
    enum message_type type;
    struct span sub; /* decoded subscription or query id; at NULL when unknown */
    struct event event;
    const struct filter *filters;
    uint32_t filter_count;
    struct bytes32 id;          /* of OK */
    bool accepted;              /* of OK */
    struct span note;           /* decoded text of OK, CLOSED, NOTICE, NEG-ERR; challenge of AUTH */
    struct span bytes;          /* of NEG-OPEN and NEG-MSG, out of their hex */
    int64_t count;              /* of COUNT from the relay */
    bool approximate;           /* of COUNT from the relay */
    enum message_finish finish; /* of EOSE */
};

/* text is one whole websocket message; filters beyond filters_max refuse it (0: no bound). */
MUST_CHECK bool message_parse_client(struct message *message, struct arena *arena, struct span text,
                                     uint32_t filters_max, struct err *err);

/* A message too long to be read: finds type, and sub or event id, in its beginning. */
void message_peek(struct message *message, struct arena *arena, struct span beginning);

MUST_CHECK bool message_parse_relay(struct message *message, struct arena *arena, struct span text,
                                    struct err *err);

/* From the client. */
void message_write_event(struct text *out, const struct event *event);
void message_write_req(struct text *out, struct span sub, const struct filter *filters,
                       uint32_t count);
void message_write_count_request(struct text *out, struct span sub, const struct filter *filters,
                                 uint32_t count);
void message_write_close(struct text *out, struct span sub);
void message_write_auth_answer(struct text *out, const struct event *event);
void message_write_neg_open(struct text *out, struct span sub, const struct filter *filter,
                            struct span bytes);
void message_write_neg_close(struct text *out, struct span sub);
void message_write_neg_msg(struct text *out, struct span sub, struct span bytes); /* both ways */

/* From the relay. An EVENT is its head, the event's JSON and "]". */
void message_write_event_head(struct text *out, struct span sub); /* ["EVENT","sub", */
/* An id of zeroes, which event_parse leaves when it found none, is written as "". */
void message_write_ok(struct text *out, const struct bytes32 *id, bool accepted,
                      const struct err *why); /* why NULL: "" */
void message_write_eose(struct text *out, struct span sub, enum message_finish finish);
void message_write_closed(struct text *out, struct span sub, const struct err *why);
void message_write_notice(struct text *out, const struct err *why);
void message_write_count(struct text *out, struct span sub, int64_t count, bool approximate,
                         const struct hll *hll); /* hll NULL: none */
void message_write_auth(struct text *out, struct span challenge);
void message_write_neg_err(struct text *out, struct span sub, const struct err *why,
                           int64_t records_max); /* how many would be few enough; 0: no matter */
