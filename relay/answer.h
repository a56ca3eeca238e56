/* answer.h - what an HTTP request is answered, and whether it may become a websocket.
 *
 *   ownership  answers are appended to the caller's text
 *   threads    loop thread only
 *   spec       RFC 9110, RFC 9112, RFC 6455 4.2, NIP-11
 */
#pragma once

#include "shared/base.h"
#include "shared/text.h"

struct config;
struct control;
struct head;
struct health;

/* What answers are made of; made once. */
struct answer_source {
    const struct config *config;
    const struct control *control; /* NULL: nobody decides anything while it runs */
    struct health *health;
    struct span path;                   /* of the relay: the document and the page are there */
    struct text nip11;                  /* the document */
    struct text policy, console_policy; /* of the page, and of the operators' console */
};

void answer_prepare(struct answer_source *source, const struct config *config,
                    const struct control *control, struct health *health);

/* The document is made anew: the operators changed something. */
void answer_describe(struct answer_source *source);
void answer_clear(struct answer_source *source);

/* Why a request gets nothing else. */
enum answer_refusal {
    ANSWER_GRANTED,
    ANSWER_BAD_REQUEST,   /* 400 */
    ANSWER_BLOCKED,       /* 403: this address */
    ANSWER_NOT_HERE,      /* 404: only the relay's path upgrades */
    ANSWER_NO_LENGTH,     /* 411 */
    ANSWER_TOO_LARGE,     /* 413 */
    ANSWER_WRONG_VERSION, /* 426: RFC 6455 4.4 */
    ANSWER_TOO_MANY,      /* 429: connections of this address */
    ANSWER_HEAD_TOO_LONG, /* 431 */
    ANSWER_FULL,          /* 503 */
};

/* Appends the answer to a request that is no upgrade. False: it waits for health_state. */
MUST_CHECK bool answer_request(const struct answer_source *source, struct text *out,
                               const struct head *head);

/* Whether it asks for management (NIP-86), which is answered by answer_managed; json: the body. */
bool answer_is_management(const struct answer_source *source, const struct head *head);
void answer_managed(struct text *out, int status, struct span json);

/* Whether the connection may go on after the answer. */
bool answer_keeps_alive(const struct head *head);

/* Whether it asks for a websocket, and whether it does so as RFC 6455 wants it, in its place. */
bool answer_is_upgrade(const struct head *head);
enum answer_refusal answer_check_upgrade(const struct answer_source *source,
                                         const struct head *head);

/* The websocket begins. Any subprotocol is agreed on: to a browser no answer is a refusal. */
void answer_accept(struct text *out, const struct head *head, bool squeezes);

/* The connection does not go on. */
void answer_refuse(struct text *out, enum answer_refusal refusal);
