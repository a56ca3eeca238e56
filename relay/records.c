#include "relay/records.h"

#include <stdlib.h>

#include "relay/cursor.h"
#include "relay/policy.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/negentropy.h"

enum { ROOM_FIRST = 512 };

void records_begin(struct records *records, struct records_budget *budget,
                   const struct filter *filter)
{
    *records = (struct records){
        .budget = budget,
        .filter = filter,
        .left = filter->limit == FILTER_NO_LIMIT ? INT64_MAX : filter->limit,
        .is_whole = !cursor_wants_store(filter, false),
    };
}

void records_clear(struct records *records)
{
    if (records->budget != NULL)
        records->budget->all -= (int64_t)records->capacity;
    free(records->at);
    *records = (struct records){0};
}

struct store_read records_read(const struct records *records, store_page_fn *reply, void *owner)
{
    return (struct store_read){
        .filter = records->filter,
        .after = records->has_place ? &records->place : NULL,
        .rows = STORE_PAGE_ROWS_MAX,
        .brief = true,
        .reply = reply,
        .owner = owner,
    };
}

/* Makes room for one more. */
static bool grow(struct records *records, struct err *err)
{
    struct records_budget *budget = records->budget;
    size_t room = records->capacity == 0 ? ROOM_FIRST : 2 * records->capacity;
    int64_t more = (int64_t)(room - records->capacity);
    if (records->count < records->capacity)
        return true;
    if (more > budget->all_max - budget->all)
        return err_set(err, ERR_RATE_LIMITED, "too much is reconciled at once; try again");
    records->at = realloc(records->at, room * sizeof *records->at);
    if (records->at == NULL)
        abort();
    records->capacity = room;
    budget->all += more;
    return true;
}

bool records_take(struct records *records, const struct store_page *page,
                  const struct session *session, struct err *err)
{
    for (uint32_t i = 0; i < page->count && records->left > 0; i++) {
        const struct event *event = &page->events[i];
        if (session != NULL && !policy_visible(event, session))
            continue;
        if ((int64_t)records->count >= records->budget->each_max)
            return err_set(err, ERR_BLOCKED, "this query is too big");
        if (!grow(records, err))
            return false;
        records->at[records->count++] =
            (struct negentropy_record){.created_at = event->created_at, .id = event->id};
        records->left--;
    }
    records->place = page->next;
    records->has_place = true;
    records->is_whole = page->finished || records->left == 0;
    return true;
}
