#include "gpu/lightning.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "client/holder.h"
#include "client/keys.h"
#include "gpu/journal.h"
#include "gpu/lightning_parts.h"
#include "gpu/post.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/text.h"

/* A request that waits. */
struct waiting {
    struct waiting *next;
    struct bytes32 id; /* of its event */
    uint64_t until_ms;
    lightning_answered_fn *answered;
    void *owner;
};

/* ---- who is there ---- */

bool lightning_look(struct lightning *lightning)
{
    bool is_there = lightning->is_sealed && post_open(lightning->post) > 0;
    uv_mutex_lock(&lightning->mutex);
    lightning->is_there = is_there;
    uv_mutex_unlock(&lightning->mutex);
    return is_there;
}

bool lightning_is_there(struct lightning *lightning)
{
    uv_mutex_lock(&lightning->mutex);
    bool is_there = lightning->is_there && !lightning->is_closed;
    uv_mutex_unlock(&lightning->mutex);
    return is_there;
}

/* ---- what waits ---- */

static void on_late(uv_timer_t *timer);

static void set_timer(struct lightning *lightning)
{
    uint64_t soonest = UINT64_MAX, now = uv_now(lightning->setup.loop);
    for (const struct waiting *at = lightning->waiting; at != NULL; at = at->next)
        soonest = at->until_ms < soonest ? at->until_ms : soonest;
    if (soonest == UINT64_MAX)
        uv_timer_stop(&lightning->timer);
    else
        uv_timer_start(&lightning->timer, on_late, soonest > now ? soonest - now : 0, 0);
}

/* Takes it out of the list. */
static struct waiting take(struct waiting **at)
{
    struct waiting copy = **at;
    free(*at);
    *at = copy.next;
    return copy;
}

static void on_late(uv_timer_t *timer)
{
    struct lightning *lightning = timer->data;
    struct waiting **at = &lightning->waiting;
    while (*at != NULL && (*at)->until_ms > uv_now(lightning->setup.loop))
        at = &(*at)->next;
    if (*at != NULL) {
        struct waiting late = take(at);
        late.answered(late.owner, NULL);
    }
    if (!lightning->is_closed)
        set_timer(lightning);
}

/* ---- asking ---- */

/* Sealed, and for the service alone. */
static bool write_event(const struct lightning *lightning, struct event *event, struct arena *arena,
                        struct span request, int64_t until)
{
    struct text content = {0}, tags = {0};
    struct bytes32 nonce;
    randombytes_buf(&nonce, sizeof nonce);
    text_add(&tags, SPAN("[[\"p\",\""));
    text_add_hex(&tags, lightning->wallet.at, sizeof lightning->wallet.at);
    text_addf(&tags, "\"],[\"encryption\",\"nip44_v2\"],[\"expiration\",\"%lld\"]]",
              (long long)until);
    bool ok = holder_seal(lightning->holder, &content, &lightning->wallet, request, &nonce, NULL);
    *event = (struct event){.kind = KIND_WALLET_REQUEST,
                            .created_at = time(NULL),
                            .content_json = arena_copy(arena, text_span(&content))};
    ok = ok && event_parse_tags(event, arena, arena_copy(arena, text_span(&tags)), NULL);
    text_clear(&content);
    text_clear(&tags);
    return ok;
}

void lightning_ask(struct lightning *lightning, struct span request, uint32_t ms,
                   lightning_answered_fn *answered, void *owner)
{
    struct arena arena = {0};
    struct event event = {0};
    struct waiting *waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL)
        abort();
    uv_update_time(lightning->setup.loop);
    bool is_sent = !lightning->is_closed && lightning_look(lightning) &&
                   write_event(lightning, &event, &arena, request, time(NULL) + ms / 1000) &&
                   post_say(lightning->post, &event, NULL);
    *waiting = (struct waiting){.next = lightning->waiting,
                                .id = event.id,
                                .until_ms = uv_now(lightning->setup.loop) + (is_sent ? ms : 0),
                                .answered = answered,
                                .owner = owner};
    lightning->waiting = waiting;
    arena_clear(&arena);
    set_timer(lightning);
}

/* ---- hearing ---- */

static void hear_answer(struct lightning *lightning, const struct event *event, struct span text,
                        struct arena *arena)
{
    const struct span *request = event_tag_value(event, SPAN("e"));
    struct nwc_answer answer;
    struct bytes32 id;
    struct err err;
    if (request == NULL || !hex_decode(id.at, sizeof id.at, *request))
        return;
    struct waiting **at = &lightning->waiting;
    while (*at != NULL && memcmp(&(*at)->id, &id, sizeof id) != 0)
        at = &(*at)->next;
    if (*at == NULL)
        return; /* too late, or said before */
    if (!nwc_read_answer(&answer, arena, text, &err)) {
        journal_line(JOURNAL_WARNING, "lightning: an answer that is none: %s", err.text);
        return;
    }
    struct waiting waiting = take(at);
    lightning->opened = text;
    waiting.answered(waiting.owner, &answer);
    lightning->opened = (struct span){0};
    if (!lightning->is_closed)
        set_timer(lightning);
}

static void hear_note(struct lightning *lightning, struct span text, struct arena *arena)
{
    struct nwc_payment payment;
    bool is_received;
    if (nwc_read_notification(&payment, &is_received, arena, text, NULL))
        lightning->setup.told(lightning->setup.owner, &payment, is_received);
}

static void hear_info(struct lightning *lightning, const struct event *event)
{
    bool was_sealed = lightning->is_sealed;
    lightning->is_sealed = nwc_seals(event);
    (void)lightning_look(lightning);
    if (!lightning->is_sealed)
        journal_line(JOURNAL_WARNING, "lightning: the wallet service does not seal as NIP-44 says");
    else if (!was_sealed)
        journal_line(JOURNAL_INFO, "lightning: the wallet service is there");
    if (lightning->is_sealed)
        lightning->setup.greeted(lightning->setup.owner);
}

static void on_heard(void *owner, const struct event *event, struct arena *arena)
{
    struct lightning *lightning = owner;
    struct text text = {0};
    struct err err;
    if (lightning->is_closed)
        return;
    if (event->kind == KIND_WALLET_INFO) {
        hear_info(lightning, event);
        return;
    }
    if (!holder_open(lightning->holder, &text, &lightning->wallet, event->content_json, &err)) {
        journal_line(JOURNAL_WARNING, "lightning: what the wallet service says is not sealed for "
                                      "this connection");
    } else if (event->kind == KIND_WALLET_ANSWER) {
        hear_answer(lightning, event, text_span(&text), arena);
    } else {
        hear_note(lightning, text_span(&text), arena);
    }
    text_clear(&text);
}

/* A relay is there. What it keeps of the service was heard before, so that it is not told again. */
static void on_opened(void *owner)
{
    struct lightning *lightning = owner;
    if (lightning->is_closed)
        return;
    (void)lightning_look(lightning);
    if (lightning->is_sealed)
        lightning->setup.greeted(lightning->setup.owner);
}

static void hear_all(struct lightning *lightning)
{
    static const uint16_t said[] = {KIND_WALLET_ANSWER, KIND_WALLET_NOTE};
    static const uint16_t info[] = {KIND_WALLET_INFO};
    struct text key = {0};
    const struct bytes32 *own = holder_pubkey(lightning->holder);
    text_add_hex(&key, own->at, sizeof own->at);
    const struct span value = text_span(&key);
    const struct filter_tag tag = {.letter = 'p', .count = 1, .values = &value};
    const struct filter_keys wallet = {1, &lightning->wallet};
    const struct filter filters[] = {{.until = INT64_MAX,
                                      .limit = FILTER_NO_LIMIT,
                                      .authors = wallet,
                                      .kinds = {ARRAY_LEN(said), said},
                                      .tag_count = 1,
                                      .tags = &tag},
                                     {.until = INT64_MAX,
                                      .limit = FILTER_NO_LIMIT,
                                      .authors = wallet,
                                      .kinds = {ARRAY_LEN(info), info}}};
    post_listen_any(lightning->post, filters, ARRAY_LEN(filters), on_heard, lightning);
    post_greet(lightning->post, on_opened, lightning);
    text_clear(&key);
}

/* ---- all of it ---- */

static bool open_post(struct lightning *lightning, struct err *err)
{
    const struct nwc_place *place = lightning->setup.place;
    const char *relays[NWC_RELAYS_MAX];
    struct keys *keys = keys_new(&place->secret);
    if (keys == NULL)
        return err_set(err, ERR_INVALID, "a connection string whose secret is no key");
    lightning->holder = holder_of_keys(keys);
    for (uint32_t i = 0; i < place->relay_count; i++)
        relays[i] = place->relays[i];
    lightning->post = post_new(&(struct post_setup){.loop = lightning->setup.loop,
                                                    .relays = relays,
                                                    .relay_count = place->relay_count,
                                                    .holder = lightning->holder,
                                                    .ca_file = lightning->setup.ca_file},
                               err);
    return lightning->post != NULL;
}

struct lightning *lightning_open(const struct lightning_setup *setup, struct err *err)
{
    struct lightning *lightning = calloc(1, sizeof *lightning);
    if (lightning == NULL)
        abort();
    lightning->setup = *setup;
    lightning->wallet = setup->place->wallet;
    if (!open_post(lightning, err)) {
        holder_free(lightning->holder);
        free(lightning);
        return NULL;
    }
    lightning->setup.place = NULL;
    uv_mutex_init(&lightning->mutex);
    uv_cond_init(&lightning->changed);
    uv_timer_init(setup->loop, &lightning->timer);
    uv_async_init(setup->loop, &lightning->async, lightning_on_async);
    lightning->timer.data = lightning->async.data = lightning;
    hear_all(lightning);
    return lightning;
}

void lightning_close(struct lightning *lightning)
{
    uv_mutex_lock(&lightning->mutex);
    lightning->is_closed = true;
    uv_mutex_unlock(&lightning->mutex);
    while (lightning->waiting != NULL) {
        struct waiting waiting = take(&lightning->waiting);
        waiting.answered(waiting.owner, NULL);
    }
    lightning_end_calls(lightning);
    post_free(lightning->post);
    lightning->post = NULL;
    uv_close((uv_handle_t *)&lightning->timer, NULL);
    uv_close((uv_handle_t *)&lightning->async, NULL);
}

void lightning_free(struct lightning *lightning)
{
    holder_free(lightning->holder);
    uv_mutex_destroy(&lightning->mutex);
    uv_cond_destroy(&lightning->changed);
    free(lightning);
}
