#include "tests/liar.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/text.h"
#include "tests/scratch.h"
#include "tests/test.h"

enum { MESSAGE_BYTES_MAX = 1 << 20 };

struct liar_client {
    uv_tcp_t tcp;
    struct liar *liar;
    struct liar_client *next;
    struct text in;
    bool is_open; /* a websocket */
};

struct note {
    uv_write_t write;
    char bytes[];
};

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    free(write);
}

static void send_bytes(struct liar_client *client, struct span bytes)
{
    struct note *note = malloc(sizeof *note + bytes.len);
    assert_non_null(note);
    memcpy(note->bytes, bytes.at, bytes.len);
    uv_buf_t piece = uv_buf_init(note->bytes, (unsigned)bytes.len);
    if (uv_is_closing((uv_handle_t *)&client->tcp) ||
        uv_write(&note->write, (uv_stream_t *)&client->tcp, &piece, 1, on_written) != 0)
        free(note);
}

void liar_say_frame(struct liar_client *client, uint8_t first_byte, struct span payload)
{
    struct text frame = {0};
    text_add(&frame, SPAN_OF(first_byte));
    if (payload.len < 126)
        text_addf(&frame, "%c", (int)payload.len);
    else if (payload.len < 65536)
        text_addf(&frame, "%c%c%c", 126, (int)(payload.len >> 8), (int)(payload.len & 0xff));
    else
        text_addf(&frame, "%c%c%c%c%c%c%c%c%c", 127, 0, 0, 0, 0, (int)(payload.len >> 24),
                  (int)(payload.len >> 16 & 0xff), (int)(payload.len >> 8 & 0xff),
                  (int)(payload.len & 0xff));
    text_add(&frame, payload);
    send_bytes(client, text_span(&frame));
    text_clear(&frame);
}

void liar_say(struct liar_client *client, const char *text)
{
    liar_say_frame(client, 0x81, (struct span){text, strlen(text)});
}

void liar_sayf(struct liar_client *client, const char *format, ...)
{
    va_list list;
    char *text = NULL;
    va_start(list, format);
    assert_true(vasprintf(&text, format, list) >= 0);
    va_end(list);
    liar_say(client, text);
    free(text);
}

static void on_client_closed(uv_handle_t *handle)
{
    struct liar_client *client = handle->data;
    text_clear(&client->in);
    free(client);
}

void liar_cut(struct liar_client *client)
{
    struct liar_client **place = &client->liar->first;
    if (uv_is_closing((uv_handle_t *)&client->tcp))
        return;
    while (*place != client)
        place = &(*place)->next;
    *place = client->next;
    uv_close((uv_handle_t *)&client->tcp, on_client_closed);
}

static void accept_key(char out[29], const char *head)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char hash[SHA_DIGEST_LENGTH];
    char key[64 + sizeof guid];
    const char *at = strcasestr(head, "sec-websocket-key:");
    assert_non_null(at);
    at += strlen("sec-websocket-key:");
    at += strspn(at, " ");
    snprintf(key, sizeof key, "%.*s%s", (int)strcspn(at, "\r\n "), at, guid);
    SHA1((const unsigned char *)key, strlen(key), hash);
    EVP_EncodeBlock((unsigned char *)out, hash, sizeof hash);
}

static void answer_head(struct liar_client *client, const char *head)
{
    struct liar *liar = client->liar;
    struct text answer = {0};
    char key[29];
    if (strcasestr(head, "upgrade: websocket") == NULL) {
        const char *page = liar->page != NULL ? liar->page : "";
        text_addf(&answer,
                  "HTTP/1.1 %s\r\ncontent-type: application/nostr+json\r\ncontent-length: %zu\r\n"
                  "connection: close\r\n\r\n%s",
                  liar->page != NULL ? "200 OK" : "404 Not Found", strlen(page), page);
    } else if (liar->upgrade != NULL) {
        text_addf(&answer, "%s", liar->upgrade);
    } else {
        accept_key(key, head);
        text_addf(&answer,
                  "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
                  "connection: upgrade\r\nsec-websocket-accept: %s\r\n\r\n",
                  key);
        client->is_open = true;
        liar->came++;
    }
    send_bytes(client, text_span(&answer));
    text_clear(&answer);
    if (client->is_open)
        liar->heard(liar, client, NULL);
    else
        liar_cut(client);
}

static bool take_head(struct liar_client *client)
{
    struct text *in = &client->in;
    char *end = memmem(in->at, in->len, "\r\n\r\n", 4);
    if (end == NULL)
        return false;
    end[3] = '\0';
    size_t used = (size_t)(end - in->at) + 4;
    char *head = scratch_format("%s", in->at);
    memmove(in->at, in->at + used, in->len - used);
    in->len -= used;
    answer_head(client, head);
    return true;
}

/* One frame of a client, which is masked and whole. */
static bool take_frame(struct liar_client *client)
{
    struct text *in = &client->in;
    const uint8_t *at = (const uint8_t *)in->at;
    size_t head = 2, len;
    if (in->len < 14 && (in->len < 6 || (at[1] & 0x7f) > 125))
        return false;
    assert_true((at[0] & 0x80) != 0 && (at[1] & 0x80) != 0);
    len = at[1] & 0x7f;
    if (len == 126) {
        len = (size_t)at[2] << 8 | at[3];
        head = 4;
    } else if (len == 127) {
        len = (size_t)at[6] << 24 | (size_t)at[7] << 16 | (size_t)at[8] << 8 | at[9];
        head = 10;
    }
    assert_true(len < MESSAGE_BYTES_MAX);
    if (in->len < head + 4 + len)
        return false;
    char *text = scratch_alloc(len + 1);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(at[head + 4 + i] ^ at[head + i % 4]);
    uint8_t opcode = at[0] & 0xf;
    memmove(in->at, in->at + head + 4 + len, in->len - head - 4 - len);
    in->len -= head + 4 + len;
    if (opcode == 1)
        client->liar->heard(client->liar, client, text);
    else if (opcode == 9)
        liar_say_frame(client, 0x8a, (struct span){text, len});
    return true;
}

static void on_room(uv_handle_t *handle, size_t hint, uv_buf_t *piece)
{
    struct liar_client *client = handle->data;
    *piece = uv_buf_init(text_reserve(&client->in, hint), (unsigned)hint);
}

static void on_piece(uv_stream_t *stream, ssize_t len, const uv_buf_t *piece)
{
    struct liar_client *client = stream->data;
    (void)piece;
    if (len < 0) {
        liar_cut(client);
        return;
    }
    client->in.len += (size_t)len;
    bool goes_on = true;
    while (goes_on && !uv_is_closing((uv_handle_t *)&client->tcp))
        goes_on = client->is_open ? take_frame(client) : take_head(client);
}

static void on_client(uv_stream_t *listener, int status)
{
    struct liar *liar = listener->data;
    struct liar_client *client = calloc(1, sizeof *client);
    assert_non_null(client);
    assert_int_equal(status, 0);
    client->liar = liar;
    client->next = liar->first;
    liar->first = client;
    uv_tcp_init(listener->loop, &client->tcp);
    client->tcp.data = client;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&client->tcp), 0);
    uv_tcp_nodelay(&client->tcp, 1);
    assert_int_equal(uv_read_start((uv_stream_t *)&client->tcp, on_room, on_piece), 0);
}

void liar_open(struct liar *liar, uv_loop_t *loop)
{
    struct sockaddr_in at;
    int len = sizeof at;
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &at), 0);
    uv_tcp_init(loop, &liar->listener);
    liar->listener.data = liar;
    assert_int_equal(uv_tcp_bind(&liar->listener, (const struct sockaddr *)&at, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&liar->listener, 16, on_client), 0);
    assert_int_equal(uv_tcp_getsockname(&liar->listener, (struct sockaddr *)&at, &len), 0);
    liar->port = ntohs(at.sin_port);
}

void liar_close(struct liar *liar)
{
    while (liar->first != NULL)
        liar_cut(liar->first);
    uv_close((uv_handle_t *)&liar->listener, NULL);
}

const char *liar_name(const char *text)
{
    const char *begin = strchr(text, ',');
    assert_non_null(begin);
    begin += 2;
    return scratch_format("%.*s", (int)strcspn(begin, "\""), begin);
}
