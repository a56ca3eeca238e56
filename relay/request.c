#include "relay/request.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "relay/cursor.h"
#include "relay/frame.h"
#include "relay/list.h"
#include "relay/live.h"
#include "relay/merge.h"
#include "relay/metrics.h"
#include "relay/ranked.h"
#include "relay/reply.h"
#include "relay/session.h"
#include "relay/store.h"
#include "shared/err.h"
#include "shared/filter.h"
#include "shared/hll.h"
#include "shared/text.h"

/* READS_MAX: pages asked for and not here yet, of all requests. ACTIVE_MAX: requests of one session
 * that are read at a time. PAGES_MAX: what one request may cost. BUFFER_BYTES_MAX: rows that one
 * request keeps until the merge gives them out. */
enum {
    READS_MAX = 256,
    ACTIVE_MAX = 16,
    PAGES_MAX = 400,
    BUFFER_BYTES_MAX = 1 << 20,
    NANOSECONDS = 1000000000
};

/* A cursor, and where it stands in the queue. */
struct reader {
    struct request *request;
    struct cursor cursor;
    struct list_node queued; /* in desk->queue */
    bool is_reading;
};

struct request {
    struct request_desk *desk;
    struct session *session; /* NULL: it has ended */
    struct list_node listed; /* in session->requests, or in desk->ended */
    struct sub *sub;         /* NULL: a COUNT */
    struct arena arena;
    struct span name;
    uint64_t since_ns;
    struct ranked *ranked; /* NULL: no filter searches */
    struct merge *merge;
    struct hll *hll; /* of a COUNT; NULL: its filter has none */
    int64_t counted;
    uint32_t pages;
    uint32_t reading; /* readers that wait for a page */
    bool has_more;    /* a bound, or count_max, cut it short */
    bool is_unsure;   /* a filter of limit 0 hides whether anything is stored */
    bool has_started;
    bool is_blocked;       /* until the outbox has drained */
    uint32_t reader_count; /* one for each run of the merge */
    struct reader readers[];
};

struct request_desk {
    struct request_setup setup;
    struct list queue; /* of readers that want a page */
    struct list ended; /* requests whose pages are on their way for nobody */
    uint32_t reads;
    struct text text; /* reused */
};

struct request_desk *request_desk_new(const struct request_setup *setup)
{
    struct request_desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        abort();
    desk->setup = *setup;
    return desk;
}

/* Queues every reader whose run keeps the merge waiting. */
static void queue_needed(struct request *request)
{
    for (uint32_t i = 0; i < request->reader_count; i++) {
        struct reader *reader = &request->readers[i];
        if (merge_needs(request->merge, i) && !reader->is_reading && reader->queued.owner == NULL)
            list_append(&request->desk->queue, &reader->queued, reader);
    }
}

/* Starts the session's oldest request that waits, if it may have one more. */
static void start_next(struct session *session)
{
    uint32_t active = 0;
    struct request *request = list_first(&session->requests);
    for (; request != NULL && request->has_started; request = list_next(&request->listed))
        active++;
    if (request == NULL || active >= ACTIVE_MAX)
        return;
    request->has_started = true;
    queue_needed(request);
    if (request->ranked != NULL)
        ranked_start(request->ranked);
}

/* What it has asked the database for still has to be answered there, so it counts on, and the
 * readers stay until then: who asks and closes, and asks again, gets no more than others. */
static void end(struct request *request)
{
    struct request_desk *desk = request->desk;
    struct session *session = request->session;
    for (uint32_t i = 0; i < request->reader_count; i++)
        list_remove(&desk->queue, &request->readers[i].queued);
    list_remove(&session->requests, &request->listed);
    session->request_count--;
    ranked_free(request->ranked);
    merge_free(request->merge);
    arena_clear(&request->arena);
    request->session = NULL;
    if (request->reading > 0)
        list_append(&desk->ended, &request->listed, request);
    else
        free(request);
    start_next(session);
}

static void fail(struct request *request, const struct err *why)
{
    struct session *session = request->session;
    struct sub *sub = request->sub;
    struct live *live = request->desk->setup.live;
    reply_closed(session, request->name, why);
    end(request);
    if (sub != NULL)
        live_remove(live, sub);
}

static enum message_finish finish_of(const struct request *request)
{
    bool has_more = request->has_more, is_unsure = request->is_unsure;
    has_more |= request->ranked != NULL && !ranked_is_all(request->ranked);
    for (uint32_t i = 0; i < request->reader_count; i++) {
        has_more = has_more || request->readers[i].cursor.has_more;
        is_unsure = is_unsure || request->readers[i].cursor.is_unsure;
    }
    if (has_more)
        return MESSAGE_MORE;
    return is_unsure ? MESSAGE_FINISH_UNKNOWN : MESSAGE_FINISH;
}

static void finish(struct request *request)
{
    struct session *session = request->session;
    struct sub *sub = request->sub;
    struct live *live = request->desk->setup.live;
    if (sub == NULL) {
        reply_count(session, request->name, request->counted, finish_of(request) == MESSAGE_MORE,
                    request->hll);
        end(request);
        return;
    }
    reply_eose(session, request->name, finish_of(request));
    metrics_observe(METRIC_REQ_SECONDS, (double)(uv_hrtime() - request->since_ns) / NANOSECONDS);
    end(request);
    live_release(live, sub);
}

static void give_out(struct request *request, const struct merge_row *row)
{
    struct request_desk *desk = request->desk;
    desk->text.len = 0;
    message_write_event_head(&desk->text, request->name);
    session_send(request->session, text_span(&desk->text), row->frame);
    live_saw(desk->setup.live, request->sub, &row->id);
    frame_drop(row->frame);
}

/* Counts a row; false when no more are counted. */
static bool count(struct request *request)
{
    if (request->counted == request->desk->setup.count_max) {
        request->has_more = true;
        return false;
    }
    request->counted++;
    return true;
}

static void pump(struct request_desk *desk);
static void advance(struct request *request);

/* The outbox of a session has drained: its requests go on, oldest first. */
static void on_drained(void *owner)
{
    struct session *session = owner;
    struct request_desk *desk = NULL;
    struct request *next;
    for (struct request *request = list_first(&session->requests); request; request = next) {
        next = list_next(&request->listed);
        desk = request->desk;
        if (!request->is_blocked)
            continue;
        request->is_blocked = false;
        advance(request);
    }
    if (desk != NULL)
        pump(desk);
}

/* Gives out what is known to be next, until the outbox is full, a page is needed, or all is said;
 * in the last case the request is gone. */
static void advance(struct request *request)
{
    struct session *session = request->session;
    struct merge_row row;
    while (!session->doomed) {
        if (request->sub != NULL && session_is_full(session)) {
            request->is_blocked = true;
            session_on_drained(session, on_drained, session);
            return;
        }
        enum merge_step step = ranked_next(request->ranked, request->merge, &row);
        if (step == MERGE_NEEDS) {
            queue_needed(request);
            return;
        }
        if (step == MERGE_DONE || (request->sub == NULL && !count(request))) {
            finish(request);
            return;
        }
        if (request->sub != NULL)
            give_out(request, &row);
    }
}

/* What is read so far is all there will be. Pages still on their way are not waited for. */
static void cut_short(struct request *request)
{
    for (uint32_t i = 0; i < request->reader_count; i++)
        if (!merge_has_ended(request->merge, i)) {
            request->has_more = true;
            merge_end(request->merge, i);
        }
}

/* Frees one that has ended, when its last page has come. */
static void bury(struct request *request)
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
        bury(request);
        pump(desk);
        return;
    }
    if (page == NULL) {
        struct err why;
        err_fill(&why, ERR_INTERNAL, "the database is unavailable; try again");
        fail(request, &why);
        pump(desk);
        return;
    }
    cursor_take(&reader->cursor, request->merge, (uint32_t)(reader - request->readers), page,
                request->session, BUFFER_BYTES_MAX / request->reader_count);
    if (++request->pages == PAGES_MAX)
        cut_short(request);
    advance(request);
    pump(desk);
}

static bool read_page(struct reader *reader, struct err *err)
{
    struct request_desk *desk = reader->request->desk;
    const struct store_read read = {
        .filter = reader->cursor.filter,
        .after = cursor_place(&reader->cursor),
        .rows = cursor_rows(&reader->cursor),
        .brief = reader->cursor.is_count,
        .reply = on_page,
        .owner = reader,
    };
    if (!store_read(desk->setup.store, &read, err))
        return false;
    reader->is_reading = true;
    reader->request->reading++;
    desk->reads++;
    return true;
}

/* Pages on their way will not find it. */
static void forget(struct request *request)
{
    for (uint32_t i = 0; i < request->reader_count; i++)
        if (request->readers[i].is_reading)
            store_forget(request->desk->setup.store, &request->readers[i]);
    request->reading = 0;
    bury(request);
}

void request_desk_free(struct request_desk *desk)
{
    assert(desk->queue.head == NULL);
    for (struct request *request; (request = list_first(&desk->ended)) != NULL;)
        forget(request);
    text_clear(&desk->text);
    free(desk);
}

/* Sends reads off, in the order they were queued. Called last by whatever may have queued some. */
static void pump(struct request_desk *desk)
{
    struct err err;
    struct reader *reader;
    while (desk->reads < READS_MAX && (reader = list_first(&desk->queue)) != NULL) {
        list_remove(&desk->queue, &reader->queued);
        if (!read_page(reader, &err))
            fail(reader->request, &err);
    }
}

bool request_wants_store(const struct filter *filters, uint32_t count, bool is_count)
{
    for (uint32_t i = 0; i < count; i++)
        if (cursor_wants_store(&filters[i], is_count))
            return true;
    return false;
}

/* NIP-45: of a COUNT of one filter, and none other. */
static void begin_hll(struct request *request, const struct request_call *call)
{
    struct hll hll;
    if (call->sub != NULL || call->count != 1 || call->filters[0].search.len > 0 ||
        !hll_begin(&hll, &call->filters[0]))
        return;
    request->hll = arena_alloc(&request->arena, sizeof hll);
    *request->hll = hll;
}

static void on_more(void *owner, bool has_failed)
{
    struct request *request = owner;
    struct request_desk *desk = request->desk;
    struct err why;
    err_fill(&why, ERR_INTERNAL, "the search failed or took too long; try again");
    if (has_failed)
        fail(request, &why);
    else
        advance(request);
    pump(desk);
}

static void begin_ranked(struct request *request, const struct request_call *call)
{
    const struct request_setup *setup = &request->desk->setup;
    const struct ranked_setup ranked = {
        .search = setup->search,
        .session = call->session,
        .filters = call->filters,
        .count = call->count,
        .limit_default = setup->limit_default,
        .limit_max = setup->limit_max,
        .is_count = call->sub == NULL,
        .on_more = on_more,
        .owner = request,
    };
    request->ranked = ranked_new(&ranked);
}

static void add_readers(struct request *request, const struct request_call *call)
{
    const struct request_setup *setup = &request->desk->setup;
    const struct cursor_limits limits = {setup->limit_default, setup->limit_max};
    bool is_count = call->sub == NULL;
    for (uint32_t i = 0; i < call->count; i++) {
        const struct filter *filter = &call->filters[i];
        if (!cursor_wants_store(filter, is_count)) {
            request->is_unsure |= filter->limit == 0 && !filter->matches_nothing;
            continue;
        }
        struct reader *reader = &request->readers[request->reader_count++];
        reader->request = request;
        reader->cursor = cursor_begin(&limits, filter, is_count);
        reader->cursor.hll = request->hll;
    }
}

void request_start(struct request_desk *desk, const struct request_call *call)
{
    struct request *request = calloc(1, sizeof *request + call->count * sizeof request->readers[0]);
    if (request == NULL)
        abort();
    request->desk = desk;
    request->session = call->session;
    request->sub = call->sub;
    request->arena = call->arena;
    request->name = call->name;
    request->since_ns = uv_hrtime();
    begin_hll(request, call);
    begin_ranked(request, call);
    add_readers(request, call);
    request->merge = merge_new(request->reader_count);
    list_append(&call->session->requests, &request->listed, request);
    call->session->request_count++;
    if (request->reader_count == 0 && request->ranked == NULL) {
        request->has_started = true;
        finish(request);
    } else {
        start_next(call->session);
    }
    pump(desk);
}

void request_end(struct session *session, const struct sub *sub)
{
    struct request *request = list_first(&session->requests);
    while (request != NULL && request->sub != sub)
        request = list_next(&request->listed);
    if (request == NULL)
        return;
    struct request_desk *desk = request->desk;
    end(request);
    pump(desk);
}

void request_end_all(struct session *session, const struct err *why)
{
    struct request_desk *desk = NULL;
    for (struct request *request; (request = list_first(&session->requests)) != NULL;) {
        desk = request->desk;
        if (why != NULL && request->sub == NULL)
            reply_closed(session, request->name, why);
        end(request);
    }
    if (desk != NULL)
        pump(desk);
}
