/* allocation.h - which layers a node had best hold, of which model: what the swarm lacks most.
 *
 * Every node that chooses for itself works out the same plan from the same facts, and takes its own
 * part of it. Nodes that can hold a whole model do. The others share out the layers among them by
 * how many answers each can make at once, as often over as all of them have room for: so where one
 * dies, the others spread, and where one comes, they draw together. The plan is of who is there,
 * not of what they hold: it stays the same while they move. Nodes that stay as they are count as
 * what they hold.
 *
 * A layer is had as many times as answers could go through it at once: a node of capacity 4 that
 * holds a third of the layers has each of them 12 times.
 *
 * A plan is followed when layers are held by nobody that it has held, or when the weakest layer
 * would be had a quarter more; one node after another, first those whose leaving leaves no gap. A
 * node goes over to another model when answers wait for that twice as much as they would for its
 * own without it; but from one that is asked for, the last who has a layer does not go.
 *
 *   units      layers; answers; milliseconds of any clock that never goes back
 *   ownership  borrowed for the call
 *   threads    pure
 */
#pragma once

#include "shared/base.h"

enum { ALLOCATION_NODES_MAX = 512, ALLOCATION_MODELS_MAX = 8, ALLOCATION_WHY_BYTES = 96 };

/* Somebody who is there, and holds layers of a model. */
struct allocation_node {
    struct bytes32 key;
    uint32_t first, end;
    uint32_t room;     /* layers that it could hold, where it chooses; 0: it stays as it is */
    uint32_t capacity; /* answers at once */
    uint32_t busy;     /* answers that are being made there, or wait */
};

struct allocation_model {
    uint32_t layers;                     /* at most OFFER_LAYERS_MAX */
    uint32_t room;                       /* that fit here; 0: it is not for here */
    const struct allocation_node *nodes; /* others; the first ALLOCATION_NODES_MAX count */
    uint32_t count;
};

struct allocation_range {
    uint32_t model;      /* which */
    uint32_t first, end; /* first == end: none */
};

struct allocation_facts {
    const struct allocation_model *models; /* at most ALLOCATION_MODELS_MAX */
    uint32_t model_count;
    struct bytes32 self;
    uint32_t capacity, busy;
    struct allocation_range held;
    bool may_run; /* by the hour */
};

struct allocation_choice {
    struct allocation_range range;
    bool is_move;  /* it is not what is held */
    uint32_t rank; /* of those who are to move: how many go before */
    char why[ALLOCATION_WHY_BYTES];
};

void allocation_choose(struct allocation_choice *choice, const struct allocation_facts *facts);

/* ---- when to do it ---- */

struct allocation_turn {
    bool is_wanted;
    uint64_t wanted_ms; /* since when */
};

/* Whether the choice is to be followed now: it was wanted for a turn, in which another's move is
 * done and known, and one for each that goes before. Who holds nothing does not wait; nor does who
 * may not run. */
bool allocation_is_due(struct allocation_turn *turn, const struct allocation_choice *choice,
                       const struct allocation_facts *facts, uint64_t turn_ms, uint64_t now_ms);
