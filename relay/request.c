#include "relay/request.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "relay/frame.h"
#include "relay/live.h"
#include "relay/merge.h"
#include "relay/metrics.h"
#include "relay/ranked.h"
#include "relay/reply.h"
#include "relay/request_inside.h"
#include "relay/session.h"
#include "relay/shards.h"
#include "relay/window.h"
#include "shared/err.h"
#include "shared/filter.h"
#include "shared/hll.h"
#include "shared/text.h"

/* ACTIVE_MAX: requests of one session that are read at a time. PAGES_MAX: what one request may
 * cost. */
enum { ACTIVE_MAX = 16, PAGES_MAX = 400, NANOSECONDS = 1000000000 };

struct request_desk *request_desk_new(const struct request_setup *setup)
{
    struct request_desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        abort();
    desk->setup = *setup;
    desk->more = calloc(1, sizeof *desk->more);
    if (desk->more == NULL)
        abort();
    desk->more->data = desk;
    uv_idle_init(setup->loop, desk->more);
    return desk;
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
    request_queue(request);
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
    if (desk->told == request)
        desk->told = NULL;
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

void request_fail(struct request *request, const struct err *why)
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

/* What the window holds when a sub begins was announced before that, or will be only to older ones:
 * it need not be remembered. */
static void give_out(struct request *request, const struct merge_row *row)
{
    struct request_desk *desk = request->desk;
    if (desk->told != request) {
        desk->told = request;
        desk->text.len = 0;
        message_write_event_head(&desk->text, request->name);
    }
    session_send(request->session, text_span(&desk->text), row->frame);
    if (desk->fresh != request)
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
        request_pump(desk);
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
            request_queue(request);
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

void request_go_on(struct request *request)
{
    if (++request->pages == PAGES_MAX)
        cut_short(request);
    advance(request);
}

/* Pages on their way will not find it. */
static void forget(struct request *request)
{
    for (uint32_t i = 0; i < request->reader_count; i++)
        if (request->readers[i].is_reading)
            shards_forget(request->desk->setup.store, &request->readers[i]);
    request->reading = 0;
    request_bury(request);
}

static void on_closed(uv_handle_t *more)
{
    free(more);
}

void request_desk_free(struct request_desk *desk)
{
    assert(desk->queue.head == NULL);
    for (struct request *request; (request = list_first(&desk->ended)) != NULL;)
        forget(request);
    text_clear(&desk->text);
    uv_close((uv_handle_t *)desk->more, on_closed);
    free(desk);
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
        request_fail(request, &why);
    else
        advance(request);
    request_pump(desk);
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
    desk->fresh = window_is_quiet(desk->setup.window) ? request : NULL;
    request_pump(desk);
    desk->fresh = NULL;
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
    request_pump(desk);
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
        request_pump(desk);
}
