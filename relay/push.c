#include "relay/push.h"

#include <stdlib.h>

#include "relay/list.h"
#include "relay/remote.h"
#include "shared/event.h"
#include "shared/message.h"
#include "shared/text.h"

enum {
    WINDOW = 64, /* unanswered at a time */
    ITEMS_FULL = 512,
    BYTES_FULL = 8 << 20,
    SENDS_MAX = 4,       /* of an event, without an answer */
    BUSY_MS = 500,       /* to wait when the other side is; then twice as long, */
    BUSY_MS_MAX = 16000, /* up to this */
    ANSWER_MS_MAX = 30000,
    LOOK_MS = 1000,
};

struct item {
    struct list_node listed;
    struct bytes32 id;
    uint32_t sends; /* unanswered */
    struct text message;
};

struct push {
    struct push_setup setup;
    uv_timer_t look;
    struct list queue, sent;
    uint32_t items, unanswered;
    size_t bytes;
    uint64_t answered_ms; /* the last time, or nothing was unanswered */
    uint64_t busy_ms;     /* how long to wait; 0: not busy */
    uint64_t due_ms;      /* when that is over */
    bool is_open, was_full;
};

static void pump(struct push *push);

static void on_look(uv_timer_t *timer)
{
    struct push *push = timer->data;
    uint64_t now_ms = uv_now(timer->loop);
    if (push->unanswered > 0 && now_ms - push->answered_ms > ANSWER_MS_MAX)
        remote_restart(push->setup.remote, "it does not answer what is published");
    pump(push);
}

struct push *push_new(uv_loop_t *loop, const struct push_setup *setup)
{
    struct push *push = calloc(1, sizeof *push);
    if (push == NULL)
        abort();
    push->setup = *setup;
    uv_timer_init(loop, &push->look);
    push->look.data = push;
    uv_timer_start(&push->look, on_look, LOOK_MS, LOOK_MS);
    return push;
}

static void drop(struct push *push, struct list *list, struct item *item)
{
    list_remove(list, &item->listed);
    push->items--;
    push->bytes -= item->message.len;
    text_clear(&item->message);
    free(item);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void push_free(struct push *push)
{
    for (struct item *item; (item = list_first(&push->queue)) != NULL;)
        drop(push, &push->queue, item);
    for (struct item *item; (item = list_first(&push->sent)) != NULL;)
        drop(push, &push->sent, item);
    uv_close((uv_handle_t *)&push->look, on_closed);
}

uint32_t push_pending(const struct push *push)
{
    return push->items;
}

bool push_is_full(const struct push *push)
{
    return push->items >= ITEMS_FULL || push->bytes >= BYTES_FULL;
}

static bool is_busy(const struct push *push)
{
    return push->busy_ms > 0 && uv_now(push->look.loop) < push->due_ms;
}

static void pump(struct push *push)
{
    struct item *item;
    while (push->is_open && !is_busy(push) && push->unanswered < WINDOW &&
           (item = list_first(&push->queue)) != NULL) {
        list_remove(&push->queue, &item->listed);
        list_append(&push->sent, &item->listed, item);
        if (push->unanswered++ == 0)
            push->answered_ms = uv_now(push->look.loop);
        item->sends++;
        remote_send(push->setup.remote, text_span(&item->message));
    }
}

static void settle(struct push *push, struct list *list, struct item *item, enum push_fate fate,
                   struct span note)
{
    struct bytes32 id = item->id;
    drop(push, list, item);
    push->setup.settled(push->setup.owner, &id, fate, note);
    if (push->was_full && push->items < ITEMS_FULL / 2 && push->bytes < BYTES_FULL / 2) {
        push->was_full = false;
        push->setup.drained(push->setup.owner);
    }
}

void push_add(struct push *push, const struct event *event)
{
    struct item *item = calloc(1, sizeof *item);
    if (item == NULL)
        abort();
    item->id = event->id;
    message_write_event(&item->message, event);
    push->items++;
    push->bytes += item->message.len;
    push->was_full |= push_is_full(push);
    list_append(&push->queue, &item->listed, item);
    pump(push);
}

void push_opened(struct push *push)
{
    push->is_open = true;
    push->busy_ms = 0;
    pump(push);
}

/* The oldest goes first again. */
static void requeue_sent(struct push *push)
{
    struct list waiting = push->queue;
    push->queue = push->sent;
    push->sent = (struct list){0};
    for (struct item *item; (item = list_first(&waiting)) != NULL;) {
        list_remove(&waiting, &item->listed);
        list_append(&push->queue, &item->listed, item);
    }
    push->unanswered = 0;
}

void push_closed(struct push *push)
{
    struct item *next;
    push->is_open = false;
    requeue_sent(push);
    for (struct item *item = list_first(&push->queue); item != NULL; item = next) {
        next = list_next(&item->listed);
        if (item->sends >= SENDS_MAX)
            settle(push, &push->queue, item, PUSH_REFUSED, SPAN("it never answers"));
    }
}

static bool begins(struct span text, struct span beginning)
{
    return text.len >= beginning.len && memcmp(text.at, beginning.at, beginning.len) == 0;
}

static void wait_a_while(struct push *push, struct item *item)
{
    uint64_t longer_ms = 2 * push->busy_ms;
    if (!is_busy(push)) /* the others that were sent with it are refused too */
        push->busy_ms = longer_ms < BUSY_MS       ? BUSY_MS
                        : longer_ms > BUSY_MS_MAX ? BUSY_MS_MAX
                                                  : longer_ms;
    push->due_ms = uv_now(push->look.loop) + push->busy_ms;
    uv_timer_start(&push->look, on_look, push->busy_ms, LOOK_MS);
    item->sends = 0;
    list_remove(&push->sent, &item->listed);
    list_append(&push->queue, &item->listed, item);
}

void push_heard_ok(struct push *push, const struct message *message)
{
    struct item *item = list_first(&push->sent);
    while (item != NULL && memcmp(&item->id, &message->id, sizeof item->id) != 0)
        item = list_next(&item->listed);
    if (item == NULL)
        return;
    push->unanswered--;
    push->answered_ms = uv_now(push->look.loop);
    if (!message->accepted && begins(message->note, SPAN("rate-limited:"))) {
        wait_a_while(push, item);
        return;
    }
    if (message->accepted && !is_busy(push))
        push->busy_ms = 0;
    enum push_fate fate = begins(message->note, SPAN("duplicate:")) ? PUSH_KNOWN
                          : message->accepted                       ? PUSH_TAKEN
                                                                    : PUSH_REFUSED;
    settle(push, &push->sent, item, fate, message->note);
    pump(push);
}
