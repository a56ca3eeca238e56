/* command_wallet_stash.h - the wallet as the owner's other devices know it, by events that this
 * store has (shoal sync brings and sends them). Part of command.
 *
 *   ownership  all is borrowed
 *   threads    one
 *   spec       NIP-60
 */
#pragma once

#include "client/command_wallet.h"

/* The mints of which other devices say that there is credit are ours, too. */
MUST_CHECK bool pocket_take_mints(struct pocket *pocket, struct err *err);

/* The coins that they have at the chosen mint, whose keys are here. */
MUST_CHECK bool pocket_take_coins(struct pocket *pocket, uint64_t *count, struct err *err);

/* What this device has, where it is something else than events say: kept, and queued. */
MUST_CHECK bool pocket_stash(struct pocket *pocket, struct err *err);

/* Whether other devices may have coins of ours: such a coin is not to be given to anybody. */
MUST_CHECK bool pocket_is_stashed(const struct pocket *pocket, bool *is_it, struct err *err);
