#include "client/catalog_fault.h"

#include <stdlib.h>

#include "client/catalog_circle.h"
#include "client/catalog_past.h"
#include "client/circle.h"
#include "client/entity.h"
#include "client/node.h"
#include "client/prose.h"
#include "client/replica.h"
#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/arena.h"

static bool is_same(const struct bytes32 *a, const struct bytes32 *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

/* ---- those who were removed ---- */

struct search {
    struct circle *circle;
    struct catalog_strays *strays;
};

static struct catalog_stray *stray_of(const struct search *search, const struct bytes32 *who)
{
    for (size_t i = 0; i < search->strays->count; i++)
        if (is_same(&search->strays->at[i].who, who))
            return &search->strays->at[i];
    return NULL;
}

/* All who were ever removed, or took a lower role. */
static void list_removed(const struct search *search, struct arena *arena)
{
    struct catalog_strays *strays = search->strays;
    for (size_t i = 0; i < circle_count(search->circle); i++) {
        const struct circle_change *change = circle_change(search->circle, i);
        struct catalog_stray *stray = stray_of(search, &change->act.who);
        if (!change->is_removal)
            continue;
        if (stray == NULL) {
            strays->at = arena_grow(arena, struct catalog_stray, strays->at, strays->count);
            stray = &strays->at[strays->count++];
            *stray = (struct catalog_stray){.who = change->act.who, .removed = change->hlc};
        }
        if (change->hlc < stray->removed)
            stray->removed = change->hlc;
    }
}

static void count(const struct search *search, struct catalog_stray *stray,
                  const struct bytes32 *id, uint64_t hlc)
{
    if (stray == NULL || circle_voids(search->circle, id))
        return;
    stray->writes++;
    if (hlc > stray->last)
        stray->last = hlc;
}

/* What was wrong from the first: before the removal it has nothing to do with that. */
static void on_void(void *owner, const struct node *node)
{
    const struct search *search = owner;
    struct catalog_stray *stray = stray_of(search, &node->author);
    if (stray != NULL && node->hlc > stray->removed)
        count(search, stray, &node->id, node->hlc);
}

static void search_circle(struct search *search)
{
    for (size_t i = 0; i < circle_count(search->circle); i++) {
        const struct circle_change *change = circle_change(search->circle, i);
        struct catalog_stray *stray = stray_of(search, &change->author);
        if (stray != NULL && !circle_stands(search->circle, i))
            count(search, stray, &change->id, change->hlc);
    }
    entity_each_void(circle_entity(search->circle), on_void, search);
}

static bool search_entity(struct search *search, struct store *store, const struct bytes32 *root,
                          struct err *err)
{
    struct replica *replica;
    size_t hollow_count;
    if (!catalog_load_at(store, &replica, root, UINT64_MAX, err))
        return false;
    const struct node *hollow = replica_hollow(replica, &hollow_count);
    for (size_t i = 0; i < hollow_count; i++)
        count(search, stray_of(search, &hollow[i].author), &hollow[i].id, hollow[i].hlc);
    entity_each_void(replica_entity(replica), on_void, search);
    replica_free(replica);
    return true;
}

static bool search_all(struct search *search, struct store *store, struct arena *arena,
                       struct err *err)
{
    struct bytes32 *roots;
    size_t root_count;
    search_circle(search);
    if (!catalog_idle(store, &roots, &root_count, arena, &search->strays->circle, err))
        return false;
    for (size_t i = 0; i < root_count; i++)
        if (!search_entity(search, store, &roots[i], err))
            return false;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct catalog_stray *x = a, *y = b;
    if (x->writes != y->writes)
        return x->writes > y->writes ? -1 : 1;
    return memcmp(&x->who, &y->who, sizeof x->who);
}

/* Those who wrote. */
static void sift(const struct search *search)
{
    struct catalog_strays *strays = search->strays;
    size_t kept = 0;
    for (size_t i = 0; i < strays->count; i++) {
        struct catalog_stray *stray = &strays->at[i];
        struct circle_member member;
        stray->is_member = circle_member(search->circle, &member, &stray->who);
        stray->role = member.role;
        if (stray->writes > 0)
            strays->at[kept++] = *stray;
    }
    strays->count = kept;
    if (kept > 0)
        qsort(strays->at, kept, sizeof *strays->at, compare);
}

bool catalog_strays(struct store *store, struct catalog_strays *strays, struct arena *arena,
                    const struct bytes32 *circle, struct err *err)
{
    struct search search = {.strays = strays};
    *strays = (struct catalog_strays){.circle = *circle};
    if (!catalog_circle_at(store, &search.circle, circle, UINT64_MAX, err))
        return false;
    const struct act *creation = circle_creation(search.circle);
    if (creation != NULL)
        strays->name = arena_copy(arena, creation->name);
    list_removed(&search, arena);
    bool ok = strays->count == 0 || search_all(&search, store, arena, err);
    sift(&search);
    circle_free(search.circle);
    return ok;
}

/* ---- texts ---- */

static void find_device(struct catalog_clash *clash, const struct catalog_writers *writers)
{
    for (size_t i = 0; i < writers->count && !clash->has_device; i++) {
        const struct catalog_writer *writer = &writers->at[i];
        clash->has_device = is_same(&writer->author, &clash->who) &&
                            doc_client(&clash->root, &clash->who, writer->device) == clash->client;
        clash->device = writer->device;
    }
}

static void add_loss(struct catalog_clashes *clashes, struct arena *arena,
                     const struct bytes32 *root, const struct prose_loss *loss)
{
    for (size_t i = clashes->count; i > 0 && is_same(&clashes->at[i - 1].root, root); i--) {
        struct catalog_clash *clash = &clashes->at[i - 1];
        if (clash->client == loss->client && is_same(&clash->who, &loss->author) &&
            clash->is_foreign == loss->is_foreign) {
            clash->updates++;
            return;
        }
    }
    clashes->at = arena_grow(arena, struct catalog_clash, clashes->at, clashes->count);
    clashes->at[clashes->count++] = (struct catalog_clash){.root = *root,
                                                           .who = loss->author,
                                                           .client = loss->client,
                                                           .updates = 1,
                                                           .is_foreign = loss->is_foreign,
                                                           .has_owner = loss->has_owner,
                                                           .owner = loss->owner};
}

static bool add_text(struct store *store, struct catalog_clashes *clashes, struct arena *arena,
                     const struct bytes32 *root, struct err *err)
{
    struct replica *replica;
    size_t loss_count;
    if (!catalog_load_at(store, &replica, root, UINT64_MAX, err))
        return false;
    const struct prose_loss *losses = replica_losses(replica, arena, &loss_count);
    for (size_t i = 0; i < loss_count; i++)
        add_loss(clashes, arena, root, &losses[i]);
    replica_free(replica);
    return true;
}

static bool list_texts(struct store *store, struct bytes32 **roots, size_t *root_count,
                       struct arena *arena, struct err *err)
{
    struct sqlite3_stmt *row;
    return catalog_settle(store, err) &&
           sql_start(store->sql, &row, err,
                     "SELECT root FROM entity WHERE contradictions > 0 ORDER BY root", "") &&
           sql_ids(store->sql, roots, root_count, arena, row, err);
}

bool catalog_clashes(struct store *store, struct catalog_clashes *clashes, struct arena *arena,
                     struct err *err)
{
    struct catalog_writers writers;
    struct bytes32 *roots;
    size_t root_count;
    *clashes = (struct catalog_clashes){0};
    if (!list_texts(store, &roots, &root_count, arena, err) ||
        !catalog_writers(store, &writers, arena, err))
        return false;
    for (size_t i = 0; i < root_count; i++)
        if (!add_text(store, clashes, arena, &roots[i], err))
            return false;
    for (size_t i = 0; i < clashes->count; i++)
        find_device(&clashes->at[i], &writers);
    return true;
}

/* ---- devices ---- */

static void read_twin(void *item, struct arena *arena, struct sqlite3_stmt *row)
{
    (void)arena;
    *(struct catalog_twin *)item = (struct catalog_twin){.who = sql_id(row, 0),
                                                         .device = (uint64_t)sql_int(row, 1),
                                                         .numbers = (uint64_t)sql_int(row, 2)};
}

bool catalog_twins(struct store *store, struct catalog_twins *twins, struct arena *arena,
                   struct err *err)
{
    struct sqlite3_stmt *row;
    struct sql_list list = {0};
    bool ok = catalog_settle(store, err) &&
              sql_start(store->sql, &row, err,
                        "SELECT pk, device, count(*) - count(DISTINCT seq) AS twice FROM writer"
                        " GROUP BY pk, device HAVING twice > 0 ORDER BY twice DESC, pk, device",
                        "") &&
              sql_list(store->sql, &list, arena, row,
                       (struct sql_item){sizeof(struct catalog_twin), read_twin}, err);
    *twins = (struct catalog_twins){list.at, list.count};
    return ok;
}
