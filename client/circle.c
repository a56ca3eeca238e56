#include "client/circle.h"

#include <stdlib.h>

#include "client/circle_parts.h"
#include "client/entity.h"
#include "client/hlc.h"
#include "client/node.h"
#include "shared/err.h"
#include "shared/kind.h"

static bool is_same(const struct bytes32 *a, const struct bytes32 *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

/* ---- what an event may do, by what it comes after ---- */

static bool is_creator(const struct circle *circle, const struct bytes32 *key)
{
    return circle->count > 0 && is_same(&circle->changes[0]->change.author, key);
}

/* Everybody may go by themselves, but for who created the circle. */
static bool may_remove(const struct circle *circle, const struct circle_change *change,
                       const struct circle_member *me, const struct circle_member *who)
{
    if (is_same(&change->author, &change->act.who))
        return !is_creator(circle, &change->author);
    return me->role == ACT_ADMIN && me->rank < who->rank;
}

/* Whose time is over is removed all the same, so that an early date is of no use. */
static bool admit_removal(struct circle_change *change, const struct circle *circle,
                          const struct circle_outcome *past)
{
    struct circle_member me, who;
    int64_t at = hlc_seconds(change->hlc);
    if (!circle_member_in(circle, past, &me, &change->author, at) ||
        !circle_member_in(circle, past, &who, &change->act.who, 0))
        return false;
    change->is_removal = may_remove(circle, change, &me, &who);
    if (change->is_removal || change->act.type != ACT_REMOVE || me.role != ACT_ADMIN ||
        me.rank != who.rank)
        return change->is_removal;
    const struct circle_vote vote = circle_vote(circle, past, change, &who);
    change->is_removal = vote.needed > 0 && vote.given >= vote.needed;
    return vote.needed > 0;
}

/* A role that is lower takes the one before away. */
static bool admit_role(struct circle_change *change, const struct circle *circle,
                       const struct circle_outcome *past)
{
    struct circle_member who;
    if (!circle_member_in(circle, past, &who, &change->act.who, 0))
        return false;
    change->is_grant = true;
    return change->act.role >= who.role || admit_removal(change, circle, past);
}

/* Whether a change may be one: what only admins may do is done by an admin. */
static bool admit(struct circle_change *change, struct circle *circle)
{
    const struct circle_outcome *past = circle_outcome_of(circle, &change->view);
    const struct circle_deed deed = {.author = &change->author,
                                     .view = &change->view,
                                     .index = circle->count,
                                     .at = hlc_seconds(change->hlc)};
    bool is_admin = circle_rank(circle, past, &deed, ACT_ADMIN) != CIRCLE_OUTSIDE;
    struct circle_member me;
    switch (change->act.type) {
    case ACT_ADD:
    case ACT_GRANT:
        change->is_grant = is_admin;
        return is_admin;
    case ACT_ROLE:
        return is_admin && admit_role(change, circle, past);
    case ACT_REMOVE:
    case ACT_LEAVE:
        return admit_removal(change, circle, past);
    case ACT_VOID:
        return circle_member_in(circle, past, &me, &change->author, deed.at) &&
               me.role >= ACT_MODERATOR;
    case ACT_EPOCH:
    case ACT_POLICY:
        return is_admin;
    case ACT_CREATE:
    case ACT_UNKNOWN:
        break;
    }
    return circle_rank(circle, past, &deed, ACT_READER) != CIRCLE_OUTSIDE;
}

static bool admit_first(struct circle_change *change, const struct circle *circle)
{
    change->is_grant = circle->count == 0 && change->act.type == ACT_CREATE;
    change->act.role = ACT_ADMIN;
    return change->is_grant;
}

/* ---- taking it in ---- */

static struct circle_person *person_of(struct circle *circle, const struct bytes32 *key)
{
    struct circle_person *person = trie_get(&circle->people, SPAN_OF(*key));
    if (person == NULL) {
        person = arena_alloc(&circle->arena, sizeof *person);
        trie_put(&circle->people, &circle->arena, SPAN_OF(*key), person);
    }
    return person;
}

static void add(struct circle *circle, const struct circle_change *change)
{
    struct arena *arena = &circle->arena;
    struct circle_entry *entry = arena_alloc(arena, sizeof *entry);
    bool is_first = change->act.type == ACT_CREATE;
    struct circle_person *person = person_of(circle, is_first ? &change->author : &change->act.who);
    *entry = (struct circle_entry){*change, circle->count};
    if (change->is_grant) {
        person->grants = arena_grow(arena, size_t, person->grants, person->grant_count);
        person->grants[person->grant_count++] = entry->index;
    }
    if (change->is_removal) {
        person->removals = arena_grow(arena, size_t, person->removals, person->removal_count);
        person->removals[person->removal_count++] = entry->index;
    }
    if (change->act.type == ACT_VOID)
        for (uint32_t i = 0; i < change->act.id_count; i++)
            trie_put(&circle->voided, arena, SPAN_OF(change->act.ids[i]), entry);
    trie_put(&circle->entries, arena, SPAN_OF(change->id), entry);
    circle->changes = arena_grow(arena, struct circle_entry *, circle->changes, circle->count);
    circle->changes[circle->count++] = entry;
}

/* What was wrong from the first holds no place. */
static enum entity_leave guard(void *owner, const struct node *node)
{
    struct circle *circle = owner;
    const struct act *act = trie_get(&circle->acts, SPAN_OF(node->id));
    struct circle_change change = {.id = node->id,
                                   .author = node->author,
                                   .hlc = node->hlc,
                                   .seen = node->seen,
                                   .seen_count = node->seen_count};
    if (node->kind != KIND_CIRCLE_OP && node->kind != KIND_KEY_EPOCH)
        return ENTITY_NEVER;
    if (act != NULL)
        change.act = *act;
    if (change.act.type == ACT_CREATE && !node_is_root(node))
        change.act = (struct act){0};
    for (uint32_t i = 0; i < node->parent_count; i++)
        circle_view_add(&change.view, &circle->arena, circle, &node->parents[i]);
    bool ok = node_is_root(node) ? admit_first(&change, circle) : admit(&change, circle);
    if (ok)
        add(circle, &change);
    return ok ? ENTITY_MAY : ENTITY_NEVER;
}

struct circle *circle_new(const struct bytes32 *root, uint64_t horizon_ms)
{
    struct circle *circle = calloc(1, sizeof *circle);
    if (circle == NULL)
        abort();
    circle->entity = entity_new(root, horizon_ms, NULL, circle);
    entity_guard(circle->entity, guard);
    return circle;
}

void circle_free(struct circle *circle)
{
    if (circle == NULL)
        return;
    entity_free(circle->entity);
    arena_clear(&circle->arena);
    free(circle->all.ranks);
    free(circle->past.ranks);
    free(circle->past.within.words);
    free(circle);
}

void circle_put(struct circle *circle, const struct node *node, const struct act *act)
{
    struct arena *arena = &circle->arena;
    if (act != NULL && trie_get(&circle->acts, SPAN_OF(node->id)) == NULL) {
        struct act *copy = arena_alloc(arena, sizeof *copy);
        *copy = *act;
        copy->name = arena_copy(arena, act->name);
        struct span ids = {(const char *)act->ids, act->id_count * sizeof *act->ids};
        copy->ids = (const struct bytes32 *)arena_copy(arena, ids).at;
        trie_put(&circle->acts, arena, SPAN_OF(node->id), copy);
    }
    (void)entity_put(circle->entity, node, NULL);
}

/* ---- what is asked ---- */

const struct entity *circle_entity(const struct circle *circle)
{
    return circle->entity;
}

bool circle_ground(const struct circle *circle, struct node *node, struct bytes32 *grounds,
                   uint64_t now_ms, struct err *err)
{
    size_t count = entity_heads(circle->entity, grounds, NODE_GROUNDS_MAX);
    uint64_t seen = entity_hlc(circle->entity);
    if (count == 0)
        return err_set(err, ERR_RESTRICTED, "nothing of the circle is known here");
    node->has_circle = true;
    node->circle = *entity_root(circle->entity);
    node->grounds = grounds;
    node->ground_count = (uint32_t)(count < NODE_GROUNDS_MAX ? count : NODE_GROUNDS_MAX);
    return node->hlc > seen || hlc_next(&node->hlc, seen, now_ms, err);
}

const struct act *circle_creation(const struct circle *circle)
{
    return circle->count > 0 ? &circle->changes[0]->change.act : NULL;
}

static int compare(const void *a, const void *b)
{
    const struct circle_member *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return memcmp(&x->key, &y->key, sizeof x->key);
}

struct circle_member *circle_members(struct circle *circle, struct arena *arena, size_t *count)
{
    const struct circle_outcome *all = circle_outcome_all(circle);
    struct circle_member *members = arena_array(arena, struct circle_member, circle->people.count);
    *count = 0;
    for (const struct trie_node *leaf = circle->people.first; leaf != NULL; leaf = leaf->next) {
        struct bytes32 key;
        memcpy(&key, leaf->key.at, sizeof key);
        *count += circle_member_in(circle, all, &members[*count], &key, 0);
    }
    qsort(members, *count, sizeof *members, compare);
    return members;
}

bool circle_member(struct circle *circle, struct circle_member *member, const struct bytes32 *key)
{
    return circle_member_at(circle, member, key, 0);
}

bool circle_member_at(struct circle *circle, struct circle_member *member,
                      const struct bytes32 *key, int64_t at)
{
    return circle_member_in(circle, circle_outcome_all(circle), member, key, at);
}

bool circle_allows(struct circle *circle, const struct circle_case *question)
{
    struct arena arena = {0};
    struct circle_view all = {0};
    for (size_t i = circle->count; i > 0; i--)
        circle_view_set(&all, &arena, i - 1);
    const struct circle_deed deed = {.author = question->author,
                                     .view = &all,
                                     .index = SIZE_MAX,
                                     .at = question->at,
                                     .entity = question->entity,
                                     .kind = question->kind};
    uint32_t rank = circle_rank(circle, circle_outcome_all(circle), &deed, question->role);
    arena_clear(&arena);
    return rank != CIRCLE_OUTSIDE;
}

size_t circle_count(const struct circle *circle)
{
    return circle->count;
}

const struct circle_change *circle_change(const struct circle *circle, size_t index)
{
    return &circle->changes[index]->change;
}

bool circle_stands(struct circle *circle, size_t index)
{
    const struct circle_change *change = &circle->changes[index]->change;
    enum act_type type = change->act.type;
    const struct circle_deed deed = {.author = &change->author,
                                     .view = &change->view,
                                     .index = index,
                                     .at = hlc_seconds(change->hlc)};
    if (index == 0 || change->is_removal || type == ACT_VOID)
        return true;
    bool is_of_admins = change->is_grant || type == ACT_EPOCH || type == ACT_POLICY;
    enum act_role role = is_of_admins ? ACT_ADMIN : ACT_READER;
    return circle_rank(circle, circle_outcome_all(circle), &deed, role) != CIRCLE_OUTSIDE;
}

uint32_t circle_gives(struct circle *circle, size_t index)
{
    return circle_outcome_all(circle)->ranks[index];
}

bool circle_voids(const struct circle *circle, const struct bytes32 *id)
{
    return trie_get(&circle->voided, SPAN_OF(*id)) != NULL;
}

enum circle_verdict circle_judge(struct circle *circle, const struct circle_case *question)
{
    const struct circle_deed then = {.author = question->author,
                                     .view = question->view,
                                     .index = SIZE_MAX,
                                     .at = question->at,
                                     .entity = question->entity,
                                     .kind = question->kind};
    struct circle_deed now = then;
    const struct circle_outcome *past = circle_outcome_of(circle, question->view);
    now.later = question->later;
    if (circle_rank(circle, past, &then, question->role) == CIRCLE_OUTSIDE)
        return CIRCLE_NEVER;
    bool is_valid =
        circle_rank(circle, circle_outcome_all(circle), &now, question->role) != CIRCLE_OUTSIDE;
    return is_valid ? CIRCLE_VALID : CIRCLE_VOID;
}
