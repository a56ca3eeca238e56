/* info.h - what a relay says of itself: its limits.
 *
 * Anybody may write anything there, so what makes no sense is left out, and what is left out is a
 * limit unknown.
 *
 *   units   max_message_bytes: bytes of a websocket message; the rest: as many
 *   errors  ERR_INVALID: no JSON object
 *   spec    NIP-11
 */
#pragma once

#include "shared/base.h"

struct err;

enum { INFO_BYTES_MAX = 256 * 1024 };

/* Limits are 0 when unknown. */
struct info {
    int64_t message_bytes_max;
    int64_t subs_max;
    int64_t limit_max;
    bool auth_required;
    bool has_nips; /* it lists what it supports, and */
    bool has_negentropy, has_count;
};

MUST_CHECK bool info_parse(struct info *info, struct span text, struct err *err);
