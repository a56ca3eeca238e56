#include "ops/bench/member.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ops/bench/fatal.h"
#include "ops/bench/usage.h"

enum { READ_BYTES = 256 << 10, BUFFER_BYTES = 16 << 20, HEAD_BYTES_MAX = 8192 };
enum { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10, FIN = 0x80, MASKED = 0x80 };

static const uint8_t mask[4] = {0x5a, 0xc3, 0x17, 0x8e};

struct member_reader member_reader_new(member_message_fn *on_message, void *owner)
{
    return (struct member_reader){
        .on_message = on_message, .owner = owner, .buffer = fatal_alloc(1, BUFFER_BYTES)};
}

struct member_url member_parse_url(const char *url)
{
    struct member_url parsed = {.port = "80", .path = "/"};
    if (sscanf(url, "ws://%255[^:/]:%7[0-9]%511s", parsed.host, parsed.port, parsed.path) < 2 &&
        sscanf(url, "ws://%255[^:/]%511s", parsed.host, parsed.path) < 1)
        fatal("not a ws:// URL: %s", url);
    return parsed;
}

static int connect_to(const struct member_url *url)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    struct timeval patience = {.tv_sec = 20};
    int on = 1;
    if (getaddrinfo(url->host, url->port, &hints, &found) != 0)
        fatal("cannot find %s", url->host);
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0)
        fatal("cannot connect to %s:%s: %s", url->host, url->port, strerror(errno));
    freeaddrinfo(found);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* The example of RFC 6455 section 1.3: one key is as good as another. */
static void shake_hands(struct member *member, const struct member_url *url)
{
    char head[HEAD_BYTES_MAX + 1];
    size_t have = 0;
    int len = snprintf(head, sizeof head,
                       "GET %s HTTP/1.1\r\nHost: %s:%s\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                       "Sec-WebSocket-Version: 13\r\n\r\n",
                       url->path, url->host, url->port);
    if (send(member->socket, head, (size_t)len, MSG_NOSIGNAL) != len)
        fatal("cannot send the handshake");
    const char *end = NULL;
    while (end == NULL) {
        ssize_t got = recv(member->socket, head + have, HEAD_BYTES_MAX - have, 0);
        if (got <= 0)
            fatal("no handshake on connection %u: %s", member->number,
                  got == 0 ? "closed" : strerror(errno));
        have += (size_t)got;
        head[have] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    if (strstr(head, " 101 ") == NULL || strstr(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == NULL)
        fatal("no websocket: %.200s", head);
    end += 4; /* the server may have spoken already */
    text_add(&member->in, (struct span){end, have - (size_t)(end - head)});
}

void member_open(struct member *member, const struct member_url *url)
{
    member->socket = connect_to(url);
    shake_hands(member, url);
}

void member_close(struct member *member)
{
    if (member->socket >= 0)
        close(member->socket);
    member->socket = -1;
    text_clear(&member->out);
    text_clear(&member->in);
}

static void put(struct member *member, uint8_t opcode, struct span head, struct span tail)
{
    size_t len = head.len + tail.len;
    struct text *out = &member->out;
    uint8_t *at = (uint8_t *)text_reserve(out, len + 14);
    size_t used = 2;
    at[0] = (uint8_t)(FIN | opcode);
    if (len < 126) {
        at[1] = (uint8_t)(MASKED | len);
    } else {
        size_t bytes = len < 65536 ? 2 : 8;
        at[1] = (uint8_t)(MASKED | (bytes == 2 ? 126 : 127));
        for (size_t i = bytes; i-- > 0;)
            at[used++] = (uint8_t)((uint64_t)len >> (8 * i));
    }
    memcpy(at + used, mask, sizeof mask);
    uint8_t *payload = at + used + sizeof mask;
    memcpy(payload, head.at, head.len);
    memcpy(payload + head.len, tail.at, tail.len);
    for (size_t i = 0; i < len; i++)
        payload[i] ^= mask[i & 3];
    out->len += used + sizeof mask + len;
}

void member_say(struct member *member, struct span head, struct span tail)
{
    put(member, TEXT, head, tail);
}

bool member_flush(struct member *member)
{
    while (member->socket >= 0 && member->out_sent < member->out.len) {
        ssize_t sent = send(member->socket, member->out.at + member->out_sent,
                            member->out.len - member->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return false;
        if (sent < 0)
            member_close(member);
        else
            member->out_sent += (size_t)sent;
    }
    member->out.len = 0;
    member->out_sent = 0;
    return true;
}

static void take(struct member *member, struct member_reader *reader, uint8_t first,
                 struct span payload, uint64_t now_ns)
{
    int opcode = first & 15;
    if (opcode == PING) {
        put(member, PONG, payload, SPAN(""));
        if (!member_flush(member))
            fatal("a relay pings and does not read");
    } else if (opcode == CLOSE) {
        member_close(member);
    } else if (first == (FIN | TEXT)) {
        reader->messages++;
        reader->on_message(reader->owner, member, payload, now_ns);
    } else if (opcode != PONG) {
        fatal("a frame that begins with 0x%02x", first);
    }
}

/* Takes one frame off the front of bytes; how long it was, 0 when it is not complete. */
static size_t take_frame(struct member *member, struct member_reader *reader, struct span bytes,
                         uint64_t now_ns)
{
    const uint8_t *at = (const uint8_t *)bytes.at;
    if (bytes.len < 2)
        return 0;
    uint64_t len = at[1];
    size_t head = len == 126 ? 4 : len == 127 ? 10 : 2;
    if (len > 127)
        fatal("a server must not mask");
    if (bytes.len < head)
        return 0;
    if (head > 2)
        len = 0;
    for (size_t i = 2; i < head; i++)
        len = len << 8 | at[i];
    if (bytes.len - head < len)
        return 0;
    take(member, reader, at[0], (struct span){bytes.at + head, (size_t)len}, now_ns);
    return head + (size_t)len;
}

void member_read(struct member *member, struct member_reader *reader)
{
    size_t have = member->in.len;
    if (have > 0)
        memcpy(reader->buffer, member->in.at, have);
    size_t room = have < READ_BYTES ? READ_BYTES : BUFFER_BYTES - have;
    ssize_t got = recv(member->socket, reader->buffer + have, room, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        member_close(member);
        return;
    }
    reader->bytes += (uint64_t)got;
    struct span left = {reader->buffer, have + (size_t)got};
    uint64_t now_ns = usage_now_ns();
    size_t used = 1;
    while (used > 0 && member->socket >= 0) {
        used = take_frame(member, reader, left, now_ns);
        left = (struct span){left.at + used, left.len - used};
    }
    if (left.len == 0 || member->socket < 0) {
        text_clear(&member->in); /* thousands of members: none keeps what it does not need */
        return;
    }
    member->in.len = 0;
    text_add(&member->in, left);
}
