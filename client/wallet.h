/* wallet.h - ecash on its holder's side: which coins pay for something, what a mint is to sign, and
 * what its signatures are worth.
 *
 * Nothing is taken on a mint's word: the id of a keyset is made again of its keys, and each
 * signature comes with the proof that it was made with them. Secrets and blinding factors are made
 * of one seed and a counter (coin.h), so that the seed brings everything back.
 *
 *   units      amounts in the keyset's unit
 *   ownership  secrets and spans live in the arena given; results point into it
 *   threads    any
 *   errors     ERR_INVALID: what a mint said is wrong, or there is not enough
 *   spec       Cashu NUT-00, 02, 03, 08, 11, 12, 13
 */
#pragma once

#include "client/token.h"
#include "shared/base.h"
#include "shared/dleq.h"
#include "shared/keyset.h"

struct arena;
struct err;

/* One output for each of a number's bits is enough for any sum. */
enum { WALLET_SPLIT_MAX = 64 };

struct wallet_keyset {
    struct bytes33 id; /* made of the keys */
    struct keyset keys;
    bool is_active; /* the mint still signs with it */
};

/* What a mint is to sign. */
struct wallet_output {
    uint64_t amount; /* 0: blank, the mint says how much (NUT-08) */
    struct span secret;
    struct bytes32 factor;
    struct bytes33 message; /* B_ */
};

/* What it says that it signed. */
struct wallet_signature {
    uint64_t amount;
    struct bytes33 keyset, point; /* C_ */
    bool has_dleq;
    struct dleq dleq;
};

/* ---- paying ---- */

struct wallet_coins {
    struct token_proof *at;
    uint32_t *fees; /* input_fee_ppk of each one's keyset */
    size_t count;
};

/* Marks some that are worth amount and what it costs to spend them. As little too much as is easily
 * found. */
struct wallet_choice {
    uint64_t sum, fee; /* of those taken */
    uint32_t count;
};
MUST_CHECK bool wallet_choose(struct wallet_choice *choice, bool *taken,
                              const struct wallet_coins *coins, uint64_t amount, struct err *err);

/* The fewest amounts of the keyset that make the sum, ascending. None for 0. */
MUST_CHECK bool wallet_split(uint64_t amounts[WALLET_SPLIT_MAX], size_t *count,
                             const struct keyset *keys, uint64_t sum, struct err *err);

/* How many blank outputs take any change up to most. */
size_t wallet_blanks(uint64_t most);

/* Outputs by the counters from counter on. amounts: NULL for blank ones. */
struct wallet_output *wallet_outputs(struct arena *arena, const struct bytes64 *seed,
                                     const struct bytes33 *keyset, uint64_t counter,
                                     const uint64_t *amounts, size_t count);

/* The same of a secret that is text of its own: a lock of somebody else. */
MUST_CHECK bool wallet_output_of(struct wallet_output *output, struct span secret,
                                 const struct bytes32 *factor, uint64_t amount, struct err *err);

/* ---- what comes ---- */

/* The proof that a signature makes of an output; its own DLEQ is checked. A blank output takes the
 * amount that the signature says. */
MUST_CHECK bool wallet_unblind(struct token_proof *proof, const struct wallet_output *output,
                               const struct wallet_keyset *keyset,
                               const struct wallet_signature *signature, struct err *err);

/* That the mint signed what somebody gave us, with the key that all know. */
MUST_CHECK bool wallet_check(const struct token_proof *proof, const struct wallet_keyset *keyset,
                             struct err *err);

/* What the change of a token is made of that paid for a job: whoever has the token can ask the mint
 * for it again. */
struct bytes64 wallet_change_seed(const struct token *token);

/* The keyset that a proof names, by its id or how it begins; NULL where none or several are. */
const struct wallet_keyset *wallet_find(const struct wallet_keyset *keysets, size_t count,
                                        const struct token_proof *proof);

/* ---- what a mint knows a proof by, and what of it ---- */

enum wallet_state { WALLET_UNSPENT, WALLET_PENDING, WALLET_SPENT };

struct bytes33 wallet_point(const struct token_proof *proof); /* Y */
