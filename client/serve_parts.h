/* serve_parts.h - the server and one that is connected to it. Part of serve.
 *
 *   ownership  a guest is lws's, from its handshake to its end
 */
#pragma once

#include <libwebsockets.h>
#include <uv.h>

#include "client/serve.h"
#include "shared/arena.h"
#include "shared/filter.h"
#include "shared/message.h"
#include "shared/negentropy.h"
#include "shared/text.h"

/* lws wants room before a message. */
struct serve_outgoing {
    struct serve_outgoing *next;
    size_t len;
    unsigned char bytes[];
};

struct serve_sub {
    struct serve_sub *next;
    struct arena arena;
    struct span name;
    struct filter *filters;
    uint32_t filter_count;
};

/* What is compared with a guest. */
struct serve_compare {
    struct text name; /* empty: nothing is */
    struct negentropy_record *records;
    size_t count, capacity;
};

enum { SERVE_CHALLENGE_CHARS = 32 };

struct serve_guest {
    struct serve *serve;
    struct serve_guest *next;
    struct lws *wsi;
    struct text gathered; /* of the message that is arriving */
    struct serve_outgoing *head, **tail;
    size_t queued;
    bool is_doomed;
    char challenge[SERVE_CHALLENGE_CHARS];
    bool is_known, is_let_in; /* who he is; and he is one of those who may come */
    struct serve_sub *subs;
    uint32_t sub_count;
    struct serve_compare compare;
};

struct serve {
    struct serve_setup setup;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[2];
    struct tail *tail;
    uv_timer_t tick;
    int turns; /* of the loop, since it was freed */
    struct serve_guest *guests;
    uint32_t guest_count;
};

/* To all who asked for such. json: the event's. */
void serve_spread(struct serve *serve, const struct event *event, struct span json);

void serve_send(struct serve_guest *guest, struct span message);

/* One whole message of a guest. */
void serve_answer(struct serve_guest *guest, struct span text);
void serve_forget(struct serve_guest *guest); /* all that it asked for */

/* Asks a guest who he is; takes in his answer; and whether he may ask for anything. */
void serve_challenge(struct serve_guest *guest);
MUST_CHECK bool serve_introduce(struct serve_guest *guest, const struct event *event,
                                struct err *err);
MUST_CHECK bool serve_admits(const struct serve_guest *guest, struct err *err);

/* What it is (NIP-11), as JSON; and that sent as a page. False: it is to be disconnected. */
MUST_CHECK bool serve_page(const struct serve *serve, struct lws *wsi);
