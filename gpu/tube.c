#include "gpu/tube.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "shared/text.h"

enum {
    READ_BYTES = 16384,
    HEAD_BYTES_MIN = 2,
    MASK_BYTES = 4,
    CONTROL_BYTES_MAX = 125,
    FIN = 0x80,
    RESERVED = 0x70,
    MASKED = 0x80
};
enum opcode { MORE = 0, TEXT = 1, CLOSE = 8, PING = 9, PONG = 10 };

struct tube {
    struct tube_setup setup;
    uv_poll_t *poll;
    struct text in, out, message;
    bool is_gone, is_in_text; /* is_in_text: more of one is to come */
};

void tube_accept(char accept[TUBE_ACCEPT_CHARS + 1], const char *key)
{
    unsigned char hash[SHA_DIGEST_LENGTH], base64[TUBE_ACCEPT_CHARS + 2];
    struct text text = {0};
    text_addf(&text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    SHA1((const unsigned char *)text.at, text.len, hash);
    text_clear(&text);
    EVP_EncodeBlock(base64, hash, sizeof hash);
    memcpy(accept, base64, TUBE_ACCEPT_CHARS + 1);
}

static void leave(struct tube *tube)
{
    if (tube->is_gone)
        return;
    tube->is_gone = true;
    uv_poll_stop(tube->poll);
    tube->setup.gone(tube->setup.owner);
}

/* ---- out ---- */

static void on_poll(uv_poll_t *poll, int status, int events);

/* What cannot be written now waits. False: there is nobody to write to. */
static bool flush(struct tube *tube)
{
    size_t sent = 0;
    while (sent < tube->out.len) {
        ssize_t len = send(tube->setup.fd, tube->out.at + sent, tube->out.len - sent, MSG_NOSIGNAL);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            return false;
        if (len < 0)
            break;
        sent += (size_t)len;
    }
    tube->out.len -= sent;
    memmove(tube->out.at, tube->out.at + sent, tube->out.len);
    uv_poll_start(tube->poll, tube->out.len > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_poll);
    return tube->out.len <= TUBE_PENDING_BYTES_MAX;
}

static void add_frame(struct text *out, enum opcode opcode, struct span payload)
{
    uint8_t head[10] = {(uint8_t)(FIN | opcode)};
    size_t len = 2;
    if (payload.len <= CONTROL_BYTES_MAX) {
        head[1] = (uint8_t)payload.len;
    } else {
        int bytes = payload.len <= UINT16_MAX ? 2 : 8;
        head[1] = bytes == 2 ? 126 : 127;
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
            head[len++] = (uint8_t)(payload.len >> shift);
    }
    text_add(out, (struct span){(const char *)head, len});
    text_add(out, payload);
}

void tube_send(struct tube *tube, struct span text)
{
    if (tube->is_gone)
        return;
    add_frame(&tube->out, TEXT, text);
    if (!flush(tube))
        leave(tube);
}

/* ---- in ---- */

struct frame {
    uint8_t opcode;
    bool is_last;
    size_t size, head; /* of all of it; of what stands before the payload */
    struct span payload;
};

enum look { LOOK_FRAME, LOOK_PART, LOOK_WRONG };

/* The frame at the beginning of what has come, if it is whole; its payload unmasked in place. */
static enum look look(struct tube *tube, struct frame *frame)
{
    uint8_t *at = (uint8_t *)tube->in.at;
    if (tube->in.len < HEAD_BYTES_MIN)
        return LOOK_PART;
    *frame = (struct frame){.opcode = at[0] & 0x0f, .is_last = (at[0] & FIN) != 0};
    uint64_t len = at[1] & 0x7f;
    size_t bytes = len == 126 ? 2 : len == 127 ? 8 : 0;
    if ((at[0] & RESERVED) != 0 || (at[1] & MASKED) == 0)
        return LOOK_WRONG;
    if (tube->in.len < HEAD_BYTES_MIN + bytes)
        return LOOK_PART;
    for (size_t i = 0; i < bytes; i++)
        len = (i == 0 ? 0 : len << 8) | at[HEAD_BYTES_MIN + i];
    bool is_control = (frame->opcode & 8) != 0;
    if (len > TUBE_TEXT_BYTES_MAX || (is_control && (len > CONTROL_BYTES_MAX || !frame->is_last)))
        return LOOK_WRONG;
    frame->head = HEAD_BYTES_MIN + bytes + MASK_BYTES;
    frame->size = frame->head + len;
    if (tube->in.len < frame->size)
        return LOOK_PART;
    for (size_t i = 0; i < len; i++)
        at[frame->head + i] ^= at[frame->head - MASK_BYTES + i % MASK_BYTES];
    frame->payload = (struct span){(const char *)at + frame->head, len};
    return LOOK_FRAME;
}

/* One frame. False: that was the last, or must not be. */
static bool take(struct tube *tube, const struct frame *frame)
{
    switch (frame->opcode) {
    case PING:
        add_frame(&tube->out, PONG, frame->payload);
        return flush(tube);
    case PONG:
        return true;
    case TEXT:
    case MORE:
        break;
    case CLOSE:
        add_frame(&tube->out, CLOSE,
                  (struct span){frame->payload.at, frame->payload.len >= 2 ? 2 : 0});
        (void)flush(tube);
        return false;
    default:
        return false;
    }
    if ((frame->opcode == TEXT) == tube->is_in_text ||
        frame->payload.len > TUBE_TEXT_BYTES_MAX - tube->message.len)
        return false;
    tube->is_in_text = !frame->is_last;
    text_add(&tube->message, frame->payload);
    if (frame->is_last) {
        tube->setup.heard(tube->setup.owner, text_span(&tube->message));
        tube->message.len = 0;
    }
    return true;
}

static void take_all(struct tube *tube)
{
    struct frame frame;
    enum look looked = LOOK_PART;
    while (!tube->is_gone && (looked = look(tube, &frame)) == LOOK_FRAME) {
        if (!take(tube, &frame)) {
            leave(tube);
            return;
        }
        tube->in.len -= frame.size;
        memmove(tube->in.at, tube->in.at + frame.size, tube->in.len);
    }
    if (!tube->is_gone && looked == LOOK_WRONG)
        leave(tube);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct tube *tube = poll->data;
    if (status != 0 || ((events & UV_WRITABLE) != 0 && !flush(tube))) {
        leave(tube);
        return;
    }
    if ((events & UV_READABLE) == 0)
        return;
    char *at = text_reserve(&tube->in, READ_BYTES);
    ssize_t len = recv(tube->setup.fd, at, READ_BYTES, 0);
    if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (len <= 0) {
        leave(tube);
        return;
    }
    tube->in.len += (size_t)len;
    take_all(tube);
}

/* ---- ---- */

struct tube *tube_new(const struct tube_setup *setup)
{
    struct tube *tube = calloc(1, sizeof *tube);
    if (tube == NULL || (tube->poll = calloc(1, sizeof *tube->poll)) == NULL)
        abort();
    tube->setup = *setup;
    tube->setup.early = (struct span){0};
    (void)fcntl(setup->fd, F_SETFL, fcntl(setup->fd, F_GETFL) | O_NONBLOCK);
    text_add(&tube->in, setup->early);
    (void)text_reserve(&tube->in, 1);
    (void)text_reserve(&tube->out, 1);
    if (uv_poll_init(setup->loop, tube->poll, setup->fd) != 0)
        abort();
    tube->poll->data = tube;
    uv_poll_start(tube->poll, UV_READABLE, on_poll);
    return tube;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void tube_free(struct tube *tube)
{
    uv_close((uv_handle_t *)tube->poll, on_closed);
    text_clear(&tube->in);
    text_clear(&tube->out);
    text_clear(&tube->message);
    free(tube);
}
