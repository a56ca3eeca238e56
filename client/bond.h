/* bond.h - private friendship: an edge from each of two to the other, that nobody else sees.
 *
 * Each edge is an element of a set that one person keeps about whom he wants as friends, told to
 * that person alone: an event of kind 1570 that nobody signed, in a gift wrap, which adds the
 * other's key to "friends", or takes out what it had added. Two are friends while both edges are
 * there. Who takes out what another added has declined it, for himself.
 *
 *   units      created_at: unix seconds
 *   ownership  results live in the arena
 *   threads    the store's
 *   errors     the store's
 *   spec       Shoal's state, "Kinds"; NIP-59
 */
#pragma once

#include "client/op.h"

struct arena;
struct err;
struct event;
struct store;

struct bond {
    struct bytes32 who;
    struct op_tag *ours, *theirs; /* what makes each edge */
    uint32_t our_count, their_count;
    uint32_t declined_count; /* of theirs */
};

struct bonds {
    struct bond *at;
    size_t count;
    uint64_t hlc; /* the greatest stamp of ours */
};

static inline bool bond_is_friend(const struct bond *bond)
{
    return bond->our_count > 0 && bond->their_count > 0;
}

/* They asked, and are not answered. */
static inline bool bond_is_asking(const struct bond *bond)
{
    return bond->our_count == 0 && bond->their_count > bond->declined_count;
}

/* All of a person, as far as his letters were opened. */
MUST_CHECK bool bond_list(struct store *store, struct bonds *bonds, struct arena *arena,
                          const struct bytes32 *me, struct err *err);
const struct bond *bond_find(const struct bonds *bonds, const struct bytes32 *who);

/* The event that does op, as of a stamp, about somebody. */
void bond_rumor(struct event *rumor, struct arena *arena, const struct bytes32 *author,
                const struct bytes32 *who, const struct op *op, uint64_t hlc);

/* The operations: to want somebody as a friend, and to take back or decline what makes an edge. */
struct op bond_add(struct arena *arena, const struct bytes32 *who);
struct op bond_end(const struct op_tag *tags, uint32_t count);
