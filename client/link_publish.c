/* Events on their way to the relay: each is sent until it is answered, a few at a time. */
#include "client/link_inside.h"

#include <stdlib.h>

enum {
    WINDOW = 64, /* unanswered at a time */
    ITEMS_FULL = 512,
    BYTES_FULL = 8 << 20,
    QUEUED_BYTES_MAX = 1 << 20, /* in the connection, before it drains */
    SENDS_MAX = 4,              /* of an event, without an answer */
    FAILURES_MAX = 4,           /* of the relay, over one event */
    SAFE_BYTES = 65536,         /* which every relay takes */
};

static void drop(struct link *link, struct link_items *items, struct link_item *item)
{
    TAILQ_REMOVE(items, item, listed);
    link->items--;
    link->bytes -= item->message.len;
    text_clear(&item->message);
    free(item);
}

static void settle(struct link *link, struct link_items *items, struct link_item *item,
                   enum link_fate fate, struct span why)
{
    struct bytes32 id = item->id;
    drop(link, items, item);
    link->setup.settled(link->setup.owner, link, &id, fate, why);
    if (!link->is_freed && link->was_full && link->items < ITEMS_FULL / 2 &&
        link->bytes < BYTES_FULL / 2) {
        link->was_full = false;
        if (link->setup.drained != NULL)
            link->setup.drained(link->setup.owner, link);
    }
}

/* Whether it may go now; a relay's limit, once known, may also settle it. */
static bool is_fit(struct link *link, const struct link_item *item)
{
    int64_t most = link->has_info ? link->info.message_bytes_max : 0;
    if (item->message.len <= SAFE_BYTES || most == 0)
        return true;
    return item->message.len <= (size_t)most;
}

static bool has_to_wait(const struct link *link, const struct link_item *item)
{
    return (item->wants_auth && link->auth != LINK_AUTH_DONE) ||
           (item->message.len > SAFE_BYTES && !link->is_info_settled);
}

void publish_pump(struct link *link)
{
    struct link_item *item;
    while (!link->is_freed && link_now_ms(link) >= link->busy_until_ms &&
           link->unanswered < WINDOW && channel_queued(link->channel) < QUEUED_BYTES_MAX &&
           (item = TAILQ_FIRST(&link->queue)) != NULL && !has_to_wait(link, item)) {
        if (!is_fit(link, item)) {
            settle(link, &link->queue, item, LINK_REFUSED,
                   SPAN("invalid: longer than the relay takes"));
            continue;
        }
        TAILQ_REMOVE(&link->queue, item, listed);
        TAILQ_INSERT_TAIL(&link->sent, item, listed);
        if (link->unanswered++ == 0)
            link->answered_ms = link_now_ms(link);
        item->sends++;
        channel_send(link->channel, text_span(&item->message));
    }
    if (link->is_freed)
        return;
    item = TAILQ_FIRST(&link->queue);
    if (item != NULL && item->wants_auth && link->auth == LINK_AUTH_NONE)
        auth_want(link);
}

/* Settles all that wait and of which it is true, as not now. */
static void give_up(struct link *link, bool (*is_true)(const struct link_item *item),
                    struct span why)
{
    struct link_item *item = TAILQ_FIRST(&link->queue);
    while (item != NULL && !link->is_freed) {
        struct link_item *next = TAILQ_NEXT(item, listed);
        if (is_true(item)) {
            settle(link, &link->queue, item, LINK_LATER, why);
            next = TAILQ_FIRST(&link->queue); /* the owner may have changed all of it */
        }
        item = next;
    }
}

static bool was_sent_enough(const struct link_item *item)
{
    return item->sends >= SENDS_MAX;
}

/* The oldest goes first again. */
static void put_back_sent(struct link *link)
{
    for (struct link_item *item; (item = TAILQ_LAST(&link->sent, link_items)) != NULL;) {
        TAILQ_REMOVE(&link->sent, item, listed);
        TAILQ_INSERT_HEAD(&link->queue, item, listed);
    }
    link->unanswered = 0;
}

void publish_closed(struct link *link)
{
    put_back_sent(link);
    link->busy_until_ms = 0;
    give_up(link, was_sent_enough, SPAN("error: the relay never answers"));
}

void publish_look(struct link *link)
{
    if (link->unanswered > 0 && link_now_ms(link) - link->answered_ms > link->setup.answer_ms)
        channel_restart(link->channel, "it does not answer what is published");
}

static bool waits_for_auth(const struct link_item *item)
{
    return item->wants_auth;
}

void publish_auth_failed(struct link *link)
{
    give_up(link, waits_for_auth, (struct span){link->auth_why, strlen(link->auth_why)});
}

/* Again, after a while. */
static void put_back(struct link *link, struct link_item *item)
{
    item->sends = 0;
    TAILQ_REMOVE(&link->sent, item, listed);
    TAILQ_INSERT_TAIL(&link->queue, item, listed);
}

static void wait_a_while(struct link *link)
{
    uint64_t now_ms = link_now_ms(link);
    if (now_ms < link->busy_until_ms)
        return; /* the others that were sent with it are refused too */
    link->busy_until_ms = now_ms + link_busy_ms(link, ++link->busy_count);
}

static void hear_no(struct link *link, struct link_item *item, struct span why)
{
    if (link_begins(why, "auth-required:") && !(item->wants_auth && link->auth == LINK_AUTH_DONE)) {
        item->wants_auth = true;
        item->sends = 0;
        TAILQ_REMOVE(&link->sent, item, listed);
        TAILQ_INSERT_HEAD(&link->queue, item, listed);
        auth_want(link);
    } else if (link_begins(why, "rate-limited:") ||
               (link_begins(why, "error:") && ++item->failures < FAILURES_MAX)) {
        put_back(link, item);
        wait_a_while(link);
    } else if (link_begins(why, "error:")) {
        settle(link, &link->sent, item, LINK_LATER, why);
    } else {
        bool is_older = link_begins(why, "duplicate:") || link_begins(why, "replaced:");
        settle(link, &link->sent, item, is_older ? LINK_KNOWN : LINK_REFUSED, why);
    }
}

void publish_hear(struct link *link, const struct message *message)
{
    struct link_item *item;
    TAILQ_FOREACH(item, &link->sent, listed)
    if (memcmp(&item->id, &message->id, sizeof item->id) == 0)
        break;
    if (item == NULL) {
        link->unasked++;
        return;
    }
    link->unanswered--;
    link->answered_ms = link_now_ms(link);
    if (!message->accepted) {
        hear_no(link, item, message->note);
        return;
    }
    link->busy_count = 0;
    settle(link, &link->sent, item,
           link_begins(message->note, "duplicate:") ? LINK_KNOWN : LINK_TAKEN, message->note);
}

void link_publish(struct link *link, const struct event *event)
{
    struct link_item *item = calloc(1, sizeof *item);
    if (item == NULL)
        abort();
    item->id = event->id;
    message_write_event(&item->message, event);
    link->items++;
    link->bytes += item->message.len;
    link->was_full |= link_is_full(link);
    TAILQ_INSERT_TAIL(&link->queue, item, listed);
    link_soon(link);
}

uint32_t link_pending(const struct link *link)
{
    return link->items;
}

bool link_is_full(const struct link *link)
{
    return link->items >= ITEMS_FULL || link->bytes >= BYTES_FULL;
}
