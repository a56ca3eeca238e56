#include <stdio.h>

#include "client/catalog.h"
#include "client/command_sync_parts.h"
#include "client/holder.h"
#include "client/keyring.h"
#include "client/store.h"
#include "shared/err.h"

/* Where nobody has to be asked: the key that answers relays, the agent's, or that of a file with
 * its password at hand. */
static bool open_keys(const struct syncing *syncing, uint64_t *opened)
{
    struct command_call quiet = *syncing->net->call;
    struct err err;
    quiet.is_inner = true;
    struct holder *holder = syncing->net->holder != NULL ? NULL : command_find_holder(&quiet, &err);
    const struct holder *who = syncing->net->holder != NULL ? syncing->net->holder : holder;
    bool ok = who != NULL && store_begin(syncing->store, &err);
    if (ok && !keyring_open(syncing->store, who, opened, &err)) {
        store_rollback(syncing->store);
        ok = false;
    }
    ok = ok && store_commit(syncing->store, &err);
    holder_free(holder);
    return ok;
}

void sync_open_keys(const struct syncing *syncing)
{
    struct catalog_counts before, after;
    const char *name = syncing->net->call->command->name;
    uint64_t opened = 0;
    if (!syncing->down || syncing->is_trial || !catalog_counts(syncing->store, &before, NULL) ||
        before.locked == 0)
        return;
    if (open_keys(syncing, &opened) && opened > 0)
        fprintf(stderr, "shoal %s: %llu keys of circles opened\n", name,
                (unsigned long long)opened);
    if (catalog_counts(syncing->store, &after, NULL) && after.locked > 0)
        fprintf(stderr,
                "shoal %s: %llu sealed events wait for their keys: shoal circle keys opens those "
                "that came for you\n",
                name, (unsigned long long)after.locked);
}
