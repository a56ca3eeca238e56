/* wire.h - frames between the stages of a model: 64 bytes of header, then a payload.
 *
 * A frame is one binary message of a websocket. All little-endian:
 *
 *     0 "SHLW"  4 version  5 type  6 activation  7 flags  8 session u64
 *     16 epoch  20 position  24 count  28 width  32 credits  36 payload bytes    u32 each
 *     40 zero u32  44 tag (16)  60 crc32c of the frame, with zeroes for itself
 *
 * What a type has no use for is zero. The tag is a proof of who sent it (gpu/hail.h).
 *
 *     HELLO   a side says who it is, and proves it. The payload is gpu/hail.h's
 *     OPEN    a session, in an epoch; count: positions that it may have; width: of the hidden
 *             states; credits: how many of the likeliest tokens are told, 0: all logits. Payload:
 *             the origin, u64: the node to which results may go straight
 *     HIDDEN  count rows from a position on, by 4096; WIRE_WANTED: what follows the last is wanted
 *     ACK     a session has all up to a position; credits: how many more it takes
 *     RESULT  what follows a position: count logits as f32, or with WIRE_PAIRS pairs of token u32
 *             and logit f32, the greatest first
 *     CLOSE   a session has ended
 *     REFUSE  a session cannot go on here; count: enum wire_refusal, position: the epoch that
 *             is not past, of WIRE_STALE; payload: why, for people
 *     VIA     the address of a last stage, for the first to ask for results without a way round
 *
 *   units      bytes; rows, positions
 *   ownership  a frame's payload is borrowed from the message that it was read from
 *   threads    pure
 *   errors     ERR_INVALID; no bound is relied on before it was checked
 */
#pragma once

#include "gpu/activation.h"

struct err;

enum {
    WIRE_HEADER_BYTES = 64,
    WIRE_TAG_AT = 44,
    WIRE_TAG_BYTES = 16,
    WIRE_ROWS_MAX = 4096,
    WIRE_POSITIONS_MAX = 1 << 24,
    WIRE_PAYLOAD_BYTES_MAX = 4 << 20,
    WIRE_HELLO_BYTES_MAX = 512,
    WIRE_TEXT_BYTES_MAX = 256,
    WIRE_ORIGIN_BYTES = 8
};

enum wire_type {
    WIRE_HELLO = 1,
    WIRE_OPEN,
    WIRE_HIDDEN,
    WIRE_ACK,
    WIRE_RESULT,
    WIRE_CLOSE,
    WIRE_REFUSE,
    WIRE_VIA
};

enum { WIRE_WANTED = 1, WIRE_PAIRS = 1 };

enum wire_refusal {
    WIRE_STALE,   /* the epoch is past */
    WIRE_UNKNOWN, /* no such session here, or not all of it: it is to be opened again */
    WIRE_TAKEN,   /* it goes on from another stage */
    WIRE_FULL,    /* no room for it, now */
    WIRE_BROKEN   /* it can never be run here */
};

struct wire {
    enum wire_type type;
    enum activation activation;
    uint8_t flags;
    uint64_t session;
    uint32_t epoch, position, count, width, credits;
    uint8_t tag[WIRE_TAG_BYTES];
    struct span payload;
};

MUST_CHECK bool wire_read(struct wire *wire, struct span message, struct err *err);

/* The header; its payload follows it. */
void wire_write(char header[WIRE_HEADER_BYTES], const struct wire *wire);

/* Puts a tag into a header that was written, and mends the sum. */
void wire_seal(char header[WIRE_HEADER_BYTES], struct span payload,
               const uint8_t tag[WIRE_TAG_BYTES]);
