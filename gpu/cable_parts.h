/* cable_parts.h - what the files of gpu/cable share. */
#pragma once

#include <libwebsockets.h>

#include "gpu/cable.h"
#include "shared/text.h"
#include "shared/url.h"

/* A message to be sent; lws wants room before it. */
struct cable_outgoing {
    struct cable_outgoing *next;
    size_t len;
    unsigned char bytes[];
};

struct cable_link {
    struct cable *cable;
    struct cable_call *call; /* NULL: it called */
    struct lws *wsi;
    uint32_t id;
    struct hail hail;
    bool is_doomed, is_told_up;
    uint64_t born_ms;
    struct text gathered; /* of the message that arrives */
    struct cable_outgoing *head, **tail;
    size_t queued;
    struct cable_link *next;
};

/* One thing goes on at a time: waiting, finding the address, or having a link. */
struct cable_call {
    struct cable *cable;
    char address[WIRE_TEXT_BYTES_MAX + 1];
    struct url url;
    char path[WIRE_TEXT_BYTES_MAX + 2], host_header[URL_HOST_MAX + 16], numeric[64];
    enum hail_purpose purpose;
    struct hail_pass pass; /* without a letter: the cable's key is that of all */
    uint64_t number;       /* of a stranger; 0 */
    struct cable_link *link;
    uint32_t failures;        /* in a row */
    bool is_finding, is_over; /* is_over: it was hung up */
    uv_timer_t retry;
    uv_getaddrinfo_t find;
};

struct cable {
    struct cable_setup setup;
    lws_retry_bo_t liveliness;
    struct lws_protocols protocols[2];
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct cable_link *links;
    uint32_t link_count, last_id;
    struct cable_call *calls[CABLE_CALLS_MAX];
    uint32_t call_count, handles; /* handles: of the loop, that have not closed */
    bool is_freed;
    int turns;
    uv_timer_t tick;
};

/* ---- a link ---- */

/* NULL when there are too many. */
struct cable_link *cable_link_new(struct cable *cable, struct cable_call *call);

/* It has a connection: the listener says who it is. */
void cable_link_begin(struct cable_link *link, struct lws *wsi);

/* False to close the connection. */
bool cable_link_receive(struct cable_link *link, struct span piece);
bool cable_link_write(struct cable_link *link);

/* The connection has ended, or was none. why: for people. */
void cable_link_end(struct cable_link *link, const char *why);
void cable_link_drop(struct cable_link *link, const char *why);
void cable_note(struct cable *cable, const struct cable_link *link, const char *why);

/* ---- a call ---- */

void cable_call_start(struct cable_call *call);
/* Its link has ended. */
void cable_call_again(struct cable_call *call, bool has_met);
void cable_call_free(struct cable_call *call);
