/* answer.h - one HTTP request answered, on a connection that has not become a websocket.
 *
 *   threads  loop thread only
 *   errors   false: the connection is to be closed
 *   spec     RFC 9110, NIP-11
 */
#pragma once

#include "relay/health.h"
#include "shared/base.h"
#include "shared/text.h"

struct config;
struct lws;

/* What answers are made of; made once. */
struct answer_source {
    const struct config *config;
    struct health *health;
    struct span path;   /* of the relay: the document and the page are there */
    struct text nip11;  /* the document */
    struct text policy; /* of the page */
};

void answer_prepare(struct answer_source *source, const struct config *config,
                    struct health *health);
void answer_clear(struct answer_source *source);

/* A request whose head has been read. wait is used when the answer must wait for the store: then
 * answer_health is to be called when lws can write again. With wait NULL nothing waits. */
MUST_CHECK bool answer_request(const struct answer_source *source, struct lws *wsi,
                               struct health_wait *wait);
MUST_CHECK bool answer_health(const struct answer_source *source, struct lws *wsi);

/* Why a request to become a websocket is not granted; 0 when it is. lws completes it. */
enum answer_refusal {
    ANSWER_GRANTED,
    ANSWER_NOT_HERE,    /* 404: only the relay's path upgrades */
    ANSWER_VERSION,     /* 426: RFC 6455 4.4 */
    ANSWER_BAD_REQUEST, /* 400 */
    ANSWER_FULL,        /* 503 */
    ANSWER_TOO_MANY,    /* 429: of this address */
};

/* Whether the request itself is as RFC 6455 wants it, on the right path. */
enum answer_refusal answer_check_upgrade(const struct answer_source *source, struct lws *wsi);
void answer_refuse(struct lws *wsi, enum answer_refusal refusal);
