/* circle_quorum.c - removals of admins by others of the same rank, where so many have to agree. */
#include "client/act.h"
#include "client/circle_parts.h"
#include "client/hlc.h"

static bool is_same(const struct bytes32 *a, const struct bytes32 *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

/* The later, or of one stamp that with the lower id. */
static bool is_later(const struct circle_change *a, const struct circle_change *b)
{
    return a->hlc != b->hlc ? a->hlc > b->hlc : memcmp(&a->id, &b->id, sizeof a->id) < 0;
}

/* What was asked for last by somebody who precedes those of that rank. */
static uint32_t find_quorum(const struct circle *circle, const struct circle_outcome *past,
                            const struct circle_view *view, uint32_t rank)
{
    const struct circle_change *best = NULL;
    for (size_t i = 0; i < circle->count; i++) {
        const struct circle_change *change = &circle->changes[i]->change;
        const struct circle_deed deed = {.author = &change->author,
                                         .view = &change->view,
                                         .index = i,
                                         .at = hlc_seconds(change->hlc)};
        if (circle_view_has(view, i) && change->act.type == ACT_POLICY &&
            circle_rank(circle, past, &deed, ACT_ADMIN) < rank &&
            (best == NULL || is_later(change, best)))
            best = change;
    }
    return best != NULL ? best->act.quorum : 0;
}

/* What was said before somebody was let in again is over. */
static bool is_answered(const struct circle *circle, const struct circle_view *view,
                        const struct bytes32 *who, size_t vote)
{
    const struct circle_person *person = trie_get(&circle->people, SPAN_OF(*who));
    for (size_t i = 0; person != NULL && i < person->grant_count; i++)
        if (circle_view_has(view, person->grants[i]) &&
            circle_view_has(&circle->changes[person->grants[i]]->change.view, vote))
            return true;
    return false;
}

/* An admin of that rank, or of a lower one, who has said the same. */
static bool is_vote(const struct circle *circle, const struct circle_outcome *past,
                    const struct circle_change *change, const struct circle_member *who, size_t i)
{
    const struct circle_change *other = &circle->changes[i]->change;
    struct circle_member voter;
    return circle_view_has(&change->view, i) && other->act.type == ACT_REMOVE &&
           is_same(&other->act.who, &who->key) && !is_same(&other->author, &change->author) &&
           !is_answered(circle, &change->view, &who->key, i) &&
           circle_member_in(circle, past, &voter, &other->author, hlc_seconds(change->hlc)) &&
           voter.role == ACT_ADMIN && voter.rank <= who->rank;
}

struct circle_vote circle_vote(const struct circle *circle, const struct circle_outcome *past,
                               const struct circle_change *change, const struct circle_member *who)
{
    struct circle_vote vote = {find_quorum(circle, past, &change->view, who->rank), 1};
    for (size_t i = 0; vote.needed > 0 && i < circle->count; i++) {
        bool is_new = is_vote(circle, past, change, who, i);
        for (size_t j = 0; is_new && j < i; j++)
            is_new =
                !is_vote(circle, past, change, who, j) ||
                !is_same(&circle->changes[j]->change.author, &circle->changes[i]->change.author);
        vote.given += is_new;
    }
    return vote;
}

uint32_t circle_quorum(struct circle *circle, uint32_t rank)
{
    struct arena arena = {0};
    struct circle_view view = {0};
    for (size_t i = circle->count; i > 0; i--)
        circle_view_set(&view, &arena, i - 1);
    uint32_t quorum = find_quorum(circle, circle_outcome_all(circle), &view, rank);
    arena_clear(&arena);
    return quorum;
}
