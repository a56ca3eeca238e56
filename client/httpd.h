/* httpd.h - an HTTP server: whole requests in, answers at once or piece by piece.
 *
 * A request is told when it has arrived whole, and is answered then or later, by its number: one
 * that is over, or whose client has left, has none, and what is said to it is dropped. A client
 * that leaves before its answer has ended is told of, also while nothing is being sent to it.
 *
 *   units      bytes; a request's number is never used again
 *   ownership  a request is borrowed for the call; httpd_free gives all back, once the loop has run
 *              on until its handles have closed
 *   threads    loop thread only
 *   errors     ERR_INVALID an address; ERR_INTERNAL a port that is taken
 *   spec       RFC 9110, RFC 9112
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct err;
struct httpd;

enum {
    HTTPD_CONNECTIONS_MAX = 4096,
    HTTPD_HEAD_BYTES_MAX = 32768,
    HTTPD_PENDING_BYTES_MAX = 1 << 24
};

struct httpd_request {
    uint64_t number;
    const char *method, *path; /* "POST"; decoded, and without the query */
    const char *authorization; /* NULL: none */
    const char *payment;       /* X-Cashu, a token; NULL */
    const char *origin;        /* of the page in a browser that asks; NULL */
    const char *address;       /* of the client; "" where it has none */
    const char *websocket_key; /* of one that wants to be a websocket; NULL */
    struct span body;          /* empty when it was too long */
    bool is_too_long;          /* past body_bytes_max */
};

typedef void httpd_ask_fn(void *owner, const struct httpd_request *request);
typedef void httpd_gone_fn(void *owner, uint64_t number);

struct httpd_setup {
    uv_loop_t *loop;
    const char *host; /* an IP address */
    uint16_t port;    /* 0: the system chooses */
    uint32_t connections_max;
    size_t body_bytes_max;
    httpd_ask_fn *ask;
    httpd_gone_fn *gone;
    void *owner;
};

struct httpd_head {
    uint32_t status;
    const char *type;       /* NULL: no body follows */
    const char *origin;     /* a page from there may read the answer; NULL */
    const char *allow;      /* methods; NULL */
    const char *payment;    /* X-Cashu: a token, or what is to be paid; NULL */
    const char *receipt;    /* X-Receipt; NULL */
    uint32_t retry_after_s; /* 0: not said */
    bool closes;            /* the connection, after this */
};

struct httpd *httpd_new(const struct httpd_setup *setup, struct err *err);
uint16_t httpd_port(const struct httpd *httpd);

/* A whole answer. */
void httpd_answer(struct httpd *httpd, uint64_t number, const struct httpd_head *head,
                  struct span body);

/* An answer in pieces, which go out as they come. httpd_add is false where nobody will read it: the
 * client has left, or is HTTPD_PENDING_BYTES_MAX behind and is cut off. */
void httpd_begin(struct httpd *httpd, uint64_t number, const struct httpd_head *head);
MUST_CHECK bool httpd_add(struct httpd *httpd, uint64_t number, struct span piece);
void httpd_end(struct httpd *httpd, uint64_t number);

/* Instead of an answer: the connection is a websocket from now on, with what stands behind the
 * handshake. accept: for its key. It is not told when the client has left before. What is upgraded
 * has to be hung up before httpd_free. */
struct httpd_upgrade;
typedef void httpd_upgraded_fn(void *owner, struct httpd_upgrade *upgrade, int fd,
                               struct span early);
void httpd_upgrade(struct httpd *httpd, uint64_t number, const char *accept,
                   httpd_upgraded_fn *upgraded, void *owner);
void httpd_hang_up(struct httpd_upgrade *upgrade);

/* Takes no more connections. */
void httpd_drain(struct httpd *httpd);

/* Requests that have arrived, and whose answers are not all sent. */
uint32_t httpd_busy(const struct httpd *httpd);

/* Cuts what is still being answered. */
void httpd_free(struct httpd *httpd);
