/* invoice.h - a Lightning invoice: what is to be paid, to which hash, and until when.
 *
 * Its signature is not checked: an invoice that is wrong is one that nobody can be paid by, and
 * what the payment showed is checked by the hash.
 *
 *   units      msat: thousandths of a satoshi; unix seconds
 *   ownership  a plain value
 *   threads    pure
 *   errors     ERR_INVALID: no invoice, or one without an amount or a hash
 *   spec       BOLT 11
 */
#pragma once

#include "shared/base.h"

struct err;

enum { INVOICE_CHARS_MAX = 4096, INVOICE_LIFE_S = 3600 }; /* unless it says another */
#define INVOICE_MSAT_MAX 2100000000000000000ULL           /* all that there is */

struct invoice {
    uint64_t msat;
    struct bytes32 hash; /* of the preimage that shows that it was paid */
    int64_t expires_at;
};

MUST_CHECK bool invoice_read(struct invoice *invoice, struct span text, struct err *err);

/* Whether preimage, 64 digits, is that of the hash. */
bool invoice_is_shown(const struct bytes32 *hash, struct span preimage);
