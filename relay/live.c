#include "relay/live.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "relay/frame.h"
#include "relay/hash.h"
#include "relay/interest.h"
#include "relay/list.h"
#include "relay/metrics.h"
#include "relay/policy.h"
#include "relay/session.h"
#include "shared/event.h"
#include "shared/message.h"
#include "shared/text.h"

/* SEEN_MAX: of what one subscription was sent, the newest are remembered. SEEN_MS: an event that
 * a page held was announced by then, unless the database stood still. */
enum { SEEN_MAX = 8192, SEEN_MS = 10000 };

struct live {
    struct interest_index *index;
    struct hash_key key;
    uint64_t serial;
    struct list remembered; /* subs, by released_ms */
    struct text head;       /* reused */
};

struct live_held {
    struct live_held *next;
    struct frame *frame;
    uint64_t id_hash;
};

static int64_t now_ms(void)
{
    return (int64_t)(uv_hrtime() / 1000000);
}

struct live *live_new(void)
{
    struct live *live = calloc(1, sizeof *live);
    if (live == NULL)
        abort();
    live->index = interest_index_new();
    live->key = hash_key_random();
    return live;
}

void live_free(struct live *live)
{
    assert(live->remembered.head == NULL);
    interest_index_free(live->index);
    text_clear(&live->head);
    free(live);
}

static void forget(struct live *live, struct sub *sub)
{
    list_remove(&live->remembered, &sub->remembered);
    table_clear(&sub->seen);
}

void live_tidy(struct live *live)
{
    struct sub *sub = list_first(&live->remembered);
    if (sub == NULL)
        return;
    int64_t oldest_ms = now_ms() - SEEN_MS;
    for (; sub != NULL && sub->released_ms <= oldest_ms; sub = list_first(&live->remembered))
        forget(live, sub);
}

struct sub *live_add(struct live *live, struct session *session, struct span name,
                     const struct filter *filters, uint32_t count)
{
    live_tidy(live);
    struct sub *sub = calloc(1, sizeof *sub + name.len);
    if (sub == NULL)
        abort();
    sub->serial = ++live->serial;
    sub->session = session;
    memcpy(sub->text, name.at, name.len);
    sub->name = (struct span){sub->text, name.len};
    sub->holding = true;
    sub->interest = interest_add(live->index, filters, count, sub);
    list_append(&session->subs, &sub->listed, sub);
    session->sub_count++;
    metrics_move(METRIC_SUBSCRIPTIONS, 1);
    return sub;
}

struct sub *live_find(const struct session *session, struct span name)
{
    struct sub *sub = list_first(&session->subs);
    while (sub != NULL && !span_eq(sub->name, name))
        sub = list_next(&sub->listed);
    return sub;
}

static uint64_t id_hash(const struct live *live, const struct bytes32 *id)
{
    return hash_bytes(&live->key, SPAN_OF(*id));
}

void live_saw(struct live *live, struct sub *sub, const struct bytes32 *id)
{
    assert(sub->holding);
    if (sub->seen.count < SEEN_MAX)
        table_put(&sub->seen, id_hash(live, id), sub); /* any pointer: it is a set */
}

static void send_event(struct live *live, struct sub *sub, struct frame *frame)
{
    live->head.len = 0;
    message_write_event_head(&live->head, sub->name);
    session_send(sub->session, text_span(&live->head), frame);
    metrics_add(METRIC_EVENTS_DELIVERED, 1);
}

static void hold(struct sub *sub, struct frame *frame, uint64_t hash)
{
    struct live_held *held = malloc(sizeof *held);
    if (held == NULL)
        abort();
    *held = (struct live_held){.frame = frame_ref(frame), .id_hash = hash};
    if (sub->held_tail == NULL)
        sub->held_head = held;
    else
        sub->held_tail->next = held;
    sub->held_tail = held;
    sub->held_bytes += sizeof *held + frame->len;
    session_hold(sub->session, sizeof *held + frame->len);
}

/* The next one held, or NULL; its bytes count no longer. The caller frees it. */
static struct live_held *unhold(struct sub *sub)
{
    struct live_held *held = sub->held_head;
    if (held == NULL)
        return NULL;
    sub->held_head = held->next;
    if (sub->held_head == NULL)
        sub->held_tail = NULL;
    sub->held_bytes -= sizeof *held + held->frame->len;
    session_unhold(sub->session, sizeof *held + held->frame->len);
    return held;
}

static void free_held(struct live_held *held)
{
    frame_drop(held->frame);
    free(held);
}

void live_release(struct live *live, struct sub *sub)
{
    for (struct live_held *held; (held = unhold(sub)) != NULL;) {
        if (table_get(&sub->seen, held->id_hash) == NULL)
            send_event(live, sub, held->frame);
        free_held(held);
    }
    sub->holding = false;
    if (sub->seen.count == 0)
        return;
    sub->released_ms = now_ms();
    list_append(&live->remembered, &sub->remembered, sub);
}

void live_remove(struct live *live, struct sub *sub)
{
    struct session *session = sub->session;
    list_remove(&session->subs, &sub->listed);
    session->sub_count--;
    metrics_move(METRIC_SUBSCRIPTIONS, -1);

    for (struct live_held *held; (held = unhold(sub)) != NULL;)
        free_held(held);
    forget(live, sub);
    interest_remove(live->index, sub->interest);
    free(sub);
}

void live_remove_all(struct live *live, struct session *session)
{
    for (struct sub *sub; (sub = list_first(&session->subs)) != NULL;)
        live_remove(live, sub);
}

struct publication {
    struct live *live;
    const struct event *event;
    struct frame *frame;
    uint64_t id_hash;
    uint64_t serial;
    uint32_t count;
};

static void on_found(void *context, struct interest *interest)
{
    struct publication *publication = context;
    struct sub *sub = interest->owner;
    if (sub->serial > publication->serial || !policy_visible(publication->event, sub->session) ||
        table_get(&sub->seen, publication->id_hash) != NULL)
        return;
    publication->count++;
    if (sub->holding)
        hold(sub, publication->frame, publication->id_hash);
    else
        send_event(publication->live, sub, publication->frame);
}

uint64_t live_serial(const struct live *live)
{
    return live->serial;
}

uint32_t live_publish(struct live *live, const struct event *event, struct frame *frame,
                      uint64_t serial)
{
    live_tidy(live);
    struct publication publication = {live, event, frame, id_hash(live, &event->id), serial, 0};
    interest_find(live->index, event, on_found, &publication);
    return publication.count;
}
