/* cable.h - links between stages, over websockets: those that call here, and those called.
 *
 * What is called is called until it answers, and again when it is lost. A link is told when both
 * sides have met (gpu/hail.h), and then what it receives; when it ends, that it is down. A stage
 * that says nothing for a while is asked whether it is there, and given up when it does not answer.
 *
 *   units      milliseconds
 *   ownership  cable_free gives all back once the loop has run on until its handles have closed;
 *              after it, nothing is told. What is told is borrowed for the call
 *   threads    loop thread only
 *   errors     ERR_INVALID an address; ERR_INTERNAL a port that is taken
 *   spec       RFC 6455
 */
#pragma once

#include <uv.h>

#include "gpu/hail.h"

struct cable;
struct err;

enum {
    CABLE_HANGUP_S = 20, /* of silence; after a quarter of it, the other side is asked for a sign */
    CABLE_MEET_MS = 10000,
    CABLE_LINKS_MAX = 64,
    CABLE_CALLS_MAX = 64,
    CABLE_QUEUE_BYTES_MAX = 64 << 20
};

struct cable_setup {
    uv_loop_t *loop;
    const char *host;  /* an IP address to listen on; NULL: nobody can call */
    uint16_t port;     /* 0: the system chooses */
    uint32_t hangup_s; /* 0: CABLE_HANGUP_S */
    struct hail_self self;
    struct bytes32 key;
    const struct hail_door *door; /* of strangers who call; NULL */
    /* address: what was called; NULL. False to end it. */
    bool (*up)(void *owner, uint32_t link, const struct hail *hail, const char *address);
    void (*down)(void *owner, uint32_t link);
    bool (*receive)(void *owner, uint32_t link, const struct wire *wire); /* false to end it */
    bool (*drained)(void *owner, uint32_t link); /* all is sent; true when it sends more */
    void (*note)(void *owner, const char *text); /* for people: why a link is not, or no more */
    void *owner;
};

/* NULL when it cannot listen. */
MUST_CHECK struct cable *cable_new(const struct cable_setup *setup, struct err *err);
void cable_free(struct cable *cable);
uint16_t cable_port(const struct cable *cable);

/* address: ws://host:port. One that is called already is not called twice. */
MUST_CHECK bool cable_call(struct cable *cable, const char *address, enum hail_purpose purpose,
                           struct err *err);

/* A stranger, who is let in with a pass, which is copied. number: not 0; what was said with it is
 * called no more by cable_hang_up, and told with its links. */
struct cable_stranger {
    const char *address;
    enum hail_purpose purpose;
    const struct hail_pass *pass;
    uint64_t number;
};
MUST_CHECK bool cable_call_stranger(struct cable *cable, const struct cable_stranger *stranger,
                                    struct err *err);
void cable_hang_up(struct cable *cable, uint64_t number);

/* Of who was called so; 0: of anybody else. */
uint64_t cable_number(const struct cable *cable, uint32_t link);

/* To a link that is up. */
void cable_send(struct cable *cable, uint32_t link, const struct wire *wire);

/* drained is told when nothing is left to be sent, soon. */
void cable_wake(struct cable *cable, uint32_t link);
