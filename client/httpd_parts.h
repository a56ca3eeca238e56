/* httpd_parts.h - what httpd's files share. Part of httpd.
 *
 *   threads  loop thread only
 */
#pragma once

#include <microhttpd.h>

#include "client/httpd.h"
#include "shared/text.h"

enum { HTTPD_SLOT_BITS = 16 }; /* of a number: its place in the table; above that, a count */

/* What a request goes through. Its client may leave at any of these. */
enum httpd_state { HTTPD_ARRIVING, HTTPD_ASKED, HTTPD_ANSWERING, HTTPD_ENDED };

/* One request of a connection, and its answer. */
struct httpd_exchange {
    struct httpd *httpd;
    uint64_t number;
    struct MHD_Connection *connection;
    enum httpd_state state;
    bool is_suspended, is_gone, is_too_long;
    bool is_cut; /* its client does not read */
    struct text in, out;
    size_t swallowed, sent; /* of the body that came; of out */
    struct MHD_Response *response;
    uint32_t status;
    uv_poll_t *watch; /* for the client to leave; NULL while nobody waits */
    httpd_upgraded_fn *upgraded;
    void *upgraded_owner;
};

struct httpd {
    struct httpd_setup setup;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    int handles;
    struct httpd_exchange **slots; /* (slot_count) */
    uint32_t slot_count;
    uint64_t count; /* of numbers given */
    bool is_freed;
};

/* The library is to look at its connections soon. */
void httpd_wake(struct httpd *httpd);

/* NULL: it is over, or its client has left. */
struct httpd_exchange *httpd_find(const struct httpd *httpd, uint64_t number);

/* Until it is resumed, the library does not look at the connection; whether its client leaves is
 * watched here. From within the library's callbacks. */
void httpd_suspend(struct httpd_exchange *exchange);

/* Nothing, unless it is suspended. */
void httpd_resume(struct httpd_exchange *exchange);
void httpd_unwatch(struct httpd_exchange *exchange);

/* The client has left: whoever answers is told, once. */
void httpd_part(struct httpd_exchange *exchange);
