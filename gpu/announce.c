#include "gpu/announce.h"

#include <stdlib.h>
#include <time.h>

#include "client/holder.h"
#include "gpu/journal.h"
#include "gpu/post.h"
#include "gpu/tokenizer.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/sig.h"
#include "shared/text.h"

struct announce {
    struct announce_setup setup;
    struct offer offer;
    struct text identifier;
    uv_timer_t beat;
    int64_t offered_at;
    bool is_withdrawn;
};

static void say(struct announce *announce, struct event *event, const char *what)
{
    struct err err;
    if (!post_say(announce->setup.post, event, &err))
        journal_line(JOURNAL_ERROR, "announce: no %s: %s", what, err.text);
}

static void say_offer(struct announce *announce, int64_t now)
{
    struct arena arena = {0};
    struct event event;
    announce->offer.expires_at = now + ANNOUNCE_LIFE_S;
    announce->offered_at = now;
    offer_event(&event, &arena, &announce->offer, now);
    say(announce, &event, "offer");
    arena_clear(&arena);
}

static void say_pulse(struct announce *announce, int64_t now)
{
    struct arena arena = {0};
    struct event event;
    struct offer_pulse pulse = {.node = *holder_pubkey(post_holder(announce->setup.post)),
                                .identifier = text_span(&announce->identifier)};
    announce->setup.measure(announce->setup.owner, &pulse);
    offer_pulse_event(&event, &arena, &pulse, now);
    say(announce, &event, "heartbeat");
    arena_clear(&arena);
}

bool announce_check(const struct offer *offer, struct err *err)
{
    struct arena arena = {0};
    struct event event;
    struct offer read = *offer;
    read.expires_at = ANNOUNCE_LIFE_S;
    offer_event(&event, &arena, &read, 0);
    bool ok = offer_parse(&read, &event, err);
    arena_clear(&arena);
    return ok;
}

static void on_beat(uv_timer_t *timer)
{
    struct announce *announce = timer->data;
    int64_t now = time(NULL);
    if (now - announce->offered_at >= ANNOUNCE_RENEW_S || now < announce->offered_at)
        say_offer(announce, now);
    say_pulse(announce, now);
}

/* Who listens at that relay hears of it now, not in ten seconds. */
static void on_opened(void *owner)
{
    struct announce *announce = owner;
    if (!announce->is_withdrawn)
        say_pulse(announce, time(NULL));
}

struct announce *announce_new(const struct announce_setup *setup)
{
    struct announce *announce = calloc(1, sizeof *announce);
    if (announce == NULL)
        abort();
    announce->setup = *setup;
    announce->offer = *setup->offer;
    offer_write_identifier(&announce->identifier, &announce->offer);
    uv_timer_init(setup->loop, &announce->beat);
    announce->beat.data = announce;
    say_offer(announce, time(NULL));
    post_greet(setup->post, on_opened, announce);
    uv_timer_start(&announce->beat, on_beat, ANNOUNCE_BEAT_MS, ANNOUNCE_BEAT_MS);
    return announce;
}

void announce_withdraw(struct announce *announce)
{
    struct arena arena = {0};
    struct text tags = {0};
    struct event event = {
        .kind = KIND_DELETION, .created_at = time(NULL), .content_json = SPAN("")};
    if (announce->is_withdrawn)
        return;
    announce->is_withdrawn = true;
    uv_timer_stop(&announce->beat);
    text_add(&tags, SPAN("[[\"a\",\""));
    offer_write_address(&tags, &announce->offer, holder_pubkey(post_holder(announce->setup.post)));
    text_addf(&tags, "\"],[\"k\",\"%d\"]]", KIND_OFFER);
    if (event_parse_tags(&event, &arena, text_span(&tags), NULL))
        say(announce, &event, "withdrawal");
    text_clear(&tags);
    arena_clear(&arena);
}

static void on_closed(uv_handle_t *handle)
{
    struct announce *announce = handle->data;
    text_clear(&announce->identifier);
    free(announce);
}

void announce_free(struct announce *announce)
{
    if (announce == NULL)
        return;
    post_greet(announce->setup.post, NULL, NULL);
    uv_close((uv_handle_t *)&announce->beat, on_closed);
}

/* ---- the tokenizer's hash ---- */

static void add_number(struct text *text, uint32_t number)
{
    const char bytes[4] = {(char)number, (char)(number >> 8), (char)(number >> 16),
                           (char)(number >> 24)};
    text_add(text, SPAN_OF(bytes));
}

static int compare_merges(const void *a, const void *b)
{
    uint32_t left = ((const struct bpe_merge *)a)->rank,
             right = ((const struct bpe_merge *)b)->rank;
    return (left > right) - (left < right);
}

/* The table is by pair; what counts is their order. */
static void add_merges(struct text *text, const struct bpe *bpe)
{
    struct bpe_merge *merges = calloc((size_t)bpe->merge_count + 1, sizeof *merges);
    uint32_t count = 0;
    if (merges == NULL)
        abort();
    for (uint32_t i = 0; i < bpe->merge_slots && count < bpe->merge_count; i++)
        if (bpe->merges[i].rank != UINT32_MAX)
            merges[count++] = bpe->merges[i];
    qsort(merges, count, sizeof *merges, compare_merges);
    for (uint32_t i = 0; i < count; i++) {
        add_number(text, merges[i].left);
        add_number(text, merges[i].right);
    }
    free(merges);
}

struct bytes32 announce_tokenizer(const struct tokenizer *tokenizer)
{
    const struct vocabulary *vocabulary = &tokenizer->vocabulary;
    struct text text = {0};
    for (uint32_t i = 0; i < vocabulary->count; i++) {
        const struct vocabulary_token *token = &vocabulary->tokens[i];
        uint32_t score;
        memcpy(&score, &token->score, sizeof score);
        add_number(&text, (uint32_t)token->kind);
        add_number(&text, score);
        add_number(&text, (uint32_t)token->text.len);
        text_add(&text, token->text);
    }
    add_merges(&text, &tokenizer->bpe);
    struct bytes32 hash = sig_sha256(text_span(&text));
    text_clear(&text);
    return hash;
}
