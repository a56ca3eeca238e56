/* The way over relays: each question and each answer in ephemeral gift wraps, in as many as it has
 * pieces, under a key that lives no longer than the teller. Here: the relays, and what comes. */
#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "client/holder.h"
#include "client/keys.h"
#include "client/link.h"
#include "client/teller_parts.h"
#include "client/wrap.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/kind.h"
#include "shared/parcel.h"
#include "shared/sig.h"

/* ---- what comes ---- */

static void hear_answer(const struct teller *teller, struct arena *arena, const struct event *rumor)
{
    struct parcel_answer said;
    struct span content;
    if (!parcel_put(teller->relay->shelf, &content, arena, rumor, time(NULL), NULL) ||
        (content.at != NULL && !parcel_read_answer(&said, arena, content, NULL)))
        return;
    for (struct teller_open *open = teller->open; open != NULL; open = open->next) {
        if (content.at == NULL) { /* there is more to come */
            teller_touch(open);
            continue;
        }
        if (!span_eq(said.id, (struct span){open->id, TELLER_ID_CHARS}))
            continue;
        const struct teller_answer answer = {.status = said.status, .body = said.body};
        teller->relay->why[0] = '\0';
        teller_answer(open, &answer);
        return;
    }
}

/* Of anybody but the node nothing counts. */
static void hear(struct teller *teller, const struct event *wrap, struct arena *arena)
{
    const struct teller_relay *relay = teller->relay;
    struct event rumor;
    if (!event_check_id(wrap) || !sig_verify(&wrap->sig, &wrap->id, &wrap->pubkey) ||
        !wrap_open(&rumor, arena, relay->holder, wrap, NULL) ||
        memcmp(&rumor.pubkey, &relay->node, sizeof relay->node) != 0)
        return;
    if (rumor.kind == KIND_MARKET_MESSAGE) {
        hear_answer(teller, arena, &rumor);
        return;
    }
    for (struct teller_open *open = teller->open, *next; open != NULL; open = next) {
        next = open->next;
        teller_touch(open); /* it is at work */
        if (open->question.heard != NULL)
            open->question.heard(open->question.owner, &rumor);
    }
    if (teller->heard != NULL)
        teller->heard(teller->owner, &rumor);
}

/* ---- the relays ---- */

/* It is there: it is asked what waits, once more what it was asked before. */
static void begin_road(struct teller_road *road)
{
    road->is_heard = true;
    for (struct teller_open *open = road->teller->open; open != NULL; open = open->next)
        if (!road->was_heard || teller_seal(open))
            teller_publish(road, open);
    road->was_heard = true;
}

static void on_heard(void *owner, struct link_query *query, const struct message *message,
                     struct arena *arena)
{
    struct teller_road *road = owner;
    (void)query;
    if (message->type == MESSAGE_EVENT) {
        hear(road->teller, &message->event, arena);
    } else if (message->type == MESSAGE_EOSE) {
        begin_road(road);
    } else if (message->type == MESSAGE_CLOSED) {
        road->is_over = true;
    }
}

static bool is_lost(const struct teller_relay *relay)
{
    for (uint32_t i = 0; i < relay->count; i++)
        if (!relay->roads[i].is_over)
            return false;
    return true;
}

static void note(struct teller_relay *relay, const char *why, size_t len)
{
    size_t i = 0;
    for (; i < len && i < sizeof relay->why - 1; i++)
        relay->why[i] = why[i] >= ' ' && why[i] <= '~' ? why[i] : '?';
    relay->why[i] = '\0';
}

/* With the last relay all questions are over. */
static void give_up(struct teller_road *road, const char *why)
{
    struct teller *teller = road->teller;
    road->is_over = true;
    if (!is_lost(teller->relay))
        return;
    note(teller->relay, why, strlen(why));
    while (!teller->is_freed && teller->open != NULL)
        teller_fail(teller->open, teller->relay->why);
}

/* One relay's no is no end: another may take it. */
static void on_settled(void *owner, struct link *link, const struct bytes32 *id,
                       enum link_fate fate, struct span why)
{
    const struct teller_road *road = owner;
    (void)link;
    (void)id;
    if (fate == LINK_REFUSED)
        note(road->teller->relay, why.at, why.len);
}

const char *teller_relay_why(const struct teller *teller)
{
    return teller->relay->why[0] != '\0' ? teller->relay->why : "no answer in time";
}

static void on_opened(void *owner, struct link *link)
{
    struct teller_road *road = owner;
    (void)link;
    road->was_open = true;
}

static void on_closed(void *owner, struct link *link, const char *why, uint64_t wait_ms)
{
    struct teller_road *road = owner;
    (void)link;
    (void)wait_ms;
    road->is_heard = false;
    if (!road->was_open)
        give_up(road, why);
}

static void on_challenged(void *owner, struct link *link)
{
    const struct teller_road *road = owner;
    struct arena arena = {0};
    struct event event;
    struct bytes32 aux;
    struct err err;
    randombytes_buf(&aux, sizeof aux);
    link_auth_event(link, &event, &arena);
    if (holder_sign(road->teller->relay->holder, &event, &aux, &err))
        link_authenticate(link, &event);
    else
        link_decline(link, err.text);
    arena_clear(&arena);
}

static bool open_road(struct teller *teller, struct teller_road *road, struct span url,
                      const struct filter *filter, struct err *err)
{
    const struct link_setup setup = {.url = url,
                                     .opened = on_opened,
                                     .closed = on_closed,
                                     .challenged = on_challenged,
                                     .settled = on_settled,
                                     .owner = road};
    const struct link_query_setup ask = {
        .ask = LINK_REQ, .filters = filter, .filter_count = 1, .heard = on_heard, .owner = road};
    road->teller = teller;
    road->link = link_new(teller->host, &setup, err);
    if (road->link != NULL)
        (void)link_ask(road->link, &ask);
    return road->link != NULL;
}

static bool open_roads(struct teller *teller, const struct bech32 *place, struct err *err)
{
    struct teller_relay *relay = teller->relay;
    const struct bytes32 *me = holder_pubkey(relay->holder);
    struct text json = {0};
    struct filter filter;
    text_addf(&json, "{\"kinds\":[%d],\"limit\":0,\"#p\":[\"", KIND_EPHEMERAL_GIFT_WRAP);
    text_add_hex(&json, me->at, sizeof me->at);
    text_add(&json, SPAN("\"]}"));
    struct span copy = arena_copy(&teller->arena, text_span(&json));
    text_clear(&json);
    if (!filter_parse(&filter, &teller->arena, copy, err))
        return false;
    for (; relay->count < place->relay_count && relay->count < TELLER_RELAYS_MAX; relay->count++)
        if (!open_road(teller, &relay->roads[relay->count], place->relays[relay->count], &filter,
                       err))
            return false;
    return true;
}

/* ---- asking ---- */

void teller_relay_again(struct teller_open *open)
{
    const struct teller_relay *relay = open->teller->relay;
    if (open->content.len == 0 || !teller_seal(open))
        return;
    for (uint32_t i = 0; i < relay->count; i++)
        teller_publish(&relay->roads[i], open);
}

void teller_relay_ask(struct teller_open *open)
{
    teller_write(open);
    teller_relay_again(open);
}

/* ---- all of it ---- */

static bool find_place(struct bech32 *place, struct arena *arena, struct span url, struct err *err)
{
    if (!bech32_decode(place, arena, url, err))
        return false;
    return (place->type == BECH32_NPROFILE && place->relay_count > 0) ||
           err_set(err, ERR_INVALID, "expected an nprofile with the node's relays in it");
}

struct teller_relay *teller_relay_new(struct teller *teller, struct err *err)
{
    struct bech32 place;
    struct bytes32 secret;
    if (teller->host == NULL) {
        err_fill(err, ERR_UNSUPPORTED, "a node behind relays cannot be asked here");
        return NULL;
    }
    if (!find_place(&place, &teller->arena, teller->url, err))
        return NULL;
    struct teller_relay *relay = calloc(1, sizeof *relay);
    if (relay == NULL)
        abort();
    struct keys *keys = NULL;
    while (keys == NULL) {
        randombytes_buf(&secret, sizeof secret);
        keys = keys_new(&secret);
    }
    sodium_memzero(&secret, sizeof secret);
    relay->holder = holder_of_keys(keys);
    relay->node = place.key;
    relay->shelf = parcel_shelf_new();
    teller->relay = relay;
    if (open_roads(teller, &place, err))
        return relay;
    teller_relay_free(teller);
    teller->relay = NULL;
    return NULL;
}

void teller_relay_free(struct teller *teller)
{
    struct teller_relay *relay = teller->relay;
    for (uint32_t i = 0; i < TELLER_RELAYS_MAX; i++)
        if (relay->roads[i].link != NULL)
            link_free(relay->roads[i].link);
    parcel_shelf_free(relay->shelf);
    holder_free(relay->holder);
    free(relay);
}
