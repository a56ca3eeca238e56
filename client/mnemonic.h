/* mnemonic.h - words that stand for a seed, as wallets write them down.
 *
 *   ownership  the caller's buffers, which it wipes
 *   errors     ERR_INVALID: which word is none, how many there should be, a wrong checksum. Words
 *              are never repeated, only counted
 *   spec       BIP-39, with the English list; NIP-06
 */
#pragma once

#include "shared/base.h"

struct err;

enum {
    MNEMONIC_WORDS_MAX = 24,
    MNEMONIC_LIST = 2048,
    MNEMONIC_CHARS_MAX = 8,    /* of the longest word */
    MNEMONIC_ENTROPY_MAX = 32, /* bytes behind 24 words */
};

/* In the order of the alphabet. */
extern const char mnemonic_words[MNEMONIC_LIST][MNEMONIC_CHARS_MAX + 1];

/* words in any case and with any spaces between; passphrase is UTF-8 and may be empty. */
MUST_CHECK bool mnemonic_seed(struct bytes64 *seed, struct span words, struct span passphrase,
                              struct err *err);

/* The words of size bytes of entropy, 16 to MNEMONIC_ENTROPY_MAX by fours, with a NUL. */
void mnemonic_write(char out[MNEMONIC_WORDS_MAX * (MNEMONIC_CHARS_MAX + 1)], const uint8_t *entropy,
                    size_t size);
