#include <stdio.h>
#include <stdlib.h>

#include "relay/remote.h"
#include "relay/transfer_sync.h"
#include "shared/event.h"
#include "shared/message.h"

static int order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

/* Which of the batches a name is; NULL: none. */
static struct sync_batch *find(struct sync *sync, struct span name)
{
    if (name.len != 2 || name.at[0] != 'f' || name.at[1] < '0' || name.at[1] >= '0' + SYNC_BATCHES)
        return NULL;
    struct sync_batch *batch = &sync->batches[name.at[1] - '0'];
    return batch->count > 0 && batch->is_asked ? batch : NULL;
}

static void fill(struct sync *sync, struct sync_batch *batch)
{
    *batch = (struct sync_batch){0};
    batch->count = sync_ids_take(&sync->need, batch->ids);
}

static void write_name(char name[3], const struct sync *sync, const struct sync_batch *batch)
{
    snprintf(name, 3, "f%c", (char)('0' + (batch - sync->batches)));
}

static void ask(struct sync *sync, struct sync_batch *batch)
{
    struct filter filter = {
        .until = INT64_MAX,
        .limit = batch->count,
        .ids = {.count = batch->count, .at = batch->ids},
    };
    struct text text = {0};
    char name[3];
    write_name(name, sync, batch);
    message_write_req(&text, (struct span){name, 2}, &filter, 1);
    remote_send(sync->remote, text_span(&text));
    text_clear(&text);
    batch->is_asked = true;
}

static void end(struct sync *sync, struct sync_batch *batch)
{
    struct text text = {0};
    char name[3];
    for (uint32_t i = 0; i < batch->count; i++)
        sync->missing += !batch->has_come[i];
    write_name(name, sync, batch);
    message_write_close(&text, (struct span){name, 2});
    remote_send(sync->remote, text_span(&text));
    text_clear(&text);
    batch->count = 0;
}

static void take(struct sync *sync, struct sync_batch *batch, struct arena *arena,
                 const struct event *event)
{
    const struct bytes32 *id =
        bsearch(&event->id, batch->ids, batch->count, sizeof batch->ids[0], order);
    if (id == NULL || batch->has_come[id - batch->ids]) {
        sync->unasked++;
        return;
    }
    batch->has_come[id - batch->ids] = true;
    sync_take(sync, arena, event);
}

void fetch_close(struct sync *sync)
{
    for (size_t i = 0; i < SYNC_BATCHES; i++)
        sync->batches[i].is_asked = false;
}

void fetch_go_on(struct sync *sync)
{
    for (size_t i = 0; i < SYNC_BATCHES; i++) {
        struct sync_batch *batch = &sync->batches[i];
        if (!remote_is_open(sync->remote) || sync_is_busy(sync) || intake_is_full(sync->intake))
            return;
        if (batch->count == 0)
            fill(sync, batch);
        if (batch->count > 0 && !batch->is_asked)
            ask(sync, batch);
    }
}

bool fetch_is_done(const struct sync *sync)
{
    for (size_t i = 0; i < SYNC_BATCHES; i++)
        if (sync->batches[i].count > 0)
            return false;
    return sync->need.next == sync->need.count && intake_pending(sync->intake) == 0;
}

bool fetch_hear(struct sync *sync, struct arena *arena, const struct message *message)
{
    struct sync_batch *batch = find(sync, message->sub);
    if (batch == NULL)
        return false;
    if (message->type == MESSAGE_EVENT) {
        take(sync, batch, arena, &message->event);
    } else if (message->type == MESSAGE_EOSE) {
        end(sync, batch);
    } else if (message->type == MESSAGE_CLOSED) {
        batch->is_asked = false; /* and again, later */
        sync_wait(sync);
    }
    fetch_go_on(sync);
    return true;
}
