/* Any bytes: a filter that parses is sorted, and is written as one that is written the same. */
#include <assert.h>
#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sorted(const struct filter *filter)
{
    for (uint32_t i = 1; i < filter->ids.count; i++)
        assert(memcmp(&filter->ids.at[i - 1], &filter->ids.at[i], sizeof filter->ids.at[i]) < 0);
    for (uint32_t i = 1; i < filter->kinds.count; i++)
        assert(filter->kinds.at[i - 1] < filter->kinds.at[i]);
    for (uint32_t i = 0; i < filter->tag_count; i++) {
        assert(filter->tags[i].count > 0);
        if (i == 0)
            continue;
        const struct filter_tag *previous = &filter->tags[i - 1];
        assert(previous->letter <= filter->tags[i].letter);
        assert(previous->letter < filter->tags[i].letter || previous->count == 1);
    }
}

/* An event made to fit the first value of every list; only times may then keep it out. */
static void check_match(const struct filter *filter)
{
    struct span items[FILTER_TAGS_MAX][2];
    struct tag tags[FILTER_TAGS_MAX];
    struct event event = {.created_at = filter->since, .tags = tags};
    if (filter->ids.count > 0)
        event.id = filter->ids.at[0];
    if (filter->authors.count > 0)
        event.pubkey = filter->authors.at[0];
    if (filter->kinds.count > 0)
        event.kind = filter->kinds.at[0];
    for (uint32_t i = 0; i < filter->tag_count; i++) {
        items[i][0] = SPAN_OF(filter->tags[i].letter);
        items[i][1] = filter->tags[i].values[0];
        tags[event.tag_count++] = (struct tag){items[i], 2};
    }
    bool expected = !filter->matches_nothing && filter->since <= filter->until;
    assert(filter_match(filter, &event) == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct text once = {0};
    struct text twice = {0};
    struct filter filter;
    struct err err;
    if (filter_parse(&filter, &arena, (struct span){(const char *)data, size}, &err)) {
        check_sorted(&filter);
        check_match(&filter);
        uint32_t count = filter_value_count(&filter);
        filter_write(&once, &filter);
        bool ok = filter_parse(&filter, &arena, text_span(&once), &err);
        assert(ok && filter_value_count(&filter) == count);
        filter_write(&twice, &filter);
        assert(span_eq(text_span(&once), text_span(&twice)));
    } else
        assert(strlen(err.text) > 0);
    text_clear(&once);
    text_clear(&twice);
    arena_clear(&arena);
    return 0;
}
