/* bech32.h - NIP-19: keys, ids and pointers as words that people copy and paste.
 *
 *   ownership  decoded spans live in the arena
 *   threads    immutable once decoded
 *   errors     ERR_INVALID: checksum, mixed case, unknown prefix, wrong length, bad TLV
 *   spec       NIP-19; BIP-173; NIP-21 for the "nostr:" prefix, accepted on input
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct text;

enum bech32_type {
    BECH32_NPUB,
    BECH32_NSEC, /* the caller wipes key */
    BECH32_NOTE,
    BECH32_NPROFILE,
    BECH32_NEVENT,
    BECH32_NADDR,
};

enum { BECH32_CHARS_MAX = 5000, BECH32_RELAYS_MAX = 16 };

struct bech32 {
    enum bech32_type type;
    struct bytes32 key; /* public or secret key, event id; the author of an naddr */
    bool has_author;    /* of a nevent */
    struct bytes32 author;
    bool has_kind; /* of a nevent; always of an naddr */
    uint32_t kind;
    struct span identifier; /* the d of an naddr; any bytes */
    uint32_t relay_count;   /* those past BECH32_RELAYS_MAX are dropped */
    struct span relays[BECH32_RELAYS_MAX];
};

MUST_CHECK bool bech32_decode(struct bech32 *out, struct arena *arena, struct span word,
                              struct err *err);

/* Relays that would make the word longer than BECH32_CHARS_MAX, or are over 255 bytes, are left
 * out. False for an identifier over 255 bytes: NIP-19 has no word for it. */
MUST_CHECK bool bech32_encode(struct text *out, const struct bech32 *in);

/* Words of other NIPs: a prefix, in lowercase, and bytes that mean something elsewhere. */
enum { BECH32_BYTES_MAX = BECH32_CHARS_MAX * 5 / 8 };

/* data has room for BECH32_BYTES_MAX bytes. The caller wipes what is secret. */
MUST_CHECK bool bech32_read_bytes(uint8_t *data, size_t *len, struct span prefix, struct span word,
                                  struct err *err);

void bech32_write_bytes(struct text *out, struct span prefix, const uint8_t *data, size_t len);

/* The values, 0 to 31, between prefix and checksum of a word of any prefix, as invoices are: it is
 * what stands before the last "1", in the word's own case. values has room for BECH32_CHARS_MAX. */
MUST_CHECK bool bech32_read_values(uint8_t *values, size_t *count, struct span *prefix,
                                   struct span word, struct err *err);
