#include "relay/cursor.h"

#include "relay/frame.h"
#include "relay/merge.h"
#include "relay/policy.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hll.h"
#include "shared/kind.h"

/* FIRST_ROWS_MAX: most screens are filled by 100, and one more tells whether that was all.
 * TIES_MAX: rows past our own limit, with the created_at of the last. */
enum { FIRST_ROWS_MAX = 101, TIES_MAX = 500 };

/* Ephemeral events are never stored. */
static bool wants_stored_kinds(const struct filter *filter)
{
    for (uint32_t i = 0; i < filter->kinds.count; i++)
        if (kind_class(filter->kinds.at[i]) != KIND_EPHEMERAL)
            return true;
    return filter->kinds.count == 0;
}

bool cursor_wants_store(const struct filter *filter, bool is_count)
{
    return !filter->matches_nothing && filter->search.len == 0 && filter->since <= filter->until &&
           (is_count || filter->limit != 0) && wants_stored_kinds(filter);
}

struct cursor cursor_begin(const struct cursor_limits *limits, const struct filter *filter,
                           bool is_count)
{
    struct cursor cursor = {.filter = filter, .is_count = is_count};
    if (is_count) {
        cursor.limit = INT64_MAX;
        cursor.rows_max = STORE_PAGE_ROWS_MAX;
        return cursor;
    }
    cursor.limit = filter->limit == FILTER_NO_LIMIT ? limits->limit_default : filter->limit;
    if (cursor.limit > limits->limit_max)
        cursor.limit = limits->limit_max;
    cursor.is_capped = cursor.limit != filter->limit;
    cursor.rows_max = FIRST_ROWS_MAX;
    return cursor;
}

uint32_t cursor_rows(const struct cursor *cursor)
{
    /* One more than wanted tells whether that was all. */
    int64_t rows = cursor->taken < cursor->limit ? cursor->limit - cursor->taken : TIES_MAX;
    return rows < cursor->rows_max ? (uint32_t)rows + 1 : cursor->rows_max;
}

const struct store_cursor *cursor_place(const struct cursor *cursor)
{
    return cursor->has_place ? &cursor->place : NULL;
}

static bool wants(const struct cursor *cursor, const struct event *event)
{
    if (cursor->taken < cursor->limit)
        return true;
    /* NIP-67: all of the second at which we cut, else a client that goes on from there has a
     * gap. */
    return cursor->is_capped && event->created_at == cursor->oldest &&
           cursor->taken - cursor->limit < TIES_MAX;
}

/* Takes rows until the page ends, one is not wanted any longer (the run ends) or bytes_max is
 * reached. Returns how many it has looked at. */
static uint32_t take_rows(struct cursor *cursor, struct merge *merge, uint32_t run,
                          const struct store_page *page, const struct session *session,
                          size_t bytes_max)
{
    size_t bytes = 0;
    uint32_t i = 0;
    for (; i < page->count && bytes < bytes_max; i++) {
        const struct event *event = &page->events[i];
        struct merge_row row = {.created_at = event->created_at, .id = event->id};
        if (!policy_visible(event, session))
            continue;
        if (!wants(cursor, event)) {
            cursor->has_more = true;
            merge_end(merge, run);
            break;
        }
        if (cursor->hll != NULL)
            hll_add(cursor->hll, &event->pubkey);
        if (!cursor->is_count) {
            row.frame = frame_of_event(event);
            bytes += row.frame->len;
        }
        merge_push(merge, run, &row);
        cursor->taken++;
        cursor->oldest = event->created_at;
    }
    return i;
}

static struct store_cursor place_of(const struct event *event)
{
    struct store_cursor place = {.created_at = event->created_at};
    for (int i = 0; i < 8; i++)
        place.id_prefix = place.id_prefix << 8 | event->id.at[i];
    return place;
}

void cursor_take(struct cursor *cursor, struct merge *merge, uint32_t run,
                 const struct store_page *page, const struct session *session, size_t bytes_max)
{
    uint32_t looked = take_rows(cursor, merge, run, page, session, bytes_max);
    uint32_t ids = cursor->filter->ids.count;
    bool is_cut = looked < page->count;
    if (merge_has_ended(merge, run))
        return;
    if ((!is_cut && page->finished) || (ids > 0 && cursor->taken >= ids)) {
        merge_end(merge, run);
        return;
    }
    if (cursor->taken == cursor->limit) { /* it is not worth a page to know */
        cursor->is_unsure = true;
        merge_end(merge, run);
        return;
    }
    cursor->place = is_cut ? place_of(&page->events[looked - 1]) : page->next;
    cursor->has_place = true;
    cursor->rows_max = is_cut ? looked : STORE_PAGE_ROWS_MAX;
}
