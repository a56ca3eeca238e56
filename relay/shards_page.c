/* Pages of several shards, merged into one.
 *
 * Each shard is asked for a page from the same place on. What the merged page holds ends where the
 * first of those pages does that is not the last of its shard: beyond it that shard may have more.
 * A shard may still hold events of authors who have left it, and copies of deletions: only what is
 * at home there counts, so nothing is met twice. */
#include <stdlib.h>

#include "relay/row.h"
#include "relay/shards_base.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"

struct part {
    struct page *page;
    uint32_t shard;
    struct event *events; /* in the page's arena */
    uint32_t count, taken;
    bool is_finished;
    struct store_cursor next;
};

struct page {
    struct list_node listed;
    struct shards *shards;
    struct store_read read; /* its filter and its place are copies */
    struct filter filter;
    struct store_cursor after;
    struct arena arena;
    struct route *route;
    uint64_t answer; /* that of the routes it waits for; 0: it goes by route */
    uint32_t unread;
    bool has_failed, is_forgotten;
    struct part *parts;
    uint32_t part_count;
};

static void finish(struct page *page, const struct store_page *result)
{
    list_remove(&page->shards->pages, &page->listed);
    if (!page->is_forgotten)
        page->read.reply(page->read.owner, result);
    route_drop(page->route);
    arena_clear(&page->arena);
    free(page->parts);
    free(page);
}

/* Positive: a comes later. */
static int compare_places(const struct store_cursor *a, const struct store_cursor *b)
{
    if (a->created_at != b->created_at)
        return a->created_at < b->created_at ? 1 : -1;
    return (a->id_prefix > b->id_prefix) - (a->id_prefix < b->id_prefix);
}

static struct store_cursor place_of(const struct event *event)
{
    struct store_cursor place = {.created_at = event->created_at};
    for (int i = 0; i < 8; i++)
        place.id_prefix = place.id_prefix << 8 | event->id.at[i];
    return place;
}

static bool is_before(const struct event *a, const struct event *b)
{
    if (a->created_at != b->created_at)
        return a->created_at > b->created_at;
    return memcmp(&a->id, &b->id, sizeof a->id) < 0;
}

/* Where the first part ends that has more to come; false when none has. */
static bool find_end(const struct page *page, struct store_cursor *end)
{
    bool has_end = false;
    for (uint32_t i = 0; i < page->part_count; i++) {
        const struct part *part = &page->parts[i];
        if (part->is_finished || (has_end && compare_places(&part->next, end) >= 0))
            continue;
        *end = part->next;
        has_end = true;
    }
    return has_end;
}

static struct part *find_next(struct page *page)
{
    struct part *next = NULL;
    for (uint32_t i = 0; i < page->part_count; i++) {
        struct part *part = &page->parts[i];
        if (part->taken < part->count &&
            (next == NULL || is_before(&part->events[part->taken], &next->events[next->taken])))
            next = part;
    }
    return next;
}

static void merge(struct page *page)
{
    struct store_page result = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < page->part_count; i++)
        count += page->parts[i].count;
    struct event *events = arena_array(&page->arena, struct event, count);
    result.events = events;
    result.finished = !find_end(page, &result.next);
    for (struct part *part; (part = find_next(page)) != NULL; part->taken++) {
        const struct event *event = &part->events[part->taken];
        struct store_cursor place = place_of(event);
        if (!result.finished && compare_places(&place, &result.next) > 0)
            break;
        events[result.count++] = *event;
    }
    finish(page, &result);
}

static void on_part(void *owner, const struct store_page *result)
{
    struct part *part = owner;
    struct page *page = part->page;
    page->has_failed |= result == NULL;
    if (!page->has_failed && !page->is_forgotten) {
        part->events = arena_array(&page->arena, struct event, result->count);
        for (uint32_t i = 0; i < result->count; i++)
            if (route_home(page->route, &result->events[i].pubkey) == part->shard)
                row_copy_event(&part->events[part->count++], &page->arena, &result->events[i]);
        part->is_finished = result->finished;
        part->next = result->next;
    }
    if (--page->unread > 0)
        return;
    if (page->has_failed || page->is_forgotten)
        finish(page, NULL);
    else
        merge(page);
}

/* Of the authors those that are at home there; false when all are elsewhere. */
static bool narrow(struct filter *filter, struct arena *arena, const struct route *route,
                   uint32_t shard)
{
    uint32_t all = filter->authors.count;
    if (all == 0)
        return true;
    struct bytes32 *here = arena_array(arena, struct bytes32, all);
    uint32_t count = 0;
    for (uint32_t i = 0; i < all; i++)
        if (route_home(route, &filter->authors.at[i]) == shard)
            here[count++] = filter->authors.at[i];
    filter->authors.at = here;
    filter->authors.count = count;
    return count > 0;
}

/* The reads of those shards that may hold something; false when one cannot be sent. */
static bool send_reads(struct page *page, struct err *err)
{
    const struct route *route = page->route;
    page->parts = calloc(route->shard_count, sizeof *page->parts);
    if (page->parts == NULL)
        abort();
    for (uint32_t i = 0; i < route->shard_count; i++) {
        struct filter filter = page->filter;
        struct part *part = &page->parts[page->part_count];
        struct store_read read = page->read;
        if (!narrow(&filter, &page->arena, route, i))
            continue;
        *part = (struct part){.page = page, .shard = i};
        read.filter = &filter;
        read.reply = on_part;
        read.owner = part;
        if (!store_read(page->shards->stores[i], &read, err))
            return false;
        page->part_count++;
        page->unread++;
    }
    return true;
}

/* Its routes are known now. */
static bool start(struct page *page, struct err *err)
{
    page->answer = 0;
    page->route = route_keep(page->shards->route);
    if (send_reads(page, err))
        return true;
    page->has_failed = true;
    return page->unread > 0;
}

static struct page *page_new(struct shards *shards, const struct store_read *read)
{
    struct page *page = calloc(1, sizeof *page);
    if (page == NULL)
        abort();
    page->shards = shards;
    page->read = *read;
    filter_copy(&page->filter, &page->arena, read->filter);
    page->read.filter = &page->filter;
    if (read->after != NULL) {
        page->after = *read->after;
        page->read.after = &page->after;
    }
    list_append(&shards->pages, &page->listed, page);
    return page;
}

/* The one shard that all authors live on; false when there are several, or no authors. */
static bool find_only(const struct route *route, const struct filter *filter, uint32_t *only)
{
    if (filter->authors.count == 0)
        return false;
    *only = route_home(route, &filter->authors.at[0]);
    for (uint32_t i = 1; i < filter->authors.count; i++)
        if (route_home(route, &filter->authors.at[i]) != *only)
            return false;
    return true;
}

bool shards_page_begin(struct shards *shards, const struct store_read *read, struct err *err)
{
    uint32_t only;
    bool knows = shards_knows(shards);
    if (knows && find_only(shards->route, read->filter, &only))
        return store_read(shards->stores[only], read, err);
    struct page *page = page_new(shards, read);
    if (!knows) {
        page->answer = shards_ask(shards);
        return true;
    }
    if (start(page, err))
        return true;
    page->is_forgotten = true;
    finish(page, NULL);
    return false;
}

void shards_pages_go_on(struct shards *shards, uint64_t answer, bool is_good)
{
    struct page *next;
    for (struct page *page = list_first(&shards->pages); page != NULL; page = next) {
        next = list_next(&page->listed);
        if (page->answer == 0 || page->answer > answer)
            continue;
        if (page->is_forgotten || !is_good || !start(page, NULL))
            finish(page, NULL);
    }
}

void shards_pages_forget(struct shards *shards, const void *owner)
{
    for (struct page *page = list_first(&shards->pages); page != NULL;
         page = list_next(&page->listed))
        page->is_forgotten |= page->read.owner == owner;
}
