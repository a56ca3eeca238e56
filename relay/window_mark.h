/* window_mark.h - what was deleted of late, for what comes late.
 *
 * An event may reach the window after what deleted or replaced it: its row was read, or its OK was
 * on its way, while the deletion overtook it. So whoever asks the database for events takes a
 * ticket first, and what is deleted while tickets are out leaves a mark. An event that such a mark
 * covers, set after the ticket was taken, may be gone: who has it asks the database once more.
 * An event that an older mark covers was accepted in spite of it. Own events become known in the
 * order they were committed, and so do those of others: only between the two is there doubt.
 *
 *   ownership  a value: struct window_marks m = {0} is empty; tickets lie in their owners
 *   threads    one at a time
 */
#pragma once

#include "relay/list.h"
#include "relay/page.h"
#include "relay/table.h"

enum { WINDOW_OWN = 1, WINDOW_OTHERS = 2, WINDOW_ANYBODY = WINDOW_OWN | WINDOW_OTHERS };

struct window_ticket {
    struct list_node listed;
    uint64_t clock;
};

struct window_marks {
    struct table marks;
    struct list order; /* oldest first */
    struct list tickets;
    uint64_t clock; /* counts marks */
};

void window_marks_clear(struct window_marks *marks);

void window_ticket_take(struct window_marks *marks, struct window_ticket *ticket);

/* Does nothing for one that is not out. */
void window_ticket_return(struct window_marks *marks, struct window_ticket *ticket);

/* What key says of is gone from place on: at it, and after it in the order newest first; whose: who
 * deleted it. Does nothing while no ticket is out. */
void window_mark(struct window_marks *marks, uint64_t key, struct store_cursor place,
                 unsigned whose);

/* Whether a mark of that key, set since the ticket was taken by one of whose, covers place. */
bool window_mark_covers(const struct window_marks *marks, uint64_t key,
                        const struct store_cursor *place, const struct window_ticket *ticket,
                        unsigned whose);
