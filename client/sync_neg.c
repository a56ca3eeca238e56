/* What differs, reconciled. */
#include <stdlib.h>

#include "client/info.h"
#include "client/sync_parts.h"
#include "shared/err.h"
#include "shared/text.h"

enum {
    FRAME_BYTES_MAX = 60000, /* so that its hex fits into what others take */
    FAILURES_MAX = 5,        /* of the connection, before anything is known */
};

static void on_id(void *owner, enum negentropy_verdict verdict, const struct bytes32 *id)
{
    struct sync *sync = owner;
    if (verdict == NEGENTROPY_HAVE && sync->setup.up)
        sync_note(sync, &sync->have, id);
    else if (verdict == NEGENTROPY_NEED && sync->setup.down && !sync_has(sync, id))
        sync_note(sync, &sync->need, id);
}

static struct negentropy side_of(struct sync *sync)
{
    return (struct negentropy){.records = sync->setup.records,
                               .count = sync->setup.record_count,
                               .frame_bytes_max = FRAME_BYTES_MAX,
                               .on_id = on_id,
                               .owner = sync};
}

static void drop(struct sync *sync)
{
    link_drop(sync->query);
    sync->query = NULL;
}

static void hear(struct sync *sync, struct span theirs)
{
    struct negentropy side = side_of(sync);
    struct text answer = {0};
    struct err err;
    bool ok = ++sync->counts.rounds < SYNC_ROUNDS_MAX &&
              negentropy_reconcile(&side, &answer, theirs, &err);
    if (sync->is_over || sync->is_freed) {
        text_clear(&answer);
        return;
    }
    sync->failures = 0;
    if (ok && answer.len > 0) {
        link_say(sync->query, text_span(&answer));
    } else {
        drop(sync);
        if (ok)
            sync_move(sync);
        else
            sync_page(sync); /* another version, or nonsense without end */
    }
    text_clear(&answer);
}

static void on_heard(void *owner, struct link_query *query, const struct message *message,
                     struct arena *arena)
{
    struct sync *sync = owner;
    (void)query;
    (void)arena;
    if (sync->is_over || sync->is_freed)
        return;
    if (message->type == MESSAGE_NEG_MSG) {
        hear(sync, message->bytes);
        return;
    }
    drop(sync);
    if (sync_is_lost(message->note) && ++sync->failures < FAILURES_MAX)
        sync_reconcile(sync);
    else
        sync_page(sync);
}

void sync_reconcile(struct sync *sync)
{
    const struct info *info = link_info(sync->setup.link);
    struct negentropy side = side_of(sync);
    struct text first = {0};
    if (info != NULL && info->has_nips && !info->has_negentropy) {
        sync_page(sync);
        return;
    }
    sync->need.count = sync->have.count = 0;
    sync->counts.stage = SYNC_RECONCILING;
    negentropy_initiate(&side, &first);
    const struct link_query_setup setup = {.ask = LINK_NEG,
                                           .filters = &sync->filter,
                                           .filter_count = 1,
                                           .bytes = text_span(&first),
                                           .heard = on_heard,
                                           .owner = sync};
    sync->query = link_ask(sync->setup.link, &setup);
    text_clear(&first);
}
