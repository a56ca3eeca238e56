/* The window is filled from the newest downwards, a page at a time. What is stored meanwhile and
 * lies below the floor is held, too, until the floor has sunk below it or it is full: the page that
 * is on its way may have been read before. */
#include "relay/shards.h"
#include "relay/window_inside.h"
#include "shared/err.h"
#include "shared/filter.h"

static const struct filter everything = {.until = INT64_MAX, .limit = FILTER_NO_LIMIT};

bool window_is_loading(const struct window *window)
{
    return window->is_on && !window->is_whole && !window->is_full;
}

/* Nothing more is loaded: what is below the floor is the database's. */
static void end_load(struct window *window)
{
    struct window_entry *oldest;
    while ((oldest = window_list_oldest(&window->index.all)) != NULL &&
           window_is_after(&oldest->place, &window->floor))
        window_index_remove(&window->index, oldest);
}

static void on_page(void *owner, const struct store_page *page)
{
    struct window_job *job = owner;
    struct window *window = job->window;
    bool is_ours = job->turn == window->turn && page != NULL;
    job->is_out = false;
    if (is_ours && window_is_loading(window)) {
        window_add_page(window, page, &job->ticket);
        window->is_whole = page->finished;
        window->floor = page->finished ? (struct store_cursor){0, UINT64_MAX} : page->next;
        window_evict(window);
        if (window->is_full)
            end_load(window);
    }
    window_ticket_return(&window->marks, &job->ticket);
    window_ask(window);
    if (page != NULL)
        window_load(window);
}

void window_load(struct window *window)
{
    struct window_job *job = &window->load;
    bool is_first = window->floor.created_at == INT64_MAX;
    const struct store_read read = {
        .filter = &everything,
        .after = is_first ? NULL : &window->floor,
        .rows = STORE_PAGE_ROWS_MAX,
        .reply = on_page,
        .owner = job,
    };
    if (!window_is_loading(window) || job->is_out)
        return;
    job->turn = window->turn;
    window_ticket_take(&window->marks, &job->ticket);
    job->is_out = shards_read(window->setup.store, &read, NULL);
    if (!job->is_out)
        window_ticket_return(&window->marks, &job->ticket);
}
