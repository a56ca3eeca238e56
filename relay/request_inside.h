/* request_inside.h - what the files of the request share.
 */
#pragma once

#include <uv.h>

#include "relay/cursor.h"
#include "relay/list.h"
#include "relay/request.h"
#include "shared/text.h"

struct err;
struct merge;
struct ranked;

/* A cursor, and where it stands in the queue. */
struct reader {
    struct request *request;
    struct cursor cursor;
    struct list_node queued; /* in desk->queue */
    bool is_reading;
};

struct request {
    struct request_desk *desk;
    struct session *session; /* NULL: it has ended */
    struct list_node listed; /* in session->requests, or in desk->ended */
    struct sub *sub;         /* NULL: a COUNT */
    struct arena arena;
    struct span name;
    uint64_t since_ns;
    struct ranked *ranked; /* NULL: no filter searches */
    struct merge *merge;
    struct hll *hll; /* of a COUNT; NULL: its filter has none */
    int64_t counted;
    uint32_t pages;
    uint32_t reading; /* readers that wait for a page */
    bool has_more;    /* a bound, or count_max, cut it short */
    bool is_unsure;   /* a filter of limit 0 hides whether anything is stored */
    bool has_started;
    bool is_blocked;       /* until the outbox has drained */
    uint32_t reader_count; /* one for each run of the merge */
    struct reader readers[];
};

struct request_desk {
    struct request_setup setup;
    struct list queue; /* of readers that want a page */
    struct list ended; /* requests whose pages are on their way for nobody */
    uint32_t reads;
    const struct request *fresh; /* being started: nothing was announced since its sub is there */
    uv_idle_t *more;             /* runs while readers wait that the window may answer */
    struct text text;            /* what stands before an event that answers told */
    const struct request *told;
};

/* request.c: a page has been taken; the request may be gone afterwards. */
void request_go_on(struct request *request);

/* Ends it with CLOSED. */
void request_fail(struct request *request, const struct err *why);

/* request_read.c: queues every reader whose run keeps the merge waiting. */
void request_queue(struct request *request);

/* Answers from the window, and sends other reads off, in the order they were queued. Called last by
 * whatever may have queued some. */
void request_pump(struct request_desk *desk);

/* Frees one that has ended, when its last page has come. */
void request_bury(struct request *request);
