/* catalog_touch.c - which entities of a circle a change of its history may change.
 *
 * What an event of an entity may do depends on its author's grants that still give something and on
 * the author's removals; on whether it is voided; and on its grounds, for which it waits when they
 * do not count yet. So each circle's people are kept with a hash over these, and only entities are
 * folded again in which somebody wrote whose hash has changed, that something voids, or that wait.
 */
#include "client/catalog_parts.h"
#include "client/circle.h"
#include "client/sql.h"
#include "client/store_parts.h"
#include "client/trie.h"
#include "shared/arena.h"
#include "shared/fingerprint.h"
#include "shared/sig.h"

struct person {
    struct fingerprint_sum sum; /* in no order: changes come in any */
};

struct people {
    struct arena arena;
    struct trie by_key;  /* person */
    struct person voids; /* of all of the circle's */
};

static void add_fact(struct person *person, const struct circle_change *change, uint32_t rank)
{
    struct {
        struct bytes32 id;
        uint32_t rank;
    } fact = {change->id, rank};
    const struct bytes32 hash = sig_sha256(SPAN_OF(fact));
    fingerprint_add(&person->sum, &hash);
}

static struct person *person_of(struct people *people, const struct bytes32 *key)
{
    struct person *person = trie_get(&people->by_key, SPAN_OF(*key));
    if (person == NULL) {
        person = arena_alloc(&people->arena, sizeof *person);
        *person = (struct person){0};
        trie_put(&people->by_key, &people->arena, SPAN_OF(*key), person);
    }
    return person;
}

static void gather(struct people *people, struct circle *circle)
{
    for (size_t i = 0; i < circle_count(circle); i++) {
        const struct circle_change *change = circle_change(circle, i);
        const struct bytes32 *who =
            change->act.type == ACT_CREATE ? &change->author : &change->act.who;
        if (change->is_grant || change->is_removal)
            add_fact(person_of(people, who), change, circle_gives(circle, i));
        if (change->act.type == ACT_VOID)
            add_fact(&people->voids, change, 0);
    }
}

/* Whether it is not what was kept; what is, is kept. */
static bool replace(struct store *store, bool *is_new, const struct bytes32 *root,
                    const struct bytes32 *key, const struct person *person, struct err *err)
{
    const struct fingerprint print = fingerprint_of(&person->sum);
    int64_t is_kept;
    bool ok = sql_number(store->sql, &is_kept, 0, err,
                         "SELECT 1 FROM person WHERE circle = ? AND pk = ? AND print = ?", "bbx",
                         root, key, SPAN_OF(print));
    *is_new = is_kept == 0;
    return ok && (is_kept != 0 ||
                  sql_run(store->sql, err, "INSERT OR REPLACE INTO person VALUES (?, ?, ?)", "bbx",
                          root, key, SPAN_OF(print)));
}

static bool touch_person(struct store *store, const struct bytes32 *root, const struct bytes32 *key,
                         const struct person *person, struct err *err)
{
    bool is_new;
    return replace(store, &is_new, root, key, person, err) &&
           (!is_new || sql_run(store->sql, err,
                               "UPDATE entity SET is_dirty = 1 WHERE root IN"
                               " (SELECT root FROM event WHERE circle = ? AND pk = ?)",
                               "bb", root, key));
}

static bool touch_voided(struct store *store, struct circle *circle, struct err *err)
{
    for (size_t i = 0; i < circle_count(circle); i++) {
        const struct act *act = &circle_change(circle, i)->act;
        for (uint32_t j = 0; act->type == ACT_VOID && j < act->id_count; j++)
            if (!sql_run(store->sql, err,
                         "UPDATE entity SET is_dirty = 1 WHERE root ="
                         " (SELECT root FROM event JOIN log USING (n) WHERE h = ? AND id = ?)",
                         "ib", store_hash_of(&act->ids[j]), &act->ids[j]))
                return false;
    }
    return true;
}

bool catalog_touch(struct store *store, struct circle *circle, const struct bytes32 *root,
                   struct err *err)
{
    static const struct bytes32 nobody = {{0}};
    struct people people = {.voids = {{{0}, 0}}};
    bool is_voiding;
    gather(&people, circle);
    bool ok = replace(store, &is_voiding, root, &nobody, &people.voids, err) &&
              (!is_voiding || touch_voided(store, circle, err)) &&
              sql_run(store->sql, err,
                      "UPDATE entity SET is_dirty = 1 WHERE circle = ? AND waiting > 0", "b", root);
    for (const struct trie_node *leaf = people.by_key.first; ok && leaf != NULL;
         leaf = leaf->next) {
        struct bytes32 key;
        memcpy(&key, leaf->key.at, sizeof key);
        ok = touch_person(store, root, &key, leaf->value, err);
    }
    arena_clear(&people.arena);
    return ok;
}
