/* announce.h - a node tells the world what it offers, every few seconds that it is there, and at
 * the end that it is not.
 *
 *   units      seconds and milliseconds as named
 *   ownership  post, holder, and what the offer points to outlive it. announce_free lets go at once
 *   threads    loop thread only
 *   spec       kinds 38430, 28430; NIP-09 for what is withdrawn
 */
#pragma once

#include <uv.h>

#include "shared/offer.h"

struct announce;
struct err;
struct post;
struct tokenizer;

enum {
    ANNOUNCE_BEAT_MS = 10000,
    ANNOUNCE_LIFE_S = 600,  /* of an offer, */
    ANNOUNCE_RENEW_S = 240, /* and when it is made anew */
};

struct announce_setup {
    uv_loop_t *loop;
    struct post *post;
    const struct offer *offer; /* expires_at is not looked at */
    /* Sets free, queue, ttft_ms and speed. */
    void (*measure)(void *owner, struct offer_pulse *pulse);
    void *owner;
};

/* That others would read the offer, before it is made in public. */
MUST_CHECK bool announce_check(const struct offer *offer, struct err *err);

struct announce *announce_new(const struct announce_setup *setup);
void announce_free(struct announce *announce);

/* Offers nothing more, and says so. */
void announce_withdraw(struct announce *announce);

/* What a tokenizer does to a text is told by its vocabulary and its merges: their hash. */
struct bytes32 announce_tokenizer(const struct tokenizer *tokenizer);
