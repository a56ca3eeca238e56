#include "client/replica.h"

#include <stdlib.h>

#include "client/circle.h"
#include "client/doc.h"
#include "client/entity.h"
#include "client/hlc.h"
#include "client/node.h"
#include "client/op.h"
#include "client/prose.h"
#include "client/state.h"
#include "client/trie.h"
#include "client/warrant.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/text.h"

/* An event of a circle's entity, until all of them are here. */
struct waiting {
    struct waiting *next;
    struct node node;
    struct op_list ops;
};

struct replica {
    struct arena arena;
    struct circle *circle;
    struct warrant *warrant; /* of the circle's */
    struct waiting *first, *last;
    enum entity_leave leave; /* of the event that is to count next */
    struct entity *entity;
    struct prose *prose;
    struct trie updates; /* id: prose_update, of those that may not count yet */
    struct trie garbage; /* ids whose content means nothing */
    struct trie spoken;  /* id: replica_saying, of those that may not count yet */
    struct replica_saying *sayings;
    size_t saying_count;
    struct node *hollow;
    size_t hollow_count;
    size_t idle;
    struct bytes32 root, author;
    uint64_t cut;
    bool has_author, has_text;
};

static void say(struct replica *replica, const struct replica_saying *saying)
{
    replica->sayings =
        arena_grow(&replica->arena, struct replica_saying, replica->sayings, replica->saying_count);
    replica->sayings[replica->saying_count++] = *saying;
}

/* What was written counts once its event does. */
static void on_apply(void *owner, const struct node *node)
{
    struct replica *replica = owner;
    const struct prose_update *update = trie_get(&replica->updates, SPAN_OF(node->id));
    replica->idle +=
        replica->leave == ENTITY_HOLLOW || trie_get(&replica->garbage, SPAN_OF(node->id)) != NULL;
    const struct replica_saying *saying = trie_get(&replica->spoken, SPAN_OF(node->id));
    if (saying != NULL && replica->leave != ENTITY_HOLLOW)
        say(replica, saying);
    if (update == NULL)
        return;
    prose_put(replica->prose, update, replica->leave == ENTITY_HOLLOW);
    replica->has_text = true;
}

struct replica *replica_new(const struct bytes32 *root, uint64_t horizon_ms, uint64_t client)
{
    struct replica *replica = calloc(1, sizeof *replica);
    if (replica == NULL)
        abort();
    replica->root = *root;
    replica->cut = UINT64_MAX;
    replica->entity = entity_new(root, horizon_ms, on_apply, replica);
    replica->prose = prose_new(client);
    return replica;
}

void replica_free(struct replica *replica)
{
    if (replica == NULL)
        return;
    entity_free(replica->entity);
    warrant_free(replica->warrant);
    circle_free(replica->circle);
    prose_free(replica->prose);
    arena_clear(&replica->arena);
    free(replica);
}

static bool is_same(const struct bytes32 *a, const struct bytes32 *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

static void note_garbage(struct replica *replica, const struct node *node)
{
    trie_put(&replica->garbage, &replica->arena, SPAN_OF(node->id), replica);
}

/* Keeps a text update until its event counts. */
static void keep_update(struct replica *replica, const struct event *event, const struct node *node)
{
    struct prose_update update;
    if (!prose_parse(&update, &replica->arena, event, node, NULL)) {
        note_garbage(replica, node);
        return;
    }
    struct prose_update *kept = arena_alloc(&replica->arena, sizeof *kept);
    *kept = update;
    trie_put(&replica->updates, &replica->arena, SPAN_OF(node->id), kept);
}

static void keep_saying(struct replica *replica, const struct event *event, const struct node *node)
{
    struct arena *arena = &replica->arena;
    struct replica_saying *saying = arena_alloc(arena, sizeof *saying);
    struct span text = scan_decode(arena, (struct scan_string){event->content_json, true});
    *saying = (struct replica_saying){node->id, node->author, node->hlc, arena_copy(arena, text)};
    trie_put(&replica->spoken, arena, SPAN_OF(node->id), saying);
}

static enum entity_leave guard(void *owner, const struct node *node)
{
    struct replica *replica = owner;
    replica->leave = warrant_judge(replica->warrant, node);
    if (replica->leave == ENTITY_HOLLOW) {
        replica->hollow =
            arena_grow(&replica->arena, struct node, replica->hollow, replica->hollow_count);
        replica->hollow[replica->hollow_count++] = *node;
    }
    return replica->leave;
}

void replica_govern(struct replica *replica, struct circle *circle)
{
    replica->circle = circle;
    replica->warrant = warrant_new(circle);
    entity_guard(replica->entity, guard);
    entity_stand(replica->entity, circle_entity(circle));
}

bool replica_settle_next(struct replica *replica)
{
    const struct waiting *next = replica->first;
    if (next == NULL)
        return false;
    replica->first = next->next;
    if (replica->first == NULL)
        replica->last = NULL;
    (void)entity_put(replica->entity, &next->node, &next->ops);
    return true;
}

void replica_settle(struct replica *replica)
{
    while (replica_settle_next(replica))
        ;
}

void replica_cut(struct replica *replica, uint64_t hlc)
{
    replica->cut = hlc;
}

/* Of whom it is, or of the same circle. */
static bool is_foreign(const struct replica *replica, const struct node *node)
{
    if (replica->circle != NULL)
        return !node->has_circle ||
               !is_same(&node->circle, entity_root(circle_entity(replica->circle)));
    return replica->has_author && !is_same(&node->author, &replica->author);
}

static enum replica_verdict put(struct replica *replica, const struct node *node,
                                const struct op_list *ops)
{
    if (replica->circle != NULL)
        warrant_note(replica->warrant, node);
    if (node->hlc > replica->cut)
        return REPLICA_LATER;
    if (replica->circle == NULL) {
        enum entity_verdict verdict = entity_put(replica->entity, node, ops);
        return verdict != ENTITY_VOID && verdict != ENTITY_DUPLICATE ? REPLICA_PUT : REPLICA_VOID;
    }
    struct waiting *waiting = arena_alloc(&replica->arena, sizeof *waiting);
    *waiting = (struct waiting){.node = *node, .ops = *ops};
    if (replica->last != NULL)
        replica->last->next = waiting;
    else
        replica->first = waiting;
    replica->last = waiting;
    return REPLICA_PUT;
}

static enum replica_verdict read(struct replica *replica, struct arena *arena,
                                 const struct event *event, bool is_redacted)
{
    struct node node;
    struct op_list ops = {0};
    if (event->kind == KIND_CIRCLE_OP || event->kind == KIND_KEY_EPOCH ||
        !node_parse(&node, arena, event, NULL))
        return REPLICA_VOID; /* what a circle's history says is no entity's */
    if (node_is_root(&node) && is_same(&node.id, &replica->root)) {
        replica->author = node.author;
        replica->has_author = true;
    }
    if (is_foreign(replica, &node))
        return REPLICA_FOREIGN;
    if (!is_redacted && node.kind == KIND_OP && !op_parse(&ops, arena, event, NULL)) {
        note_garbage(replica, &node);
        ops = (struct op_list){0};
    }
    if (!is_redacted && node.kind == KIND_TEXT_UPDATE)
        keep_update(replica, event, &node);
    if (!is_redacted && node.kind == KIND_TALK)
        keep_saying(replica, event, &node);
    return put(replica, &node, &ops);
}

enum replica_verdict replica_put(struct replica *replica, const struct event *event,
                                 bool is_redacted)
{
    struct arena arena = {0};
    /* What is kept for later outlives the event. */
    bool is_kept = replica->circle != NULL;
    struct event copy = *event;
    if (is_kept)
        copy.content_json = arena_copy(&replica->arena, event->content_json);
    enum replica_verdict verdict =
        read(replica, is_kept ? &replica->arena : &arena, &copy, is_redacted);
    arena_clear(&arena);
    return verdict;
}

struct circle *replica_circle(const struct replica *replica)
{
    return replica->circle;
}

bool replica_next(const struct replica *replica, struct node *node, struct bytes32 *parents,
                  struct bytes32 *grounds, uint64_t now_ms, struct err *err)
{
    if (!entity_next(replica->entity, node, parents, now_ms, err))
        return false;
    return replica->circle == NULL || circle_ground(replica->circle, node, grounds, now_ms, err);
}

const struct entity *replica_entity(const struct replica *replica)
{
    return replica->entity;
}

const struct bytes32 *replica_author(const struct replica *replica)
{
    return replica->has_author ? &replica->author : NULL;
}

struct doc *replica_doc(const struct replica *replica)
{
    return replica->has_text ? prose_doc(replica->prose) : NULL;
}

struct doc *replica_replay(const struct replica *replica, uint64_t client)
{
    return prose_replay(replica->prose, client);
}

const struct bytes32 *replica_owner(const struct replica *replica, uint64_t client)
{
    return prose_owner(replica->prose, client);
}

bool replica_mend(const struct replica *replica, struct text *out)
{
    return prose_mend(replica->prose, out);
}

size_t replica_contradictions(const struct replica *replica)
{
    return prose_contradictions(replica->prose);
}

struct prose_loss *replica_losses(const struct replica *replica, struct arena *arena, size_t *count)
{
    return prose_losses(replica->prose, arena, count);
}

const struct node *replica_hollow(const struct replica *replica, size_t *count)
{
    *count = replica->hollow_count;
    return replica->hollow;
}

size_t replica_idle(const struct replica *replica)
{
    return replica->idle;
}

static int compare_sayings(const void *a, const void *b)
{
    const struct replica_saying *x = a, *y = b;
    if (x->hlc != y->hlc)
        return x->hlc < y->hlc ? -1 : 1;
    return memcmp(&x->id, &y->id, sizeof x->id);
}

const struct replica_saying *replica_sayings(struct replica *replica, size_t *count)
{
    *count = replica->saying_count;
    if (*count > 0)
        qsort(replica->sayings, *count, sizeof *replica->sayings, compare_sayings);
    return replica->sayings;
}

/* The strings in a JSON value, decoded, one a line. */
static void add_strings(struct text *out, struct arena *arena, struct span json)
{
    for (size_t i = 0; i < json.len; i++) {
        if (json.at[i] != '"')
            continue;
        struct scan_string string = {{json.at + i + 1, 0}, false};
        for (i++; i < json.len && json.at[i] != '"'; i++) {
            bool is_escape = json.at[i] == '\\';
            string.is_escaped = string.is_escaped || is_escape;
            i += is_escape;
        }
        string.raw.len = (size_t)(json.at + i - string.raw.at);
        text_add(out, scan_decode(arena, string));
        text_add(out, SPAN("\n"));
    }
}

void replica_words(const struct replica *replica, struct text *out)
{
    const struct state *state = entity_state(replica->entity);
    struct arena arena = {0};
    if (state_is_deleted(state))
        return;
    for (const struct trie_node *leaf = state->fields.first; leaf != NULL; leaf = leaf->next)
        add_strings(out, &arena, ((const struct state_field *)leaf->value)->value);
    for (const struct trie_node *leaf = state->elements.first; leaf != NULL; leaf = leaf->next) {
        const struct state_element *element = leaf->value;
        if (element->is_added && !element->is_removed)
            add_strings(out, &arena, element->value);
    }
    for (size_t i = 0; i < replica->saying_count; i++) {
        text_add(out, replica->sayings[i].text);
        text_add(out, SPAN("\n"));
    }
    if (replica->has_text)
        doc_text(prose_doc(replica->prose), out, SPAN(REPLICA_TEXT));
    arena_clear(&arena);
}
