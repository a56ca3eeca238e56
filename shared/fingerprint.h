/* fingerprint.h - a short hash of a set of ids, in whatever order they come.
 *
 * struct fingerprint_sum sum = {0} is of no ids.
 *
 *   ownership  plain values
 *   spec       NIP-77 "Fingerprint Algorithm": the sum of the ids as little-endian numbers,
 *              modulo 2^256, and their count as a varint; the first 16 bytes of its SHA-256
 */
#pragma once

#include "shared/base.h"

enum { FINGERPRINT_LIMBS = 4 };

struct fingerprint_sum {
    uint64_t limbs[FINGERPRINT_LIMBS]; /* the least significant first */
    uint64_t count;
};

struct fingerprint {
    uint8_t at[16];
};

void fingerprint_add(struct fingerprint_sum *sum, const struct bytes32 *id);

struct fingerprint fingerprint_of(const struct fingerprint_sum *sum);
