#include "relay/session.h"

#include <assert.h>
#include <stdlib.h>

#include "relay/frame.h"
#include "relay/metrics.h"
#include "relay/table.h"
#include "shared/text.h"

enum { CLOSE_POLICY = 1008 }; /* RFC 6455 7.4.1 */

struct session_table {
    struct table sessions; /* by id */
    size_t outbox_bytes_max;
    uint64_t last_id;
};

struct session_item {
    struct session_item *next;
    struct frame *frame; /* may be NULL */
    uint32_t len;        /* of head */
    char head[];
};

struct session_table *session_table_new(size_t outbox_bytes_max)
{
    struct session_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        abort();
    table->outbox_bytes_max = outbox_bytes_max;
    return table;
}

void session_table_free(struct session_table *table)
{
    assert(table->sessions.count == 0);
    table_clear(&table->sessions);
    free(table);
}

size_t session_count(const struct session_table *table)
{
    return table->sessions.count;
}

struct session *session_open(struct session_table *table, session_wake_fn *wake, void *owner)
{
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        abort();
    session->id = ++table->last_id;
    session->table = table;
    session->wake = wake;
    session->owner = owner;
    table_put(&table->sessions, session->id, session);
    return session;
}

/* What an item costs us, so that many small ones are bounded too. */
static size_t cost_of(size_t head_len, const struct frame *frame)
{
    return sizeof(struct session_item) + head_len + (frame == NULL ? 0 : frame->len + 1u);
}

static void count_outbox(struct session *session, size_t bytes)
{
    metrics_move(METRIC_OUTBOX_BYTES, (int64_t)bytes - (int64_t)session->outbox_bytes);
    session->outbox_bytes = bytes;
}

/* The caller uses the item and gives it to drop_item. */
static struct session_item *take_item(struct session *session)
{
    struct session_item *item = session->head;
    if (item == NULL)
        return NULL;
    session->head = item->next;
    if (session->head == NULL)
        session->tail = NULL;
    count_outbox(session, session->outbox_bytes - cost_of(item->len, item->frame));
    return item;
}

static void drop_item(struct session_item *item)
{
    if (item->frame != NULL)
        frame_drop(item->frame);
    free(item);
}

static void drop_outbox(struct session *session)
{
    for (struct session_item *item; (item = take_item(session)) != NULL;)
        drop_item(item);
}

/* It does not read what it asked for: nothing more is kept for it. */
static void cut(struct session *session)
{
    metrics_add(METRIC_SLOW_READERS_CUT, 1);
    drop_outbox(session);
    session->drained = NULL;
    session_doom(session, CLOSE_POLICY);
}

void session_close(struct session *session)
{
    assert(session->subs.head == NULL && session->requests.head == NULL);
    drop_outbox(session);
    table_remove(&session->table->sessions, session->id);
    free(session->keys);
    free(session);
}

struct session *session_find(const struct session_table *table, uint64_t id)
{
    return table_get(&table->sessions, id);
}

void session_each(const struct session_table *table, bool (*visit)(void *owner, struct session *),
                  void *owner)
{
    size_t place = 0;
    for (struct session *session; (session = table_next(&table->sessions, &place)) != NULL;)
        if (!visit(owner, session))
            return;
}

void session_send(struct session *session, struct span head, struct frame *frame)
{
    size_t cost = cost_of(head.len, frame);
    size_t bytes_max = session->table->outbox_bytes_max;
    if (session->doomed)
        return;
    if (head.len > UINT32_MAX || session->outbox_bytes + session->held_bytes + cost > bytes_max) {
        cut(session);
        return;
    }
    struct session_item *item = malloc(sizeof *item + head.len);
    if (item == NULL)
        abort();
    item->next = NULL;
    item->frame = frame == NULL ? NULL : frame_ref(frame);
    item->len = (uint32_t)head.len;
    memcpy(item->head, head.at, head.len);

    bool was_empty = session->head == NULL;
    if (was_empty)
        session->head = item;
    else
        session->tail->next = item;
    session->tail = item;
    count_outbox(session, session->outbox_bytes + cost);
    if (was_empty)
        session->wake(session->owner);
}

void session_hold(struct session *session, size_t bytes)
{
    session->held_bytes += bytes;
    if (!session->doomed &&
        session->outbox_bytes + session->held_bytes > session->table->outbox_bytes_max)
        cut(session);
}

void session_unhold(struct session *session, size_t bytes)
{
    assert(session->held_bytes >= bytes);
    session->held_bytes -= bytes;
}

void session_doom(struct session *session, uint16_t close_code)
{
    if (session->doomed)
        return;
    session->doomed = true;
    session->close_code = close_code;
    session->wake(session->owner);
}

bool session_is_full(const struct session *session)
{
    return session->outbox_bytes >= session->table->outbox_bytes_max / 2;
}

void session_on_drained(struct session *session, void (*drained)(void *owner), void *owner)
{
    session->drained = drained;
    session->drained_owner = owner;
}

size_t session_next_bytes(const struct session *session)
{
    const struct session_item *item = session->head;
    if (item == NULL)
        return 0;
    return item->len + (item->frame == NULL ? 0 : item->frame->len + 1u);
}

bool session_pop_behind(struct session *session, struct text *out)
{
    struct session_item *item = take_item(session);
    if (item == NULL)
        return false;
    text_add(out, (struct span){item->head, item->len});
    if (item->frame != NULL) {
        text_add(out, (struct span){item->frame->at, item->frame->len});
        text_add(out, SPAN("]"));
    }
    drop_item(item);

    /* Not at the first byte below full, so that a whole page finds room. */
    void (*drained)(void *owner) = session->drained;
    if (drained != NULL && session->outbox_bytes < session->table->outbox_bytes_max / 4) {
        session->drained = NULL;
        drained(session->drained_owner);
    }
    return true;
}

bool session_pop(struct session *session, struct text *out)
{
    out->len = 0;
    return session_pop_behind(session, out);
}

bool session_has_key(const struct session *session, const struct bytes32 *pubkey)
{
    for (uint32_t i = 0; i < session->key_count; i++)
        if (memcmp(&session->keys[i], pubkey, sizeof *pubkey) == 0)
            return true;
    return false;
}

bool session_add_key(struct session *session, const struct bytes32 *pubkey)
{
    if (session_has_key(session, pubkey))
        return true;
    if (session->key_count == SESSION_KEYS_MAX)
        return false;
    session->keys = realloc(session->keys, (session->key_count + 1) * sizeof *session->keys);
    if (session->keys == NULL)
        abort();
    session->keys[session->key_count++] = *pubkey;
    return true;
}
