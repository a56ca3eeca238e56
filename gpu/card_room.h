/* card_room.h - a card's memory for what the rows of a step leave between operators.
 *
 *   ownership  card_room_clear frees, also after card_room_make was false
 *   threads    one
 */
#pragma once

#include "gpu/card.h"

struct card_room {
    float *state, *norm;  /* (rows, width) */
    float *query, *heads; /* (rows, heads, head_size) */
    float *key, *value;   /* (rows, kv_heads, head_size) */
    float *gate, *up;     /* (rows, inner) */
    float *turns;         /* (rows, rotary) */
    float *logits;        /* (logit_rows, vocabulary) */
    uint32_t *digits;     /* of what a matrix is multiplied by: as card_digits */
    float *scales;
};

/* False when the card has too little. */
bool card_room_make(struct card_room *room, const struct card *card, const struct hyper *hyper,
                    uint32_t rows, uint32_t logit_rows);
void card_room_clear(struct card_room *room, const struct card *card);
