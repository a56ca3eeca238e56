/* reference.h - an event id in whatever form people paste it: 64 hex digits, note1..., nevent1...,
 * with or without nostr:, or a CID.
 *
 *   errors  ERR_INVALID
 *   spec    NIP-19, NIP-21; cid.h
 */
#pragma once

#include "shared/base.h"

struct err;

MUST_CHECK bool reference_parse(struct bytes32 *id, struct span word, struct err *err);
