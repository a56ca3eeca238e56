#include "tests/forwarder.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/text.h"
#include "tests/test.h"

enum stage { GREETING, ASKING, JOINED };

struct forwarder_client {
    struct forwarder *forwarder;
    struct forwarder_client *next;
    uv_tcp_t near, far;
    uv_connect_t connect;
    enum stage stage;
    struct text in;
    int handles;
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

static void send_bytes(uv_tcp_t *to, struct span bytes)
{
    struct note *note = malloc(sizeof *note + bytes.len);
    assert_non_null(note);
    memcpy(note->bytes, bytes.at, bytes.len);
    uv_buf_t piece = uv_buf_init(note->bytes, (unsigned)bytes.len);
    if (uv_write(&note->write, (uv_stream_t *)to, &piece, 1, on_written) != 0)
        free(note);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct forwarder_client *client = handle->data;
    if (--client->handles > 0)
        return;
    text_clear(&client->in);
    free(client);
}

static void cut(struct forwarder_client *client)
{
    struct forwarder_client **place = &client->forwarder->first;
    if (uv_is_closing((uv_handle_t *)&client->near))
        return;
    while (*place != client)
        place = &(*place)->next;
    *place = client->next;
    uv_close((uv_handle_t *)&client->near, on_handle_closed);
    uv_close((uv_handle_t *)&client->far, on_handle_closed);
}

static void on_room(uv_handle_t *handle, size_t hint, uv_buf_t *piece)
{
    (void)handle;
    *piece = uv_buf_init(malloc(hint), (unsigned)hint);
    assert_non_null(piece->base);
}

static void on_piece(uv_stream_t *stream, ssize_t len, const uv_buf_t *piece);

static void answer(struct forwarder_client *client, uint8_t code)
{
    const char bytes[] = {5, (char)code, 0, 1, 0, 0, 0, 0, 0, 0};
    send_bytes(&client->near, SPAN_OF(bytes));
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct forwarder_client *client = connect->data;
    if (uv_is_closing((uv_handle_t *)&client->near))
        return;
    if (status != 0) {
        answer(client, 5);
        return;
    }
    uv_tcp_nodelay(&client->far, 1);
    answer(client, 0);
    client->stage = JOINED;
    uv_read_start((uv_stream_t *)&client->far, on_room, on_piece);
}

static void join(struct forwarder_client *client, uint16_t port)
{
    struct sockaddr_in at;
    assert_int_equal(uv_ip4_addr("127.0.0.1", port, &at), 0);
    client->connect.data = client;
    assert_int_equal(
        uv_tcp_connect(&client->connect, &client->far, (const struct sockaddr *)&at, on_connected),
        0);
}

/* 5 1 0 KIND ADDRESS PORT, which comes whole from so small a client. */
static void hear_ask(struct forwarder_client *client)
{
    const uint8_t *at = (const uint8_t *)client->in.at;
    struct forwarder *forwarder = client->forwarder;
    assert_true(client->in.len >= 10 && at[0] == 5 && at[1] == 1);
    size_t begin = at[3] == 3 ? 5 : 4, len = at[3] == 3 ? at[4] : at[3] == 1 ? 4 : 16;
    assert_int_equal(client->in.len, begin + len + 2);
    uint16_t port = (uint16_t)(at[begin + len] << 8 | at[begin + len + 1]);
    if (at[3] == 3)
        snprintf(forwarder->asked, sizeof forwarder->asked, "%.*s:%u", (int)len,
                 client->in.at + begin, port);
    else
        snprintf(forwarder->asked, sizeof forwarder->asked, "IPv%d", at[3] == 1 ? 4 : 6);
    client->in.len = 0;
    if (forwarder->refusal != 0)
        answer(client, forwarder->refusal);
    else
        join(client, port);
}

static void hear_near(struct forwarder_client *client, struct span bytes)
{
    if (client->stage == JOINED) {
        send_bytes(&client->far, bytes);
        return;
    }
    text_add(&client->in, bytes);
    if (client->stage == ASKING) {
        hear_ask(client);
    } else if (client->in.len >= 3) {
        client->in.len = 0;
        client->stage = ASKING;
        send_bytes(&client->near, SPAN("\5\0"));
    }
}

static void on_piece(uv_stream_t *stream, ssize_t len, const uv_buf_t *piece)
{
    struct forwarder_client *client = stream->data;
    if (len < 0)
        cut(client);
    else if (stream == (uv_stream_t *)&client->near)
        hear_near(client, (struct span){piece->base, (size_t)len});
    else
        send_bytes(&client->near, (struct span){piece->base, (size_t)len});
    free(piece->base);
}

static void on_client(uv_stream_t *listener, int status)
{
    struct forwarder *forwarder = listener->data;
    struct forwarder_client *client = calloc(1, sizeof *client);
    assert_non_null(client);
    assert_int_equal(status, 0);
    forwarder->came++;
    client->forwarder = forwarder;
    client->next = forwarder->first;
    forwarder->first = client;
    client->handles = 2;
    uv_tcp_init(listener->loop, &client->near);
    uv_tcp_init(listener->loop, &client->far);
    client->near.data = client->far.data = client;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&client->near), 0);
    uv_tcp_nodelay(&client->near, 1);
    uv_read_start((uv_stream_t *)&client->near, on_room, on_piece);
}

void forwarder_open(struct forwarder *forwarder, uv_loop_t *loop)
{
    struct sockaddr_in at;
    int len = sizeof at;
    *forwarder = (struct forwarder){0};
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &at), 0);
    uv_tcp_init(loop, &forwarder->listener);
    forwarder->listener.data = forwarder;
    assert_int_equal(uv_tcp_bind(&forwarder->listener, (const struct sockaddr *)&at, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&forwarder->listener, 16, on_client), 0);
    assert_int_equal(uv_tcp_getsockname(&forwarder->listener, (struct sockaddr *)&at, &len), 0);
    forwarder->port = ntohs(at.sin_port);
}

void forwarder_close(struct forwarder *forwarder)
{
    while (forwarder->first != NULL)
        cut(forwarder->first);
    uv_close((uv_handle_t *)&forwarder->listener, NULL);
}
