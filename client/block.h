/* block.h - a batch of events under one hash: who signs it says that all of them were there, and of
 * each it is proved by a few hashes.
 *
 * An event of kind 1576. Its content is the ids in their order, 32 bytes each, as base64; its tag
 * "mroot" the root of merkle.h over them, and how many they are. Tags "e" name the entity that it
 * is of (marked root) and the author's block before it (prev). An OpenTimestamps proof of the
 * block's id (kind 1040) says that the block, and all that is in it, is older than what it is
 * anchored in.
 *
 *   ownership  all lives in the arena
 *   errors     ERR_INVALID: it says nothing, to anybody, ever
 *   spec       Shoal's state, "Blocks"; NIP-03
 */
#pragma once

#include "client/merkle.h"

struct arena;
struct draft;
struct err;
struct event;
struct text;

enum { BLOCK_IDS_MAX = 1000 }; /* of one: relays take little more than their 44,000 bytes */

struct block {
    const struct bytes32 *ids; /* at least one */
    size_t count;
    struct bytes32 root; /* of the tree over them */
    bool has_entity, has_before;
    struct bytes32 entity, before;
};

/* event: of kind 1576. Its root is that of its ids. */
MUST_CHECK bool block_parse(struct block *block, struct arena *arena, const struct event *event,
                            struct err *err);

/* Writes kind, tags and content; root follows from the ids. */
void block_draft(struct draft *draft, const struct block *block);

/* Where the id is in it; count when it is not. */
size_t block_find(const struct block *block, const struct bytes32 *id);

/* ---- proofs, as one JSON object ---- */

struct block_proof {
    struct bytes32 block; /* the event's id */
    struct bytes32 root, id;
    struct merkle_proof way;
};

void block_proof_write(struct text *out, const struct block_proof *proof);
MUST_CHECK bool block_proof_parse(struct block_proof *proof, struct arena *arena, struct span json,
                                  struct err *err);

/* ---- anchors ---- */

/* event: of kind 1040. True when it is an OpenTimestamps proof of the id that it names; what it is
 * anchored in is for others to look up. */
bool block_anchor(struct bytes32 *id, struct arena *arena, const struct event *event);

/* Writes kind, tag and content of one. file: of OpenTimestamps. ERR_INVALID: it is none of id. */
MUST_CHECK bool block_anchor_draft(struct draft *draft, const struct bytes32 *id, struct span file,
                                   struct err *err);
