/* ws.h - a websocket client for tests: any frame may be sent, every frame received is checked.
 *
 * Blocking, with a deadline on every wait, and independent of the library the relay uses.
 * What the server sends is held to RFC 6455: masks, reserved bits, opcodes, control frame sizes and
 * fragmentation are checked, and an offence is WS_BROKEN.
 *
 *   ownership  a struct ws owns its socket and buffers from ws_open to ws_close
 *   errors     a result says what came instead of what was asked for
 *   spec       RFC 6455; RFC 7692 for permessage-deflate
 */
#pragma once

#include "shared/base.h"
#include "shared/text.h"
#include "tests/wire.h"

struct z_stream_s;

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
};

enum { WS_RSV1 = 4, WS_RSV2 = 2, WS_RSV3 = 1 };
enum { WS_NO_STATUS = 1005 }; /* a close frame without a code */

enum ws_result {
    WS_MESSAGE, /* what was asked for came */
    WS_CLOSED,  /* a close frame came: ws->close_code */
    WS_GONE,    /* the connection ended without a close frame */
    WS_LATE,    /* nothing came before the deadline */
    WS_BROKEN,  /* the server broke the protocol: ws->offence */
};

struct ws_options {
    struct wire_address address;
    const char *path;    /* NULL: "/" */
    const char *headers; /* further lines, each with its CRLF; NULL: none */
    bool deflate;        /* offer permessage-deflate */
};

struct ws {
    struct wire wire;
    struct text response; /* head of the HTTP answer */
    int status;           /* of the HTTP answer; 0 when there was none */
    struct text in;       /* received; in_used bytes of it are consumed */
    size_t in_used;
    struct text message;                    /* the last message, uncompressed */
    struct z_stream_s *inflater, *deflater; /* NULL: no permessage-deflate */
    uint16_t close_code;
    const char *offence;
    uint32_t mask;
};

/* A frame to be sent. */
struct ws_frame {
    uint8_t opcode;
    bool unfinished; /* FIN is 0 */
    uint8_t rsv;
    bool unmasked;
    uint8_t length_bytes; /* 2 or 8 forces that encoding of the length; 0: the shortest */
    struct span payload;
};

/* A frame that came; payload lasts until the next call. */
struct ws_received {
    uint8_t opcode;
    bool unfinished;
    uint8_t rsv;
    struct span payload;
};

/* False when the server did not answer 101 properly; ws->status and response say what it did.
 * ws_close is needed in either case. */
MUST_CHECK bool ws_open(struct ws *ws, const struct ws_options *options);

/* Drops the connection and frees everything. */
void ws_close(struct ws *ws);

/* False when the peer is gone or does not read. */
bool ws_send_frame(struct ws *ws, const struct ws_frame *frame);
bool ws_send_text(struct ws *ws, struct span text);
bool ws_send_raw(struct ws *ws, struct span bytes);

/* Appends the frame as ws_send_frame would send it. */
void ws_encode(struct text *out, struct ws *ws, const struct ws_frame *frame);

/* Appends what a compressed message's frames carry. */
void ws_deflate(struct text *out, struct ws *ws, struct span text);

/* code 0: an empty close frame. */
bool ws_send_close(struct ws *ws, uint16_t code, const char *reason);

/* The next frame of any kind. */
enum ws_result ws_receive_frame(struct ws *ws, struct ws_received *frame, int64_t deadline_ms);

/* The next whole text message, into ws->message; pings on the way are answered. */
enum ws_result ws_receive(struct ws *ws, int64_t deadline_ms);
