/* teller_parts.h - what the files of the teller share. Part of teller.
 *
 *   threads  loop thread only
 */
#pragma once

#include <uv.h>

#include "client/teller.h"
#include "shared/arena.h"
#include "shared/text.h"

enum { TELLER_WHY_MAX = 160, TELLER_ID_CHARS = 16, TELLER_RELAYS_MAX = 8 };

struct holder;
struct link;
struct parcel_shelf;
struct teller_http;

/* One relay of the node. */
struct teller_road {
    struct teller *teller;
    struct link *link;
    bool is_heard;  /* what is said to us there reaches us */
    bool was_heard; /* it did before the relay was lost */
    bool is_over;
    bool was_open;
};

struct teller_relay {
    struct holder *holder; /* ours, thrown away */
    struct bytes32 node;
    struct parcel_shelf *shelf;
    struct teller_road roads[TELLER_RELAYS_MAX];
    uint32_t count;
    char why[TELLER_WHY_MAX]; /* a relay's last no; "": none */
};

/* One question that is not answered yet. */
struct teller_open {
    struct teller_open *next;
    struct teller *teller;
    uint64_t number;
    struct teller_question question; /* its texts: of the arena */
    struct arena arena;
    uv_timer_t late;
    void *easy;    /* HTTP: of curl */
    void *headers; /* HTTP: of curl */
    struct text answer, part, payment;
    /* Over relays: */
    struct text content, wraps; /* what is asked; the wraps of its pieces, a line each */
    int64_t stamp;              /* of those */
    uint32_t tries;
    char id[TELLER_ID_CHARS + 1];
};

struct teller {
    uv_loop_t *loop;
    struct arena arena;
    struct span url; /* without slashes at the end; NUL-terminated */
    struct link_host *host;
    struct span proxy;
    const char *ca_file;
    uint32_t timeout_ms;
    void (*heard)(void *owner, const struct event *rumor);
    void *owner;
    struct teller_open *open; /* the oldest first */
    size_t open_count;
    uint64_t last_number;
    size_t handles; /* of the loop, not closed yet */
    bool is_freed;
    struct teller_http *http; /* one of these */
    struct teller_relay *relay;
};

/* ---- of teller.c ---- */

/* The question is over: it is forgotten, and answered. */
void teller_answer(struct teller_open *open, const struct teller_answer *answer);
void teller_fail(struct teller_open *open, const char *why);

/* A handle of the loop has closed. */
void teller_closed(struct teller *teller);

/* Something came, or it was asked: the question has its time again. */
void teller_touch(struct teller_open *open);

/* ---- of the two ways ---- */

struct teller_http *teller_http_new(struct teller *teller, struct err *err);
void teller_http_free(struct teller *teller);
void teller_http_ask(struct teller_open *open);
void teller_http_drop(struct teller_open *open);

struct teller_relay *teller_relay_new(struct teller *teller, struct err *err);
void teller_relay_free(struct teller *teller);
void teller_relay_ask(struct teller_open *open);

/* Gives the question its id, and its content. */
void teller_write(struct teller_open *open);

/* Wraps of all its pieces, which are not those of before. */
MUST_CHECK bool teller_seal(struct teller_open *open);
void teller_publish(const struct teller_road *road, const struct teller_open *open);

/* Over relays a question is asked TELLER_TRIES times before it is given up, with the same id: who
 * has answered it tells the same again. */
enum { TELLER_TRIES = 3 };
void teller_relay_again(struct teller_open *open);
const char *teller_relay_why(const struct teller *teller); /* of no answer */
