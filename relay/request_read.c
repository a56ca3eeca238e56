/* How a request gets its pages: from the window, or from the database. */
#include <stdlib.h>

#include "relay/merge.h"
#include "relay/metrics.h"
#include "relay/request_inside.h"
#include "relay/shards.h"
#include "relay/window.h"
#include "shared/err.h"

/* READS_MAX: pages asked for and not here yet, of all requests. BUFFER_BYTES_MAX: rows that one
 * request keeps until the merge gives them out. TURN_NS_MAX: spent on answers from the window
 * before the loop has a look at others. */
enum { READS_MAX = 256, BUFFER_BYTES_MAX = 1 << 20, TURN_NS_MAX = 2000000 };

void request_queue(struct request *request)
{
    for (uint32_t i = 0; i < request->reader_count; i++) {
        struct reader *reader = &request->readers[i];
        if (merge_needs(request->merge, i) && !reader->is_reading && reader->queued.owner == NULL)
            list_append(&request->desk->queue, &reader->queued, reader);
    }
}

void request_bury(struct request *request)
{
    if (request->reading > 0)
        return;
    list_remove(&request->desk->ended, &request->listed);
    free(request);
}

static void on_page(void *owner, const struct store_page *page)
{
    struct reader *reader = owner;
    struct request *request = reader->request;
    struct request_desk *desk = request->desk;
    reader->is_reading = false;
    request->reading--;
    desk->reads--;
    if (request->session == NULL) {
        request_bury(request);
        request_pump(desk);
        return;
    }
    if (page == NULL) {
        struct err why;
        err_fill(&why, ERR_INTERNAL, "the database is unavailable; try again");
        request_fail(request, &why);
        request_pump(desk);
        return;
    }
    cursor_take(&reader->cursor, request->merge, (uint32_t)(reader - request->readers), page,
                request->session, BUFFER_BYTES_MAX / request->reader_count);
    request_go_on(request);
    request_pump(desk);
}

/* False when the window cannot say: the database is asked. */
static bool read_window(struct reader *reader)
{
    static struct window_found found; /* large, and used up before this returns */
    struct request *request = reader->request;
    const struct cursor *cursor = &reader->cursor;
    if (!window_read(&found, request->desk->setup.window, cursor->filter, cursor_place(cursor),
                     cursor_rows(cursor)))
        return false;
    metrics_add(METRIC_PAGES_WINDOW, 1);
    cursor_take_found(&reader->cursor, request->merge, (uint32_t)(reader - request->readers),
                      &found, request->session, BUFFER_BYTES_MAX / request->reader_count);
    request_go_on(request);
    return true;
}

static bool read_page(struct reader *reader, struct err *err)
{
    struct request_desk *desk = reader->request->desk;
    const struct store_read read = {
        .filter = reader->cursor.filter,
        .after = cursor_place(&reader->cursor),
        .rows = cursor_rows(&reader->cursor),
        .brief = reader->cursor.is_count,
        .may_be_early = true,
        .reply = on_page,
        .owner = reader,
    };
    if (!shards_read(desk->setup.store, &read, err))
        return false;
    metrics_add(METRIC_PAGES_DATABASE, 1);
    reader->is_reading = true;
    reader->request->reading++;
    desk->reads++;
    return true;
}

static void on_idle(uv_idle_t *more)
{
    request_pump(more->data);
}

void request_pump(struct request_desk *desk)
{
    struct err err;
    struct reader *reader;
    uint64_t until_ns = uv_hrtime() + TURN_NS_MAX;
    bool is_over = false;
    while (!is_over && desk->reads < READS_MAX && (reader = list_first(&desk->queue)) != NULL) {
        list_remove(&desk->queue, &reader->queued);
        if (read_window(reader))
            is_over = uv_hrtime() > until_ns;
        else if (!read_page(reader, &err))
            request_fail(reader->request, &err);
    }
    if (is_over && desk->queue.head != NULL)
        uv_idle_start(desk->more, on_idle);
    else
        uv_idle_stop(desk->more);
}
