/* liar.h - a relay that says what a test wants it to say: a websocket server on the test's loop.
 *
 *   ownership  liar_open to liar_close; its clients are its own
 *   threads    loop thread only
 *   errors     a failed assertion of the running test
 *   spec       RFC 6455, as far as a client that keeps to it needs
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct liar;
struct liar_client;

struct liar {
    uv_tcp_t listener;
    uint16_t port;
    /* text: one message, NUL-terminated; NULL: the client has just come */
    void (*heard)(struct liar *liar, struct liar_client *client, const char *text);
    void *owner;
    const char *page;    /* what a GET shows; NULL: 404 */
    const char *upgrade; /* answered to websockets instead of an upgrade; NULL: it upgrades */
    int came;            /* websockets so far */
    struct liar_client *first;
};

void liar_open(struct liar *liar, uv_loop_t *loop);

/* All clients with it; the loop then runs until the handles have closed. */
void liar_close(struct liar *liar);

void liar_say(struct liar_client *client, const char *text);
void liar_sayf(struct liar_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A frame of any kind. */
void liar_say_frame(struct liar_client *client, uint8_t first_byte, struct span payload);

/* Hangs up. */
void liar_cut(struct liar_client *client);

/* The name that the first REQ, COUNT or NEG-OPEN in text goes by; scratch owns it. */
const char *liar_name(const char *text);
