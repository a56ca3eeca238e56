/* checkpoint.h - what somebody says that an entity came to, for others to compare.
 *
 * An event of kind 1573. It names the heads of what it covers, which is these and all that they
 * come after, with the fingerprint and the number of it; of an entity of a circle the heads of the
 * circle's history, too, whose rules it was judged by. So what it says follows from events alone,
 * and everybody who has them can tell whether it is right, at any time.
 *
 * The state is hashed as canonical JSON. It is the content where it is small, else it is in pieces
 * of blob.h, so that who lacks the events has at least what somebody says of them. It tells what
 * things are, not which write made them so; therefore nothing is folded from it.
 *
 * Several who say the same of the same events sign one state: each of them has computed it.
 *
 *   ownership  all lives in the arena
 *   errors     ERR_INVALID: it says nothing, to anybody, ever
 *   spec       Shoal's state, "Checkpoints"; tags "e" marked root, prev and auth, "h", "fp",
 *              "state", "x", "upto"
 */
#pragma once

#include "shared/base.h"
#include "shared/fingerprint.h"

struct arena;
struct draft;
struct err;
struct event;
struct replica;
struct text;

enum {
    CHECKPOINT_HEADS_MAX = 200,
    CHECKPOINT_STATE_BYTES_MAX = 32 * 1024,  /* as its content */
    CHECKPOINT_SEALED_BYTES_MAX = 16 * 1024, /* the same of one that is to be sealed */
};

struct checkpoint {
    struct bytes32 root;         /* of the entity */
    const struct bytes32 *heads; /* at least one, at most CHECKPOINT_HEADS_MAX; distinct */
    uint32_t head_count;
    bool has_circle;
    struct bytes32 circle;
    const struct bytes32 *grounds; /* heads of its history, as many */
    uint32_t ground_count;
    struct fingerprint covers;
    uint64_t count;      /* of events */
    struct bytes32 hash; /* of the state */
    uint64_t upto;       /* the greatest stamp */
    struct span state;   /* empty: not sent, or in pieces */
    uint64_t size;       /* of the state, in pieces; 0: it is not */
};

/* event: of kind 1573. What it sends as the state is what it hashes. */
MUST_CHECK bool checkpoint_parse(struct checkpoint *checkpoint, struct arena *arena,
                                 const struct event *event, struct err *err);

/* Writes kind, tags and content. */
void checkpoint_draft(struct draft *draft, const struct checkpoint *checkpoint);

/* The state and text of an entity, as canonical JSON. */
void checkpoint_write_state(struct text *out, const struct replica *replica);

/* The state is to be sent: as the content where it is at most so long, in pieces, or not at all
 * where it is larger than those may be. */
void checkpoint_fit(struct checkpoint *checkpoint, size_t max);

/* Two say the same of the same events. */
bool checkpoint_agrees(const struct checkpoint *a, const struct checkpoint *b);

/* How what somebody says differs from what was found by the same heads; NULL: it does not. */
const char *checkpoint_compare(const struct checkpoint *said, const struct checkpoint *found);
