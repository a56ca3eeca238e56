/* hll.h - how many people: a HyperLogLog sketch of public keys, as NIP-45 lays it out.
 *
 * Sketches of one filter, from several relays, are merged by the greater of each register, so that
 * who counts in several places counts once. The bits are taken from the keys at a place that the
 * filter's tag value tells, so no key is of use for more than a few filters to who wants to
 * cheat.
 *
 *   threads  one at a time
 *   spec     NIP-45 "HyperLogLog"
 */
#pragma once

#include "shared/base.h"

struct filter;
struct text;

enum { HLL_REGISTERS = 256, HLL_OFFSET_MIN = 8, HLL_VALUE_MAX = 57 };

struct hll {
    uint8_t offset; /* of the byte of a key that names its register */
    uint8_t registers[HLL_REGISTERS];
};

/* An empty sketch. False when the filter has none: it does not ask for one value of one tag, or it
 * names authors. Clients show a sketch's number in the place of the count, and of named authors
 * nobody asks how many there are. */
MUST_CHECK bool hll_begin(struct hll *hll, const struct filter *filter);

void hll_add(struct hll *hll, const struct bytes32 *pubkey);

/* The registers as 512 hex digits. */
void hll_write(struct text *out, const struct hll *hll);
