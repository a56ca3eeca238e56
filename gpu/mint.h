/* mint.h - a Cashu mint: credit is issued blindly, swapped and spent. JSON in, JSON out.
 *
 * What the verbs of a wallet ask comes by any transport and is answered by mint_call. What credit
 * is bought with (grant, bolt11), and what it is spent on (compute, bolt11), are methods:
 * mint_method.h.
 *
 *   units      amounts in a keyset's unit, 0.01 credit; unix seconds
 *   ownership  mint_open to mint_close; the ledger, the seed and methods' owners outlive it
 *   threads    any after the methods are set; a call blocks while the database is asked
 *   errors     mint_call has none: a refusal is an answer, too
 *   spec       Cashu NUT-01 to NUT-09, NUT-12, NUT-19, NUT-20; NUT-10 and NUT-11
 */
#pragma once

#include "gpu/mint_method.h"
#include "shared/base.h"
#include "shared/text.h"

struct err;
struct ledger;
struct mint;
struct mint_policy;

enum {
    MINT_BODY_BYTES_MAX = 1 << 20,
    MINT_LIST_MAX = 1000, /* inputs, outputs, states */
    MINT_METHODS_MAX = 8,
    MINT_METHOD_NAME_MAX = 32,
    MINT_REQUEST_MAX = 4096,
    MINT_ID_CHARS = 66, /* of a keyset */
    MINT_NEXT_MAX = 95,
    MINT_DAY_S = 86400
};

struct mint_call {
    const char *method, *path; /* "POST", "/v1/swap" */
    struct span body;
    struct span address; /* of who asks, for limits; empty: not known, as over a relay */
};

/* What is said of a melt that has failed while somebody waited for its end. */
#define MINT_MELT_GIVEN_BACK "it was not paid, and all is given back"

/* Of an answer that tells of a melt. WAITS: it is PENDING, and who asked wants to hear more, which
 * a GET of the path next tells. */
enum mint_melting {
    MINT_MELT_NONE,
    MINT_MELT_PENDING,
    MINT_MELT_WAITS,
    MINT_MELT_FREE,
    MINT_MELT_PAID
};

struct mint_answer {
    uint32_t status;  /* of HTTP */
    struct text body; /* JSON; text_clear */
    enum mint_melting melting;
    char next[MINT_NEXT_MAX + 1];
};

void mint_call(struct mint *mint, struct mint_answer *answer, const struct mint_call *call);

/* Whether a mint has such a verb. */
bool mint_serves(const char *method, const char *path);

/* ---- the mint ---- */

struct mint_setup {
    struct ledger *ledger;
    const struct bytes32 *seed; /* in locked memory; borrowed */
    const struct mint_policy *policy;
    const char *name; /* of /v1/info */
};

/* NULL on failure. Keysets that the policy wants and that are not there yet are made. */
MUST_CHECK struct mint *mint_open(const struct mint_setup *setup, struct err *err);
void mint_close(struct mint *mint);

/* A new keyset of the unit, which is signed with from now on; id: its digits. */
MUST_CHECK bool mint_rotate(struct mint *mint, const char *unit, char id[MINT_ID_CHARS + 1],
                            struct err *err);

const struct mint_policy *mint_terms_of(const struct mint *mint);

/* What is told of the policy: content of kind 38431. */
void mint_write_policy(const struct mint *mint, struct text *out);

/* What was issued and spent, as ledger_audit has it, reading all rows: content of kind 38432. */
MUST_CHECK bool mint_write_supply(struct mint *mint, struct text *out, struct err *err);
