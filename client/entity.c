#include "client/entity.h"

#include <stdlib.h>

#include "client/hlc.h"
#include "client/node.h"
#include "client/op.h"
#include "client/state.h"
#include "client/trie.h"
#include "shared/arena.h"
#include "shared/err.h"

enum place { UNKNOWN, PARKED, AHEAD, APPLIED, VOID };

struct member {
    enum place place; /* UNKNOWN: named by others, not put in */
    struct node node;
    struct op_list ops;
    struct member **parents;
    uint32_t missing;         /* parents that do not count yet */
    struct member **children; /* put in already; grown in the arena */
    uint32_t child_count;
    size_t head; /* one more than its place among the heads; 0: none of them */
    bool is_queued;
    struct member *next; /* in the queue of those to be judged, or of those that are ahead */
};

struct entity {
    struct arena arena;
    struct bytes32 root;
    struct trie members; /* id: member */
    struct member *ahead;
    struct state state;
    uint64_t horizon_ms, hlc;
    struct member **heads;
    size_t head_count, head_capacity, applied_count, waiting_count;
    entity_apply_fn *on_apply;
    enum entity_leave (*guard)(void *owner, const struct node *node);
    const struct entity *ground;
    void *owner;
};

struct entity *entity_new(const struct bytes32 *root, uint64_t horizon_ms,
                          entity_apply_fn *on_apply, void *owner)
{
    struct entity *entity = malloc(sizeof *entity);
    if (entity == NULL)
        abort();
    *entity = (struct entity){
        .root = *root, .horizon_ms = horizon_ms, .on_apply = on_apply, .owner = owner};
    return entity;
}

void entity_free(struct entity *entity)
{
    if (entity == NULL)
        return;
    arena_clear(&entity->arena);
    state_clear(&entity->state);
    free(entity->heads);
    free(entity);
}

void entity_guard(struct entity *entity,
                  enum entity_leave (*guard)(void *owner, const struct node *node))
{
    entity->guard = guard;
}

void entity_stand(struct entity *entity, const struct entity *ground)
{
    entity->ground = ground;
}

static bool is_id(const struct bytes32 *a, const struct bytes32 *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

/* The member of that id, made when nobody knew it. */
static struct member *member_of(struct entity *entity, const struct bytes32 *id)
{
    struct member *member = trie_get(&entity->members, SPAN_OF(*id));
    if (member == NULL) {
        member = arena_alloc(&entity->arena, sizeof *member);
        *member = (struct member){.node.id = *id};
        trie_put(&entity->members, &entity->arena, SPAN_OF(*id), member);
    }
    return member;
}

static const struct bytes32 *copy_ids(struct arena *arena, const struct bytes32 *ids,
                                      uint32_t count)
{
    return (const struct bytes32 *)arena_copy(arena,
                                              (struct span){(const char *)ids, count * sizeof *ids})
        .at;
}

static struct op_list copy_ops(struct arena *arena, const struct op_list *ops)
{
    if (ops == NULL || ops->count == 0)
        return (struct op_list){0};
    struct op *copies = arena_array(arena, struct op, ops->count);
    for (uint32_t i = 0; i < ops->count; i++) {
        const struct op *op = &ops->at[i];
        copies[i] = *op;
        copies[i].key = arena_copy(arena, op->key);
        copies[i].value = arena_copy(arena, op->value);
        copies[i].position = arena_copy(arena, op->position);
        struct op_tag *tags = arena_array(arena, struct op_tag, op->tag_count);
        if (op->tag_count > 0)
            memcpy(tags, op->tags, op->tag_count * sizeof *tags);
        copies[i].tags = tags;
    }
    return (struct op_list){copies, ops->count};
}

/* Links member to its parents; counts those that do not count yet. */
static void link_parents(struct entity *entity, struct member *member)
{
    struct member **parents =
        arena_array(&entity->arena, struct member *, member->node.parent_count);
    for (uint32_t i = 0; i < member->node.parent_count; i++) {
        struct member *parent = member_of(entity, &member->node.parents[i]);
        parents[i] = parent;
        parent->children =
            arena_grow(&entity->arena, struct member *, parent->children, parent->child_count);
        parent->children[parent->child_count++] = member;
        member->missing += parent->place != APPLIED;
    }
    member->parents = parents;
}

static void add_head(struct entity *entity, struct member *member)
{
    if (entity->head_count == entity->head_capacity) {
        entity->head_capacity = entity->head_capacity == 0 ? 8 : 2 * entity->head_capacity;
        entity->heads = realloc(entity->heads, entity->head_capacity * sizeof(struct member *));
        if (entity->heads == NULL)
            abort();
    }
    entity->heads[entity->head_count++] = member;
    member->head = entity->head_count;
}

static void remove_head(struct entity *entity, struct member *member)
{
    if (member->head == 0)
        return;
    struct member *last = entity->heads[--entity->head_count];
    entity->heads[member->head - 1] = last;
    last->head = member->head;
    member->head = 0;
}

/* Not of this entity, not after its parents, or after what is void itself. */
static bool is_void(const struct entity *entity, const struct member *member)
{
    if (!is_id(&member->node.root, &entity->root) ||
        node_is_root(&member->node) != is_id(&member->node.id, &entity->root))
        return true;
    for (uint32_t i = 0; i < member->node.parent_count; i++) {
        const struct member *parent = member->parents[i];
        if (parent->place == VOID ||
            (parent->place != UNKNOWN && parent->node.hlc >= member->node.hlc))
            return true;
    }
    return false;
}

/* What its grounds let it be. */
static enum place judge_grounds(const struct entity *entity, const struct node *node)
{
    enum place place = APPLIED;
    for (uint32_t i = 0; entity->ground != NULL && i < node->ground_count; i++) {
        const struct member *ground = trie_get(&entity->ground->members, SPAN_OF(node->grounds[i]));
        enum place found = ground != NULL ? ground->place : UNKNOWN;
        if (found == VOID || (found != UNKNOWN && ground->node.hlc >= node->hlc))
            return VOID;
        if (found != APPLIED)
            place = PARKED;
    }
    return place;
}

static void apply(struct entity *entity, struct member *member, enum entity_leave leave)
{
    member->place = APPLIED;
    entity->applied_count++;
    if (member->node.hlc > entity->hlc)
        entity->hlc = member->node.hlc;
    for (uint32_t i = 0; i < member->node.parent_count; i++)
        remove_head(entity, member->parents[i]);
    add_head(entity, member);
    if (leave == ENTITY_MAY)
        state_apply(&entity->state, &member->node, &member->ops);
    if (entity->on_apply != NULL)
        entity->on_apply(entity->owner, &member->node);
}

/* Tells the fate of member as far as it is known; leave is set when it is APPLIED. */
static enum place judge(struct entity *entity, struct member *member, enum entity_leave *leave)
{
    enum place grounds = judge_grounds(entity, &member->node);
    *leave = ENTITY_MAY;
    if (grounds == VOID || is_void(entity, member))
        return VOID;
    if (hlc_ms(member->node.hlc) > entity->horizon_ms)
        return AHEAD;
    if (member->missing > 0 || grounds == PARKED)
        return PARKED;
    if (entity->guard != NULL)
        *leave = entity->guard(entity->owner, &member->node);
    return *leave == ENTITY_NEVER ? VOID : APPLIED;
}

static void enqueue(struct member **queue, struct member *member)
{
    if (member->is_queued)
        return;
    member->is_queued = true;
    member->next = *queue;
    *queue = member;
}

static bool is_waiting(enum place place)
{
    return place == PARKED || place == AHEAD;
}

/* Brings member to its place; what it decides for others goes into the queue. */
static void move(struct entity *entity, struct member *member, enum place place,
                 enum entity_leave leave, struct member **queue)
{
    entity->waiting_count -= is_waiting(member->place);
    entity->waiting_count += is_waiting(place);
    member->place = place;
    if (place == AHEAD) {
        member->next = entity->ahead;
        entity->ahead = member;
    }
    if (place == APPLIED)
        apply(entity, member, leave);
    if (is_waiting(place))
        return;
    for (uint32_t i = 0; i < member->child_count; i++) {
        struct member *child = member->children[i];
        child->missing -= place == APPLIED;
        if (child->place == PARKED) /* what is ahead is judged when its time comes */
            enqueue(queue, child);
    }
}

static void settle(struct entity *entity, struct member *queue)
{
    while (queue != NULL) {
        struct member *member = queue;
        queue = member->next;
        member->is_queued = false;
        enum entity_leave leave;
        enum place place = judge(entity, member, &leave);
        if (place != member->place)
            move(entity, member, place, leave, &queue);
    }
}

static enum entity_verdict verdict_of(enum place place)
{
    switch (place) {
    case APPLIED:
        return ENTITY_APPLIED;
    case AHEAD:
        return ENTITY_AHEAD;
    case VOID:
        return ENTITY_VOID;
    case UNKNOWN:
    case PARKED:
        break;
    }
    return ENTITY_PARKED;
}

enum entity_verdict entity_put(struct entity *entity, const struct node *node,
                               const struct op_list *ops)
{
    struct member *member = member_of(entity, &node->id), *queue = NULL;
    if (member->place != UNKNOWN)
        return ENTITY_DUPLICATE;
    member->node = *node;
    member->node.parents = copy_ids(&entity->arena, node->parents, node->parent_count);
    member->node.grounds = copy_ids(&entity->arena, node->grounds, node->ground_count);
    member->node.seen = copy_ids(&entity->arena, node->seen, node->seen_count);
    member->ops = copy_ops(&entity->arena, ops);
    link_parents(entity, member);
    enqueue(&queue, member);
    settle(entity, queue);
    return verdict_of(member->place);
}

void entity_advance(struct entity *entity, uint64_t horizon_ms)
{
    struct member *ahead = entity->ahead, *queue = NULL;
    entity->ahead = NULL;
    entity->horizon_ms = horizon_ms;
    while (ahead != NULL) {
        struct member *member = ahead;
        ahead = member->next;
        if (hlc_ms(member->node.hlc) <= horizon_ms) {
            enqueue(&queue, member);
            continue;
        }
        member->next = entity->ahead;
        entity->ahead = member;
    }
    settle(entity, queue);
}

const struct bytes32 *entity_root(const struct entity *entity)
{
    return &entity->root;
}

const struct state *entity_state(const struct entity *entity)
{
    return &entity->state;
}

uint64_t entity_hlc(const struct entity *entity)
{
    return entity->hlc;
}

size_t entity_heads(const struct entity *entity, struct bytes32 *ids, size_t max)
{
    for (size_t i = 0; i < entity->head_count && i < max; i++)
        ids[i] = entity->heads[i]->node.id;
    return entity->head_count;
}

size_t entity_applied_count(const struct entity *entity)
{
    return entity->applied_count;
}

size_t entity_waiting_count(const struct entity *entity)
{
    return entity->waiting_count;
}

static size_t missing_grounds(const struct entity *entity, const struct node *node,
                              struct bytes32 *ids, size_t max)
{
    size_t count = 0;
    for (uint32_t i = 0; i < node->ground_count && count < max; i++) {
        const struct member *ground = trie_get(&entity->ground->members, SPAN_OF(node->grounds[i]));
        if (ground == NULL || ground->place == UNKNOWN)
            ids[count++] = node->grounds[i];
    }
    return count;
}

size_t entity_missing(const struct entity *entity, struct bytes32 *ids, size_t max)
{
    size_t count = 0;
    for (const struct trie_node *leaf = entity->members.first; leaf != NULL; leaf = leaf->next) {
        const struct member *member = leaf->value;
        if (member->place == UNKNOWN && count < max)
            ids[count++] = member->node.id;
        if (member->place == PARKED && entity->ground != NULL)
            count += missing_grounds(entity, &member->node, ids + count, max - count);
    }
    return count;
}

void entity_each_void(const struct entity *entity, entity_apply_fn *fn, void *owner)
{
    for (const struct trie_node *leaf = entity->members.first; leaf != NULL; leaf = leaf->next) {
        const struct member *member = leaf->value;
        if (member->place == VOID)
            fn(owner, &member->node);
    }
}

bool entity_next(const struct entity *entity, struct node *node, struct bytes32 *parents,
                 uint64_t now_ms, struct err *err)
{
    size_t count = entity_heads(entity, parents, NODE_PARENTS_MAX);
    node->root = entity->root;
    node->parents = parents;
    node->parent_count = (uint32_t)(count < NODE_PARENTS_MAX ? count : NODE_PARENTS_MAX);
    if (count == 0)
        return err_set(err, ERR_RESTRICTED, "nothing of it is known here");
    return hlc_next(&node->hlc, entity->hlc, now_ms, err);
}
