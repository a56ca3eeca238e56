/* provider.h - servers of models that the user has accounts with: where they are, what they have at
 * which price, how much of them may be used, and the key, sealed.
 *
 *   units      prices as offer.h's, in units of 0.01 credits; limits as ration.h's
 *   ownership  results live in the arena given
 *   threads    the store's
 *   errors     the store's; ERR_INVALID: no such thing to be kept; ERR_RESTRICTED: sealed for
 *              somebody else
 *   bounds     PROVIDER_COUNT_MAX, and PROVIDER_MODELS_MAX of each
 *   spec       NIP-44 for the seal
 */
#pragma once

#include "client/idiom.h"
#include "client/ration.h"
#include "shared/offer.h"

struct holder;
struct store;

enum {
    PROVIDER_COUNT_MAX = 64,
    PROVIDER_MODELS_MAX = 64,
    PROVIDER_NAME_BYTES_MAX = 32,
    PROVIDER_URL_BYTES_MAX = 512,
    PROVIDER_KEY_BYTES_MAX = 512,
    PROVIDER_RATE_MAX = 1000000
};

struct provider_model {
    struct span name;
    struct offer_price price;
};

struct provider {
    struct span name, url; /* url: of its API, such as https://api.openai.com/v1 */
    enum idiom idiom;
    struct span sealed;  /* its key, for its owner alone; empty: it wants none */
    uint32_t per_minute; /* 0: any number */
    struct ration ration;
    struct provider_model *models;
    size_t model_count;
};

/* "gpt-4o=2.5/10": its name, and what a million tokens in and out cost in credits; without: 0. */
MUST_CHECK bool provider_read_model(struct provider_model *model, struct span word,
                                    struct err *err);

/* Whether all of it is within bounds. */
MUST_CHECK bool provider_check(const struct provider *provider, struct err *err);

/* Takes the place of one of that name. */
MUST_CHECK bool provider_put(struct store *store, const struct provider *provider, struct err *err);
MUST_CHECK bool provider_remove(struct store *store, bool *was_there, struct span name,
                                struct err *err);

/* In the order of their names. */
MUST_CHECK bool provider_list(struct store *store, struct provider **providers, size_t *count,
                              struct arena *arena, struct err *err);

/* The key, for a holder's own eyes. key: printable ASCII. */
MUST_CHECK bool provider_seal(struct span *sealed, struct arena *arena, const struct holder *holder,
                              struct span key, struct err *err);

/* NUL-terminated, to be given to secret_free; NULL on failure. */
MUST_CHECK char *provider_open(const struct provider *provider, const struct holder *holder,
                               struct err *err);
