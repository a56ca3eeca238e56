#include "relay/searches.h"

#include <stdlib.h>

#include "relay/indexer.h"
#include "relay/list.h"
#include "relay/row.h"
#include "relay/shards.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"

enum { LOOK_MS = 1000 }; /* for shards that were added */

struct searches {
    struct searches_setup setup;
    uv_loop_t *loop;
    uv_timer_t *timer;
    uint32_t count;
    struct search *each[SHARDS_MAX];
    struct indexer *indexers[SHARDS_MAX]; /* NULL: another process does it */
    struct list rounds;
};

/* What one shard has found; taken: of it, by the merge. */
struct part {
    struct round *round;
    uint32_t shard, count, taken;
    struct event *events; /* in the round's arena */
    int64_t *ranks;
};

/* One question, to several shards. */
struct round {
    struct list_node listed;
    struct searches *searches;
    struct search_call call; /* reply NULL: nobody waits */
    struct arena arena;
    uint32_t part_count, left;
    bool has_failed, is_all;
    struct part parts[];
};

static void follow(struct searches *searches)
{
    const struct searches_setup *setup = &searches->setup;
    for (const struct shard *shard; (shard = shards_at(setup->shards, searches->count)) != NULL;
         searches->count++) {
        const struct search_setup search = {
            .shard = shard, .kinds = setup->kinds, .configuration = setup->configuration};
        const struct indexer_setup indexer = {
            .shard = shard, .kinds = setup->kinds, .configuration = setup->configuration};
        searches->each[searches->count] = search_new(searches->loop, &search);
        if (setup->indexes)
            searches->indexers[searches->count] = indexer_new(searches->loop, &indexer);
    }
}

static void on_timer(uv_timer_t *timer)
{
    follow(timer->data);
}

struct searches *searches_new(uv_loop_t *loop, const struct searches_setup *setup)
{
    struct searches *searches = calloc(1, sizeof *searches);
    if (searches == NULL)
        abort();
    searches->setup = *setup;
    searches->loop = loop;
    searches->timer = calloc(1, sizeof *searches->timer);
    if (searches->timer == NULL)
        abort();
    searches->timer->data = searches;
    uv_timer_init(loop, searches->timer);
    uv_timer_start(searches->timer, on_timer, LOOK_MS, LOOK_MS);
    follow(searches);
    return searches;
}

static void on_closed(uv_handle_t *timer)
{
    free(timer);
}

/* Rounds end with the last of their shards' answers. */
void searches_free(struct searches *searches)
{
    for (uint32_t i = 0; i < searches->count; i++) {
        search_free(searches->each[i]);
        if (searches->indexers[i] != NULL)
            indexer_free(searches->indexers[i]);
    }
    uv_close((uv_handle_t *)searches->timer, on_closed);
    free(searches);
}

bool searches_have_room(const struct searches *searches, struct err *err)
{
    for (uint32_t i = 0; i < searches->count; i++)
        if (!search_has_room(searches->each[i], err))
            return false;
    return true;
}

/* The better, then the newer, then the one with the lower id. */
static bool is_before(const struct part *a, const struct part *b)
{
    const struct event *left = &a->events[a->taken], *right = &b->events[b->taken];
    if (a->ranks[a->taken] != b->ranks[b->taken])
        return a->ranks[a->taken] > b->ranks[b->taken];
    if (left->created_at != right->created_at)
        return left->created_at > right->created_at;
    return memcmp(&left->id, &right->id, sizeof left->id) < 0;
}

static struct part *find_next(struct round *round)
{
    struct part *next = NULL;
    for (uint32_t i = 0; i < round->part_count; i++) {
        struct part *part = &round->parts[i];
        if (part->taken < part->count && (next == NULL || is_before(part, next)))
            next = part;
    }
    return next;
}

static void merge(struct round *round)
{
    struct search_answer answer = {.is_all = round->is_all};
    struct event *events = arena_array(&round->arena, struct event, round->call.rows);
    struct part *next;
    for (; (next = find_next(round)) != NULL && answer.count < round->call.rows; next->taken++)
        events[answer.count++] = next->events[next->taken];
    answer.is_all = answer.is_all && next == NULL;
    answer.events = events;
    round->call.reply(round->call.owner, &answer);
}

static void end(struct round *round)
{
    list_remove(&round->searches->rounds, &round->listed);
    if (round->call.reply != NULL && round->has_failed)
        round->call.reply(round->call.owner, NULL);
    else if (round->call.reply != NULL)
        merge(round);
    arena_clear(&round->arena);
    free(round);
}

/* What its author has taken elsewhere is found there. */
static void take(struct part *part, const struct search_answer *answer)
{
    struct round *round = part->round;
    const struct shards *shards = round->searches->setup.shards;
    part->events = arena_array(&round->arena, struct event, answer->count);
    part->ranks = arena_array(&round->arena, int64_t, answer->count);
    for (uint32_t i = 0; i < answer->count; i++) {
        if (shards_home(shards, &answer->events[i].pubkey) != part->shard)
            continue;
        part->ranks[part->count] = answer->ranks[i];
        row_copy_event(&part->events[part->count++], &round->arena, &answer->events[i]);
    }
}

static void on_part(void *owner, const struct search_answer *answer)
{
    struct part *part = owner;
    struct round *round = part->round;
    round->has_failed |= answer == NULL;
    round->is_all = round->is_all && answer != NULL && answer->is_all;
    if (answer != NULL && round->call.reply != NULL)
        take(part, answer);
    if (--round->left == 0)
        end(round);
}

/* Whether the filter's authors, or some of them, are at home there. */
static bool may_have(const struct searches *searches, uint32_t shard, const struct filter *filter)
{
    bool may = filter->authors.count == 0;
    for (uint32_t i = 0; !may && i < filter->authors.count; i++)
        may = shards_home(searches->setup.shards, &filter->authors.at[i]) == shard;
    return may;
}

void searches_ask(struct searches *searches, const struct search_call *call)
{
    follow(searches);
    if (searches->count == 1) {
        search_ask(searches->each[0], call);
        return;
    }
    struct round *round = calloc(1, sizeof *round + searches->count * sizeof *round->parts);
    if (round == NULL)
        abort();
    round->searches = searches;
    round->call = *call;
    round->is_all = true;
    list_append(&searches->rounds, &round->listed, round);
    for (uint32_t i = 0; i < searches->count; i++)
        if (may_have(searches, i, call->filter))
            round->parts[round->part_count++] = (struct part){.round = round, .shard = i};
    round->left = round->part_count;
    for (uint32_t i = 0; i < round->part_count; i++) {
        struct search_call part = *call;
        part.reply = on_part;
        part.owner = &round->parts[i];
        search_ask(searches->each[round->parts[i].shard], &part);
    }
}

/* The filter of those that are forgotten is not looked at any more: so the parts are, too. */
static void give_up(struct round *round)
{
    for (uint32_t i = 0; i < round->part_count; i++)
        search_forget(round->searches->each[round->parts[i].shard], &round->parts[i]);
    round->call.reply = NULL;
    end(round);
}

void searches_forget(struct searches *searches, const void *owner)
{
    struct round *next;
    for (uint32_t i = 0; i < searches->count; i++)
        search_forget(searches->each[i], owner);
    for (struct round *round = list_first(&searches->rounds); round != NULL; round = next) {
        next = list_next(&round->listed);
        if (round->call.owner == owner)
            give_up(round);
    }
}
