/* warrant.h - which events of one entity of a circle count.
 *
 * An event comes after the grounds that it names, and after those of all that it comes after. A
 * removal has seen what it names as seen, or what a change before it does, and all before that in
 * the entity; but nothing that comes after a change which the removal does not come after.
 *
 *   ownership  warrant_new to warrant_free; borrows the circle, to which nothing more is added
 *   threads    one at a time
 *   spec       Shoal's state, "ranked strong removal"
 */
#pragma once

#include "client/entity.h"

struct circle;
struct warrant;

struct warrant *warrant_new(struct circle *circle);
void warrant_free(struct warrant *warrant);

/* All events of the entity, in any order, before the first is judged. */
void warrant_note(struct warrant *warrant, const struct node *node);

/* Each once, parents before children. */
enum entity_leave warrant_judge(struct warrant *warrant, const struct node *node);
