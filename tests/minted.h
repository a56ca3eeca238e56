/* minted.h - a mint in a schema of its own, and a customer who counts every coin.
 *
 *   ownership  minted_open to minted_close, which drops the schema; answers are the customer's own
 *   threads    one, but minted_call: any
 *   errors     fail the test
 */
#pragma once

#include "gpu/ledger_melt.h"
#include "gpu/mint.h"
#include "gpu/mint_policy.h"

struct minted {
    struct database *database;
    struct ledger *ledger;
    struct mint *mint;
    struct bytes32 seed;
    struct mint_policy policy;
    char schema[DATABASE_SCHEMA_MAX + 1];
};

/* policy: NULL: one of little work. */
void minted_open(struct minted *minted, const struct mint_policy *policy);
void minted_close(struct minted *minted);

/* The answer, NUL-terminated in out; its status. path, body: formats with nothing of their own. */
uint32_t minted_call(struct mint *mint, struct text *out, const char *method, const char *path,
                     const char *body);

/* What refuses: its code. */
int minted_code(const struct text *answer);

/* ---- the customer ---- */

enum { MINTED_SECRET_MAX = 512 };

struct minted_coin {
    uint64_t amount;
    char keyset[67], secret[MINTED_SECRET_MAX];
    struct bytes32 factor;
    struct bytes33 message; /* B_ */
    struct bytes33 c;       /* once it is signed */
};

/* To be signed by the active keyset of a unit. secret: NULL: a random one. */
struct minted_coin minted_blank(struct minted *minted, const char *unit, uint64_t amount,
                                const char *secret);

/* "outputs":[...] and "inputs":[...]; witness: of all; NULL. */
void minted_add_outputs(struct text *body, const struct minted_coin *coins, uint32_t count);
void minted_add_inputs(struct text *body, const struct minted_coin *coins, uint32_t count,
                       const char *witness);

/* Takes the signatures of an answer, with their amounts; each is checked by its DLEQ. How many. */
uint32_t minted_take(struct minted *minted, struct minted_coin *coins, uint32_t count,
                     const struct text *answer);

/* Asks for a grant of a stage by a key, and has it issued as coins of the amounts. */
void minted_work(const struct minted *minted, char nonce[24], const struct bytes33 *key,
                 uint32_t stage);
struct bytes33 minted_key(const struct bytes32 *secret);
void minted_grant(struct minted *minted, struct minted_coin *coins, const uint64_t *amounts,
                  uint32_t count);

/* The signature of a quote's outputs, in digits. */
void minted_sign(char digits[129], const struct bytes32 *secret, const char *quote,
                 const struct minted_coin *coins, uint32_t count);

/* The text behind "name":" */
void minted_word(char *out, size_t size, const struct text *answer, const char *name);
