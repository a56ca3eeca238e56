/* What is asked of every shard: purges and probes. */
#include <stdlib.h>

#include "relay/shards_base.h"

/* A purge on every shard. */
struct clearing {
    struct list_node listed;
    struct shards *shards;
    store_purged_fn *done;
    void *owner;
    uint32_t left;
    bool is_done;
    uint64_t count;
};

static void on_cleared(void *owner, bool is_done, uint64_t count)
{
    struct clearing *clearing = owner;
    clearing->count += count;
    clearing->is_done &= is_done;
    if (--clearing->left > 0)
        return;
    list_remove(&clearing->shards->clearings, &clearing->listed);
    if (clearing->done != NULL)
        clearing->done(clearing->owner, clearing->is_done, clearing->count);
    free(clearing);
}

void shards_purge(struct shards *shards, const struct filter *filter, store_purged_fn *done,
                  void *owner)
{
    struct clearing *clearing = calloc(1, sizeof *clearing);
    if (clearing == NULL)
        abort();
    clearing->shards = shards;
    clearing->done = done;
    clearing->owner = owner;
    clearing->left = shards->count;
    clearing->is_done = true;
    list_append(&shards->clearings, &clearing->listed, clearing);
    for (uint32_t i = 0; i < shards->count; i++)
        store_purge(shards->stores[i], filter, on_cleared, clearing);
}

void shards_clearings_forget(struct shards *shards, const void *owner)
{
    for (struct clearing *clearing = list_first(&shards->clearings); clearing != NULL;
         clearing = list_next(&clearing->listed))
        if (clearing->owner == owner)
            clearing->done = NULL;
}

/* A probe of every shard: as good as the worst of them. */
struct survey {
    store_settled_fn *reply;
    void *owner;
    uint32_t left;
    enum store_verdict verdict;
};

static void on_probed(void *owner, enum store_verdict verdict)
{
    struct survey *survey = owner;
    if (verdict != STORE_NEW)
        survey->verdict = verdict;
    if (--survey->left > 0)
        return;
    survey->reply(survey->owner, survey->verdict);
    free(survey);
}

void shards_probe(struct shards *shards, store_settled_fn *reply, void *owner)
{
    struct survey *survey = malloc(sizeof *survey);
    if (survey == NULL)
        abort();
    *survey = (struct survey){reply, owner, shards->count, STORE_NEW};
    for (uint32_t i = 0; i < shards->count; i++)
        store_probe(shards->stores[i], on_probed, survey);
}
