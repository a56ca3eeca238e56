#include "relay/ranked.h"

#include <stdlib.h>

#include "relay/frame.h"
#include "relay/hash.h"
#include "relay/policy.h"
#include "relay/searches.h"
#include "relay/table.h"
#include "shared/event.h"
#include "shared/filter.h"

struct ranked {
    struct ranked_setup setup;
    struct hash_key key;
    struct table given; /* ids, by hash */
    uint32_t filter;    /* the one that is asked, or will be */
    bool is_asking, is_partial;
    uint32_t first, count;
    struct merge_row rows[SEARCH_ROWS_MAX]; /* from first on, to be given out */
};

static bool wants_search(const struct filter *filter, bool is_count)
{
    return filter->search.len > 0 && !filter->matches_nothing && (is_count || filter->limit != 0);
}

struct ranked *ranked_new(const struct ranked_setup *setup)
{
    bool is_wanted = false;
    for (uint32_t i = 0; i < setup->count; i++)
        is_wanted |= wants_search(&setup->filters[i], setup->is_count);
    if (!is_wanted)
        return NULL;
    struct ranked *ranked = calloc(1, sizeof *ranked);
    if (ranked == NULL)
        abort();
    ranked->setup = *setup;
    ranked->key = hash_key_random();
    return ranked;
}

static uint64_t hash_of(const struct ranked *ranked, const struct bytes32 *id)
{
    return hash_bytes(&ranked->key, SPAN_OF(*id));
}

static bool was_given(const struct ranked *ranked, const struct bytes32 *id)
{
    return table_get(&ranked->given, hash_of(ranked, id)) != NULL;
}

bool ranked_is_all(const struct ranked *ranked)
{
    return !ranked->is_partial;
}

static int64_t limit_of(const struct ranked *ranked, const struct filter *filter)
{
    int64_t limit = filter->limit == FILTER_NO_LIMIT ? ranked->setup.limit_default : filter->limit;
    if (limit > ranked->setup.limit_max)
        limit = ranked->setup.limit_max;
    return ranked->setup.is_count || limit > SEARCH_ROWS_MAX ? SEARCH_ROWS_MAX : limit;
}

static void take(struct ranked *ranked, const struct event *event)
{
    if (!policy_visible(event, ranked->setup.session) || was_given(ranked, &event->id))
        return;
    table_put(&ranked->given, hash_of(ranked, &event->id), ranked); /* any pointer: it is a set */
    ranked->rows[ranked->count++] = (struct merge_row){
        event->created_at, event->id, ranked->setup.is_count ? NULL : frame_of_event(event)};
}

static void on_answer(void *owner, const struct search_answer *answer)
{
    struct ranked *ranked = owner;
    int64_t limit = limit_of(ranked, &ranked->setup.filters[ranked->filter++]);
    ranked->is_asking = false;
    ranked->first = ranked->count = 0;
    for (uint32_t i = 0; answer != NULL && i < answer->count; i++)
        take(ranked, &answer->events[i]);
    ranked->is_partial |= answer == NULL || !answer->is_all || answer->count >= limit;
    ranked->setup.on_more(ranked->setup.owner, answer == NULL);
}

void ranked_start(struct ranked *ranked)
{
    const struct ranked_setup *setup = &ranked->setup;
    while (ranked->filter < setup->count &&
           !wants_search(&setup->filters[ranked->filter], setup->is_count))
        ranked->filter++;
    if (ranked->is_asking || ranked->filter == setup->count)
        return;
    const struct filter *filter = &setup->filters[ranked->filter];
    const struct search_call call = {.filter = filter,
                                     .rows = (uint32_t)limit_of(ranked, filter),
                                     .reply = on_answer,
                                     .owner = ranked};
    ranked->is_asking = true;
    searches_ask(setup->search, &call);
}

static enum merge_step next_found(struct ranked *ranked, struct merge_row *row)
{
    if (ranked->first < ranked->count) {
        *row = ranked->rows[ranked->first++];
        return MERGE_ROW;
    }
    ranked_start(ranked);
    return ranked->is_asking ? MERGE_NEEDS : MERGE_DONE;
}

enum merge_step ranked_next(struct ranked *ranked, struct merge *merge, struct merge_row *row)
{
    enum merge_step step = ranked == NULL ? MERGE_DONE : next_found(ranked, row);
    if (step != MERGE_DONE)
        return step;
    step = merge_next(merge, row);
    while (step == MERGE_ROW && ranked != NULL && was_given(ranked, &row->id)) {
        if (row->frame != NULL)
            frame_drop(row->frame);
        step = merge_next(merge, row);
    }
    return step;
}

void ranked_free(struct ranked *ranked)
{
    if (ranked == NULL)
        return;
    if (ranked->is_asking)
        searches_forget(ranked->setup.search, ranked);
    for (uint32_t i = ranked->first; i < ranked->count; i++)
        if (ranked->rows[i].frame != NULL)
            frame_drop(ranked->rows[i].frame);
    table_clear(&ranked->given);
    free(ranked);
}
