/* catalog_mailbox.h - the lists of relays that people say they write to and read (NIP-65), as far
 * as they are in the store. Part of catalog.
 *
 *   ownership  results live in the arena given
 *   threads    the store's
 *   errors     the store's
 */
#pragma once

#include "client/mailbox.h"

struct err;
struct store;

struct catalog_mailboxes {
    struct mailbox *at; /* one for each of the people whose list is here */
    size_t count;
};

MUST_CHECK bool catalog_mailboxes(struct store *store, struct catalog_mailboxes *known,
                                  struct arena *arena, const struct bytes32 *people, size_t count,
                                  struct err *err);
