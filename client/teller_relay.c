/* The way over relays: each question and each answer in an ephemeral gift wrap, under a key that
 * lives no longer than the teller. */
#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "client/draft.h"
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
#include "shared/scan.h"
#include "shared/sig.h"

enum { RELAYS_MAX = 8, STATUS_MAX = 999 };

/* One relay of the node. */
struct road {
    struct teller *teller;
    struct link *link;
    bool is_heard; /* what is said to us there reaches us */
    bool is_over;
    bool was_open;
};

struct teller_relay {
    struct holder *holder; /* ours, thrown away */
    struct bytes32 node;
    struct road roads[RELAYS_MAX];
    uint32_t count;
    char why[TELLER_WHY_MAX];
};

/* ---- what comes ---- */

struct said {
    struct span id, body;
    int64_t status;
};

/* {"id":...,"status":200,"body":{...}} */
static bool read_said(struct said *said, struct arena *arena, struct span json)
{
    struct scan scan = scan_begin(json);
    struct scan_list list;
    struct span key;
    *said = (struct said){0};
    if (!scan_object(&scan, &list, NULL))
        return false;
    while (list.more) {
        if (!scan_key(&scan, arena, &key, NULL))
            return false;
        (void)scan_peek(&scan); /* past spaces */
        const char *begin = scan.at;
        bool ok = span_eq(key, SPAN("id")) ? scan_text(&scan, arena, &said->id, NULL)
                  : span_eq(key, SPAN("status"))
                      ? scan_integer(&scan, &said->status, STATUS_MAX, NULL)
                      : scan_skip(&scan, NULL);
        if (ok && span_eq(key, SPAN("body")))
            said->body = (struct span){begin, (size_t)(scan.at - begin)};
        if (!ok || !scan_next(&scan, &list, NULL))
            return false;
    }
    return scan_end(&scan, NULL) && said->id.len == TELLER_ID_CHARS && said->status > 0;
}

static void hear_answer(const struct teller *teller, struct arena *arena, const struct event *rumor)
{
    struct said said;
    const struct scan_string content = {rumor->content_json, true};
    if (!read_said(&said, arena, scan_decode(arena, content)))
        return;
    for (struct teller_open *open = teller->open; open != NULL; open = open->next) {
        if (memcmp(open->id, said.id.at, TELLER_ID_CHARS) != 0)
            continue;
        const struct teller_answer answer = {.status = (uint32_t)said.status, .body = said.body};
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
    for (struct teller_open *open = teller->open; open != NULL; open = open->next)
        teller_touch(open); /* it is at work */
    if (teller->heard != NULL)
        teller->heard(teller->owner, &rumor);
}

/* ---- the relays ---- */

static void publish(const struct road *road, const struct teller_open *open)
{
    struct arena arena = {0};
    struct event event;
    if (road->is_heard && !road->is_over &&
        event_parse(&event, &arena, text_span(&open->event), NULL))
        link_publish(road->link, &event);
    arena_clear(&arena);
}

static void on_heard(void *owner, struct link_query *query, const struct message *message,
                     struct arena *arena)
{
    struct road *road = owner;
    (void)query;
    if (message->type == MESSAGE_EVENT) {
        hear(road->teller, &message->event, arena);
    } else if (message->type == MESSAGE_EOSE) {
        road->is_heard = true;
        for (const struct teller_open *open = road->teller->open; open != NULL; open = open->next)
            publish(road, open);
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

/* With the last relay all questions are over. */
static void give_up(struct road *road, const char *why)
{
    struct teller *teller = road->teller;
    size_t i = 0;
    road->is_over = true;
    if (!is_lost(teller->relay))
        return;
    for (; why[i] != '\0' && i < sizeof teller->relay->why - 1; i++)
        teller->relay->why[i] = why[i] >= ' ' && why[i] <= '~' ? why[i] : '?';
    teller->relay->why[i] = '\0';
    while (!teller->is_freed && teller->open != NULL)
        teller_fail(teller->open, teller->relay->why);
}

static void on_opened(void *owner, struct link *link)
{
    struct road *road = owner;
    (void)link;
    road->was_open = true;
}

static void on_closed(void *owner, struct link *link, const char *why, uint64_t wait_ms)
{
    struct road *road = owner;
    (void)link;
    (void)wait_ms;
    road->is_heard = false;
    if (!road->was_open)
        give_up(road, why);
}

static void on_challenged(void *owner, struct link *link)
{
    const struct road *road = owner;
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

static bool open_road(struct teller *teller, struct road *road, struct span url,
                      const struct filter *filter, struct err *err)
{
    const struct link_setup setup = {.url = url,
                                     .opened = on_opened,
                                     .closed = on_closed,
                                     .challenged = on_challenged,
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
    for (; relay->count < place->relay_count && relay->count < RELAYS_MAX; relay->count++)
        if (!open_road(teller, &relay->roads[relay->count], place->relays[relay->count], &filter,
                       err))
            return false;
    return true;
}

/* ---- asking ---- */

static bool write_wrap(struct teller_open *open, struct span json, struct err *err)
{
    const struct teller_relay *relay = open->teller->relay;
    struct draft draft = {.kind = KIND_MARKET_MESSAGE, .created_at = (int64_t)time(NULL)};
    struct wrap_seed seed;
    struct arena arena = {0};
    struct event rumor;
    randombytes_buf(&seed, sizeof seed);
    seed.is_ephemeral = true;
    seed.seal_at = wrap_time(draft.created_at, randombytes_random());
    seed.wrap_at = draft.created_at;
    text_add(&draft.content, json);
    draft_finish(&draft, &rumor, &arena);
    rumor.pubkey = *holder_pubkey(relay->holder);
    rumor.id = event_hash(&rumor, EVENT_FORM_JSON);
    bool ok = wrap_seal(&open->event, relay->holder, &rumor, &relay->node, &seed, err);
    sodium_memzero(&seed, sizeof seed);
    draft_clear(&draft);
    arena_clear(&arena);
    return ok;
}

void teller_relay_ask(struct teller_open *open)
{
    const struct teller_question *question = &open->question;
    struct teller_relay *relay = open->teller->relay;
    uint8_t id[TELLER_ID_CHARS / 2];
    struct text json = {0};
    randombytes_buf(id, sizeof id);
    sodium_bin2hex(open->id, sizeof open->id, id, sizeof id);
    text_addf(&json, "{\"id\":\"%s\",\"method\":", open->id);
    text_add_json(&json, question->method);
    text_add(&json, SPAN(",\"path\":"));
    text_add_json(&json, question->path);
    text_add(&json, SPAN(",\"body\":"));
    text_add(&json, question->body.len > 0 ? question->body : SPAN("null"));
    text_add(&json, SPAN("}"));
    bool ok = write_wrap(open, text_span(&json), NULL);
    text_clear(&json);
    if (!ok || is_lost(relay))
        return; /* until it is too late */
    for (uint32_t i = 0; i < relay->count; i++)
        publish(&relay->roads[i], open);
}

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
    for (uint32_t i = 0; i < RELAYS_MAX; i++)
        if (relay->roads[i].link != NULL)
            link_free(relay->roads[i].link);
    holder_free(relay->holder);
    free(relay);
}
