/* door.h - how a lead and a stage that have never met come to a key: the lead makes one, and puts
 * it into a letter, sealed for the key that the stage's offer is signed by.
 *
 * Whoever can open the letter is that stage; whoever has its key is the lead that wrote it. It may
 * be used for as long as both like: each link has a key of its own (gpu/hail.h).
 *
 *   letter     the lead's public key, then as NIP-44 has it "shoal stage key:" and 32 random bytes
 *   ownership  the holder is borrowed, of a door as long as the door is there
 *   threads    one at a time, as the holder's
 *   errors     those of holder
 */
#pragma once

#include "gpu/hail.h"

struct holder;

struct hail_door door_of(struct holder *holder);

/* For the stage that has the key peer. */
MUST_CHECK bool door_pass(struct hail_pass *pass, const struct holder *holder,
                          const struct bytes32 *peer, struct err *err);
