/* derive.h - the key of an account, from the seed that words stand for.
 *
 *   ownership  the caller's; it wipes both
 *   spec       BIP-32; NIP-06: m/44'/1237'/<account>'/0/0
 */
#pragma once

#include "shared/base.h"

enum { DERIVE_ACCOUNT_MAX = 0x7fffffff };

/* account: at most DERIVE_ACCOUNT_MAX. False where the derivation has no key, which no seed is
 * known to do. */
MUST_CHECK bool derive_account(struct bytes32 *secret, const struct bytes64 *seed,
                               uint32_t account);
