/* desk_gate.h - which messages a desk looks at: of now, not heard before, and no more than it can
 * open. Part of desk.
 *
 *   units      now: unix seconds; now_ms: milliseconds of a clock that never goes back
 *   ownership  desk_gate_new to desk_gate_free
 *   threads    one
 */
#pragma once

#include "shared/base.h"

struct desk_gate;

struct desk_gate *desk_gate_new(void);
void desk_gate_free(struct desk_gate *gate);

/* Before a wrap is opened: whether there is time for one more. */
bool desk_gate_admits(struct desk_gate *gate, uint64_t now_ms);

/* Of one that was opened: whether that key may say more now. */
bool desk_gate_hears(struct desk_gate *gate, const struct bytes32 *key, uint64_t now_ms);

/* Whether it is of now and new; it is not new any more. */
bool desk_gate_is_new(struct desk_gate *gate, const struct bytes32 *id, int64_t created_at,
                      int64_t now);
