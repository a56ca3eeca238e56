#include "relay/window_mark.h"

#include <stdlib.h>

#include "relay/window_entry.h"

struct mark {
    struct list_node listed;
    uint64_t key;
    uint64_t clock; /* of the newer of the two */
    uint64_t own, others;
    struct store_cursor place;
};

/* Marks that no ticket is older than. */
static void tidy(struct window_marks *marks)
{
    const struct window_ticket *oldest = list_first(&marks->tickets);
    for (struct mark *mark; (mark = list_first(&marks->order)) != NULL;) {
        if (oldest != NULL && mark->clock > oldest->clock)
            return;
        list_remove(&marks->order, &mark->listed);
        table_remove(&marks->marks, mark->key);
        free(mark);
    }
    table_clear(&marks->marks);
}

void window_marks_clear(struct window_marks *marks)
{
    for (struct window_ticket *ticket; (ticket = list_first(&marks->tickets)) != NULL;)
        list_remove(&marks->tickets, &ticket->listed);
    tidy(marks);
}

void window_ticket_take(struct window_marks *marks, struct window_ticket *ticket)
{
    ticket->clock = marks->clock;
    list_append(&marks->tickets, &ticket->listed, ticket);
}

void window_ticket_return(struct window_marks *marks, struct window_ticket *ticket)
{
    bool is_oldest = list_first(&marks->tickets) == ticket;
    list_remove(&marks->tickets, &ticket->listed);
    if (is_oldest)
        tidy(marks);
}

static struct mark *mark_new(struct window_marks *marks, uint64_t key, struct store_cursor place)
{
    struct mark *mark = calloc(1, sizeof *mark);
    if (mark == NULL)
        abort();
    mark->key = key;
    mark->place = place;
    table_put(&marks->marks, key, mark);
    return mark;
}

void window_mark(struct window_marks *marks, uint64_t key, struct store_cursor place,
                 unsigned whose)
{
    if (list_first(&marks->tickets) == NULL)
        return;
    struct mark *mark = table_get(&marks->marks, key);
    if (mark == NULL)
        mark = mark_new(marks, key, place);
    else
        list_remove(&marks->order, &mark->listed);
    if (window_is_after(&mark->place, &place))
        mark->place = place;
    mark->clock = ++marks->clock;
    if (whose & WINDOW_OWN)
        mark->own = mark->clock;
    if (whose & WINDOW_OTHERS)
        mark->others = mark->clock;
    list_append(&marks->order, &mark->listed, mark);
}

bool window_mark_covers(const struct window_marks *marks, uint64_t key,
                        const struct store_cursor *place, const struct window_ticket *ticket,
                        unsigned whose)
{
    const struct mark *mark = table_get(&marks->marks, key);
    if (mark == NULL || window_is_after(&mark->place, place))
        return false;
    return ((whose & WINDOW_OWN) && mark->own > ticket->clock) ||
           ((whose & WINDOW_OTHERS) && mark->others > ticket->clock);
}
