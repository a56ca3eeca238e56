#include "client/link_inside.h"

#include <stdlib.h>

#include "client/link_page.h"
#include "client/retry.h"
#include "shared/err.h"

enum {
    LOOK_MS = 200,
    MESSAGE_BYTES_MAX = 4 << 20, /* of what a relay sends: some take events of megabytes */
};

static const struct retry busy = {.first_ms = 500, .most_ms = 30000};

uint64_t link_now_ms(const struct link *link)
{
    return uv_now(link->host->loop);
}

bool link_begins(struct span text, const char *beginning)
{
    size_t len = strlen(beginning);
    return text.len >= len && memcmp(text.at, beginning, len) == 0;
}

uint64_t link_busy_ms(const struct link *link, uint32_t times)
{
    return retry_wait_ms(&busy, times, link->host->random(link->host->owner));
}

static void pump(struct link *link)
{
    if (!link->is_freed && channel_is_open(link->channel))
        query_pump(link);
    if (!link->is_freed && channel_is_open(link->channel))
        publish_pump(link);
}

static void on_look(uv_timer_t *timer)
{
    struct link *link = timer->data;
    if (!link->is_freed && channel_is_open(link->channel))
        auth_look(link);
    if (!link->is_freed && channel_is_open(link->channel))
        query_look(link);
    if (!link->is_freed && channel_is_open(link->channel))
        publish_look(link);
    pump(link);
}

void link_soon(struct link *link)
{
    if (!link->is_freed)
        uv_timer_start(&link->look, on_look, 0, LOOK_MS);
}

/* ---- its limits ---- */

static void on_page(void *owner, struct span body)
{
    struct link *link = owner;
    link->has_info = body.at != NULL && info_parse(&link->info, body, NULL);
    link->is_info_settled = true;
    link_soon(link);
}

static void ask_info(struct link *link)
{
    if (link->has_info)
        return;
    if (link->page != NULL)
        page_free(link->page);
    link->page = page_new(link->host, &link->url, on_page, link);
}

/* ---- the connection ---- */

static void on_opened(void *owner)
{
    struct link *link = owner;
    ask_info(link);
    if (link->setup.opened != NULL)
        link->setup.opened(link->setup.owner, link);
    link_soon(link);
}

static void on_closed(void *owner, const char *why, uint64_t wait_ms)
{
    struct link *link = owner;
    auth_closed(link);
    publish_closed(link);
    if (!link->is_freed)
        query_closed(link);
    if (!link->is_freed && link->setup.closed != NULL)
        link->setup.closed(link->setup.owner, link, why, wait_ms);
}

static void on_drained(void *owner)
{
    pump(owner);
}

static void hear(struct link *link, struct arena *arena, const struct message *message)
{
    switch (message->type) {
    case MESSAGE_AUTH:
        auth_challenge(link, message->note);
        return;
    case MESSAGE_NOTICE:
        if (link->setup.noticed != NULL)
            link->setup.noticed(link->setup.owner, link, message->note);
        if (!link->is_freed)
            query_hear(link, arena, message);
        return;
    case MESSAGE_OK:
        if (!auth_hear(link, message))
            publish_hear(link, message);
        return;
    case MESSAGE_EVENT:
    case MESSAGE_EOSE:
    case MESSAGE_CLOSED:
    case MESSAGE_COUNT:
    case MESSAGE_NEG_MSG:
    case MESSAGE_NEG_ERR:
        query_hear(link, arena, message);
        return;
    case MESSAGE_UNKNOWN: /* the rest a relay does not say */
    case MESSAGE_REQ:
    case MESSAGE_CLOSE:
    case MESSAGE_NEG_OPEN:
    case MESSAGE_NEG_CLOSE:
        link->unasked++;
        return;
    }
}

static void on_heard(void *owner, struct span text)
{
    struct link *link = owner;
    struct arena arena = {0};
    struct message message;
    if (link->is_freed)
        return;
    if (message_parse_relay(&message, &arena, arena_copy(&arena, text), NULL))
        hear(link, &arena, &message);
    else
        link->unasked++;
    arena_clear(&arena);
    pump(link);
}

/* ---- */

struct link *link_new(struct link_host *host, const struct link_setup *setup, struct err *err)
{
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL)
        abort();
    link->url_text = strndup(setup->url.at, setup->url.len);
    if (link->url_text == NULL)
        abort();
    link->setup = *setup;
    link->setup.answer_ms = setup->answer_ms > 0 ? setup->answer_ms : LINK_ANSWER_MS;
    link->setup.url = (struct span){link->url_text, strlen(link->url_text)};
    if (!url_parse(&link->url, link->setup.url, err)) {
        free(link->url_text);
        free(link);
        return NULL;
    }
    link->host = host;
    TAILQ_INIT(&link->queries);
    TAILQ_INIT(&link->queue);
    TAILQ_INIT(&link->sent);
    uv_timer_init(host->loop, &link->look);
    link->look.data = link;
    const struct channel_setup channel = {.host = host,
                                          .url = &link->url,
                                          .message_bytes_max = MESSAGE_BYTES_MAX,
                                          .opened = on_opened,
                                          .heard = on_heard,
                                          .drained = on_drained,
                                          .closed = on_closed,
                                          .owner = link};
    link->channel = channel_new(&channel);
    uv_timer_start(&link->look, on_look, LOOK_MS, LOOK_MS);
    return link;
}

static void drop_items(struct link_items *items)
{
    for (struct link_item *item; (item = TAILQ_FIRST(items)) != NULL;) {
        TAILQ_REMOVE(items, item, listed);
        text_clear(&item->message);
        free(item);
    }
}

static void on_look_closed(uv_handle_t *handle)
{
    struct link *link = handle->data;
    for (struct link_query *query; (query = TAILQ_FIRST(&link->queries)) != NULL;)
        link_drop(query);
    drop_items(&link->queue);
    drop_items(&link->sent);
    free(link->url_text);
    free(link);
}

void link_free(struct link *link)
{
    if (link->is_freed)
        return;
    link->is_freed = true;
    if (link->page != NULL)
        page_free(link->page);
    channel_free(link->channel);
    uv_close((uv_handle_t *)&link->look, on_look_closed);
}

const char *link_url(const struct link *link)
{
    return link->url_text;
}

bool link_is_open(const struct link *link)
{
    return !link->is_freed && channel_is_open(link->channel);
}

void link_hurry(struct link *link)
{
    channel_hurry(link->channel);
}

void link_pause(struct link *link, bool is_paused)
{
    channel_pause(link->channel, is_paused);
}

uint64_t link_unasked(const struct link *link)
{
    return link->unasked;
}

const struct info *link_info(const struct link *link)
{
    return link->has_info ? &link->info : NULL;
}
