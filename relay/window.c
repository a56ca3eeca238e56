#include "relay/window.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "relay/frame.h"
#include "relay/metrics.h"
#include "relay/window_inside.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/kind.h"

/* By then all is announced that was committed when a page was read. */
#define QUIET_NS 10000000000U

struct window *window_new(const struct window_setup *setup)
{
    struct window *window = calloc(1, sizeof *window);
    if (window == NULL)
        abort();
    window->setup = *setup;
    window->index.key = hash_key_random();
    window->load.window = window->ask.window = window;
    window_start(window);
    return window;
}

void window_free(struct window *window)
{
    assert(!window->load.is_out && !window->ask.is_out);
    window_index_clear(&window->index);
    window_marks_clear(&window->marks);
    window_ids_clear(&window->doubts);
    window_ids_clear(&window->suspects);
    window_ids_clear(&window->asked);
    free(window);
}

void window_start(struct window *window)
{
    window->turn++;
    window_index_clear(&window->index);
    window->doubts.count = window->suspects.count = window->asked.count = 0;
    window->floor = (struct store_cursor){.created_at = INT64_MAX};
    window->is_whole = window->is_full = window->is_lost = false;
    window_load(window);
}

static void tell(const struct window *window)
{
    metrics_set(METRIC_WINDOW_EVENTS, window->index.all.count);
    metrics_set(METRIC_WINDOW_BYTES, (int64_t)window_index_bytes(&window->index));
}

void window_evict(struct window *window)
{
    struct window_entry *oldest;
    while (!window->is_adding && window_index_bytes(&window->index) > window->setup.bytes_max &&
           (oldest = window_list_oldest(&window->index.all)) != NULL) {
        if (!window_is_after(&oldest->place, &window->floor)) {
            window->floor = window_place_before(oldest->place);
            window->is_whole = false;
            window->is_full = true;
        }
        window_index_remove(&window->index, oldest);
    }
}

/* Takes entry over, which was stored when its ticket was out. Another version at its address is
 * gone then: had that come since, there would be a mark, and doubt. */
static void hold(struct window *window, struct window_entry *entry, bool is_doubtful,
                 unsigned whose)
{
    bool is_wanted = window->is_on &&
                     (window_is_loading(window) || !window_is_after(&entry->place, &window->floor));
    if (window_index_id(&window->index, &entry->id) != NULL) {
        window_entry_free(entry);
        return;
    }
    if (is_doubtful) {
        window_doubt(window, &entry->id);
        window_entry_free(entry);
        return;
    }
    if (entry->address != 0) {
        struct window_entry *other = window_index_address(&window->index, entry->address);
        window_mark(&window->marks, entry->address, entry->place, whose);
        if (other != NULL)
            window_index_remove(&window->index, other);
    }
    if (is_wanted)
        window_index_add(&window->index, entry);
    else
        window_entry_free(entry);
}

/* An event with all that follows from it. */
static void follow(struct window *window, const struct event *event, struct frame *frame,
                   const struct window_ticket *ticket, unsigned whose)
{
    struct window_entry *entry = window_entry_new(&window->index.key, event, frame);
    bool is_doubtful = window_is_doubtful(window, event, entry, ticket, whose);
    window_effect(window, event, whose);
    hold(window, entry, is_doubtful, whose);
    window_evict(window);
    if (window->is_lost)
        window_start(window);
    window_ask(window);
    tell(window);
}

void window_add_page(struct window *window, const struct store_page *page,
                     const struct window_ticket *ticket)
{
    window->is_adding = true;
    window->added_ns = uv_hrtime();
    for (uint32_t i = 0; i < page->count; i++) {
        const struct event *event = &page->events[i];
        if (window_index_id(&window->index, &event->id) != NULL)
            continue;
        struct frame *frame = frame_of_event(event);
        struct window_entry *entry = window_entry_new(&window->index.key, event, frame);
        frame_drop(frame);
        hold(window, entry, window_is_doubtful(window, event, entry, ticket, WINDOW_ANYBODY),
             WINDOW_ANYBODY);
    }
    window->is_adding = false;
    tell(window);
}

void window_on_caught_up(struct window *window, bool is_caught_up)
{
    window->is_on = is_caught_up && window->setup.bytes_max > 0;
    window_start(window);
}

void window_on_fetch(struct window *window, bool is_over)
{
    assert(!is_over || window->fetches > 0);
    if (!is_over && window->fetches++ == 0)
        window_ticket_take(&window->marks, &window->fetch);
    if (is_over && --window->fetches == 0)
        window_ticket_return(&window->marks, &window->fetch);
}

void window_expect(struct window *window, struct window_ticket *ticket)
{
    if (window->setup.bytes_max > 0)
        window_ticket_take(&window->marks, ticket);
}

void window_settled(struct window *window, struct window_ticket *ticket, const struct event *event,
                    struct frame *frame)
{
    if (event != NULL && window->setup.bytes_max > 0)
        follow(window, event, frame, ticket, WINDOW_OWN);
    window_ticket_return(&window->marks, ticket);
}

void window_foreign(struct window *window, const struct event *event, struct frame *frame)
{
    if (window->setup.bytes_max > 0 && kind_class(event->kind) != KIND_EPHEMERAL)
        follow(window, event, frame, &window->fetch, WINDOW_OTHERS);
}

void window_purged(struct window *window, const struct filter *filter)
{
    for (uint32_t i = 0; i < filter->ids.count; i++) {
        const struct bytes32 *id = &filter->ids.at[i];
        struct window_entry *entry = window_index_id(&window->index, id);
        window_mark(&window->marks, window_key_gone(window, id),
                    (struct store_cursor){.created_at = INT64_MAX}, WINDOW_ANYBODY);
        if (entry == NULL)
            continue;
        window_suspect(window, entry); /* it may have been stored again since */
        window_index_remove(&window->index, entry);
    }
    window_ask(window);
    tell(window);
}

/* How far back it reaches. */
static int64_t age(const struct window *window)
{
    const struct window_entry *oldest = window_list_oldest(&window->index.all);
    int64_t age_s = oldest == NULL ? 0 : time(NULL) - oldest->place.created_at;
    return age_s > 0 ? age_s : 0;
}

void window_tidy(struct window *window)
{
    metrics_set(METRIC_WINDOW_SECONDS, age(window));
    tell(window);
    if (window->is_lost)
        window_start(window);
    window_load(window);
    window_ask(window);
}

bool window_has(const struct window *window, const struct bytes32 *id)
{
    return window->is_on && !window->is_lost && window_index_id(&window->index, id) != NULL;
}

bool window_is_quiet(const struct window *window)
{
    return uv_hrtime() - window->added_ns > QUIET_NS;
}

bool window_read(struct window_found *found, const struct window *window,
                 const struct filter *filter, const struct store_cursor *after, uint32_t rows)
{
    const struct window_question question = {.filter = filter,
                                             .after = after,
                                             .floor = window->is_whole ? NULL : &window->floor,
                                             .now = time(NULL),
                                             .rows = rows};
    bool has_doubts = window->doubts.count > 0 || (window->ask.is_out && !window->asks_suspects);
    if (!window->is_on || window->is_lost || has_doubts)
        return false;
    return window_find(found, &window->index, &question);
}
