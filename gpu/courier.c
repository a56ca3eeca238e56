#include "gpu/courier.h"

#include <stdlib.h>
#include <time.h>

#include "gpu/inquiry.h"
#include "gpu/journal.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/parcel.h"
#include "shared/utf8.h"

/* Somebody who follows a job. */
struct follow {
    struct courier *courier;
    struct follow *next;
    struct bytes32 buyer;
    struct text id; /* of his question */
    struct bytes33 y;
    struct uuid quote;
    uint32_t sent; /* windows */
    uv_work_t work;
    bool is_working, is_rung, is_known; /* known: its quote is */
    /* Of the last look. */
    enum order_answer answer;
    struct order_view view;
    struct arena arena;
    struct mint_answer told;
};

struct courier {
    struct courier_setup setup;
    struct follow *follows;
    uint32_t count, working;
    bool is_closed;
};

static void look_soon(struct follow *follow);

/* ---- on the loop's pool ---- */

static void look(uv_work_t *work)
{
    struct follow *follow = work->data;
    const struct inquiry *inquiry = follow->courier->setup.inquiry;
    struct err err;
    follow->answer = follow->is_known
                         ? ORDER_DONE
                         : order_find(inquiry->orders, &follow->quote, &follow->y, &err);
    if (follow->answer == ORDER_DONE)
        follow->answer = order_look(inquiry->orders, &follow->view, &follow->arena, &follow->quote,
                                    follow->sent, &err);
    if (follow->answer == ORDER_AWAY)
        journal_line(JOURNAL_WARNING, "courier: no look why=%s", err.text);
    if (follow->answer != ORDER_DONE)
        inquiry_refuse(&follow->told, follow->answer);
    else if (order_has_ended(follow->view.state))
        inquiry_tell(inquiry, &follow->told, &follow->quote);
}

/* ---- on the loop ---- */

static void free_follow(struct follow *follow)
{
    text_clear(&follow->id);
    text_clear(&follow->told.body);
    arena_clear(&follow->arena);
    free(follow);
}

static void forget(struct follow *follow)
{
    struct follow **at = &follow->courier->follows;
    while (*at != follow)
        at = &(*at)->next;
    *at = follow->next;
    follow->courier->count--;
    free_follow(follow);
}

static void send_window(struct follow *follow, struct span text, bool is_last)
{
    char quote[UUID_TEXT_LEN + 1];
    struct event rumor;
    struct err err;
    uuid_write(quote, &follow->quote);
    const struct parcel_chunk chunk = {
        .job = {quote, UUID_TEXT_LEN}, .seq = follow->sent, .is_last = is_last, .text = text};
    parcel_chunk_event(&rumor, &follow->arena, &chunk, time(NULL));
    if (!desk_tell(follow->courier->setup.desk, &follow->buyer, &rumor, &err))
        journal_line(JOURNAL_WARNING, "courier: a window is not sent why=%s", err.text);
    follow->sent++;
}

/* A window that no rumor has room for is in the end that is told. */
static void send_windows(struct follow *follow)
{
    const struct order_view *view = &follow->view;
    bool has_ended = order_has_ended(view->state);
    for (uint32_t i = 0; i < view->more_count; i++) {
        struct span text = view->more[i].text;
        bool fits = text.len <= PARCEL_PIECE_BYTES_MAX && utf8_is(text);
        if (fits)
            send_window(follow, text, has_ended && i + 1 == view->more_count);
        else
            follow->sent++;
    }
    if (has_ended && view->more_count == 0)
        send_window(follow, SPAN(""), true);
}

static void end(struct follow *follow)
{
    const struct desk_answer answer = {follow->told.status, follow->told.body};
    desk_reply(follow->courier->setup.desk, &follow->buyer, text_span(&follow->id), &answer);
    forget(follow);
}

static void on_looked(uv_work_t *work, int status)
{
    struct follow *follow = work->data;
    struct courier *courier = follow->courier;
    (void)status;
    courier->working--;
    follow->is_working = false;
    if (courier->is_closed) {
        free_follow(follow);
        if (courier->working == 0)
            free(courier);
        return;
    }
    if (follow->answer != ORDER_DONE) {
        end(follow);
        return;
    }
    follow->is_known = true;
    send_windows(follow);
    if (order_has_ended(follow->view.state))
        end(follow);
    else if (follow->is_rung)
        look_soon(follow);
}

static void look_soon(struct follow *follow)
{
    follow->is_rung = true;
    if (follow->is_working)
        return;
    follow->is_rung = false;
    follow->is_working = true;
    follow->courier->working++;
    follow->told.body.len = 0;
    arena_clear(&follow->arena);
    uv_queue_work(follow->courier->setup.loop, &follow->work, look, on_looked);
}

bool courier_take(struct courier *courier, const struct desk_question *question, struct span id)
{
    struct bytes33 y;
    if (inquiry_read(&y, question->method, question->path) != INQUIRY_FOLLOW ||
        courier->count == COURIER_FOLLOWS_MAX)
        return false;
    struct follow *follow = calloc(1, sizeof *follow);
    if (follow == NULL)
        abort();
    follow->courier = courier;
    follow->buyer = question->buyer;
    follow->y = y;
    follow->work.data = follow;
    follow->next = courier->follows;
    text_add(&follow->id, id);
    courier->follows = follow;
    courier->count++;
    look_soon(follow);
    return true;
}

void courier_ring(struct courier *courier, const struct uuid *quote)
{
    for (struct follow *at = courier->follows; at != NULL; at = at->next)
        if (quote == NULL || !at->is_known || memcmp(quote, &at->quote, sizeof *quote) == 0)
            look_soon(at);
}

bool courier_is_idle(const struct courier *courier)
{
    return courier == NULL || courier->working == 0;
}

struct courier *courier_open(const struct courier_setup *setup)
{
    struct courier *courier = calloc(1, sizeof *courier);
    if (courier == NULL)
        abort();
    courier->setup = *setup;
    return courier;
}

void courier_close(struct courier *courier)
{
    if (courier == NULL)
        return;
    courier->is_closed = true;
    struct follow *next;
    for (struct follow *at = courier->follows; at != NULL; at = next) {
        next = at->next;
        if (!at->is_working)
            free_follow(at);
    }
    if (courier->working == 0)
        free(courier);
}
