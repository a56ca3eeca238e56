#include <stdlib.h>

#include "relay/admin_job.h"
#include "relay/log.h"
#include "relay/shards.h"
#include "shared/filter.h"
#include "shared/hex.h"

enum {
    ANSWER_MS_MAX = 5000, /* then the answer does not wait for the purge */
    AGAIN_MS = 3000,      /* what was being stored when the ban came is stored by then */
};

/* One that was done, to be done once more. */
struct purge {
    struct list_node listed;
    uint64_t due_ms;
    enum control_list list;
    struct bytes32 bytes;
};

static void on_job_purged(void *owner, bool is_done, uint64_t count)
{
    struct admin_job *job = owner;
    (void)count;
    if (is_done)
        admin_finish(job, SPAN("true"));
    else
        admin_refuse(job, 503, "banned, but what is stored could not be deleted; try again");
}

static void on_purged(void *owner, bool is_done, uint64_t count)
{
    (void)owner;
    if (!is_done)
        log_warning("admin", "what is banned could not be deleted again");
    else if (count > 0)
        log_info("admin", "deleted what came with a ban events=%llu", (unsigned long long)count);
}

static void run(struct admin *admin, const struct purge *purge, struct admin_job *job)
{
    struct filter filter = {.until = INT64_MAX, .limit = FILTER_NO_LIMIT};
    struct filter_keys keys = {1, &purge->bytes};
    if (purge->list == CONTROL_PUBKEY)
        filter.authors = keys;
    else
        filter.ids = keys;
    if (job != NULL)
        shards_purge(admin->setup.store, &filter, on_job_purged, job);
    else
        shards_purge(admin->setup.store, &filter, on_purged, admin);
}

void admin_purge(struct admin *admin, enum control_list list, struct span name,
                 struct admin_job *job)
{
    struct purge *purge = calloc(1, sizeof *purge);
    if (purge == NULL || !hex_decode(purge->bytes.at, sizeof purge->bytes, name))
        abort();
    purge->list = list;
    purge->due_ms = uv_now(admin->loop) + AGAIN_MS;
    list_append(&admin->purges, &purge->listed, purge);
    job->deadline_ms = uv_now(admin->loop) + ANSWER_MS_MAX;
    run(admin, purge, job);
}

void admin_purge_tick(struct admin *admin)
{
    struct purge *purge;
    while ((purge = list_first(&admin->purges)) != NULL && purge->due_ms <= uv_now(admin->loop)) {
        char hex[64];
        const struct control_item *item;
        hex_encode(hex, purge->bytes.at, sizeof purge->bytes);
        item = control_find(admin->setup.control, purge->list, SPAN_OF(hex));
        if (item != NULL && !item->is_allowed) /* it may have been lifted */
            run(admin, purge, NULL);
        list_remove(&admin->purges, &purge->listed);
        free(purge);
    }
}

void admin_purge_clear(struct admin *admin)
{
    for (struct purge *purge; (purge = list_first(&admin->purges)) != NULL;) {
        list_remove(&admin->purges, &purge->listed);
        free(purge);
    }
}
