/* circle_outcome.c - what some of the changes amount to: which grants give what. */
#include <stdlib.h>

#include "client/circle_parts.h"
#include "client/hlc.h"

/* ---- views ---- */

enum { BITS = 64 };

static void widen(struct circle_view *view, struct arena *arena, size_t count)
{
    if (view->count >= count)
        return;
    uint64_t *words = arena_array(arena, uint64_t, count);
    if (view->count > 0)
        memcpy(words, view->words, view->count * sizeof *words);
    *view = (struct circle_view){words, count};
}

void circle_view_set(struct circle_view *view, struct arena *arena, size_t index)
{
    widen(view, arena, index / BITS + 1);
    view->words[index / BITS] |= UINT64_C(1) << index % BITS;
}

bool circle_view_has(const struct circle_view *view, size_t index)
{
    return index / BITS < view->count && (view->words[index / BITS] >> index % BITS & 1) != 0;
}

void circle_view_join(struct circle_view *view, struct arena *arena,
                      const struct circle_view *other)
{
    widen(view, arena, other->count);
    for (size_t i = 0; i < other->count; i++)
        view->words[i] |= other->words[i];
}

void circle_view_add(struct circle_view *view, struct arena *arena, const struct circle *circle,
                     const struct bytes32 *id)
{
    const struct circle_entry *entry = trie_get(&circle->entries, SPAN_OF(*id));
    if (entry == NULL)
        return;
    circle_view_join(view, arena, &entry->change.view);
    circle_view_set(view, arena, entry->index);
}

/* ---- outcomes ---- */

static bool is_within(const struct circle_outcome *outcome, size_t index)
{
    return outcome->is_all || circle_view_has(&outcome->within, index);
}

/* A removal that is after the grant, or beside it, and that has not seen the deed. */
static bool is_struck(const struct circle *circle, const struct circle_outcome *outcome,
                      const struct circle_person *person, const struct circle_deed *deed,
                      size_t grant)
{
    const struct circle_view *granted = &circle->changes[grant]->change.view;
    for (size_t i = 0; i < person->removal_count; i++) {
        size_t removal = person->removals[i];
        const struct circle_view *removed = &circle->changes[removal]->change.view;
        bool has_seen = deed->index == removal || circle_view_has(removed, deed->index) ||
                        (deed->later != NULL && circle_view_has(deed->later, removal));
        bool is_before = removal == grant || circle_view_has(granted, removal);
        if (is_within(outcome, removal) && !has_seen && !is_before)
            return true;
    }
    return false;
}

static bool is_over(const struct act *grant, int64_t at)
{
    return grant->until != 0 && at > grant->until;
}

/* The role that a grant gives for a deed. */
static enum act_role role_for(const struct act *grant, const struct circle_deed *deed)
{
    bool is_meant = !grant->has_entity && !grant->has_kind;
    if (deed->entity != NULL || deed->kind != 0)
        is_meant =
            (!grant->has_entity || (deed->entity != NULL && memcmp(&grant->entity, deed->entity,
                                                                   sizeof grant->entity) == 0)) &&
            (!grant->has_kind || deed->kind == 0 || grant->kind == deed->kind);
    return is_meant ? grant->role : ACT_READER;
}

uint32_t circle_rank(const struct circle *circle, const struct circle_outcome *outcome,
                     const struct circle_deed *deed, enum act_role role)
{
    const struct circle_person *person = trie_get(&circle->people, SPAN_OF(*deed->author));
    enum act_role best = role;
    uint32_t rank = CIRCLE_OUTSIDE;
    for (size_t i = 0; person != NULL && i < person->grant_count; i++) {
        size_t grant = person->grants[i];
        const struct act *act = &circle->changes[grant]->change.act;
        enum act_role given = role_for(act, deed);
        if (is_over(act, deed->at) || grant == deed->index || !circle_view_has(deed->view, grant) ||
            outcome->ranks[grant] == CIRCLE_OUTSIDE || given < best ||
            (given == best && outcome->ranks[grant] >= rank) ||
            is_struck(circle, outcome, person, deed, grant))
            continue;
        best = given;
        rank = outcome->ranks[grant];
    }
    return rank;
}

/* A role that is above what was found, or the same for longer. */
static void take(struct circle_member *member, const struct act *grant, bool is_first)
{
    const struct circle_deed none = {0};
    enum act_role role = role_for(grant, &none);
    bool is_longer = member->until != 0 && (grant->until == 0 || grant->until > member->until);
    member->is_limited |= grant->has_entity || grant->has_kind;
    if (is_first || role > member->role || (role == member->role && is_longer)) {
        member->role = role;
        member->until = grant->until;
    }
}

bool circle_member_in(const struct circle *circle, const struct circle_outcome *outcome,
                      struct circle_member *member, const struct bytes32 *key, int64_t at)
{
    const struct circle_person *person = trie_get(&circle->people, SPAN_OF(*key));
    const struct circle_deed none = {.author = key, .index = SIZE_MAX};
    *member = (struct circle_member){.key = *key, .rank = CIRCLE_OUTSIDE};
    for (size_t i = 0; person != NULL && i < person->grant_count; i++) {
        size_t grant = person->grants[i];
        const struct act *act = &circle->changes[grant]->change.act;
        uint32_t rank = outcome->ranks[grant];
        if (is_over(act, at) || rank == CIRCLE_OUTSIDE ||
            is_struck(circle, outcome, person, &none, grant))
            continue;
        take(member, act, member->rank == CIRCLE_OUTSIDE);
        member->rank = rank < member->rank ? rank : member->rank;
    }
    return member->rank != CIRCLE_OUTSIDE;
}

static uint32_t rank_of(const struct circle *circle, const struct circle_outcome *outcome,
                        size_t index)
{
    const struct circle_change *change = &circle->changes[index]->change;
    const struct circle_deed deed = {.author = &change->author,
                                     .view = &change->view,
                                     .index = index,
                                     .at = hlc_seconds(change->hlc)};
    if (!change->is_grant || !is_within(outcome, index))
        return CIRCLE_OUTSIDE;
    if (change->act.type == ACT_CREATE)
        return 0;
    uint32_t rank = circle_rank(circle, outcome, &deed, ACT_ADMIN);
    return rank == CIRCLE_OUTSIDE ? CIRCLE_OUTSIDE : rank + 1;
}

/* The later after the earlier, on which they stand. */
static void find(struct circle_outcome *outcome, const struct circle *circle)
{
    if (outcome->capacity < circle->count) {
        outcome->capacity = circle->count + BITS;
        outcome->ranks = realloc(outcome->ranks, outcome->capacity * sizeof *outcome->ranks);
        if (outcome->ranks == NULL)
            abort();
    }
    for (size_t i = 0; i < circle->count; i++)
        outcome->ranks[i] = rank_of(circle, outcome, i);
    outcome->count = circle->count;
}

const struct circle_outcome *circle_outcome_all(struct circle *circle)
{
    circle->all.is_all = true;
    if (circle->all.count != circle->count)
        find(&circle->all, circle);
    return &circle->all;
}

const struct circle_outcome *circle_outcome_of(struct circle *circle,
                                               const struct circle_view *view)
{
    struct circle_outcome *past = &circle->past;
    size_t size = view->count * sizeof *view->words;
    if (past->count == circle->count && past->within.count == view->count &&
        (size == 0 || memcmp(past->within.words, view->words, size) == 0))
        return past;
    past->within.words = realloc(past->within.words, size + 1);
    if (past->within.words == NULL)
        abort();
    past->within.count = view->count;
    if (size > 0)
        memcpy(past->within.words, view->words, size);
    find(past, circle);
    return past;
}
