#include <stdio.h>
#include <stdlib.h>

#include "relay/remote.h"
#include "relay/transfer_sync.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/message.h"
#include "shared/negentropy.h"

enum {
    FRAME_BYTES_MAX = 60000, /* so that its hex fits into what others take */
    ANSWER_MS_MAX = 30000,   /* then we page; a million records take the other side a while */
    PAGE_EVENTS = 500,
};

#define NAME SPAN("sync")

static void on_id(void *owner, enum negentropy_verdict verdict, const struct bytes32 *id)
{
    struct sync *sync = owner;
    bool is_wanted = verdict == NEGENTROPY_HAVE ? sync->up : sync->down;
    struct sync_ids *ids = verdict == NEGENTROPY_HAVE ? &sync->have : &sync->need;
    if (is_wanted && !sync_ids_add(ids, id))
        sync->why[0] = '!';
}

static struct negentropy side_of(struct sync *sync)
{
    return (struct negentropy){.records = sync->records.at,
                               .count = sync->records.count,
                               .frame_bytes_max = FRAME_BYTES_MAX,
                               .on_id = on_id,
                               .owner = sync};
}

static void say(struct sync *sync, struct text *text)
{
    remote_send(sync->remote, text_span(text));
    text_clear(text);
    sync->asked_ms = uv_now(&sync->transfer.loop);
}

static void all_is_known(struct sync *sync)
{
    sync->stage = SYNC_MOVING;
    sync->asked_ms = 0;
}

/* ---- NIP-77 ---- */

static void reconcile(struct sync *sync)
{
    struct text message = {0}, text = {0};
    struct negentropy side = side_of(sync);
    sync->need.count = sync->need.next = sync->have.count = sync->have.next = 0;
    sync->is_answered = false;
    negentropy_initiate(&side, &message);
    message_write_neg_open(&text, NAME, &sync->filter, text_span(&message));
    say(sync, &text);
    text_clear(&message);
}

static void ask_page(struct sync *sync);

static void page_instead(struct sync *sync)
{
    sync->stage = SYNC_PAGING;
    sync->need.count = sync->need.next = sync->have.count = sync->have.next = 0;
    free(sync->is_theirs);
    sync->is_theirs = calloc(sync->records.count + 1, 1);
    if (sync->is_theirs == NULL)
        abort();
    sync->page_until = sync->filter.until;
    ask_page(sync);
}

static void go_on_reconciling(struct sync *sync, struct span theirs)
{
    struct text answer = {0}, text = {0};
    struct negentropy side = side_of(sync);
    struct err err;
    sync->is_answered = true;
    if (!negentropy_reconcile(&side, &answer, theirs, &err)) {
        page_instead(sync); /* another version, or nonsense */
    } else if (sync->why[0] != '\0') {
        sync_end(sync, "it differs in too many events; name a part of them by a filter");
    } else if (answer.len > 0) {
        message_write_neg_msg(&text, NAME, text_span(&answer));
        say(sync, &text);
    } else {
        message_write_neg_close(&text, NAME);
        say(sync, &text);
        all_is_known(sync);
    }
    text_clear(&answer);
}

/* ---- pages ---- */

struct page_name {
    char at[16];
};

static struct page_name page_name(const struct sync *sync)
{
    struct page_name name;
    snprintf(name.at, sizeof name.at, "page%u", sync->page);
    return name;
}

static bool is_page(const struct sync *sync, struct span sub)
{
    struct page_name name = page_name(sync);
    return sync->stage == SYNC_PAGING && span_eq(sub, (struct span){name.at, strlen(name.at)});
}

static void ask_page(struct sync *sync)
{
    struct text text = {0};
    sync->page++;
    struct page_name name = page_name(sync);
    struct filter filter = sync->filter;
    filter.until = sync->page_until;
    filter.limit = PAGE_EVENTS;
    sync->page_count = 0;
    sync->page_oldest = sync->page_until;
    message_write_req(&text, (struct span){name.at, strlen(name.at)}, &filter, 1);
    say(sync, &text);
}

static int order(const void *a, const void *b)
{
    const struct negentropy_record *left = a, *right = b;
    if (left->created_at != right->created_at)
        return left->created_at < right->created_at ? -1 : 1;
    return memcmp(left->id.at, right->id.at, sizeof left->id.at);
}

static void take_of_page(struct sync *sync, struct arena *arena, const struct event *event)
{
    struct negentropy_record record = {.created_at = event->created_at, .id = event->id};
    if (event->created_at > sync->page_until || !filter_match(&sync->filter, event)) {
        sync->unasked++;
        return;
    }
    sync->page_count++;
    if (event->created_at < sync->page_oldest)
        sync->page_oldest = event->created_at;
    const struct negentropy_record *own =
        sync->records.count == 0
            ? NULL
            : bsearch(&record, sync->records.at, sync->records.count, sizeof record, order);
    if (own != NULL)
        sync->is_theirs[own - sync->records.at] = 1;
    else if (sync->down)
        sync_take(sync, arena, event);
}

/* What is ours and was on no page. */
static void find_theirs_missing(struct sync *sync)
{
    for (size_t i = 0; i < sync->records.count && sync->up; i++)
        if (sync->is_theirs[i] == 0 && !sync_ids_add(&sync->have, &sync->records.at[i].id))
            return;
}

/* Pages overlap in their last second; one that is all of one second is gone past. */
static void end_page(struct sync *sync, const struct message *message)
{
    struct page_name name = page_name(sync);
    struct text text = {0};
    bool is_last = sync->page_count == 0 || message->finish == MESSAGE_FINISH;
    int64_t until = sync->page_oldest < sync->page_until ? sync->page_oldest : sync->page_until - 1;
    message_write_close(&text, (struct span){name.at, strlen(name.at)});
    say(sync, &text);
    if (is_last || until < sync->filter.since || until < 0) {
        find_theirs_missing(sync);
        all_is_known(sync);
        return;
    }
    sync->page_until = until;
    if (intake_is_full(sync->intake)) /* differ_look asks */
        sync->asked_ms = 0;
    else
        ask_page(sync);
}

static void refused(struct sync *sync, const struct message *message)
{
    if (message->note.len >= 13 && memcmp(message->note.at, "rate-limited:", 13) == 0) {
        sync_wait(sync);
        sync->asked_ms = 0;
        return;
    }
    snprintf(sync->why, sizeof sync->why, "%.*s",
             (int)message->note.len < 150 ? (int)message->note.len : 150, message->note.at);
    sync_end(sync, sync->why);
}

/* ---- */

void differ_open(struct sync *sync)
{
    if (!sync->is_collected || !remote_is_open(sync->remote))
        return;
    if (sync->stage == SYNC_RECONCILING)
        reconcile(sync);
    else if (sync->stage == SYNC_PAGING)
        ask_page(sync);
}

void differ_look(struct sync *sync)
{
    uint64_t now_ms = uv_now(&sync->transfer.loop);
    bool is_late = sync->asked_ms > 0 && now_ms - sync->asked_ms > ANSWER_MS_MAX;
    if (!remote_is_open(sync->remote) || sync->stage == SYNC_MOVING)
        return;
    if (sync->stage == SYNC_RECONCILING && is_late)
        page_instead(sync);
    else if (sync->stage == SYNC_PAGING && is_late)
        remote_restart(sync->remote, "it does not answer");
    else if (sync->asked_ms == 0 && !sync_is_busy(sync) && !intake_is_full(sync->intake))
        differ_open(sync);
}

void differ_hear(struct sync *sync, struct arena *arena, const struct message *message)
{
    bool is_ours = span_eq(message->sub, NAME);
    bool reconciles = sync->stage == SYNC_RECONCILING;
    bool pages = is_page(sync, message->sub);
    /* most who do not speak NIP-77 say so in a NOTICE */
    bool is_refused = (message->type == MESSAGE_NEG_ERR && is_ours) ||
                      (message->type == MESSAGE_NOTICE && !sync->is_answered && sync->asked_ms > 0);
    if (reconciles && is_refused)
        page_instead(sync);
    else if (message->type == MESSAGE_NEG_MSG && reconciles && is_ours)
        go_on_reconciling(sync, message->bytes);
    else if (message->type == MESSAGE_EVENT && pages)
        take_of_page(sync, arena, &message->event);
    else if (message->type == MESSAGE_EOSE && pages)
        end_page(sync, message);
    else if (message->type == MESSAGE_CLOSED && pages)
        refused(sync, message);
}
