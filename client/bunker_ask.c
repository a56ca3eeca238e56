/* One question to a bunker: over all of its relays, until somebody who is it has answered. */
#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "client/box.h"
#include "client/bunker_inside.h"
#include "client/draft.h"
#include "client/holder.h"
#include "client/link.h"
#include "shared/filter.h"
#include "shared/scan.h"
#include "shared/sig.h"

enum { KIND_BUNKER = 24133, PAGE_CHARS_MAX = 1000 };

static void finish(struct bunker *bunker, bool ok)
{
    bunker->is_asking = false;
    bunker->ok = ok;
}

static void on_late(uv_timer_t *late)
{
    struct bunker *bunker = late->data;
    if (!bunker->is_asking)
        return;
    err_fill(&bunker->err, ERR_RESTRICTED, "the bunker does not answer");
    finish(bunker, false);
}

/* What others say, made fit for a terminal. */
static void copy_printable(char *out, size_t size, struct span words)
{
    size_t len = words.len < size - 1 ? words.len : size - 1;
    for (size_t i = 0; i < len; i++)
        out[i] = words.at[i];
    out[len] = '\0';
    for (size_t i = 0; i < len; i++)
        if (out[i] < ' ' || out[i] > '~')
            out[i] = '?';
}

/* ---- what comes ---- */

/* A page to be opened: what is not surely one is not shown. */
static void hear_page(struct bunker *bunker, struct span page)
{
    char shown[PAGE_CHARS_MAX + 1];
    bool is_page = page.len > 8 && page.len <= PAGE_CHARS_MAX &&
                   (memcmp(page.at, "https://", 8) == 0 || memcmp(page.at, "http://", 7) == 0);
    if (!is_page || bunker->was_shown)
        return;
    for (size_t i = 0; i < page.len; i++)
        if (page.at[i] <= ' ' || page.at[i] > '~')
            return;
    bunker->was_shown = true; /* once a question */
    memcpy(shown, page.at, page.len);
    shown[page.len] = '\0';
    bunker->told(bunker->owner, shown);
    uv_timer_start(&bunker->late, on_late, (uint64_t)BUNKER_PERSON_S * 1000, 0);
}

static void hear_reply(struct bunker *bunker, const struct bunker_reply *reply)
{
    char why[BUNKER_WHY_SHOWN];
    if (!span_eq(reply->id, (struct span){bunker->id, strlen(bunker->id)}))
        return;
    if (span_eq(reply->result, SPAN("auth_url"))) {
        hear_page(bunker, reply->error);
        return;
    }
    copy_printable(why, sizeof why, reply->error);
    if (reply->error.len > 0)
        err_fill(&bunker->err, ERR_RESTRICTED, "the bunker refuses: %s", why);
    else
        text_add(&bunker->result, reply->result);
    finish(bunker, reply->error.len == 0);
}

/* Whoever knows the secret was shown our offer. */
static void hear_stranger(struct bunker *bunker, const struct event *event,
                          const struct bunker_reply *reply)
{
    if (!span_eq(reply->result, bunker->place.secret))
        return;
    bunker->place.signer = event->pubkey;
    bunker->has_signer = true;
    finish(bunker, true);
}

static void hear(struct bunker *bunker, const struct event *event, struct arena *arena)
{
    struct text plain = {0};
    struct bunker_reply reply;
    struct span content = scan_decode(arena, (struct scan_string){event->content_json, true});
    bool is_it = !bunker->has_signer ||
                 memcmp(&event->pubkey, &bunker->place.signer, sizeof event->pubkey) == 0;
    if (bunker->is_asking && is_it && event_check_id(event) &&
        sig_verify(&event->sig, &event->id, &event->pubkey) &&
        holder_open(bunker->client, &plain, &event->pubkey, content, NULL) &&
        bunker_parse_reply(&reply, arena, text_span(&plain), NULL)) {
        if (bunker->has_signer)
            hear_reply(bunker, &reply);
        else
            hear_stranger(bunker, event, &reply);
    }
    if (plain.at != NULL)
        sodium_memzero(plain.at, plain.capacity);
    text_clear(&plain);
}

/* ---- its relays ---- */

/* With the last relay all is over. */
static void look_at_roads(struct bunker *bunker)
{
    for (uint32_t i = 0; i < bunker->place.relay_count; i++)
        if (!bunker->roads[i].is_over)
            return;
    err_fill(&bunker->err, ERR_INTERNAL, "no relay of the bunker helps: %s", bunker->roads[0].why);
    finish(bunker, false);
}

/* This relay brings nothing more. */
static void give_up(struct bunker_road *road, struct span why)
{
    road->is_over = true;
    copy_printable(road->why, sizeof road->why, why);
    look_at_roads(road->bunker);
}

static void pass_on(struct bunker_road *road)
{
    const struct bunker *bunker = road->bunker;
    if (bunker->is_asking && bunker->has_signer && road->is_heard && !road->is_over)
        link_publish(road->link, &bunker->event);
}

static void on_heard(void *owner, struct link_query *query, const struct message *message,
                     struct arena *arena)
{
    struct bunker_road *road = owner;
    (void)query;
    if (message->type == MESSAGE_EVENT) {
        hear(road->bunker, &message->event, arena);
    } else if (message->type == MESSAGE_EOSE) {
        road->is_heard = true;
        pass_on(road);
        if (road->bunker->is_listening)
            finish(road->bunker, true);
    } else if (message->type == MESSAGE_CLOSED) {
        road->is_closed = true;
        give_up(road, message->note);
    }
}

static void on_settled(void *owner, struct link *link, const struct bytes32 *id,
                       enum link_fate fate, struct span why)
{
    struct bunker_road *road = owner;
    (void)link;
    bool is_asked = memcmp(id, &road->bunker->event.id, sizeof *id) == 0;
    if (is_asked && road->bunker->is_asking && (fate == LINK_REFUSED || fate == LINK_LATER))
        give_up(road, why);
}

static void on_opened(void *owner, struct link *link)
{
    struct bunker_road *road = owner;
    (void)link;
    road->was_open = true;
}

static void on_closed(void *owner, struct link *link, const char *why, uint64_t wait_ms)
{
    struct bunker_road *road = owner;
    (void)link;
    (void)wait_ms;
    road->is_heard = false;
    if (!road->was_open)
        give_up(road, (struct span){why, strlen(why)});
}

static void on_challenged(void *owner, struct link *link)
{
    const struct bunker_road *road = owner;
    struct arena arena = {0};
    struct event event;
    struct bytes32 aux;
    struct err err;
    randombytes_buf(&aux, sizeof aux);
    link_auth_event(link, &event, &arena);
    if (holder_sign(road->bunker->client, &event, &aux, &err))
        link_authenticate(link, &event);
    else
        link_decline(link, err.text);
    arena_clear(&arena);
}

/* What is sent to us, from the bunker where it is known. */
static void write_filter(struct text *out, const struct bunker *bunker)
{
    const struct bytes32 *client = holder_pubkey(bunker->client);
    text_addf(out, "{\"kinds\":[%d],\"limit\":0,\"#p\":[\"", KIND_BUNKER);
    text_add_hex(out, client->at, sizeof client->at);
    text_add(out, SPAN("\"]"));
    if (bunker->has_signer) {
        text_add(out, SPAN(",\"authors\":[\""));
        text_add_hex(out, bunker->place.signer.at, sizeof bunker->place.signer.at);
        text_add(out, SPAN("\"]"));
    }
    text_add(out, SPAN("}"));
}

bool bunker_open_roads(struct bunker *bunker, struct err *err)
{
    struct text json = {0};
    struct filter filter;
    write_filter(&json, bunker);
    struct span copy = arena_copy(&bunker->arena, text_span(&json));
    text_clear(&json);
    if (!filter_parse(&filter, &bunker->arena, copy, err))
        return false;
    for (uint32_t i = 0; i < bunker->place.relay_count; i++) {
        struct bunker_road *road = &bunker->roads[i];
        const struct link_setup setup = {.url = bunker->place.relays[i],
                                         .opened = on_opened,
                                         .closed = on_closed,
                                         .challenged = on_challenged,
                                         .settled = on_settled,
                                         .owner = road};
        const struct link_query_setup ask = {.ask = LINK_REQ,
                                             .filters = &filter,
                                             .filter_count = 1,
                                             .heard = on_heard,
                                             .owner = road};
        road->bunker = bunker;
        road->link = link_new(bunker->host, &setup, err);
        if (road->link == NULL)
            return false;
        road->query = link_ask(road->link, &ask);
    }
    return true;
}

/* ---- questions ---- */

bool bunker_wait(struct bunker *bunker, uint32_t timeout_s, struct err *err)
{
    bunker->is_asking = true;
    bunker->was_shown = false;
    bunker->result.len = 0;
    uv_update_time(&bunker->loop);
    uv_timer_start(&bunker->late, on_late, (uint64_t)timeout_s * 1000, 0);
    for (uint32_t i = 0; i < bunker->place.relay_count; i++) {
        bunker->roads[i].is_over = bunker->roads[i].is_closed;
        pass_on(&bunker->roads[i]);
    }
    look_at_roads(bunker);
    while (bunker->is_asking)
        uv_run(&bunker->loop, UV_RUN_ONCE);
    uv_timer_stop(&bunker->late);
    if (!bunker->ok && err != NULL)
        *err = bunker->err;
    return bunker->ok;
}

/* The event that carries a question. */
static bool write_question(struct bunker *bunker, struct span json, struct err *err)
{
    struct draft draft = {.kind = KIND_BUNKER, .created_at = (int64_t)time(NULL)};
    struct bytes32 nonce, aux;
    if (json.len > BOX_BYTES_MAX)
        return err_set(err, ERR_INVALID, "too long for a bunker: %zu bytes of %d", json.len,
                       BOX_BYTES_MAX);
    randombytes_buf(&nonce, sizeof nonce);
    randombytes_buf(&aux, sizeof aux);
    bool ok = holder_seal(bunker->client, &draft.content, &bunker->place.signer, json, &nonce, err);
    draft_tag_id(&draft, SPAN("p"), &bunker->place.signer, SPAN(""));
    if (ok)
        draft_finish(&draft, &bunker->event, &bunker->asked);
    draft_clear(&draft);
    return ok && holder_sign(bunker->client, &bunker->event, &aux, err);
}

bool bunker_ask(struct bunker *bunker, const char *method, const struct span *params, size_t count,
                struct err *err)
{
    uint8_t id[BUNKER_ID_CHARS / 2];
    struct text json = {0};
    randombytes_buf(id, sizeof id);
    sodium_bin2hex(bunker->id, sizeof bunker->id, id, sizeof id);
    bunker_write_request(&json, (struct span){bunker->id, strlen(bunker->id)}, method, params,
                         count);
    arena_clear(&bunker->asked);
    bool ok = write_question(bunker, text_span(&json), err) &&
              bunker_wait(bunker, bunker->timeout_s, err);
    text_clear(&json);
    return ok;
}
