/* signer.h - signed events for tests, also wrong ones.
 *
 * Tags and content are given as JSON text in the canonical form, over which the id is made here,
 * by the letter of NIP-01 and not by the code under test.
 *
 *   units      created_at: unix seconds
 *   ownership  scratch owns everything
 */
#pragma once

#include "shared/base.h"

struct signer_draft {
    uint32_t person;         /* each number is somebody with a key */
    uint32_t kind;           /* as it stands: out of range is possible */
    int64_t created_at;      /* 0: now; SIGNER_EPOCH for a true zero */
    const char *tags;        /* JSON array; NULL: [] */
    const char *content;     /* body of a JSON string; NULL: empty */
    struct span hashed_tags; /* what the id covers, where that differs from what is sent */
    struct span hashed_content;
    const char *pubkey;        /* says so, where it is not the person's */
    uint32_t pow_bits;         /* NIP-13: adds a nonce tag, which is all the tags then */
    uint32_t pow_bits_short;   /* with pow_bits: fewer than this. 0: no matter */
    const char *pow_committed; /* third item of the nonce tag; NULL: none */
};

enum { SIGNER_EPOCH = -1 };

struct signer_event {
    char id[65], pubkey[65], sig[129];
    int64_t created_at;
    uint32_t kind;
    const char *tags, *content; /* as sent */
    const char *json;           /* the whole event */
};

const struct signer_event *signer_event(const struct signer_draft *draft);

/* SIGN(.person = 1, .kind = 1, .content = "hello") */
#define SIGN(...) signer_event(&(struct signer_draft){__VA_ARGS__})

/* Public key of a person, in hex. */
const char *signer_pubkey(uint32_t person);

/* Secret key of a person, in hex. */
const char *signer_secret(uint32_t person);

/* Unix seconds, of the system's clock. */
int64_t signer_now(void);
