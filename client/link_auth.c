/* Who we are, as far as a relay wants to know: asked for once it refuses something without. */
#include "client/link_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { KIND_AUTH = 22242 };

static void enter(struct link *link, enum link_auth auth)
{
    link->auth = auth;
    link->auth_ms = link_now_ms(link);
}

static void fail(struct link *link, struct span why)
{
    if (link->auth != LINK_AUTH_FAILED)
        snprintf(link->auth_why, sizeof link->auth_why, "%.*s",
                 (int)(why.len < LINK_WHY_BYTES_MAX ? why.len : LINK_WHY_BYTES_MAX), why.at);
    enter(link, LINK_AUTH_FAILED);
    publish_auth_failed(link);
    if (!link->is_freed)
        query_auth_failed(link);
}

static void ask_owner(struct link *link)
{
    if (link->setup.challenged == NULL) {
        fail(link, SPAN("auth-required: the relay wants to know who we are"));
        return;
    }
    enter(link, LINK_AUTH_ASKED);
    link->setup.challenged(link->setup.owner, link);
}

void auth_want(struct link *link)
{
    switch (link->auth) {
    case LINK_AUTH_NONE:
        if (link->challenge_len > 0)
            ask_owner(link);
        else
            enter(link, LINK_AUTH_WANTED);
        return;
    case LINK_AUTH_FAILED:
        fail(link, (struct span){0});
        return;
    case LINK_AUTH_WANTED:
    case LINK_AUTH_ASKED:
    case LINK_AUTH_SENT:
        return;
    case LINK_AUTH_DONE:
        link_soon(link);
        return;
    }
}

void auth_closed(struct link *link)
{
    enter(link, LINK_AUTH_NONE);
    link->challenge_len = 0;
}

void auth_look(struct link *link)
{
    uint64_t waited_ms = link_now_ms(link) - link->auth_ms;
    if (link->auth == LINK_AUTH_WANTED && waited_ms > link->setup.answer_ms)
        fail(link, SPAN("auth-required: the relay asks who we are, and not how to say it"));
    else if (link->auth == LINK_AUTH_SENT && waited_ms > link->setup.answer_ms)
        channel_restart(link->channel, "it does not answer who it wants to know");
}

void auth_challenge(struct link *link, struct span challenge)
{
    if (challenge.len == 0 || challenge.len > LINK_CHALLENGE_BYTES_MAX) {
        link->unasked++;
        return;
    }
    memcpy(link->challenge, challenge.at, challenge.len);
    link->challenge_len = challenge.len;
    if (link->auth == LINK_AUTH_WANTED)
        ask_owner(link);
}

bool auth_hear(struct link *link, const struct message *message)
{
    if (link->auth != LINK_AUTH_SENT ||
        memcmp(&link->auth_id, &message->id, sizeof link->auth_id) != 0)
        return false;
    if (message->accepted)
        enter(link, LINK_AUTH_DONE);
    else
        fail(link, message->note.len > 0 ? message->note
                                         : SPAN("restricted: the relay does not believe us"));
    return true;
}

void link_auth_event(const struct link *link, struct event *event, struct arena *arena)
{
    struct text tags = {0};
    text_add(&tags, SPAN("[[\"relay\","));
    text_add_json(&tags, link->setup.url);
    text_add(&tags, SPAN("],[\"challenge\","));
    text_add_json(&tags, (struct span){link->challenge, link->challenge_len});
    text_add(&tags, SPAN("]]"));
    *event = (struct event){.kind = KIND_AUTH, .created_at = (int64_t)time(NULL)};
    struct span copy = arena_copy(arena, text_span(&tags));
    text_clear(&tags);
    if (!event_parse_tags(event, arena, copy, NULL))
        abort(); /* we wrote them, from text that is UTF-8 */
}

void link_authenticate(struct link *link, const struct event *event)
{
    struct text text = {0};
    if (link->auth != LINK_AUTH_ASKED || !link_is_open(link))
        return;
    link->auth_id = event->id;
    enter(link, LINK_AUTH_SENT);
    message_write_auth_answer(&text, event);
    channel_send(link->channel, text_span(&text));
    text_clear(&text);
}

void link_decline(struct link *link, const char *why)
{
    if (link->auth == LINK_AUTH_ASKED && !link->is_freed)
        fail(link, (struct span){why, strlen(why)});
}
