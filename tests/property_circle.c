/* Who may write, by an oracle: in random histories of a circle with back-dating, equivocating,
 * removed and foreign writers, delivered permuted, duplicated and in parts, the same are members,
 * and the same events count. */
#include <stdlib.h>

#include "client/circle.h"
#include "client/entity.h"
#include "client/hlc.h"
#include "client/node.h"
#include "client/trie.h"
#include "client/warrant.h"
#include "shared/arena.h"
#include "shared/kind.h"
#include "tests/random.h"
#include "tests/test.h"
#include "tests/verdicts.h"

enum {
    HISTORIES = 1000,
    QUORUM = 2,
    OUTSIDER = VERDICTS_KEYS - 1,
    ENTITIES = 2,
    START_MS = 1000000
};

static struct verdicts verdicts;
static struct bytes32 ids[VERDICTS_EVENTS_MAX];
static bool views[VERDICTS_KEYS][VERDICTS_EVENTS_MAX]; /* what each has seen */
static bool is_bad[VERDICTS_KEYS];
static bool is_mob; /* several of one rank want the same one out */
static struct counts {
    int ops, voided, foreign, removals, returns, members, agreed, ended;
} counts;

static struct bytes32 key_of(int key)
{
    struct bytes32 bytes = {{0x4b}};
    bytes.at[31] = (uint8_t)(key + 1);
    return bytes;
}

/* ---- a history ---- */

/* What an author goes by: honest ones by all they have seen that was right; others may pretend to
 * have seen little, and stand on anything. */
static void look(int author, bool *view)
{
    bool is_honest = !is_bad[author] || random_below(3) > 0;
    int cut = (int)random_below((uint32_t)verdicts.count);
    for (int i = 0; i < verdicts.count; i++) {
        view[i] = views[author][i] && (verdicts.held[i] || random_below(4) == 0);
        if (is_honest)
            view[i] = views[author][i] && verdicts.held[i];
        else if (views[author][cut])
            view[i] = view[i] && (i == cut || verdicts.before[cut][i]);
    }
    view[0] = true;
}

/* Who begins lets many be admins, whose word counts together; all of them want one to go. */
static void choose_of_mob(struct verdicts_event *event)
{
    if (event->author == 0) {
        event->type = verdicts.count == OUTSIDER ? ACT_POLICY : ACT_ADD;
        event->quorum = QUORUM + (int)random_below(2);
        event->role = ACT_ADMIN;
        event->who = verdicts.count < OUTSIDER ? verdicts.count : event->who;
    } else if (random_below(3) > 0) {
        event->type = ACT_REMOVE;
        event->who = OUTSIDER - 1;
    }
}

static void choose_change(struct verdicts_event *event, const struct verdicts_member *members)
{
    static const enum act_type types[] = {ACT_ADD,    ACT_ADD,     ACT_ADD,   ACT_ROLE,
                                          ACT_REMOVE, ACT_REMOVE,  ACT_LEAVE, ACT_VOID,
                                          ACT_EPOCH,  ACT_UNKNOWN, ACT_GRANT, ACT_POLICY};
    const struct verdicts_member *me = &members[event->author];
    event->type = types[random_below(ARRAY_LEN(types))];
    event->who = (int)random_below(OUTSIDER);
    event->role = (enum act_role)random_below(4);
    event->voided = (int)random_below((uint32_t)verdicts.count);
    if (!is_bad[event->author] && event->type == ACT_REMOVE &&
        !(members[event->who].is_member && event->who != event->author &&
          me->rank < members[event->who].rank + (int)random_below(2)))
        event->type = ACT_ADD;
    if (!is_bad[event->author] && me->role < ACT_ADMIN && random_below(8) > 0)
        event->type = event->role == ACT_READER ? ACT_LEAVE : ACT_UNKNOWN;
    if ((event->type == ACT_ADD || event->type == ACT_GRANT) && random_below(2) == 0)
        event->role = ACT_ADMIN;
    if (event->type == ACT_POLICY)
        event->quorum = random_below(4) > 0 ? QUORUM : 0;
    if (is_mob)
        choose_of_mob(event);
    if (event->type == ACT_GRANT) {
        event->until = random_below(3) > 0 ? verdicts.count + (int)random_below(10) : 0;
        event->only = (int)random_below(ENTITIES + 1);
        event->is_void = random_below(6) == 0;
    }
    if (event->type == ACT_LEAVE)
        event->who = event->author;
}

static void link_up(struct verdicts_event *event, const bool *view)
{
    if (!event->is_op) {
        event->parent_count = verdicts_heads(&verdicts, view, false, 0, -1, event->parents);
        bool removes = event->type == ACT_REMOVE || event->type == ACT_ROLE;
        if (removes && random_below(3) > 0)
            event->seen_count = verdicts_heads(&verdicts, view, true, (int)random_below(ENTITIES),
                                               event->who, event->seen);
        return;
    }
    event->parent_count = verdicts_heads(&verdicts, view, true, event->entity, -1, event->parents);
    event->ground_count = verdicts_heads(&verdicts, view, false, 0, -1, event->grounds);
    if (is_bad[event->author] && random_below(4) == 0)
        event->ground_count = 1; /* denies having seen the rest */
}

static void see(int author, int index)
{
    views[author][index] = true;
    for (int i = 0; i < index; i++)
        views[author][i] = views[author][i] || verdicts.before[index][i];
}

static void make_event(int author)
{
    struct verdicts_event *event = &verdicts.events[verdicts.count];
    struct verdicts_member members[VERDICTS_KEYS];
    bool view[VERDICTS_EVENTS_MAX] = {false};
    *event = (struct verdicts_event){
        .author = author, .type = ACT_CREATE, .role = ACT_ADMIN, .voided = -1};
    if (verdicts.count > 0) {
        look(author, view);
        verdicts_members(&verdicts, view, verdicts.count, members);
        if (!members[author].is_member && random_below(is_bad[author] ? 4 : 16) > 0)
            return;
        event->is_op = random_below(2) == 0;
        event->type = ACT_UNKNOWN;
        event->entity = (int)random_below(ENTITIES);
        if (!event->is_op)
            choose_change(event, members);
        link_up(event, view);
        bool is_early = is_bad[author] && random_below(2) == 0; /* as early as it can say */
        event->time = is_early ? verdicts_time(&verdicts, event) : verdicts.count;
    }
    for (size_t i = 0; i < sizeof ids->at; i++)
        ids[verdicts.count].at[i] = (uint8_t)random_below(256);
    verdicts_add(&verdicts);
    see(author, verdicts.count - 1);
}

static void gossip(int from)
{
    for (int key = 0; key < VERDICTS_KEYS; key++) {
        bool does_hear = random_below(is_mob ? 2 : 3) == 0;
        for (int i = 0; does_hear && i < verdicts.count; i++)
            views[key][i] = views[key][i] || views[from][i];
    }
}

static void make_history(void)
{
    int count = 10 + (int)random_below(VERDICTS_EVENTS_MAX - 10);
    verdicts.count = 0;
    memset(views, 0, sizeof views);
    memset(is_bad, 0, sizeof is_bad);
    is_bad[1 + random_below(OUTSIDER - 1)] = is_bad[1 + random_below(OUTSIDER - 1)] = true;
    is_bad[OUTSIDER] = true;
    is_mob = random_below(4) == 0;
    make_event(0);
    for (int key = 0; key < VERDICTS_KEYS; key++)
        views[key][0] = true;
    while (verdicts.count < count) {
        bool is_early = is_mob && verdicts.count <= OUTSIDER;
        int author = is_early ? 0 : (int)random_below(VERDICTS_KEYS);
        make_event(author);
        if (is_mob || random_below(2) == 0)
            gossip(author);
    }
}

/* ---- its delivery ---- */

static void copy_links(struct bytes32 *out, uint32_t *out_count, const int *places, int count)
{
    for (int i = 0; i < count; i++)
        out[i] = ids[places[i]];
    *out_count = (uint32_t)count;
}

struct links {
    struct bytes32 parents[VERDICTS_LINKS_MAX], grounds[VERDICTS_LINKS_MAX],
        seen[VERDICTS_LINKS_MAX];
};

static struct node node_of(int i, struct links *links, const struct bytes32 *root)
{
    const struct verdicts_event *event = &verdicts.events[i];
    struct node node = {.id = ids[i],
                        .author = key_of(event->author),
                        .kind = event->is_op               ? KIND_OP
                                : event->type == ACT_EPOCH ? KIND_KEY_EPOCH
                                                           : KIND_CIRCLE_OP,
                        .hlc = hlc_make(START_MS + (uint64_t)event->time * 1000, (uint16_t)i),
                        .root = *root,
                        .parents = links->parents,
                        .grounds = links->grounds,
                        .seen = links->seen};
    copy_links(links->parents, &node.parent_count, event->parents, event->parent_count);
    copy_links(links->grounds, &node.ground_count, event->grounds, event->ground_count);
    copy_links(links->seen, &node.seen_count, event->seen, event->seen_count);
    return node;
}

/* Each entity has a root of its own, which no event creates here. */
static struct bytes32 origin_of(int entity)
{
    return (struct bytes32){{1, (uint8_t)entity}};
}

static void limit(struct act *act, const struct verdicts_event *event)
{
    act->until = event->until > 0 ? START_MS / 1000 + event->until : 0;
    act->has_entity = event->only > 0;
    act->entity = origin_of(event->only - 1);
    act->has_kind = event->is_void || event->only > 0;
    act->kind = event->is_void ? KIND_TALK : KIND_OP;
}

static struct circle *deliver_circle(const bool *set)
{
    struct circle *circle = circle_new(&ids[0], UINT64_MAX);
    struct links links;
    int order[VERDICTS_EVENTS_MAX];
    verdicts_shuffle(&verdicts, order);
    for (int i = 0; i < verdicts.count; i++) {
        int at = order[i];
        const struct verdicts_event *event = &verdicts.events[at];
        struct act act = {.type = event->type, .who = key_of(event->who), .role = event->role};
        if (event->type == ACT_GRANT)
            limit(&act, event);
        act.quorum = (uint32_t)event->quorum;
        if (event->type == ACT_VOID) {
            act.ids = &ids[event->voided];
            act.id_count = 1;
        }
        if (!set[at] || event->is_op)
            continue;
        struct node node = node_of(at, &links, &ids[0]);
        circle_put(circle, &node, &act);
        if (random_below(4) == 0)
            circle_put(circle, &node, &act);
        if (random_below(8) == 0) /* to ask in between changes nothing */
            (void)circle_member(circle, &(struct circle_member){0}, &act.who);
    }
    return circle;
}

struct listener {
    struct warrant *warrant;
    enum entity_leave leaves[VERDICTS_EVENTS_MAX];
};

static int place_of(const struct bytes32 *id)
{
    int i = 0;
    while (memcmp(&ids[i], id, sizeof *id) != 0)
        i++;
    return i;
}

static enum entity_leave guard(void *owner, const struct node *node)
{
    struct listener *listener = owner;
    enum entity_leave leave = warrant_judge(listener->warrant, node);
    listener->leaves[place_of(&node->id)] = leave;
    return leave;
}

static void deliver_op(struct entity *entity, int at)
{
    const struct bytes32 origin = *entity_root(entity);
    struct links links;
    struct node node = node_of(at, &links, &origin);
    if (node.parent_count == 0)
        node.parents = &origin;
    node.parent_count += node.parent_count == 0;
    (void)entity_put(entity, &node, NULL);
}

static void deliver_entity(struct circle *circle, const bool *set, int number,
                           struct listener *listener)
{
    const struct bytes32 origin = origin_of(number);
    const struct node first = {.id = origin,
                               .author = key_of(0),
                               .kind = KIND_OP,
                               .root = origin,
                               .hlc = hlc_make(START_MS, 1),
                               .grounds = &ids[0],
                               .ground_count = 1};
    struct entity *entity = entity_new(&origin, UINT64_MAX, NULL, listener);
    int order[VERDICTS_EVENTS_MAX];
    listener->warrant = warrant_new(circle);
    warrant_note(listener->warrant, &first);
    verdicts_shuffle(&verdicts, order);
    for (int i = 0; i < verdicts.count; i++)
        if (set[i] && verdicts.events[i].is_op && verdicts.events[i].entity == number) {
            struct links links;
            struct node node = node_of(i, &links, &origin);
            warrant_note(listener->warrant, &node);
        }
    entity_stand(entity, circle_entity(circle));
    (void)entity_put(entity, &first, NULL);
    (void)warrant_judge(listener->warrant, &first);
    entity_guard(entity, guard);
    for (int i = 0; i < verdicts.count; i++)
        if (set[order[i]] && verdicts.events[order[i]].is_op &&
            verdicts.events[order[i]].entity == number)
            deliver_op(entity, order[i]);
    warrant_free(listener->warrant);
    entity_free(entity);
}

/* ---- what is to hold ---- */

static void check_members(struct circle *circle, const bool *set)
{
    struct verdicts_member expected[VERDICTS_KEYS];
    struct circle_member member;
    struct arena arena = {0};
    size_t count, expected_count = 0;
    int at = (int)random_below(VERDICTS_EVENTS_MAX);
    verdicts_members(&verdicts, set, at, expected);
    for (int key = 0; key < VERDICTS_KEYS; key++) {
        struct bytes32 bytes = key_of(key);
        bool is_one = circle_member_at(circle, &member, &bytes, START_MS / 1000 + at);
        assert_int_equal(is_one, expected[key].is_member);
        assert_true(!is_one || member.role == expected[key].role);
        counts.ended += !is_one && circle_member(circle, &member, &bytes);
    }
    verdicts_members(&verdicts, set, 0, expected);
    for (int key = 0; key < VERDICTS_KEYS; key++) {
        struct bytes32 bytes = key_of(key);
        assert_int_equal(circle_member(circle, &member, &bytes), expected[key].is_member);
        expected_count += expected[key].is_member;
        if (!expected[key].is_member)
            continue;
        assert_int_equal(member.role, expected[key].role);
        assert_int_equal(member.rank, expected[key].rank);
    }
    circle_members(circle, &arena, &count);
    assert_int_equal(count, expected_count);
    counts.members += (int)count;
    assert_false(expected[OUTSIDER].is_member);
    assert_true(expected[0].is_member && expected[0].role == ACT_ADMIN && expected[0].rank == 0);
    arena_clear(&arena);
}

static void check_changes(struct circle *circle, const bool *set)
{
    size_t held = 0;
    for (int i = 0; i < verdicts.count; i++)
        held += set[i] && verdicts.held[i] && !verdicts.events[i].is_op;
    assert_int_equal(circle_count(circle), held);
    for (size_t i = 0; i < held; i++) {
        int at = place_of(&circle_change(circle, i)->id);
        assert_true(verdicts.held[at]);
        assert_int_equal(circle_change(circle, i)->is_removal, verdicts.removes[at]);
        counts.removals += verdicts.removes[at];
        counts.agreed += verdicts.agrees[at];
        for (int j = 0; j < at; j++) /* who came back */
            counts.returns += verdicts.removes[j] && verdicts.before[at][j] &&
                              verdicts.grants[at] && !verdicts.removes[at] &&
                              verdicts.events[at].who == verdicts.events[j].who;
    }
}

static void check_ops(const struct listener *listener, const bool *set)
{
    for (int i = 0; i < verdicts.count; i++) {
        if (!set[i] || !verdicts.events[i].is_op)
            continue;
        enum entity_leave expected = verdicts_judge(&verdicts, set, i);
        assert_int_equal(listener->leaves[i], expected);
        counts.ops++;
        counts.voided += expected == ENTITY_HOLLOW;
        counts.foreign += expected == ENTITY_NEVER;
    }
}

static void check_set(const bool *set, struct listener *listener)
{
    struct circle *circle = deliver_circle(set);
    check_members(circle, set);
    check_changes(circle, set);
    for (int i = 0; i < VERDICTS_EVENTS_MAX; i++)
        listener->leaves[i] = ENTITY_NEVER;
    for (int entity = 0; entity < ENTITIES; entity++)
        deliver_entity(circle, set, entity, listener);
    check_ops(listener, set);
    circle_free(circle);
}

static void check_history(void)
{
    bool part[VERDICTS_EVENTS_MAX] = {false}, all[VERDICTS_EVENTS_MAX] = {false};
    struct listener before, after;
    for (int i = 0; i < verdicts.count; i++) {
        all[i] = true;
        part[i] = i < verdicts.count / 2;
    }
    check_set(part, &before);
    check_set(all, &after);
    for (int i = 0; i < verdicts.count / 2; i++) /* what is void stays void */
        assert_true(after.leaves[i] >= before.leaves[i]);
}

static void test_histories(void **state)
{
    (void)state;
    random_start();
    for (int i = 0; i < HISTORIES; i++) {
        make_history();
        check_history();
    }
    print_message("%d ops: %d void, %d foreign; %d removals, %d agreed on, %d returns, %d members, "
                  "%d ended\n",
                  counts.ops, counts.voided, counts.foreign, counts.removals, counts.agreed,
                  counts.returns, counts.members, counts.ended);
    assert_in_range(counts.voided, HISTORIES / 4, counts.ops / 2);
    assert_in_range(counts.foreign, HISTORIES / 4, counts.ops);
    assert_in_range(counts.removals, HISTORIES / 2, INT32_MAX);
    assert_in_range(counts.agreed, HISTORIES / 250, counts.removals);
    assert_in_range(counts.ended, HISTORIES / 10, counts.members);
    assert_in_range(counts.returns, HISTORIES / 10, INT32_MAX);
    assert_in_range(counts.members, 2 * HISTORIES, INT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_histories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
