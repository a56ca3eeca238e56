/* catalog_checkpoint.c - entities, put together from what some heads come after. */
#include "client/catalog_checkpoint.h"

#include "client/act.h"
#include "client/catalog_parts.h"
#include "client/circle.h"
#include "client/entity.h"
#include "client/node.h"
#include "client/replica.h"
#include "client/store_parts.h"
#include "client/trie.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { EVENTS_MAX = 10000000 };

/* An event of a history. */
struct part {
    const struct catalog_event *stored;
    struct event event;
    struct node node;
    bool is_covered;
    struct part *next; /* in the queue */
};

struct history {
    struct arena *arena;
    struct part *parts; /* the oldest first */
    size_t count;
    struct trie by_id;
    uint64_t missing;
};

static bool read_history(struct store *store, struct history *history, const struct bytes32 *root,
                         struct err *err)
{
    struct catalog_events events;
    if (!catalog_events(store, &events, history->arena, root, EVENTS_MAX, err))
        return false;
    history->parts = arena_array(history->arena, struct part, events.count + 1);
    for (size_t i = events.count; i-- > 0;) {
        struct part *part = &history->parts[history->count];
        *part = (struct part){.stored = &events.at[i]};
        if (!event_parse(&part->event, history->arena, events.at[i].json, err))
            return false;
        if (!node_parse(&part->node, history->arena, &part->event, NULL))
            continue;
        trie_put(&history->by_id, history->arena, SPAN_OF(part->node.id), part);
        history->count++;
    }
    return true;
}

static void enqueue(struct history *history, struct part **queue, const struct bytes32 *ids,
                    uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct part *part = trie_get(&history->by_id, SPAN_OF(ids[i]));
        history->missing += part == NULL;
        if (part == NULL || part->is_covered)
            continue;
        part->is_covered = true;
        part->next = *queue;
        *queue = part;
    }
}

/* The heads, and all that they come after. */
static void cover(struct history *history, const struct bytes32 *heads, uint32_t count)
{
    struct part *queue = NULL;
    enqueue(history, &queue, heads, count);
    while (queue != NULL) {
        const struct part *part = queue;
        queue = part->next;
        enqueue(history, &queue, part->node.parents, part->node.parent_count);
    }
}

static struct circle *put_circle(const struct history *history, const struct bytes32 *root)
{
    struct circle *circle = circle_new(root, UINT64_MAX);
    for (size_t i = 0; i < history->count; i++) {
        const struct part *part = &history->parts[i];
        struct arena arena = {0};
        struct act act;
        if (part->is_covered)
            circle_put(circle, &part->node,
                       act_parse(&act, &arena, &part->event, NULL) ? &act : NULL);
        arena_clear(&arena);
    }
    return circle;
}

static void count_covered(struct checkpoint *checkpoint, struct catalog_covered *covered,
                          const struct history *history)
{
    struct fingerprint_sum sum = {0};
    checkpoint->upto = 0;
    for (size_t i = 0; i < history->count; i++) {
        const struct part *part = &history->parts[i];
        if (!part->is_covered)
            continue;
        fingerprint_add(&sum, &part->node.id);
        covered->redacted += part->stored->is_redacted;
        if (part->node.hlc > checkpoint->upto)
            checkpoint->upto = part->node.hlc;
    }
    checkpoint->covers = fingerprint_of(&sum);
    checkpoint->count = sum.count;
}

static void put_replica(struct replica *replica, const struct history *history)
{
    for (int is_root = 1; is_root >= 0; is_root--) /* the root before all others */
        for (size_t i = 0; i < history->count; i++) {
            const struct part *part = &history->parts[i];
            if (part->is_covered && node_is_root(&part->node) == (is_root == 1))
                (void)replica_put(replica, &part->event, part->stored->is_redacted);
        }
    replica_settle(replica);
}

static void hash_state(struct checkpoint *checkpoint, struct arena *arena,
                       const struct replica *replica)
{
    struct text state = {0};
    checkpoint_write_state(&state, replica);
    checkpoint->state = arena_copy(arena, text_span(&state));
    checkpoint->hash = sig_sha256(checkpoint->state);
    text_clear(&state);
}

bool catalog_cover(struct store *store, struct checkpoint *checkpoint,
                   struct catalog_covered *covered, struct arena *arena, struct err *err)
{
    struct history history = {.arena = arena}, rules = {.arena = arena};
    *covered = (struct catalog_covered){0};
    if (!read_history(store, &history, &checkpoint->root, err) ||
        (checkpoint->has_circle && !read_history(store, &rules, &checkpoint->circle, err)))
        return false;
    cover(&history, checkpoint->heads, checkpoint->head_count);
    cover(&rules, checkpoint->grounds, checkpoint->ground_count);
    covered->missing = history.missing + rules.missing;
    count_covered(checkpoint, covered, &history);
    struct replica *replica = replica_new(&checkpoint->root, UINT64_MAX, 0);
    if (checkpoint->has_circle)
        replica_govern(replica, put_circle(&rules, &checkpoint->circle));
    put_replica(replica, &history);
    covered->is_all = entity_applied_count(replica_entity(replica)) == checkpoint->count;
    hash_state(checkpoint, arena, replica);
    replica_free(replica);
    return true;
}

/* The heads of what counts; ERR_RESTRICTED: there are more than fit. */
static bool find_heads(const struct entity *entity, const struct bytes32 **heads, uint32_t *count,
                       struct arena *arena, struct err *err)
{
    struct bytes32 *ids = arena_array(arena, struct bytes32, CHECKPOINT_HEADS_MAX);
    size_t all = entity_heads(entity, ids, CHECKPOINT_HEADS_MAX);
    *heads = ids;
    *count = (uint32_t)all;
    return all <= CHECKPOINT_HEADS_MAX ||
           err_set(err, ERR_RESTRICTED, "%zu events that nothing comes after: change it first",
                   all);
}

bool catalog_checkpoint(struct store *store, struct checkpoint *checkpoint, struct arena *arena,
                        const struct bytes32 *root, struct err *err)
{
    struct replica *replica;
    struct catalog_covered covered;
    *checkpoint = (struct checkpoint){.root = *root};
    if (!catalog_load(store, &replica, root, catalog_horizon(store), err))
        return false;
    const struct circle *circle = replica_circle(replica);
    bool ok = replica_author(replica) != NULL ||
              err_set(err, ERR_INVALID, "it is no entity here; a circle has no checkpoints");
    ok = ok && find_heads(replica_entity(replica), &checkpoint->heads, &checkpoint->head_count,
                          arena, err);
    if (ok && circle != NULL) {
        checkpoint->has_circle = true;
        checkpoint->circle = *entity_root(circle_entity(circle));
        ok = find_heads(circle_entity(circle), &checkpoint->grounds, &checkpoint->ground_count,
                        arena, err);
    }
    if (ok && checkpoint->head_count == 0)
        ok = err_set(err, ERR_INVALID, "nothing of it counts yet");
    replica_free(replica);
    return ok && catalog_cover(store, checkpoint, &covered, arena, err);
}
