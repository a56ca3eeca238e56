#include "relay/websocket.h"

#include <openssl/evp.h>

#include "shared/text.h"
#include "shared/utf8.h"

enum { FINAL = 0x80, RESERVED = 0x70, MASKED = 0x80, KEY_CHARS = 24 };

/* Bytes of the head, as far as can be told from the first two. */
static size_t head_size(const struct websocket_reader *reader)
{
    if (reader->head_len < 2)
        return 2;
    uint8_t len = reader->head[1] & 0x7f;
    return 2 + 4 + (len == 126 ? 2 : len == 127 ? 8 : 0);
}

static uint8_t opcode_of(const struct websocket_reader *reader)
{
    return reader->head[0] & 0x0f;
}

static bool is_control(uint8_t opcode)
{
    return (opcode & 8) != 0;
}

/* What the first two bytes alone make wrong: the rest need not be waited for. */
static bool is_start_good(const struct websocket_reader *reader, bool may_squeeze)
{
    uint8_t first = reader->head[0];
    uint8_t second = reader->head[1];
    uint8_t opcode = opcode_of(reader);
    uint8_t reserved = first & RESERVED;
    bool is_data = opcode == WEBSOCKET_TEXT || opcode == WEBSOCKET_BINARY;
    if ((second & MASKED) == 0)
        return false;
    /* RFC 7692 6: RSV1 stands on the first frame of a message only. */
    if (reserved != 0 && (reserved != WEBSOCKET_SQUEEZED || !may_squeeze || !is_data))
        return false;
    if (is_control(opcode))
        return opcode <= WEBSOCKET_PONG && (first & FINAL) != 0 &&
               (second & 0x7f) <= WEBSOCKET_CONTROL_BYTES_MAX;
    return reader->in_message ? opcode == WEBSOCKET_CONTINUATION : is_data;
}

/* RFC 6455 5.2: the shortest of its three forms, and less than 2^63. */
static bool read_length(struct websocket_reader *reader, size_t size)
{
    uint8_t len = reader->head[1] & 0x7f;
    if (len < 126) {
        reader->left = len;
        return true;
    }
    reader->left = 0;
    for (size_t i = 2; i < size - 4; i++)
        reader->left = reader->left << 8 | reader->head[i];
    uint64_t least = len == 126 ? 126 : 65536;
    return reader->left >= least && reader->left <= INT64_MAX;
}

/* Gathers the head; true once it is whole, with wrong set when it may not be. */
static bool read_head(struct websocket_reader *reader, char **at, size_t *len, bool may_squeeze,
                      bool *wrong)
{
    *wrong = false;
    while (reader->head_len < head_size(reader)) {
        if (*len == 0)
            return false;
        reader->head[reader->head_len++] = (uint8_t) * *at;
        ++*at;
        --*len;
        if (reader->head_len == 2 && !is_start_good(reader, may_squeeze)) {
            *wrong = true;
            return true;
        }
    }
    size_t size = head_size(reader);
    *wrong = !read_length(reader, size);
    memcpy(reader->mask, reader->head + size - 4, 4);
    reader->mask_at = 0;
    reader->head_len = 0;
    reader->in_payload = true;
    reader->control_len = 0;
    return true;
}

static struct span unmask(struct websocket_reader *reader, char *at, size_t len)
{
    uint8_t mask[8];
    for (size_t i = 0; i < sizeof mask; i++)
        mask[i] = reader->mask[(reader->mask_at + i) & 3];
    uint64_t wide;
    memcpy(&wide, mask, sizeof wide);
    size_t i = 0;
    for (; i + sizeof wide <= len; i += sizeof wide) {
        uint64_t word;
        memcpy(&word, at + i, sizeof word);
        word ^= wide;
        memcpy(at + i, &word, sizeof word);
    }
    for (; i < len; i++)
        at[i] = (char)(at[i] ^ (char)mask[i & 7]);
    reader->mask_at = (uint8_t)((reader->mask_at + len) & 3);
    reader->left -= len;
    return (struct span){at, len};
}

/* A control frame that came in parts is put together. */
static enum websocket_result read_control(struct websocket_reader *reader,
                                          struct websocket_piece *piece, struct span payload)
{
    bool is_whole = reader->left == 0;
    if (!is_whole || reader->control_len > 0) {
        memcpy(reader->control + reader->control_len, payload.at, payload.len);
        reader->control_len = (uint8_t)(reader->control_len + payload.len);
        payload = (struct span){reader->control, reader->control_len};
    }
    if (!is_whole)
        return WEBSOCKET_MORE;
    reader->in_payload = false;
    *piece = (struct websocket_piece){.opcode = opcode_of(reader), .payload = payload};
    return WEBSOCKET_CONTROL;
}

static enum websocket_result read_data(struct websocket_reader *reader,
                                       struct websocket_piece *piece, struct span payload)
{
    bool is_first = !reader->in_message;
    if (is_first) {
        reader->opcode = opcode_of(reader);
        reader->is_squeezed = (reader->head[0] & WEBSOCKET_SQUEEZED) != 0;
    }
    bool is_end = reader->left == 0;
    bool is_last = is_end && (reader->head[0] & FINAL) != 0;
    reader->in_payload = !is_end;
    reader->in_message = !is_last;
    *piece =
        (struct websocket_piece){reader->opcode, is_first, is_last, reader->is_squeezed, payload};
    return WEBSOCKET_DATA;
}

enum websocket_result websocket_read(struct websocket_reader *reader, struct websocket_piece *piece,
                                     char **at, size_t *len, bool may_squeeze)
{
    while (*len > 0) {
        bool wrong = false;
        if (!reader->in_payload && !read_head(reader, at, len, may_squeeze, &wrong))
            return WEBSOCKET_MORE;
        if (!reader->in_payload || wrong)
            return WEBSOCKET_WRONG;
        if (*len == 0 && reader->left > 0)
            return WEBSOCKET_MORE;
        size_t size = reader->left < *len ? (size_t)reader->left : *len;
        struct span payload = unmask(reader, *at, size);
        *at += size;
        *len -= size;
        enum websocket_result result = is_control(opcode_of(reader))
                                           ? read_control(reader, piece, payload)
                                           : read_data(reader, piece, payload);
        if (result != WEBSOCKET_MORE)
            return result;
    }
    return WEBSOCKET_MORE;
}

void websocket_add_head(struct text *out, uint8_t first, size_t len)
{
    uint8_t *at = (uint8_t *)text_reserve(out, 10);
    at[0] = first;
    if (len < 126) {
        at[1] = (uint8_t)len;
        out->len += 2;
        return;
    }
    size_t count = len <= UINT16_MAX ? 2 : 8;
    at[1] = count == 2 ? 126 : 127;
    for (size_t i = 0; i < count; i++)
        at[2 + i] = (uint8_t)((uint64_t)len >> (8 * (count - 1 - i)));
    out->len += 2 + count;
}

void websocket_add_control(struct text *out, enum websocket_opcode opcode, struct span payload)
{
    websocket_add_head(out, (uint8_t)(FINAL | opcode), payload.len);
    text_add(out, payload);
}

void websocket_add_close(struct text *out, uint16_t code)
{
    char payload[2] = {(char)(code >> 8), (char)code};
    websocket_add_control(out, WEBSOCKET_CLOSE, SPAN_OF(payload));
}

/* RFC 6455 7.4: codes that may be in a frame. */
static bool is_close_code(unsigned code)
{
    if (code >= 3000)
        return code < 5000;
    return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}

static bool is_utf8(struct span text)
{
    const char *end = text.at + text.len;
    while (text.at < end) {
        size_t size = utf8_size(text.at, end);
        if (size == 0)
            return false;
        text.at += size;
    }
    return true;
}

void websocket_add_close_answer(struct text *out, struct span payload)
{
    if (payload.len == 0) {
        websocket_add_control(out, WEBSOCKET_CLOSE, payload);
        return;
    }
    const uint8_t *at = (const uint8_t *)payload.at;
    if (payload.len == 1 || !is_close_code((unsigned)at[0] << 8 | at[1]))
        websocket_add_close(out, WEBSOCKET_PROTOCOL_ERROR);
    else if (!is_utf8((struct span){payload.at + 2, payload.len - 2}))
        websocket_add_close(out, WEBSOCKET_INVALID_PAYLOAD);
    else
        websocket_add_control(out, WEBSOCKET_CLOSE, payload);
}

bool websocket_accept(char accept[29], struct span key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char raw[KEY_CHARS];
    char text[KEY_CHARS + sizeof guid - 1];
    unsigned char hash[20];
    if (key.len != KEY_CHARS || key.at[KEY_CHARS - 1] != '=' ||
        EVP_DecodeBlock(raw, (const unsigned char *)key.at, KEY_CHARS) < 0)
        return false;
    memcpy(text, key.at, KEY_CHARS);
    memcpy(text + KEY_CHARS, guid, sizeof guid - 1);
    if (EVP_Digest(text, sizeof text, hash, NULL, EVP_sha1(), NULL) != 1)
        return false;
    EVP_EncodeBlock((unsigned char *)accept, hash, sizeof hash);
    return true;
}
