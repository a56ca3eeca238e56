/* recent.h - the ids that were seen lately.
 *
 * Two generations of limited size: when the younger is full the older is forgotten. So an id is
 * remembered for at least RECENT_IDS others, and at most twice as many.
 *
 *   ownership  struct recent r = {0} is empty, recent_clear frees it
 *   threads    one at a time
 */
#pragma once

#include "relay/table.h"
#include "shared/base.h"

enum { RECENT_IDS = 16384 };

struct recent {
    struct table younger, older;
};

void recent_clear(struct recent *recent);
void recent_add(struct recent *recent, const struct bytes32 *id);

/* Two ids that begin with the same 8 bytes are taken for one. */
bool recent_has(const struct recent *recent, const struct bytes32 *id);
