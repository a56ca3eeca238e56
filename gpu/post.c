#include "gpu/post.h"

#include <sodium.h>
#include <stdlib.h>

#include "client/holder.h"
#include "client/link.h"
#include "gpu/journal.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/filter.h"
#include "shared/kind.h"
#include "shared/sig.h"

struct road {
    struct post *post;
    struct link *link;
    struct link_query *query;
    bool is_heard;
};

struct post {
    const struct holder *holder;
    struct link_host *host;
    bool owns_host;
    struct road roads[POST_RELAYS_MAX];
    uint32_t road_count;
    void (*heard)(void *owner, const struct event *event, struct arena *arena);
    void *owner;
    void (*opened)(void *owner);
    void *greeter;
    struct bytes32 *seen; /* the latest, in a ring */
    size_t seen_count;
};

/* ---- what links tell ---- */

static void on_closed(void *owner, struct link *link, const char *why, uint64_t wait_ms)
{
    ((struct road *)owner)->is_heard = false;
    journal_line(JOURNAL_WARNING, "relay: %s is away, again in %llu ms: %.120s", link_url(link),
                 (unsigned long long)wait_ms, why);
}

static void on_opened(void *owner, struct link *link)
{
    struct post *post = ((struct road *)owner)->post;
    journal_line(JOURNAL_INFO, "relay: %s is there", link_url(link));
    if (post->opened != NULL)
        post->opened(post->greeter);
}

static void on_challenged(void *owner, struct link *link)
{
    struct road *road = owner;
    struct arena arena = {0};
    struct event event;
    struct bytes32 aux;
    struct err err;
    randombytes_buf(&aux, sizeof aux);
    link_auth_event(link, &event, &arena);
    if (holder_sign(road->post->holder, &event, &aux, &err))
        link_authenticate(link, &event);
    else
        link_decline(link, err.text);
    arena_clear(&arena);
}

static void on_settled(void *owner, struct link *link, const struct bytes32 *id,
                       enum link_fate fate, struct span why)
{
    (void)owner;
    (void)id;
    if (fate == LINK_REFUSED)
        journal_line(JOURNAL_WARNING, "relay: %s refuses: %.*s", link_url(link),
                     (int)(why.len < 120 ? why.len : 120), why.at);
}

/* ---- sending ---- */

void post_send(struct post *post, const struct event *event)
{
    bool is_of_moment = kind_class(event->kind) == KIND_EPHEMERAL;
    for (uint32_t i = 0; i < post->road_count; i++) {
        struct link *link = post->roads[i].link;
        if (!link_is_full(link) && (link_is_open(link) || !is_of_moment))
            link_publish(link, event);
    }
}

bool post_say(struct post *post, struct event *event, struct err *err)
{
    struct bytes32 aux;
    randombytes_buf(&aux, sizeof aux);
    if (!holder_sign(post->holder, event, &aux, err))
        return false;
    post_send(post, event);
    return true;
}

uint32_t post_pending(const struct post *post)
{
    uint32_t pending = 0;
    for (uint32_t i = 0; i < post->road_count; i++)
        if (link_is_open(post->roads[i].link))
            pending += link_pending(post->roads[i].link);
    return pending;
}

void post_greet(struct post *post, void (*opened)(void *owner), void *owner)
{
    post->opened = opened;
    post->greeter = owner;
}

uint32_t post_hears(const struct post *post)
{
    uint32_t heard = 0;
    for (uint32_t i = 0; i < post->road_count; i++)
        heard += post->roads[i].is_heard;
    return heard;
}

uint32_t post_open(const struct post *post)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < post->road_count; i++)
        open += link_is_open(post->roads[i].link);
    return open;
}

/* ---- listening ---- */

static bool is_seen(const struct post *post, const struct bytes32 *id)
{
    size_t count = post->seen_count < POST_SEEN_MAX ? post->seen_count : POST_SEEN_MAX;
    for (size_t i = 0; i < count; i++)
        if (memcmp(&post->seen[i], id, sizeof *id) == 0)
            return true;
    return false;
}

/* The cheap question first: several relays bring the same. */
static void hear(struct post *post, const struct event *event, struct arena *arena)
{
    if (is_seen(post, &event->id) || !event_check_id(event) ||
        !sig_verify(&event->sig, &event->id, &event->pubkey))
        return;
    post->seen[post->seen_count++ % POST_SEEN_MAX] = event->id;
    post->heard(post->owner, event, arena);
}

static void on_heard(void *owner, struct link_query *query, const struct message *message,
                     struct arena *arena)
{
    struct road *road = owner;
    if (message->type == MESSAGE_CLOSED) {
        journal_line(JOURNAL_WARNING, "relay: %s lets us hear nothing: %.*s", link_url(road->link),
                     (int)(message->note.len < 120 ? message->note.len : 120), message->note.at);
        link_drop(query);
        road->query = NULL;
        return;
    }
    if (message->type == MESSAGE_EOSE) {
        road->is_heard = true;
        journal_line(JOURNAL_INFO, "relay: %s tells what is for us", link_url(road->link));
    }
    if (message->type == MESSAGE_EVENT)
        hear(road->post, &message->event, arena);
}

void post_listen_any(struct post *post, const struct filter *filters, uint32_t count,
                     void (*heard)(void *owner, const struct event *event, struct arena *arena),
                     void *owner)
{
    post->heard = heard;
    post->owner = owner;
    for (uint32_t i = 0; i < post->road_count; i++)
        post->roads[i].query =
            link_ask(post->roads[i].link, &(struct link_query_setup){.ask = LINK_REQ,
                                                                     .filters = filters,
                                                                     .filter_count = count,
                                                                     .heard = on_heard,
                                                                     .owner = &post->roads[i]});
}

void post_listen(struct post *post, const struct filter *filter,
                 void (*heard)(void *owner, const struct event *event, struct arena *arena),
                 void *owner)
{
    post_listen_any(post, filter, 1, heard, owner);
}

/* ---- all of it ---- */

static uint32_t any_number(void *owner)
{
    (void)owner;
    return randombytes_random();
}

const struct holder *post_holder(const struct post *post)
{
    return post->holder;
}

static bool add_road(struct post *post, const char *url, struct err *err)
{
    struct road *road = &post->roads[post->road_count];
    road->post = post;
    road->link = link_new(post->host,
                          &(struct link_setup){.url = {url, strlen(url)},
                                               .opened = on_opened,
                                               .closed = on_closed,
                                               .challenged = on_challenged,
                                               .settled = on_settled,
                                               .owner = road},
                          err);
    post->road_count += road->link != NULL;
    return road->link != NULL;
}

struct post *post_new(const struct post_setup *setup, struct err *err)
{
    struct post *post = calloc(1, sizeof *post);
    if (post == NULL)
        abort();
    if (setup->relay_count == 0 || setup->relay_count > POST_RELAYS_MAX)
        err_fill(err, ERR_INVALID, "1 to %d relays", POST_RELAYS_MAX);
    else if (setup->host != NULL)
        post->host = setup->host;
    else
        post->host = link_host_new(
            setup->loop, &(struct link_host_setup){.random = any_number, .ca_file = setup->ca_file},
            err);
    if (post->host == NULL) {
        free(post);
        return NULL;
    }
    post->holder = setup->holder;
    post->owns_host = setup->host == NULL;
    post->seen = calloc(POST_SEEN_MAX, sizeof *post->seen);
    if (post->seen == NULL)
        abort();
    for (uint32_t i = 0; i < setup->relay_count; i++)
        if (!add_road(post, setup->relays[i], err)) {
            post_free(post);
            return NULL;
        }
    return post;
}

void post_free(struct post *post)
{
    if (post == NULL)
        return;
    for (uint32_t i = 0; i < post->road_count; i++) {
        if (post->roads[i].query != NULL)
            link_drop(post->roads[i].query);
        link_free(post->roads[i].link);
    }
    if (post->owns_host)
        link_host_free(post->host);
    free(post->seen);
    free(post);
}
