/* What the relay is asked: each question open on this connection, or waiting to be. */
#include "client/link_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    SUBS_MAX = 20, /* open at a time, where the relay says nothing */
    QUEUED_BYTES_MAX = 1 << 20,
    BUSY_MAX = 8,             /* times that a relay may be, in a row */
    OVERLAP_S = 25 * 60 * 60, /* clocks are wrong, by up to a day */
};

static struct span name_of(const struct link_query *query)
{
    return (struct span){query->name, strlen(query->name)};
}

static uint32_t subs_max(const struct link *link)
{
    int64_t told = link->has_info ? link->info.subs_max : 0;
    return told > 0 && told < UINT32_MAX ? (uint32_t)told : SUBS_MAX;
}

/* The filters of a REQ that goes on: what had a limit has it no more, but a beginning. */
static void write_resumed(struct text *text, const struct link_query *query)
{
    uint32_t count = query->setup.filter_count;
    struct arena arena = {0};
    struct filter *filters = arena_array(&arena, struct filter, count);
    for (uint32_t i = 0; i < count; i++) {
        filters[i] = query->setup.filters[i];
        if (filters[i].limit == FILTER_NO_LIMIT)
            continue;
        filters[i].limit = FILTER_NO_LIMIT;
        if (filters[i].since < query->stored_at - OVERLAP_S)
            filters[i].since = query->stored_at - OVERLAP_S;
    }
    message_write_req(text, name_of(query), filters, count);
    arena_clear(&arena);
}

static void put(struct link_query *query)
{
    struct link *link = query->link;
    const struct link_query_setup *setup = &query->setup;
    struct text text = {0};
    switch (setup->ask) {
    case LINK_REQ:
        if (query->had_stored)
            write_resumed(&text, query);
        else
            message_write_req(&text, name_of(query), setup->filters, setup->filter_count);
        break;
    case LINK_COUNT:
        message_write_count_request(&text, name_of(query), setup->filters, setup->filter_count);
        break;
    case LINK_NEG:
        message_write_neg_open(&text, name_of(query), setup->filters, setup->bytes);
        break;
    }
    channel_send(link->channel, text_span(&text));
    text_clear(&text);
    query->is_open = true;
    query->heard_ms = link_now_ms(link);
}

static bool waits_for_auth(const struct link_query *query)
{
    return query->wants_auth && query->link->auth != LINK_AUTH_DONE;
}

void query_pump(struct link *link)
{
    struct link_query *query;
    uint32_t open = 0;
    bool is_auth_wanted = false;
    TAILQ_FOREACH(query, &link->queries, listed)
    open += query->is_open;
    TAILQ_FOREACH(query, &link->queries, listed)
    {
        bool is_idle = !query->is_open && !query->is_over;
        is_auth_wanted |= is_idle && waits_for_auth(query);
        if (is_idle && !waits_for_auth(query) && link_now_ms(link) >= query->due_ms &&
            open < subs_max(link) && channel_queued(link->channel) < QUEUED_BYTES_MAX) {
            put(query);
            open++;
        }
    }
    if (is_auth_wanted && link->auth == LINK_AUTH_NONE)
        auth_want(link);
}

static void finish(struct link_query *query, struct arena *arena, struct span note)
{
    const struct message message = {
        .type = query->setup.ask == LINK_NEG ? MESSAGE_NEG_ERR : MESSAGE_CLOSED, .note = note};
    query->is_open = false;
    query->is_over = true;
    query->setup.heard(query->setup.owner, query, &message, arena);
}

/* Ends all that it is true of. What is called may change the list. */
static void finish_where(struct link *link, bool (*is_true)(const struct link_query *query),
                         struct span note)
{
    struct link_query *query = TAILQ_FIRST(&link->queries);
    struct arena arena = {0};
    while (query != NULL && !link->is_freed) {
        struct link_query *next = TAILQ_NEXT(query, listed);
        if (!query->is_over && is_true(query)) {
            finish(query, &arena, note);
            next = TAILQ_FIRST(&link->queries);
        }
        query = next;
    }
    arena_clear(&arena);
}

static bool is_open_neg(const struct link_query *query)
{
    return query->setup.ask == LINK_NEG && query->is_open;
}

void query_closed(struct link *link)
{
    struct link_query *query;
    int64_t now = (int64_t)time(NULL);
    finish_where(link, is_open_neg, SPAN("closed: the connection ended"));
    if (link->is_freed)
        return;
    TAILQ_FOREACH(query, &link->queries, listed)
    {
        if (query->is_open && query->had_stored)
            query->stored_at = now;
        query->is_open = false;
        query->due_ms = 0;
    }
}

static bool is_late(const struct link_query *query)
{
    bool is_due = query->setup.ask != LINK_REQ || !query->had_stored;
    return query->is_open && is_due &&
           link_now_ms(query->link) - query->heard_ms > query->link->setup.answer_ms;
}

void query_look(struct link *link)
{
    finish_where(link, is_late, SPAN("error: the relay does not answer"));
}

static bool is_waiting_for_auth(const struct link_query *query)
{
    return !query->is_open && query->wants_auth;
}

void query_auth_failed(struct link *link)
{
    finish_where(link, is_waiting_for_auth, (struct span){link->auth_why, strlen(link->auth_why)});
}

static struct link_query *find(struct link *link, struct span name)
{
    struct link_query *query;
    TAILQ_FOREACH(query, &link->queries, listed)
    if (query->is_open && span_eq(name_of(query), name))
        return query;
    return NULL;
}

static bool matches(const struct link_query *query, const struct event *event)
{
    for (uint32_t i = 0; i < query->setup.filter_count; i++)
        if (filter_match(&query->setup.filters[i], event))
            return true;
    return false;
}

/* Refused: for good, for now, or until it knows us. */
static void hear_refusal(struct link_query *query, struct arena *arena, struct span note)
{
    struct link *link = query->link;
    bool is_busy = link_begins(note, "rate-limited:") || link_begins(note, "error:");
    if (link_begins(note, "auth-required:") &&
        !(query->wants_auth && link->auth == LINK_AUTH_DONE)) {
        query->is_open = false;
        query->wants_auth = true;
        auth_want(link);
    } else if (is_busy && query->setup.ask != LINK_NEG && ++query->busy_count <= BUSY_MAX) {
        query->is_open = false;
        query->due_ms = link_now_ms(link) + link_busy_ms(link, query->busy_count);
    } else {
        finish(query, arena, note);
    }
}

/* Relays that know no NIP-45 or NIP-77 say so to nobody in particular. */
static bool is_unanswered_extra(const struct link_query *query)
{
    return query->is_open && query->setup.ask != LINK_REQ && query->busy_count == 0;
}

static void hear_answer(struct link_query *query, struct arena *arena,
                        const struct message *message)
{
    struct link *link = query->link;
    bool is_fitting = message->type == MESSAGE_COUNT     ? query->setup.ask == LINK_COUNT
                      : message->type == MESSAGE_NEG_MSG ? query->setup.ask == LINK_NEG
                                                         : query->setup.ask == LINK_REQ;
    if (!is_fitting || (message->type == MESSAGE_EVENT && !matches(query, &message->event))) {
        link->unasked++;
        return;
    }
    query->heard_ms = link_now_ms(link);
    query->busy_count = message->type == MESSAGE_NEG_MSG; /* it does know NIP-77 */
    if (message->type == MESSAGE_EOSE) {
        query->had_stored = true;
        query->stored_at = (int64_t)time(NULL);
    } else if (message->type == MESSAGE_COUNT) {
        query->is_open = false;
        query->is_over = true;
    }
    query->setup.heard(query->setup.owner, query, message, arena);
}

void query_hear(struct link *link, struct arena *arena, const struct message *message)
{
    if (message->type == MESSAGE_NOTICE) {
        finish_where(link, is_unanswered_extra, message->note);
        return;
    }
    struct link_query *query = find(link, message->sub);
    if (query == NULL)
        link->unasked++;
    else if (message->type == MESSAGE_CLOSED || message->type == MESSAGE_NEG_ERR)
        hear_refusal(query, arena, message->note);
    else
        hear_answer(query, arena, message);
}

struct link_query *link_ask(struct link *link, const struct link_query_setup *setup)
{
    struct link_query *query = calloc(1, sizeof *query);
    if (query == NULL)
        abort();
    struct filter *filters = arena_array(&query->arena, struct filter, setup->filter_count);
    for (uint32_t i = 0; i < setup->filter_count; i++)
        filter_copy(&filters[i], &query->arena, &setup->filters[i]);
    query->link = link;
    query->setup = *setup;
    query->setup.filters = filters;
    query->setup.bytes = arena_copy(&query->arena, setup->bytes);
    snprintf(query->name, sizeof query->name, "q%u", ++link->query_number);
    TAILQ_INSERT_TAIL(&link->queries, query, listed);
    link_soon(link);
    return query;
}

static void send_close(struct link_query *query)
{
    struct text text = {0};
    if (query->setup.ask == LINK_NEG)
        message_write_neg_close(&text, name_of(query));
    else
        message_write_close(&text, name_of(query));
    channel_send(query->link->channel, text_span(&text));
    text_clear(&text);
}

void link_say(struct link_query *query, struct span bytes)
{
    struct text text = {0};
    if (!query->is_open || !link_is_open(query->link))
        return;
    message_write_neg_msg(&text, name_of(query), bytes);
    channel_send(query->link->channel, text_span(&text));
    text_clear(&text);
    query->heard_ms = link_now_ms(query->link);
}

void link_drop(struct link_query *query)
{
    struct link *link = query->link;
    if (query->is_open && query->setup.ask != LINK_COUNT && link_is_open(link))
        send_close(query);
    TAILQ_REMOVE(&link->queries, query, listed);
    arena_clear(&query->arena);
    free(query);
    link_soon(link);
}
