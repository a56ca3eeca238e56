/* card_at_hand.h - the card that a test of cards runs on.
 *
 * One implementation is the emulator (test_card, test_exec_card), the other the plugin for CUDA on
 * a real card (cuda_card, cuda_exec_card): the same tests, and the same bits.
 */
#pragma once

#include "gpu/card.h"

/* Opened. plugin: its path, which the emulator does not read. Without a card it says why, and the
 * process ends with 77: skipped. */
const struct card *card_at_hand(const char *plugin, struct card_facts *facts);
