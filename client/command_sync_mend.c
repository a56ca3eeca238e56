/* Programs that apply all that they hear are told what does not count, once it came that somebody
 * may not write; where nobody has to be asked for the key. */
#include <stdio.h>

#include "client/catalog.h"
#include "client/catalog_circle.h"
#include "client/command_home.h"
#include "client/command_sync_parts.h"
#include "client/hlc.h"
#include "client/holder.h"
#include "client/pen.h"
#include "client/pen_text.h"
#include "client/replica.h"
#include "client/store.h"
#include "shared/err.h"
#include "shared/text.h"

static bool is_entity_wrong(struct store *store, const struct bytes32 *root)
{
    struct replica *replica;
    struct text update = {0};
    if (!catalog_load(store, &replica, root, home_now() + HLC_AHEAD_MAX_MS, NULL))
        return false;
    bool is_wrong = replica_mend(replica, &update);
    text_clear(&update);
    replica_free(replica);
    return is_wrong;
}

/* Asked before the key is: most of what may not be is answered for already. */
static bool is_circle_wrong(struct pen *pen, const struct bytes32 *circle)
{
    struct bytes32 *roots;
    size_t count;
    if (!catalog_idle(pen->store, &roots, &count, &pen->arena, circle, NULL))
        return false;
    for (size_t i = 0; i < count; i++)
        if (is_entity_wrong(pen->store, &roots[i]))
            return true;
    return false;
}

/* The circles in which there is something to do. */
static size_t find_circles(struct pen *pen, struct bytes32 **circles)
{
    size_t count, kept = 0;
    if (!catalog_circles(pen->store, circles, &count, &pen->arena, NULL))
        return 0;
    for (size_t i = 0; i < count; i++)
        if (is_circle_wrong(pen, &(*circles)[i]))
            (*circles)[kept++] = (*circles)[i];
    return kept;
}

static bool mend(struct pen *pen, uint64_t *mended, const struct bytes32 *circles, size_t count,
                 struct err *err)
{
    struct span *relays = NULL;
    bool ok = store_relays(pen->store, &relays, &pen->relay_count, &pen->arena, err);
    pen->relays = relays;
    for (size_t i = 0; ok && i < count; i++) {
        uint64_t some;
        ok = pen_text_mend(pen, &some, &circles[i], err);
        *mended += ok ? some : 0;
    }
    return ok;
}

static bool write_all(struct pen *pen, uint64_t *mended, const struct bytes32 *circles,
                      size_t count, struct err *err)
{
    if (!store_begin(pen->store, err))
        return false;
    if (mend(pen, mended, circles, count, err))
        return store_commit(pen->store, err);
    store_rollback(pen->store);
    return false;
}

void sync_mend(const struct syncing *syncing)
{
    struct command_call quiet = *syncing->net->call;
    struct pen pen = {.store = syncing->store, .now_ms = home_now()};
    struct bytes32 *circles;
    struct err err;
    uint64_t mended = 0;
    if (!syncing->down || syncing->is_trial || syncing->given != NULL)
        return;
    quiet.is_inner = true;
    size_t count = find_circles(&pen, &circles);
    struct holder *own =
        count > 0 && syncing->net->holder == NULL ? command_find_holder(&quiet, &err) : NULL;
    pen.holder = own != NULL ? own : syncing->net->holder;
    if (count > 0 && pen.holder != NULL && !write_all(&pen, &mended, circles, count, &err))
        fprintf(stderr, "shoal %s: no text was mended: %s\n", quiet.command->name, err.text);
    else if (mended > 0)
        fprintf(stderr, "shoal %s: %llu texts mended, of what does not count in them\n",
                quiet.command->name, (unsigned long long)mended);
    holder_free(own);
    arena_clear(&pen.arena);
}
