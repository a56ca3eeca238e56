#include "client/agent_serve.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "client/agent_keep.h"
#include "client/secret.h"
#include "shared/err.h"
#include "shared/text.h"

enum {
    GUESTS_MAX = 32, /* at a time */
    BACKLOG = 128,
    TICK_MS = 500,
    GUEST_MS = 10000, /* to say what it wants, or to take the answer */
    PIECE_BYTES = 4096,
};

/* Whoever has connected. */
struct guest {
    TAILQ_ENTRY(guest) listed;
    struct desk *desk;
    uv_pipe_t pipe;
    uv_write_t write;
    struct text heard, answer;
    uint64_t since_ms;
};

struct desk {
    uv_loop_t loop;
    uv_pipe_t door;
    uv_timer_t tick;
    uv_signal_t signals[3];
    struct agent_keep *keep;
    TAILQ_HEAD(guests, guest) guests;
    int guest_count;
    int lock; /* -1: given back */
    bool is_closing;
};

static void wipe(struct text *text)
{
    if (text->at != NULL)
        secret_wipe(text->at, text->capacity);
    text_clear(text);
}

static void on_guest_closed(uv_handle_t *handle)
{
    struct guest *guest = handle->data;
    wipe(&guest->heard);
    wipe(&guest->answer);
    free(guest);
}

static void dismiss(struct guest *guest)
{
    if (uv_is_closing((uv_handle_t *)&guest->pipe))
        return;
    TAILQ_REMOVE(&guest->desk->guests, guest, listed);
    guest->desk->guest_count--;
    uv_close((uv_handle_t *)&guest->pipe, on_guest_closed);
}

/* The place is free for the next. */
static void close_door(struct desk *desk)
{
    if (desk->lock < 0)
        return;
    uv_close((uv_handle_t *)&desk->door, NULL); /* which unlinks the socket */
    close(desk->lock);
    desk->lock = -1;
}

static void close_desk(struct desk *desk)
{
    struct guest *guest;
    if (desk->is_closing)
        return;
    desk->is_closing = true;
    close_door(desk);
    uv_close((uv_handle_t *)&desk->tick, NULL);
    for (size_t i = 0; i < ARRAY_LEN(desk->signals); i++)
        uv_close((uv_handle_t *)&desk->signals[i], NULL);
    while ((guest = TAILQ_FIRST(&desk->guests)) != NULL)
        dismiss(guest);
}

/* ---- one guest ---- */

static void on_written(uv_write_t *write, int status)
{
    struct guest *guest = write->data;
    (void)status;
    dismiss(guest);
}

static void on_last_written(uv_write_t *write, int status)
{
    struct guest *guest = write->data;
    struct desk *desk = guest->desk;
    on_written(write, status);
    close_desk(desk);
}

static void on_heard(uv_stream_t *stream, ssize_t len, const uv_buf_t *piece)
{
    struct guest *guest = stream->data;
    struct desk *desk = guest->desk;
    struct span body, bytes;
    (void)piece;
    if (len <= 0) {
        if (len < 0)
            dismiss(guest);
        return;
    }
    guest->heard.len += (size_t)len;
    bytes = text_span(&guest->heard);
    enum agent_frame frame = agent_take(&body, &bytes);
    if (frame == AGENT_FRAME_MORE)
        return;
    if (frame == AGENT_FRAME_WRONG || bytes.len > 0) { /* it asks once */
        dismiss(guest);
        return;
    }
    uv_read_stop(stream);
    bool goes_on = agent_keep_answer(desk->keep, &guest->answer, body, uv_now(&desk->loop));
    if (!goes_on)
        close_door(desk);
    uv_buf_t answer = uv_buf_init(guest->answer.at, (unsigned)guest->answer.len);
    guest->write.data = guest;
    if (uv_write(&guest->write, stream, &answer, 1, goes_on ? on_written : on_last_written) != 0) {
        dismiss(guest);
        if (!goes_on)
            close_desk(desk);
    }
}

/* Into the room that is left, first: what moves to where there is more leaves a copy behind, and
 * whatever is as short as a password never moves. */
static void on_room(uv_handle_t *handle, size_t hint, uv_buf_t *piece)
{
    struct guest *guest = handle->data;
    struct text *heard = &guest->heard;
    (void)hint;
    if (heard->len == heard->capacity)
        text_reserve(heard, PIECE_BYTES);
    *piece = uv_buf_init(heard->at + heard->len, (unsigned)(heard->capacity - heard->len));
}

static bool is_ours(const uv_pipe_t *pipe)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    uv_os_fd_t fd;
    return uv_fileno((const uv_handle_t *)pipe, &fd) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

static void on_guest(uv_stream_t *door, int status)
{
    struct desk *desk = door->data;
    if (status != 0)
        return;
    struct guest *guest = calloc(1, sizeof *guest);
    if (guest == NULL)
        abort();
    guest->desk = desk;
    guest->since_ms = uv_now(&desk->loop);
    uv_pipe_init(&desk->loop, &guest->pipe, 0);
    guest->pipe.data = guest;
    TAILQ_INSERT_TAIL(&desk->guests, guest, listed);
    desk->guest_count++;
    if (uv_accept(door, (uv_stream_t *)&guest->pipe) != 0 || !is_ours(&guest->pipe) ||
        uv_read_start((uv_stream_t *)&guest->pipe, on_room, on_heard) != 0)
        dismiss(guest);
    if (desk->guest_count > GUESTS_MAX) /* whoever came first has waited longest for nothing */
        dismiss(TAILQ_FIRST(&desk->guests));
}

/* ---- the desk ---- */

static void on_tick(uv_timer_t *tick)
{
    struct desk *desk = tick->data;
    struct guest *guest;
    uint64_t now_ms = uv_now(&desk->loop);
    agent_keep_look(desk->keep, now_ms);
    while ((guest = TAILQ_FIRST(&desk->guests)) != NULL && now_ms - guest->since_ms > GUEST_MS)
        dismiss(guest);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    close_desk(signal->data);
}

static void open_desk(struct desk *desk, struct agent_keep *keep, int lock)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    *desk = (struct desk){.keep = keep, .lock = lock};
    TAILQ_INIT(&desk->guests);
    uv_loop_init(&desk->loop);
    uv_pipe_init(&desk->loop, &desk->door, 0);
    uv_timer_init(&desk->loop, &desk->tick);
    desk->door.data = desk->tick.data = desk;
    uv_timer_start(&desk->tick, on_tick, TICK_MS, TICK_MS);
    for (size_t i = 0; i < ARRAY_LEN(desk->signals); i++) {
        uv_signal_init(&desk->loop, &desk->signals[i]);
        desk->signals[i].data = desk;
        uv_signal_start(&desk->signals[i], on_signal, numbers[i]);
    }
}

bool agent_serve(const struct agent_serve_call *call, struct err *err)
{
    struct desk desk;
    open_desk(&desk, call->keep, call->lock);
    (void)signal(SIGPIPE, SIG_IGN); /* who hangs up is no reason to die */
    mode_t mask = umask(0177);      /* a socket that only its owner may connect to */
    int failed = uv_pipe_bind(&desk.door, call->path);
    umask(mask);
    if (failed == 0)
        failed = uv_listen((uv_stream_t *)&desk.door, BACKLOG, on_guest);
    if (failed == 0)
        call->ready(call->owner);
    else
        close_desk(&desk);
    uv_run(&desk.loop, UV_RUN_DEFAULT);
    uv_loop_close(&desk.loop);
    return failed == 0 || err_set(err, ERR_INTERNAL, "cannot listen at %.60s: %s", call->path,
                                  uv_strerror(failed));
}
