#include "relay/cursor.h"

#include "relay/frame.h"
#include "relay/merge.h"
#include "relay/policy.h"
#include "relay/session.h"
#include "relay/window.h"
#include "relay/window_entry.h"
#include "shared/arena.h"
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

static bool wants(const struct cursor *cursor, int64_t created_at)
{
    if (cursor->taken < cursor->limit)
        return true;
    /* NIP-67: all of the second at which we cut, else a client that goes on from there has a
     * gap. */
    return cursor->is_capped && created_at == cursor->oldest &&
           cursor->taken - cursor->limit < TIES_MAX;
}

/* Where the rows of one page go. */
struct taking {
    struct cursor *cursor;
    struct merge *merge;
    uint32_t run;
    size_t bytes; /* taken */
};

/* False, and the run ends, when the row that is next is not wanted any longer. */
static bool goes_on(const struct taking *taking, int64_t created_at)
{
    if (wants(taking->cursor, created_at))
        return true;
    taking->cursor->has_more = true;
    merge_end(taking->merge, taking->run);
    return false;
}

/* Takes a row over; frame is NULL when rows are counted. */
static void take_row(struct taking *taking, const struct merge_row *row,
                     const struct bytes32 *pubkey)
{
    struct cursor *cursor = taking->cursor;
    if (cursor->hll != NULL)
        hll_add(cursor->hll, pubkey);
    taking->bytes += row->frame != NULL ? row->frame->len : 0;
    merge_push(taking->merge, taking->run, row);
    cursor->taken++;
    cursor->oldest = row->created_at;
}

/* After the rows of a page, of which looked were looked at, the last one at place. */
static void end_page(const struct taking *taking, uint32_t looked, bool is_cut, bool finished,
                     struct store_cursor place)
{
    struct cursor *cursor = taking->cursor;
    uint32_t ids = cursor->filter->ids.count;
    if (merge_has_ended(taking->merge, taking->run))
        return;
    if ((!is_cut && finished) || (ids > 0 && cursor->taken >= ids)) {
        merge_end(taking->merge, taking->run);
        return;
    }
    if (cursor->taken == cursor->limit) { /* it is not worth a page to know */
        cursor->is_unsure = true;
        merge_end(taking->merge, taking->run);
        return;
    }
    cursor->place = place;
    cursor->has_place = true;
    cursor->rows_max = is_cut ? looked : STORE_PAGE_ROWS_MAX;
}

void cursor_take(struct cursor *cursor, struct merge *merge, uint32_t run,
                 const struct store_page *page, const struct session *session, size_t bytes_max)
{
    struct taking taking = {cursor, merge, run, 0};
    uint32_t i = 0;
    for (; i < page->count && taking.bytes < bytes_max; i++) {
        const struct event *event = &page->events[i];
        struct merge_row row = {.created_at = event->created_at, .id = event->id};
        if (!policy_visible(event, session))
            continue;
        if (!goes_on(&taking, event->created_at))
            break;
        row.frame = cursor->is_count ? NULL : frame_of_event(event);
        take_row(&taking, &row, &event->pubkey);
    }
    bool is_cut = i < page->count;
    end_page(&taking, i, is_cut, page->finished,
             is_cut && i > 0
                 ? window_place_of(page->events[i - 1].created_at, &page->events[i - 1].id)
                 : page->next);
}

/* Only few kinds are for few eyes: of those the event itself is read again. */
static bool is_visible(const struct window_entry *entry, const struct session *session)
{
    struct arena arena = {0};
    struct event event = {.kind = entry->kind, .pubkey = entry->pubkey};
    const struct frame *frame = entry->frame;
    if (!kind_is_gated(entry->kind))
        return true;
    bool is_read = session->key_count == 0 ||
                   event_parse(&event, &arena, (struct span){frame->at, frame->len}, NULL);
    bool is_seen = is_read && policy_visible(&event, session);
    arena_clear(&arena);
    return is_seen;
}

void cursor_take_found(struct cursor *cursor, struct merge *merge, uint32_t run,
                       const struct window_found *found, const struct session *session,
                       size_t bytes_max)
{
    struct taking taking = {cursor, merge, run, 0};
    uint32_t i = 0;
    for (; i < found->count && taking.bytes < bytes_max; i++) {
        const struct window_entry *entry = found->rows[i];
        struct merge_row row = {.created_at = entry->place.created_at, .id = entry->id};
        if (!is_visible(entry, session))
            continue;
        if (!goes_on(&taking, row.created_at))
            break;
        row.frame = cursor->is_count ? NULL : frame_ref(entry->frame);
        take_row(&taking, &row, &entry->pubkey);
    }
    bool is_cut = i < found->count;
    end_page(&taking, i, is_cut, found->finished,
             is_cut && i > 0 ? found->rows[i - 1]->place : found->next);
}
