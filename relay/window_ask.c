/* Asks the database for single events again: those that came late and may be gone (doubts), and
 * those that are held and may be gone (suspects). */
#include <stdlib.h>

#include "relay/shards.h"
#include "relay/window_inside.h"
#include "shared/event.h"
#include "shared/filter.h"

void window_ids_clear(struct window_ids *ids)
{
    free(ids->at);
    *ids = (struct window_ids){0};
}

static void add(struct window_ids *ids, const struct bytes32 *id)
{
    if (ids->count == ids->capacity) {
        ids->capacity = ids->capacity == 0 ? WINDOW_ASK_MAX : 2 * ids->capacity;
        ids->at = realloc(ids->at, ids->capacity * sizeof *ids->at);
        if (ids->at == NULL)
            abort();
    }
    ids->at[ids->count++] = *id;
}

void window_doubt(struct window *window, const struct bytes32 *id)
{
    if (window->is_on && window->doubts.count < WINDOW_DOUBTS_MAX)
        add(&window->doubts, id);
    else
        window->is_lost = window->is_on;
}

void window_suspect(struct window *window, struct window_entry *entry)
{
    if (entry->is_suspect)
        return;
    entry->is_suspect = true;
    add(&window->suspects, &entry->id);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

/* Some of those that wait, sorted, each once. */
static void choose(struct window *window)
{
    window->asks_suspects = window->doubts.count == 0;
    struct window_ids *from = window->asks_suspects ? &window->suspects : &window->doubts;
    struct window_ids *to = &window->asked;
    uint32_t kept = 0;
    for (to->count = 0; from->count > 0 && to->count < WINDOW_ASK_MAX; from->count--)
        add(to, &from->at[from->count - 1]);
    if (to->count == 0)
        return;
    qsort(to->at, to->count, sizeof *to->at, compare_ids);
    for (uint32_t i = 0; i < to->count; i++)
        if (kept == 0 || compare_ids(&to->at[kept - 1], &to->at[i]) != 0)
            to->at[kept++] = to->at[i];
    to->count = kept;
}

static bool has_come(const struct store_page *page, const struct bytes32 *id)
{
    for (uint32_t i = 0; i < page->count; i++)
        if (memcmp(&page->events[i].id, id, sizeof *id) == 0)
            return true;
    return false;
}

static void acquit(const struct window *window, const struct bytes32 *id)
{
    struct window_entry *entry = window_index_id(&window->index, id);
    if (entry != NULL)
        entry->is_suspect = false;
}

/* Suspects that are on the page are none. */
static void strike(struct window *window, const struct store_page *page)
{
    struct window_ids *asked = &window->asked;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < asked->count; i++)
        if (has_come(page, &asked->at[i]))
            acquit(window, &asked->at[i]);
        else
            asked->at[kept++] = asked->at[i];
    asked->count = kept;
}

/* Suspects that did not come are not stored; or were stored again since, so they are doubts. */
static void remove_asked(struct window *window)
{
    for (uint32_t i = 0; i < window->asked.count; i++) {
        struct window_entry *entry = window_index_id(&window->index, &window->asked.at[i]);
        if (entry == NULL)
            continue;
        window_doubt(window, &entry->id);
        window_index_remove(&window->index, entry);
    }
}

static void put_back(struct window *window)
{
    struct window_ids *to = window->asks_suspects ? &window->suspects : &window->doubts;
    for (uint32_t i = 0; i < window->asked.count; i++)
        add(to, &window->asked.at[i]);
}

static void ask_page(struct window *window);

/* True when there is more of it. */
static bool use_page(struct window *window, const struct store_page *page)
{
    window_add_page(window, page, &window->ask.ticket);
    window_evict(window);
    if (!page->finished) {
        window->ask_after = page->next;
        window->ask_has_after = true;
    }
    if (window->asks_suspects)
        strike(window, page);
    if (page->finished && window->asks_suspects)
        remove_asked(window);
    return !page->finished;
}

static void on_page(void *owner, const struct store_page *page)
{
    struct window_job *job = owner;
    struct window *window = job->window;
    bool is_ours = job->turn == window->turn;
    job->is_out = false;
    if (is_ours && page == NULL)
        put_back(window);
    if (is_ours && page != NULL && use_page(window, page)) {
        ask_page(window);
        return;
    }
    window_ticket_return(&window->marks, &job->ticket);
    window->asked.count = 0;
    if (page != NULL)
        window_ask(window);
}

static void ask_page(struct window *window)
{
    struct window_job *job = &window->ask;
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = FILTER_NO_LIMIT,
                                  .ids = {.count = window->asked.count, .at = window->asked.at}};
    const struct store_read read = {
        .filter = &filter,
        .after = window->ask_has_after ? &window->ask_after : NULL,
        .rows = STORE_PAGE_ROWS_MAX,
        .reply = on_page,
        .owner = job,
    };
    job->is_out = window->asked.count > 0 && shards_read(window->setup.store, &read, NULL);
    if (job->is_out)
        return;
    put_back(window);
    window->asked.count = 0;
    window_ticket_return(&window->marks, &job->ticket);
}

void window_ask(struct window *window)
{
    struct window_job *job = &window->ask;
    if (job->is_out || !window->is_on || window->doubts.count + window->suspects.count == 0)
        return;
    choose(window);
    window->ask_has_after = false;
    job->turn = window->turn;
    window_ticket_take(&window->marks, &job->ticket);
    ask_page(window);
}
