/* What differs, paged through: the newest first, and only as far back as was not seen before. */
#include <stdlib.h>

#include "client/info.h"
#include "client/sync_parts.h"
#include "shared/event.h"

enum {
    PAGE_EVENTS = 500,
    OVERLAP_S = 25 * 60 * 60, /* events come late, and clocks are wrong */
    FAILURES_MAX = 5,         /* of one page, in a row */
};

static void ask(struct sync *sync);

static int order(const void *a, const void *b)
{
    const struct negentropy_record *left = a, *right = b;
    if (left->created_at != right->created_at)
        return left->created_at < right->created_at ? -1 : 1;
    return memcmp(left->id.at, right->id.at, sizeof left->id.at);
}

static void take(struct sync *sync, const struct event *event)
{
    struct negentropy_record record = {.created_at = event->created_at, .id = event->id};
    if (event->created_at > sync->page_until || event->created_at < sync->page_since)
        return; /* it came live, or is none of this page */
    sync->page_count++;
    if (event->created_at < sync->page_oldest)
        sync->page_oldest = event->created_at;
    const struct negentropy_record *own =
        sync->setup.record_count == 0
            ? NULL
            : bsearch(&record, sync->setup.records, sync->setup.record_count, sizeof record, order);
    if (own != NULL) {
        sync->is_theirs[own - sync->setup.records] = 1;
    } else if (sync->setup.down && !sync_has(sync, &event->id)) {
        sync->counts.needed++;
        sync_take(sync, event);
    }
}

/* What is ours, in the time that was paged through, and was on no page. */
static void name_lacking(struct sync *sync)
{
    for (size_t i = 0; i < sync->setup.record_count && sync->setup.up; i++) {
        const struct negentropy_record *record = &sync->setup.records[i];
        if (sync->is_theirs[i] == 0 && record->created_at >= sync->page_since)
            sync_note(sync, &sync->have, &record->id);
    }
}

/* From the newest down to where all was seen; an older run that was interrupted goes on first. */
static void begin_range(struct sync *sync)
{
    const struct filter *filter = &sync->filter;
    int64_t since = sync->cursor.since > OVERLAP_S ? sync->cursor.since - OVERLAP_S : 0;
    sync->page_since = since > filter->since ? since : filter->since;
    sync->page_until = filter->until;
    if (sync->cursor.until > 0 && sync->cursor.until < filter->until)
        sync->page_until = sync->cursor.until;
    else
        sync->cursor.top = sync->setup.now;
}

static void remember(struct sync *sync)
{
    if (sync->setup.paged != NULL)
        sync->setup.paged(sync->setup.owner, &sync->cursor);
}

static void end_range(struct sync *sync)
{
    bool was_older = sync->cursor.until > 0 && sync->cursor.top < sync->setup.now;
    sync->cursor = (struct sync_cursor){.since = sync->cursor.top};
    remember(sync);
    if (sync->is_over || sync->is_freed)
        return;
    if (was_older) { /* now what came since */
        begin_range(sync);
        ask(sync);
        return;
    }
    name_lacking(sync);
    sync_move(sync);
}

/* As many as the relay gives at once. */
static int64_t page_max(const struct sync *sync)
{
    const struct info *info = link_info(sync->setup.link);
    bool is_less = info != NULL && info->limit_max > 0 && info->limit_max < PAGE_EVENTS;
    return is_less ? info->limit_max : PAGE_EVENTS;
}

/* Pages overlap in their last second; one that is all of one second is gone past. */
static void end_page(struct sync *sync, enum message_finish finish)
{
    bool is_one_second = sync->page_oldest >= sync->page_until;
    bool is_last = sync->page_count == 0 || finish == MESSAGE_FINISH;
    int64_t until = is_one_second ? sync->page_until - 1 : sync->page_oldest;
    sync->counts.rounds++;
    sync->failures = 0;
    if (is_one_second && !is_last &&
        (finish == MESSAGE_MORE || sync->page_count >= (uint64_t)page_max(sync)))
        sync->counts.crowded++;
    if (is_last || until < sync->page_since || until < 0) {
        end_range(sync);
        return;
    }
    sync->page_until = until;
    sync->cursor.until = until + 1;
    remember(sync);
    if (!sync->is_over && !sync->is_freed)
        ask(sync);
}

static void on_heard(void *owner, struct link_query *query, const struct message *message,
                     struct arena *arena)
{
    struct sync *sync = owner;
    (void)query;
    (void)arena;
    if (sync->is_over || sync->is_freed)
        return;
    if (message->type == MESSAGE_EVENT) {
        take(sync, &message->event);
        return;
    }
    link_drop(sync->query);
    sync->query = NULL;
    if (message->type == MESSAGE_EOSE)
        end_page(sync, message->finish);
    else if (++sync->failures < FAILURES_MAX)
        ask(sync);
    else
        sync_end_by(sync, message->note);
}

static void ask(struct sync *sync)
{
    struct filter filter = sync->filter;
    filter.until = sync->page_until;
    filter.since = sync->page_since;
    filter.limit = page_max(sync);
    sync->page_count = 0;
    sync->page_oldest = sync->page_until;
    const struct link_query_setup setup = {
        .ask = LINK_REQ, .filters = &filter, .filter_count = 1, .heard = on_heard, .owner = sync};
    sync->query = link_ask(sync->setup.link, &setup);
}

void sync_page(struct sync *sync)
{
    sync->counts.stage = SYNC_PAGING;
    sync->counts.needed = 0;
    sync->need.count = sync->have.count = 0;
    sync->failures = 0;
    free(sync->is_theirs);
    sync->is_theirs = calloc(sync->setup.record_count + 1, 1);
    if (sync->is_theirs == NULL)
        abort();
    begin_range(sync);
    ask(sync);
}
