#include "tests/linked.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/keys.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "tests/random.h"
#include "tests/signer.h"
#include "tests/test.h"
#include "tests/wire.h"

enum { WAKE_MS = 50, RETRY_MS = 50 };

static uint32_t any_number(void *owner)
{
    (void)owner;
    return random_below(UINT32_MAX);
}

static void keep(char out[256], struct span words)
{
    snprintf(out, 256, "%.*s", (int)(words.len < 255 ? words.len : 255), words.at);
}

static void on_opened(void *owner, struct link *link)
{
    struct linked *linked = owner;
    (void)link;
    linked->opened++;
}

static void on_closed(void *owner, struct link *link, const char *why, uint64_t wait_ms)
{
    struct linked *linked = owner;
    (void)link;
    (void)wait_ms;
    linked->closed++;
    keep(linked->why, (struct span){why, strlen(why)});
}

static void on_noticed(void *owner, struct link *link, struct span text)
{
    struct linked *linked = owner;
    (void)link;
    keep(linked->notice, text);
}

static void on_challenged(void *owner, struct link *link)
{
    struct linked *linked = owner;
    struct arena arena = {0};
    struct event event;
    struct bytes32 secret, aux = {{7}};
    linked->challenged++;
    if (linked->declines || linked->person == 0) {
        link_decline(link, "auth-required: the key is locked");
        return;
    }
    assert_true(
        hex_decode(secret.at, sizeof secret.at, (struct span){signer_secret(linked->person), 64}));
    struct keys *keys = keys_new(&secret);
    link_auth_event(link, &event, &arena);
    keys_sign(keys, &event, &aux);
    link_authenticate(link, &event);
    keys_free(keys);
    arena_clear(&arena);
}

static void on_settled(void *owner, struct link *link, const struct bytes32 *id,
                       enum link_fate fate, struct span why)
{
    struct linked *linked = owner;
    (void)link;
    (void)id;
    linked->fates[fate]++;
    keep(linked->settled_why, why);
}

static void on_drained(void *owner, struct link *link)
{
    struct linked *linked = owner;
    (void)link;
    linked->drained++;
}

static void on_wake(uv_timer_t *timer)
{
    (void)timer;
}

void linked_start(struct linked *linked)
{
    memset(linked, 0, sizeof *linked);
    uv_loop_init(&linked->loop);
    uv_timer_init(&linked->loop, &linked->wake);
    uv_timer_start(&linked->wake, on_wake, WAKE_MS, WAKE_MS);
    linked->is_started = true;
}

void linked_open(struct linked *linked, const struct linked_setup *setup)
{
    struct err err = {.text = ""};
    if (!linked->is_started)
        linked_start(linked);
    linked->person = setup->person;
    linked->declines = setup->declines;
    const struct link_host_setup host = {
        .proxy = {setup->proxy, setup->proxy != NULL ? strlen(setup->proxy) : 0},
        .ca_file = setup->ca_file,
        .retry_ms = RETRY_MS,
        .random = any_number,
    };
    linked->host = link_host_new(&linked->loop, &host, &err);
    if (linked->host == NULL)
        fail_msg("%s", err.text);
    const struct link_setup link = {.url = {setup->url, strlen(setup->url)},
                                    .answer_ms = setup->answer_ms,
                                    .opened = on_opened,
                                    .closed = on_closed,
                                    .noticed = on_noticed,
                                    .challenged = on_challenged,
                                    .settled = on_settled,
                                    .drained = on_drained,
                                    .owner = linked};
    linked->link = link_new(linked->host, &link, &err);
    if (linked->link == NULL)
        fail_msg("%s", err.text);
}

void linked_close(struct linked *linked)
{
    if (linked->link != NULL)
        link_free(linked->link);
    link_host_free(linked->host);
    uv_close((uv_handle_t *)&linked->wake, NULL);
    uv_run(&linked->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&linked->loop), 0);
    linked->is_started = false;
}

void linked_begin(struct linked *linked)
{
    linked->deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
}

void linked_turn(struct linked *linked, const char *condition)
{
    if (wire_now_ms() > linked->deadline_ms)
        fail_msg("never came true: %s (opened %d, closed %d: %s; settled: %s; notice: %s)",
                 condition, linked->opened, linked->closed, linked->why, linked->settled_why,
                 linked->notice);
    uv_run(&linked->loop, UV_RUN_ONCE);
}

void linked_publish(struct linked *linked, const struct signer_event *event)
{
    struct arena arena = {0};
    struct event parsed;
    assert_true(
        event_parse(&parsed, &arena, (struct span){event->json, strlen(event->json)}, NULL));
    link_publish(linked->link, &parsed);
    arena_clear(&arena);
}

static void on_heard(void *owner, struct link_query *link_query, const struct message *message,
                     struct arena *arena)
{
    struct linked_query *query = owner;
    (void)link_query;
    (void)arena;
    if (message->type == MESSAGE_EVENT) {
        assert_true(query->count < LINKED_IDS_MAX);
        hex_encode(query->ids[query->count++], message->event.id.at, 32);
    } else if (message->type == MESSAGE_EOSE) {
        query->stored++;
    } else if (message->type == MESSAGE_COUNT) {
        query->counted = message->count;
    } else {
        assert_true(message->type == MESSAGE_CLOSED || message->type == MESSAGE_NEG_ERR);
        keep(query->closed, message->note);
        query->is_closed = true;
    }
}

void linked_ask(struct linked *linked, struct linked_query *query, enum link_ask ask,
                const char *filter)
{
    struct arena arena = {0};
    struct filter parsed;
    struct err err;
    if (!filter_parse(&parsed, &arena, (struct span){filter, strlen(filter)}, &err))
        fail_msg("%s", err.text);
    const struct link_query_setup setup = {
        .ask = ask, .filters = &parsed, .filter_count = 1, .heard = on_heard, .owner = query};
    memset(query, 0, sizeof *query);
    query->counted = -1;
    query->query = link_ask(linked->link, &setup);
    arena_clear(&arena);
}

void linked_drop(struct linked_query *query)
{
    link_drop(query->query);
    query->query = NULL;
}

size_t linked_different(const struct linked_query *query)
{
    size_t different = 0;
    for (size_t i = 0; i < query->count; i++) {
        size_t j = 0;
        while (strcmp(query->ids[j], query->ids[i]) != 0)
            j++;
        different += j == i;
    }
    return different;
}

bool linked_has(const struct linked_query *query, const struct signer_event *event)
{
    for (size_t i = 0; i < query->count; i++)
        if (strcmp(query->ids[i], event->id) == 0)
            return true;
    return false;
}
