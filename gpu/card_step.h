/* card_step.h - which rows a step has, as a card is told: their positions and pages.
 *
 * Where this lies stays the same from step to step, but for the pages of all sessions together, for
 * which there may have to be more room: what was recorded knows the old.
 *
 *   ownership  card_step_clear frees
 *   threads    one
 */
#pragma once

#include "gpu/card.h"
#include "gpu/exec_device.h"

struct card_step {
    uint32_t *positions, *row_pages,
        *page_firsts; /* (rows_max); as in card_place, card_attention */
    uint32_t *pages;  /* (page_room), of all sessions of the step */
    uint32_t page_room;
    uint32_t *host; /* the same, before it is put there */
};

/* False when the card has too little memory. Zero may be cleared. */
MUST_CHECK bool card_step_make(struct card_step *step, const struct card *card, uint32_t rows_max);
void card_step_clear(struct card_step *step, const struct card *card);

/* has_moved: pages lie elsewhere now. False when the card has too little memory for them. */
MUST_CHECK bool card_step_put(struct card_step *step, const struct card *card,
                              const struct exec_row *rows, uint32_t count, bool *has_moved);
