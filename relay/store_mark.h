/* store_mark.h - what a deletion leaves behind so that its targets are known when they come later.
 *
 * A deletion (kind 5) has, besides the hashes of its tags, one mark for each target that is its
 * author's to delete. An event is deleted when a deletion has the event's mark. Marks are hashes
 * in the same space as those of tags, under names that no tag has, and tell author and target at
 * once: a lookup meets no deletion of anybody else.
 *
 *   spec  NIP-09; NIP-59 for gift wraps, which those they name may delete
 */
#pragma once

#include "relay/tag_hash.h"

struct event;

int64_t store_mark_of_id(const struct hash_key *key, const struct bytes32 *author,
                         const struct bytes32 *id);

/* Where the versions of a replaceable or addressable event follow each other. */
struct store_address {
    uint16_t kind;
    int64_t dh; /* as the column of that name */
};

/* False for events that have none. */
bool store_address_of(struct store_address *address, const struct hash_key *key,
                      const struct event *event);

/* Of an "a" tag; false when it is none of author's. */
bool store_address_parse(struct store_address *address, const struct hash_key *key,
                         struct span value, const struct bytes32 *author);

int64_t store_mark_of_address(const struct hash_key *key, const struct bytes32 *author,
                              const struct store_address *address);
