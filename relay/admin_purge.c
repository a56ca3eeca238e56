#include <stdlib.h>
#include <time.h>

#include "relay/admin_job.h"
#include "relay/log.h"
#include "relay/shards.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/text.h"

enum {
    ANSWER_MS_MAX = 5000, /* then the answer does not wait for the purge */
    AGAIN_MS = 3000,      /* what was being stored when the ban came is stored by then */
};

/* One that was done, or planned, to be done once more. */
struct purge {
    struct admin *admin;
    struct list_node listed; /* while it waits */
    uint64_t due_ms;
    enum control_list list;
    struct bytes32 bytes;
};

static void wait(struct purge *purge)
{
    struct admin *admin = purge->admin;
    purge->due_ms = uv_now(admin->loop) + AGAIN_MS;
    list_append(&admin->purges, &purge->listed, purge);
}

static struct purge *purge_new(struct admin *admin, enum control_list list, struct span name)
{
    struct purge *purge = calloc(1, sizeof *purge);
    if (purge == NULL)
        abort();
    purge->admin = admin;
    purge->list = list;
    if (hex_decode(purge->bytes.at, sizeof purge->bytes, name))
        return purge;
    free(purge);
    return NULL;
}

/* "pubkey", or "event", and what is banned. If it cannot be written, neither can the ban: or what
 * is planned is done, and planned on. */
static void change_plan(struct admin *admin, bool puts, enum control_list list, struct span name)
{
    struct text plan = {0};
    struct err err;
    text_addf(&plan, "%s %.*s", control_list_name(list), SPAN_ARG(name));
    const struct control_item item = {
        .list = CONTROL_PURGE, .name = text_span(&plan), .at = (int64_t)time(NULL)};
    if (!(puts ? control_db_put : control_db_drop)(admin->setup.control_db, &item, NULL, NULL,
                                                   &err))
        log_warning("admin", "a purge is not planned, or planned on: %s", err.text);
    text_clear(&plan);
}

void admin_plan_purge(struct admin *admin, const struct control_item *ban)
{
    change_plan(admin, true, ban->list, ban->name);
}

static void end(struct purge *purge)
{
    char hex[2 * sizeof purge->bytes];
    hex_encode(hex, purge->bytes.at, sizeof purge->bytes);
    change_plan(purge->admin, false, purge->list, SPAN_OF(hex));
    free(purge);
}

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
    struct purge *purge = owner;
    if (is_done && count > 0)
        log_info("admin", "deleted what came with a ban events=%llu", (unsigned long long)count);
    if (is_done)
        end(purge);
    else
        wait(purge);
}

static void run(const struct purge *purge, store_purged_fn *done, void *owner)
{
    struct filter filter = {.until = INT64_MAX, .limit = FILTER_NO_LIMIT};
    struct filter_keys keys = {1, &purge->bytes};
    if (purge->list == CONTROL_PUBKEY)
        filter.authors = keys;
    else
        filter.ids = keys;
    shards_purge(purge->admin->setup.store, &filter, done, owner);
}

void admin_purge(struct admin *admin, enum control_list list, struct span name,
                 struct admin_job *job)
{
    struct purge *purge = purge_new(admin, list, name);
    if (purge == NULL)
        abort(); /* it was named by control_name */
    wait(purge);
    job->deadline_ms = uv_now(admin->loop) + ANSWER_MS_MAX;
    run(purge, on_job_purged, job);
}

static void take_plan(void *owner, const struct control_item *item)
{
    struct admin *admin = owner;
    const char *space = memchr(item->name.at, ' ', item->name.len);
    enum control_list list;
    if (space == NULL)
        return;
    size_t len = (size_t)(space - item->name.at);
    if (!control_list_find(&list, (struct span){item->name.at, len}) ||
        (list != CONTROL_PUBKEY && list != CONTROL_EVENT))
        return;
    struct purge *purge =
        purge_new(admin, list, (struct span){space + 1, item->name.len - len - 1});
    if (purge != NULL)
        wait(purge);
}

static bool is_banned(const struct purge *purge)
{
    char hex[2 * sizeof purge->bytes];
    hex_encode(hex, purge->bytes.at, sizeof purge->bytes);
    const struct control_item *item =
        control_find(purge->admin->setup.control, purge->list, SPAN_OF(hex));
    return item != NULL && !item->is_allowed;
}

void admin_purge_tick(struct admin *admin)
{
    struct purge *purge;
    if (!admin->is_resumed && control_db_is_loaded(admin->setup.control_db)) {
        control_each(admin->setup.control, CONTROL_PURGE, take_plan, admin);
        admin->is_resumed = true;
    }
    while ((purge = list_first(&admin->purges)) != NULL && purge->due_ms <= uv_now(admin->loop)) {
        list_remove(&admin->purges, &purge->listed);
        if (is_banned(purge)) /* it may have been lifted */
            run(purge, on_purged, purge);
        else
            end(purge);
    }
}

void admin_purge_clear(struct admin *admin)
{
    for (struct purge *purge; (purge = list_first(&admin->purges)) != NULL;) {
        list_remove(&admin->purges, &purge->listed);
        free(purge);
    }
}
