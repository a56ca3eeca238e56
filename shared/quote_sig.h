/* quote_sig.h - a quote that only one key may have issued: what that key signs.
 *
 * The text of NUT-20 signs the digits of what is to be signed, strung together. Its amendment says
 * how long each part is, and signs the amounts, too. Both are in use.
 *
 *   ownership  all is borrowed
 *   threads    any
 *   spec       Cashu NUT-20, and its amendment (cashubtc/nuts 375)
 */
#pragma once

#include "shared/base.h"

struct quote_sig_output {
    uint64_t amount;
    struct bytes33 message; /* B_ */
};

enum quote_sig_form { QUOTE_SIG_PLAIN, QUOTE_SIG_FRAMED };

/* What is signed, as by sig_sign. quote: its id. */
struct bytes32 quote_sig_hash(enum quote_sig_form form, struct span quote,
                              const struct quote_sig_output *outputs, uint32_t count);

/* In either form. */
MUST_CHECK bool quote_sig_verify(const struct bytes64 *sig, const struct bytes33 *key,
                                 struct span quote, const struct quote_sig_output *outputs,
                                 uint32_t count);
