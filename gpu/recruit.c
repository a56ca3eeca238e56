#include "gpu/recruit.h"

#include <stdlib.h>
#include <time.h>

#include "client/market.h"
#include "gpu/door.h"
#include "gpu/engine.h"
#include "gpu/journal.h"
#include "gpu/pipeline.h"
#include "gpu/post.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/kind.h"
#include "shared/text.h"

enum { LOOK_MS = 500, MUTE_MS = 4000, MUTED_MS = 60000, HANDS_MAX = 64, OFFERS_ASKED = 1000 };

/* A stage that was taken, now or before. */
struct hand {
    struct bytes32 node;
    uint32_t first, end;
    struct lead_stage stage;
    bool is_ours;
    uint32_t losses; /* of its links, known so far */
    uint32_t failures;
    uint64_t absent_ms;      /* since when it is not there; 0: it is */
    uint64_t muted_until_ms; /* it did not answer */
    uint64_t used_ms;
};

struct recruit {
    struct recruit_setup setup;
    struct post *post;
    struct market *market;
    uv_timer_t look;
    struct hand hands[HANDS_MAX];
    uint32_t hand_count;
    uint64_t numbers;   /* the last that was given */
    struct text said;   /* of the choice, last */
    struct text routed; /* the same, of numbers and ranks */
    bool is_whole;      /* all of the chain are there */
};

static uint64_t now_of(const struct recruit *recruit)
{
    return uv_now(recruit->setup.loop) + 1; /* 0 is never */
}

/* ---- who was taken ---- */

static bool is_hand_of(const struct hand *hand, const struct market_entry *entry)
{
    const struct offer *offer = &entry->offer;
    struct span address = {hand->stage.address, strlen(hand->stage.address)};
    return memcmp(&hand->node, &entry->node, sizeof hand->node) == 0 &&
           hand->first == offer->first && hand->end == offer->end && offer->stage_count > 0 &&
           span_eq(address, offer->stages[0]);
}

static struct hand *find_hand(struct recruit *recruit, const struct market_entry *entry)
{
    for (uint32_t i = 0; i < recruit->hand_count; i++)
        if (is_hand_of(&recruit->hands[i], entry))
            return &recruit->hands[i];
    return NULL;
}

/* A place for another: that which was not used for longest. */
static struct hand *new_hand(struct recruit *recruit)
{
    struct hand *oldest = NULL;
    if (recruit->hand_count < HANDS_MAX)
        return &recruit->hands[recruit->hand_count++];
    for (uint32_t i = 0; i < HANDS_MAX; i++) {
        struct hand *hand = &recruit->hands[i];
        if (!hand->is_ours && (oldest == NULL || hand->used_ms < oldest->used_ms))
            oldest = hand;
    }
    return oldest;
}

static struct hand *take_hand(struct recruit *recruit, const struct market_entry *entry)
{
    struct hand *hand = find_hand(recruit, entry);
    struct err err;
    if (hand == NULL) {
        hand = new_hand(recruit);
        *hand = (struct hand){
            .node = entry->node, .first = entry->offer.first, .end = entry->offer.end};
        struct span address = entry->offer.stages[0];
        snprintf(hand->stage.address, sizeof hand->stage.address, "%.*s", SPAN_ARG(address));
        if (!door_pass(&hand->stage.pass, recruit->setup.holder, &entry->node, &err)) {
            journal_line(JOURNAL_ERROR, "lead: no letter: %s", err.text);
            hand->muted_until_ms = now_of(recruit) + MUTED_MS;
        }
    }
    if (!hand->is_ours) { /* another number each time: what was lost is not met again */
        hand->stage.number = ++recruit->numbers;
        hand->absent_ms = now_of(recruit);
        hand->losses = 0;
    }
    hand->stage.stint = (struct stint){
        .node = entry->node, .offer = entry->id, .begin = hand->first, .end = hand->end};
    hand->used_ms = now_of(recruit);
    return hand;
}

/* Whether each is there, as its links say. */
static void meet(struct recruit *recruit)
{
    uint64_t now = now_of(recruit);
    for (uint32_t i = 0; i < recruit->hand_count; i++) {
        struct hand *hand = &recruit->hands[i];
        struct pipeline_meeting meeting;
        if (!hand->is_ours || !engine_meeting(recruit->setup.engine, hand->stage.number, &meeting))
            continue;
        bool is_there = meeting.links >= PIPELINE_LINKS;
        hand->failures += meeting.losses > hand->losses;
        hand->losses = meeting.losses;
        if (is_there)
            hand->absent_ms = 0;
        else if (hand->absent_ms == 0)
            hand->absent_ms = now;
        else if (now - hand->absent_ms >= MUTE_MS)
            hand->muted_until_ms = now + MUTED_MS;
    }
}

/* ---- the choice ---- */

static uint32_t list(struct recruit *recruit, struct chain_candidate *candidates,
                     const struct market_entry *entries, size_t count)
{
    uint32_t listed = 0;
    for (size_t i = 0; i < count && listed < CHAIN_CANDIDATES_MAX; i++) {
        const struct market_entry *entry = &entries[i];
        const struct hand *hand = find_hand(recruit, entry);
        candidates[listed++] = (struct chain_candidate){
            .node = entry->node,
            .offer = entry->offer,
            .is_heard = entry->life == MARKET_HEARD,
            .is_gone = entry->life == MARKET_GONE,
            .is_mute = hand != NULL && hand->muted_until_ms > now_of(recruit),
            .is_ours = hand != NULL && hand->is_ours,
            .ttft_ms = entry->ttft_ms,
            .failures = hand != NULL ? hand->failures : 0};
    }
    return listed;
}

/* In the journal, when it is another than before. */
static void tell(struct recruit *recruit, const struct chain_candidate *candidates, uint32_t count,
                 const struct chain_wish *wish)
{
    struct text said = {0};
    for (uint32_t i = 0; i < count; i++) { /* what changes by itself is no other choice */
        text_add(&said, SPAN_OF(candidates[i].node));
        text_addf(&said, "%u%u", candidates[i].verdict, candidates[i].place);
    }
    bool is_same = span_eq(text_span(&said), text_span(&recruit->said));
    text_clear(&recruit->said);
    recruit->said = said;
    for (uint32_t i = 0; i < count && !is_same; i++) {
        struct text line = {0};
        chain_explain(&line, &candidates[i], wish);
        journal_line(JOURNAL_INFO, "lead: %.*s", (int)line.len, line.at);
        text_clear(&line);
    }
}

/* The stages of the chain, and those that stand in. */
static void route(struct recruit *recruit, const struct chain_candidate *candidates,
                  const struct market_entry *entries, uint32_t count)
{
    struct lead_stage stages[LEAD_STAGES_MAX];
    bool is_taken[HANDS_MAX] = {false};
    struct text routed = {0};
    uint32_t taken = 0;
    for (uint32_t rank = 0; rank < 2; rank++) /* of spares, at most what is left */
        for (uint32_t i = 0; i < count && taken < LEAD_STAGES_MAX; i++) {
            if (candidates[i].place != (rank == 0 ? CHAIN_STAGE : CHAIN_SPARE))
                continue;
            struct hand *hand = take_hand(recruit, &entries[i]);
            hand->stage.rank = rank;
            is_taken[hand - recruit->hands] = true;
            hand->is_ours = true;
            stages[taken++] = hand->stage;
            text_addf(&routed, "%llu/%u ", (unsigned long long)hand->stage.number, rank);
        }
    for (uint32_t i = 0; i < recruit->hand_count; i++)
        recruit->hands[i].is_ours = is_taken[i];
    if (!span_eq(text_span(&routed), text_span(&recruit->routed)))
        engine_route(recruit->setup.engine, stages, taken);
    text_clear(&recruit->routed);
    recruit->routed = routed;
}

static void tell_whole(struct recruit *recruit, const struct chain *chain,
                       const struct market_entry *entries)
{
    bool is_whole = chain->count > 0;
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct hand *hand = find_hand(recruit, &entries[chain->stages[i]]);
        is_whole = is_whole && hand != NULL && hand->absent_ms == 0;
    }
    if (is_whole != recruit->is_whole)
        journal_line(is_whole ? JOURNAL_INFO : JOURNAL_WARNING, "lead: %s stages=%u",
                     is_whole ? "all are there" : "some are not there", chain->count);
    recruit->is_whole = is_whole;
}

static void look(struct recruit *recruit)
{
    struct arena arena = {0};
    struct chain_candidate candidates[CHAIN_CANDIDATES_MAX];
    struct chain_wish wish = recruit->setup.wish;
    struct chain chain;
    size_t count;
    wish.now = time(NULL);
    meet(recruit);
    const struct market_entry *entries =
        market_entries(recruit->market, &arena, wish.now, now_of(recruit), &count);
    uint32_t listed = list(recruit, candidates, entries, count);
    chain_choose(&chain, candidates, listed, &wish);
    tell(recruit, candidates, listed, &wish);
    if (chain.count > 0) /* without one, those that are there may come to be some of it */
        route(recruit, candidates, entries, listed);
    tell_whole(recruit, &chain, entries);
    arena_clear(&arena);
}

/* ---- what is heard ---- */

static void on_look(uv_timer_t *timer)
{
    look(timer->data);
}

static void on_heard(void *owner, const struct event *event, struct arena *arena)
{
    struct recruit *recruit = owner;
    struct err err;
    int64_t now = time(NULL);
    (void)arena;
    bool ok = event->kind == KIND_OFFER
                  ? market_offer(recruit->market, event, now, now_of(recruit), &err)
                  : market_pulse(recruit->market, event, now, now_of(recruit), &err);
    if (ok && event->kind == KIND_OFFER)
        uv_timer_start(&recruit->look, on_look, 0, LOOK_MS);
}

struct recruit *recruit_new(const struct recruit_setup *setup, struct err *err)
{
    static const uint16_t kinds[] = {KIND_PULSE, KIND_OFFER};
    static const struct filter filter = {
        .until = INT64_MAX, .limit = OFFERS_ASKED, .kinds = {ARRAY_LEN(kinds), kinds}};
    struct post *post = post_new(&(struct post_setup){.loop = setup->loop,
                                                      .relays = setup->relays,
                                                      .relay_count = setup->relay_count,
                                                      .holder = setup->holder},
                                 err);
    if (post == NULL)
        return NULL;
    struct recruit *recruit = calloc(1, sizeof *recruit);
    if (recruit == NULL)
        abort();
    *recruit = (struct recruit){.setup = *setup, .post = post, .market = market_new()};
    uv_timer_init(setup->loop, &recruit->look);
    recruit->look.data = recruit;
    post_listen(post, &filter, on_heard, recruit);
    uv_timer_start(&recruit->look, on_look, LOOK_MS, LOOK_MS);
    return recruit;
}

static void on_closed(uv_handle_t *handle)
{
    struct recruit *recruit = handle->data;
    market_free(recruit->market);
    text_clear(&recruit->said);
    text_clear(&recruit->routed);
    free(recruit);
}

void recruit_free(struct recruit *recruit)
{
    if (recruit == NULL)
        return;
    post_free(recruit->post);
    uv_close((uv_handle_t *)&recruit->look, on_closed);
}
