/* redaction.h - what is left of an event once its author took it back.
 *
 * It keeps its id, author, time and place in the history of its entity, so that what came after it
 * still counts; its content and all other tags are gone.
 *
 *   ownership  results live in the arena
 *   spec       NIP-09; NIP-62; Shoal's state, "Deletion"
 */
#pragma once

#include "shared/base.h"

struct arena;
struct event;

/* Makes event what is left of it. */
void redaction_apply(struct event *event, struct arena *arena);

/* The author asks to be forgotten everywhere, with all up to the request's created_at. One that
 * names relays is for these alone. */
bool redaction_is_vanish(const struct event *event);

/* Nobody takes back that something was taken back, and no member of a circle the circle's history:
 * who was removed would be back. */
bool redaction_spares(uint16_t kind);

/* The ids that a deletion request names; the same author's alone are meant. */
size_t redaction_targets(const struct event *event, struct bytes32 **ids, struct arena *arena);
