/* websocket.h - RFC 6455 on the wire: frames read strictly, heads of frames written.
 *
 * libwebsockets has all this too, but 4.1.6 takes frames without a mask and with reserved bits,
 * drops pings, and ends a connection without a close frame where one is due.
 *
 *   ownership  a reader is a part of its owner; all zero at the beginning
 *   threads    pure
 *   spec       RFC 6455, RFC 7692
 */
#pragma once

#include "shared/base.h"

struct text;

enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0,
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10,
};

/* Close codes, RFC 6455 7.4.1. */
enum websocket_code {
    WEBSOCKET_GOING_AWAY = 1001,
    WEBSOCKET_PROTOCOL_ERROR = 1002,
    WEBSOCKET_INVALID_PAYLOAD = 1007,
    WEBSOCKET_POLICY = 1008,
    WEBSOCKET_TOO_LONG = 1009,
};

enum { WEBSOCKET_CONTROL_BYTES_MAX = 125, WEBSOCKET_HEAD_BYTES_MAX = 14, WEBSOCKET_SQUEEZED = 64 };

struct websocket_reader {
    uint64_t left; /* bytes of the frame's payload that are to come */
    uint8_t head[WEBSOCKET_HEAD_BYTES_MAX];
    uint8_t head_len;
    uint8_t mask[4];
    uint8_t mask_at;
    uint8_t opcode; /* of the message that is arriving */
    bool in_payload, in_message, is_squeezed;
    uint8_t control_len;
    char control[WEBSOCKET_CONTROL_BYTES_MAX];
};

enum websocket_result {
    WEBSOCKET_MORE,    /* the bytes are used up */
    WEBSOCKET_DATA,    /* a piece of a message */
    WEBSOCKET_CONTROL, /* a whole control frame */
    WEBSOCKET_WRONG,   /* the connection is to be closed with WEBSOCKET_PROTOCOL_ERROR */
};

struct websocket_piece {
    enum websocket_opcode opcode; /* of a piece of a message: the message's */
    bool is_first, is_last;       /* of its message */
    bool is_squeezed;             /* the message is, RFC 7692 */
    struct span payload;
};

/* Reads bytes up to the next piece and unmasks them in place; advances at and len. */
enum websocket_result websocket_read(struct websocket_reader *reader, struct websocket_piece *piece,
                                     char **at, size_t *len, bool may_squeeze);

/* The head of an unmasked frame of so many bytes. first: FIN and RSV bits are the caller's. */
void websocket_add_head(struct text *out, uint8_t first, size_t len);

/* A whole control frame. */
void websocket_add_control(struct text *out, enum websocket_opcode opcode, struct span payload);

/* A close frame; the payload of the other's, which is echoed where it may be, and its code
 * replaced where it is wrong. */
void websocket_add_close(struct text *out, uint16_t code);
void websocket_add_close_answer(struct text *out, struct span payload);

/* The Sec-WebSocket-Accept that answers a key; false when key is not 16 bytes in base64. */
MUST_CHECK bool websocket_accept(char accept[29], struct span key);
