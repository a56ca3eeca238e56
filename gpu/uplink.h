/* uplink.h - HTTP requests to other servers, their answers told as they come.
 *
 * libcurl on the loop: any number of transfers at once, connections are kept for the next.
 *
 *   units      seconds
 *   ownership  a call is copied; uplink_free ends what is left, of which nothing more is told, and
 *              frees the rest once the loop has run on until its handles have closed
 *   threads    loop thread only; nothing is told within uplink_post
 *   errors     none: what goes wrong is told when a transfer is done
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct transfer;
struct uplink;

struct uplink_result {
    int status;             /* of HTTP; 0: no answer has begun */
    bool is_whole;          /* the answer came to its end */
    const char *why;        /* it did not */
    uint32_t retry_after_s; /* as the server says; 0: it does not */
};

/* status: of the answer that this is a piece of. False to end the transfer. */
typedef bool uplink_piece_fn(void *owner, int status, struct span piece);

/* The transfer is no more. */
typedef void uplink_done_fn(void *owner, const struct uplink_result *result);

struct uplink_call {
    const char *url;
    const char *key;    /* a bearer's; NULL */
    struct span body;   /* JSON */
    uint32_t connect_s; /* to wait for a connection; for an answer, the caller waits */
    uplink_piece_fn *piece;
    uplink_done_fn *done;
    void *owner;
};

struct uplink *uplink_new(uv_loop_t *loop);
void uplink_free(struct uplink *uplink);

struct transfer *uplink_post(struct uplink *uplink, const struct uplink_call *call);

/* Nothing more is told of it. Not within piece. */
void uplink_cancel(struct transfer *transfer);
