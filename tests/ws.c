#include "tests/ws.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#define ZLIB_CONST /* next_in points to const */
#include <zlib.h>

/* RFC 6455 section 1.3: a key and the accept value that answers it. */
#define WS_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum { CONTROL_BYTES_MAX = 125, WINDOW_BITS = 15, RESPONSE_BYTES_MAX = 65536 };

static int64_t soon(void)
{
    return wire_now_ms() + WIRE_WAIT_MS;
}

static enum ws_result fill(struct ws *ws, int64_t deadline_ms)
{
    size_t received;
    if (ws->in_used == ws->in.len)
        ws->in.len = ws->in_used = 0;
    char *room = text_reserve(&ws->in, 65536);
    switch (wire_receive(&ws->wire, room, 65536, &received, deadline_ms)) {
    case WIRE_DONE:
        ws->in.len += received;
        return WS_MESSAGE;
    case WIRE_GONE:
        return WS_GONE;
    case WIRE_LATE:
        return WS_LATE;
    }
    abort();
}

/* The bytes after those consumed, at least size of them. */
static enum ws_result need(struct ws *ws, size_t size, int64_t deadline_ms)
{
    while (ws->in.len - ws->in_used < size) {
        enum ws_result result = fill(ws, deadline_ms);
        if (result != WS_MESSAGE)
            return result;
    }
    return WS_MESSAGE;
}

static bool receive_head(struct ws *ws)
{
    for (;;) {
        const char *end = ws->in.len == 0 ? NULL : memmem(ws->in.at, ws->in.len, "\r\n\r\n", 4);
        if (end != NULL) {
            ws->in_used = (size_t)(end - ws->in.at) + 4;
            text_add(&ws->response, (struct span){ws->in.at, ws->in_used});
            text_add(&ws->response, (struct span){"", 1});
            return true;
        }
        if (ws->in.len > RESPONSE_BYTES_MAX || fill(ws, soon()) != WS_MESSAGE)
            return false;
    }
}

/* Both sides forget the window after each message or not, as the server chose. */
static void start_deflate(struct ws *ws)
{
    ws->inflater = calloc(1, sizeof *ws->inflater);
    ws->deflater = calloc(1, sizeof *ws->deflater);
    if (ws->inflater == NULL || ws->deflater == NULL ||
        inflateInit2(ws->inflater, -WINDOW_BITS) != Z_OK ||
        deflateInit2(ws->deflater, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -WINDOW_BITS, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
}

bool ws_open(struct ws *ws, const struct ws_options *options)
{
    *ws = (struct ws){.mask = 0x9e3779b9};
    if (!wire_open(&ws->wire, &options->address))
        return false;
    struct text request = {0};
    text_addf(&request,
              "GET %s HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key: " WS_KEY "\r\nSec-WebSocket-Version: 13\r\n%s%s\r\n",
              options->path != NULL ? options->path : "/", options->address.host,
              options->address.port,
              options->deflate ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "",
              options->headers != NULL ? options->headers : "");
    bool ok = wire_send(&ws->wire, text_span(&request), soon()) == WIRE_DONE && receive_head(ws);
    text_clear(&request);
    if (!ok || strncmp(ws->response.at, "HTTP/1.1 ", 9) != 0)
        return false;
    ws->status = (int)strtol(ws->response.at + 9, NULL, 10);
    if (ws->status != 101)
        return false;
    if (strcasestr(ws->response.at, "\r\nSec-WebSocket-Accept: " WS_ACCEPT "\r\n") == NULL)
        return false;
    bool agreed = strcasestr(ws->response.at, "permessage-deflate") != NULL;
    if (agreed && !options->deflate)
        return false;
    if (agreed)
        start_deflate(ws);
    return true;
}

void ws_close(struct ws *ws)
{
    wire_close(&ws->wire);
    text_clear(&ws->response);
    text_clear(&ws->in);
    text_clear(&ws->message);
    if (ws->inflater != NULL)
        inflateEnd(ws->inflater);
    if (ws->deflater != NULL)
        deflateEnd(ws->deflater);
    free(ws->inflater);
    free(ws->deflater);
    ws->inflater = ws->deflater = NULL;
}

static void add_big_endian(struct text *out, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0) {
        char byte = (char)(value >> (8 * bytes));
        text_add(out, (struct span){&byte, 1});
    }
}

void ws_encode(struct text *out, struct ws *ws, const struct ws_frame *frame)
{
    size_t len = frame->payload.len;
    unsigned length_bytes = frame->length_bytes;
    unsigned mask_bit = frame->unmasked ? 0 : 0x80;
    if (length_bytes == 0)
        length_bytes = len < 126 ? 0 : len < 65536 ? 2 : 8;
    add_big_endian(
        out, (frame->unfinished ? 0U : 0x80U) | (unsigned)frame->rsv << 4U | frame->opcode, 1);
    if (length_bytes == 0) {
        add_big_endian(out, mask_bit | len, 1);
    } else {
        add_big_endian(out, mask_bit | (length_bytes == 2 ? 126U : 127U), 1);
        add_big_endian(out, len, length_bytes);
    }
    if (frame->unmasked) {
        text_add(out, frame->payload);
        return;
    }
    ws->mask = ws->mask * 2654435761U + 12345; /* another mask for each frame */
    add_big_endian(out, ws->mask, 4);
    char *masked = text_reserve(out, len + 1);
    for (size_t i = 0; i < len; i++)
        masked[i] = (char)(frame->payload.at[i] ^ (char)(ws->mask >> (8 * (3 - i % 4))));
    out->len += len;
}

bool ws_send_raw(struct ws *ws, struct span bytes)
{
    return wire_send(&ws->wire, bytes, soon()) == WIRE_DONE;
}

bool ws_send_frame(struct ws *ws, const struct ws_frame *frame)
{
    struct text bytes = {0};
    ws_encode(&bytes, ws, frame);
    bool ok = ws_send_raw(ws, text_span(&bytes));
    text_clear(&bytes);
    return ok;
}

bool ws_send_text(struct ws *ws, struct span text)
{
    return ws_send_frame(ws, &(struct ws_frame){.opcode = WS_TEXT, .payload = text});
}

bool ws_send_close(struct ws *ws, uint16_t code, const char *reason)
{
    struct text payload = {0};
    if (code != 0)
        add_big_endian(&payload, code, 2);
    text_add(&payload, (struct span){reason, strlen(reason)});
    bool ok =
        ws_send_frame(ws, &(struct ws_frame){.opcode = WS_CLOSE, .payload = text_span(&payload)});
    text_clear(&payload);
    return ok;
}

void ws_deflate(struct text *out, struct ws *ws, struct span text)
{
    size_t room = deflateBound(ws->deflater, text.len) + 16;
    char *at = text_reserve(out, room);
    ws->deflater->next_in = (const Bytef *)text.at;
    ws->deflater->avail_in = (uInt)text.len;
    ws->deflater->next_out = (Bytef *)at;
    ws->deflater->avail_out = (uInt)room;
    int result = deflate(ws->deflater, Z_SYNC_FLUSH);
    assert(result == Z_OK && ws->deflater->avail_in == 0);
    size_t len = room - ws->deflater->avail_out;
    assert(len >= 4 && memcmp(at + len - 4, "\0\0\xff\xff", 4) == 0);
    out->len += len - 4; /* RFC 7692: "Remove 4 octets that are 0x00 0x00 0xff 0xff" */
    deflateReset(ws->deflater);
}

static enum ws_result broken(struct ws *ws, const char *offence)
{
    ws->offence = offence;
    return WS_BROKEN;
}

static enum ws_result check_frame(struct ws *ws, const struct ws_received *frame)
{
    static const uint16_t known = 1 << WS_CONTINUATION | 1 << WS_TEXT | 1 << WS_BINARY |
                                  1 << WS_CLOSE | 1 << WS_PING | 1 << WS_PONG;
    bool is_control = frame->opcode >= WS_CLOSE;
    if ((known >> frame->opcode & 1) == 0)
        return broken(ws, "a reserved opcode");
    if ((frame->rsv & (WS_RSV2 | WS_RSV3)) != 0)
        return broken(ws, "a reserved bit");
    if ((frame->rsv & WS_RSV1) != 0 && (ws->inflater == NULL || is_control))
        return broken(ws, "RSV1 without permessage-deflate");
    if (is_control && (frame->unfinished || frame->payload.len > CONTROL_BYTES_MAX))
        return broken(ws, "a control frame in fragments, or too long");
    if (frame->opcode == WS_CLOSE && frame->payload.len == 1)
        return broken(ws, "a close frame of one byte");
    return WS_MESSAGE;
}

enum ws_result ws_receive_frame(struct ws *ws, struct ws_received *frame, int64_t deadline_ms)
{
    enum ws_result result = need(ws, 2, deadline_ms);
    if (result != WS_MESSAGE)
        return result;
    uint8_t head[2];
    memcpy(head, ws->in.at + ws->in_used, 2);
    if ((head[1] & 0x80) != 0)
        return broken(ws, "a masked frame");
    uint64_t len = head[1];
    size_t length_bytes = len == 126 ? 2 : len == 127 ? 8 : 0;
    result = need(ws, 2 + length_bytes, deadline_ms);
    if (result != WS_MESSAGE)
        return result;
    if (length_bytes > 0)
        len = 0;
    for (size_t i = 0; i < length_bytes; i++)
        len = len << 8 | (uint8_t)ws->in.at[ws->in_used + 2 + i];
    if ((length_bytes == 2 && len < 126) || (length_bytes == 8 && len < 65536))
        return broken(ws, "a length that is not the shortest");
    if (len > UINT32_MAX)
        return broken(ws, "an absurd length");
    result = need(ws, 2 + length_bytes + (size_t)len, deadline_ms);
    if (result != WS_MESSAGE)
        return result;
    *frame = (struct ws_received){
        .opcode = head[0] & 0x0f,
        .unfinished = (head[0] & 0x80) == 0,
        .rsv = head[0] >> 4 & 7,
        .payload = {ws->in.at + ws->in_used + 2 + length_bytes, (size_t)len},
    };
    ws->in_used += 2 + length_bytes + (size_t)len;
    return check_frame(ws, frame);
}

/* ws->message, inflated. */
static enum ws_result inflate_message(struct ws *ws)
{
    struct text plain = {0};
    text_add(&ws->message, (struct span){"\0\0\xff\xff", 4});
    ws->inflater->next_in = (Bytef *)ws->message.at;
    ws->inflater->avail_in = (uInt)ws->message.len;
    int result = Z_OK;
    while (result == Z_OK && (ws->inflater->avail_in > 0 || ws->inflater->avail_out == 0)) {
        ws->inflater->next_out = (Bytef *)text_reserve(&plain, 65536);
        ws->inflater->avail_out = 65536;
        result = inflate(ws->inflater, Z_SYNC_FLUSH);
        plain.len += 65536 - ws->inflater->avail_out;
    }
    text_clear(&ws->message);
    ws->message = plain;
    return result == Z_OK || result == Z_BUF_ERROR ? WS_MESSAGE : broken(ws, "bad compression");
}

static enum ws_result on_control(struct ws *ws, const struct ws_received *frame)
{
    if (frame->opcode == WS_CLOSE) {
        const uint8_t *code = (const uint8_t *)frame->payload.at;
        ws->close_code = (uint16_t)(frame->payload.len < 2 ? WS_NO_STATUS : code[0] << 8 | code[1]);
        return WS_CLOSED;
    }
    if (frame->opcode == WS_PING)
        ws_send_frame(ws, &(struct ws_frame){.opcode = WS_PONG, .payload = frame->payload});
    return WS_MESSAGE;
}

enum ws_result ws_receive(struct ws *ws, int64_t deadline_ms)
{
    bool begun = false, is_compressed = false;
    ws->message.len = 0;
    for (;;) {
        struct ws_received frame;
        enum ws_result result = ws_receive_frame(ws, &frame, deadline_ms);
        if (result == WS_MESSAGE && frame.opcode >= WS_CLOSE)
            result = on_control(ws, &frame);
        if (result != WS_MESSAGE)
            return result;
        if (frame.opcode >= WS_CLOSE)
            continue;
        if (frame.opcode == WS_BINARY || (frame.opcode == WS_CONTINUATION) != begun)
            return broken(ws, "fragments out of order, or a binary message");
        if (!begun)
            is_compressed = (frame.rsv & WS_RSV1) != 0;
        begun = true;
        text_add(&ws->message, frame.payload);
        if (!frame.unfinished)
            return is_compressed ? inflate_message(ws) : WS_MESSAGE;
    }
}
