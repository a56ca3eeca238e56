/* member.h - one websocket connection of a load generator: raw, no more than the load needs.
 *
 * Frames are written to a buffer and sent together; what is received is cut into messages.
 *
 *   ownership  member_open ... member_close
 *   errors     what no relay may do ends the benchmark
 *   spec       RFC 6455
 */
#pragma once

#include "shared/base.h"
#include "shared/text.h"

struct member;
typedef void member_message_fn(void *owner, struct member *member, struct span message,
                               uint64_t now_ns);

struct member {
    int socket;      /* -1: closed */
    uint32_t number; /* among all connections */
    struct text out; /* not sent yet, from out_sent on */
    size_t out_sent;
    struct text in;     /* the beginning of a frame */
    uint32_t in_flight; /* for the use of the load */
};

struct member_reader {
    member_message_fn *on_message;
    void *owner;
    uint64_t messages, bytes; /* received so far, by all that read here */
    char *buffer;
};

/* ws://host:port/path */
struct member_url {
    char host[256], port[8], path[512];
};

struct member_url member_parse_url(const char *url);

/* Connects and shakes hands. */
void member_open(struct member *member, const struct member_url *url);
void member_close(struct member *member);

/* A text message of two parts, to be sent by member_flush. */
void member_say(struct member *member, struct span head, struct span tail);

/* Sends what the socket takes. False when there is more. */
bool member_flush(struct member *member);

/* Reads once, and calls on_message for each message that is complete. */
void member_read(struct member *member, struct member_reader *reader);

struct member_reader member_reader_new(member_message_fn *on_message, void *owner);
