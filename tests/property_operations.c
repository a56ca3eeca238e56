/* What a store holds is written as operations, page by page, and taken in by an empty one: both
 * come to the same, down to the hash over all that is known. What each event had seen, by its
 * vector clock, is what follows from its parents, one after the other. */
#include <stdio.h>
#include <stdlib.h>

#include "client/catalog.h"
#include "client/catalog_clock.h"
#include "client/draft.h"
#include "client/hlc.h"
#include "client/keys.h"
#include "client/node.h"
#include "client/store.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "tests/folder.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ROUNDS = 6, EVENTS = 90, ENTITIES = 3, DEVICES = 3, PEOPLE = 2, START_S = 1700000000 };

static struct keys *keys[PEOPLE];
static struct arena arena;
static struct event events[EVENTS];
static struct node nodes[EVENTS]; /* no parents and no hlc: a note */
static size_t event_count, merges;
static uint64_t seqs[PEOPLE][DEVICES];

static void sign(struct draft *draft, size_t person)
{
    const struct bytes32 aux = {{1}};
    draft_finish(draft, &events[event_count], &arena);
    keys_sign(keys[person], &events[event_count], &aux);
    draft_clear(draft);
}

static void add_note(void)
{
    struct draft draft = {.kind = random_below(2) == 0 ? KIND_NOTE : KIND_REACTION,
                          .created_at = START_S + random_below(100000)};
    text_addf(&draft.content, "fish \"%u\"\n", random_below(1000000));
    sign(&draft, random_below(PEOPLE));
    nodes[event_count] = (struct node){.id = events[event_count].id};
    event_count++;
}

static void write_op(struct text *content, const struct node *node)
{
    static const char *const ops[] = {"\"set\",\"k\":\"a\",\"v\":",
                                      "\"set\",\"k\":\"b\",\"v\":",
                                      "\"add\",\"k\":\"tags\",\"v\":",
                                      "\"inc\",\"k\":\"n\",\"n\":",
                                      "\"set\",\"k\":\"_del\",\"v\":0,\"x\":",
                                      "\"of\",\"another\":\"time\",\"x\":"};
    if (node->parent_count == 0)
        text_add(content, SPAN("{\"op\":\"create\",\"type\":\"note\"}"));
    else
        text_addf(content, "{\"op\":%s%u}", ops[random_below(ARRAY_LEN(ops))], random_below(9));
}

/* The next of an entity, after one or two of what there is of it. */
static void add_node(size_t entity)
{
    static struct bytes32 roots[ENTITIES];
    struct bytes32 *parents = arena_array(&arena, struct bytes32, 2);
    size_t person = entity % PEOPLE, device = random_below(DEVICES), tries = 0;
    struct node node = {.kind = KIND_OP, .parents = parents, .has_writer = true};
    node.hlc = hlc_make((START_S + event_count) * UINT64_C(1000), 0);
    node.device = device + 1;
    while (event_count >= ENTITIES && node.parent_count < 1 + random_below(2) && tries++ < 50) {
        const struct node *other = &nodes[random_below((uint32_t)event_count)];
        if (other->hlc == 0 || memcmp(&other->root, &roots[entity], sizeof other->root) != 0 ||
            (node.parent_count == 1 && memcmp(&other->id, &parents[0], sizeof other->id) == 0))
            continue;
        parents[node.parent_count++] = other->id;
    }
    if (event_count >= ENTITIES && node.parent_count == 0)
        parents[node.parent_count++] = roots[entity];
    merges += node.parent_count == 2;
    node.root = roots[entity];
    node.seq = ++seqs[person][device];
    struct draft draft = {.kind = KIND_OP};
    node_draft(&node, &draft);
    write_op(&draft.content, &node);
    sign(&draft, person);
    node.id = events[event_count].id;
    node.author = events[event_count].pubkey;
    if (node.parent_count == 0)
        node.root = roots[entity] = node.id;
    nodes[event_count++] = node;
}

/* Those that begin come first. */
static void make_events(void)
{
    event_count = 0;
    memset(seqs, 0, sizeof seqs);
    while (event_count < EVENTS)
        if (event_count < ENTITIES)
            add_node(event_count);
        else if (random_below(5) == 0)
            add_note();
        else
            add_node(random_below(ENTITIES));
}

static struct store *open_at(const char *folder)
{
    struct err err;
    struct store *store = store_open(folder, (START_S + UINT64_C(200000)) * 1000, &err);
    assert_non_null(store);
    return store;
}

/* In any order. */
static void fill(const char *folder)
{
    struct store *store = open_at(folder);
    size_t order[EVENTS];
    assert_true(store_begin(store, NULL));
    for (size_t i = 0; i < EVENTS; i++) {
        size_t j = random_below((uint32_t)i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    for (size_t i = 0; i < EVENTS; i++) {
        enum store_verdict verdict;
        assert_true(store_put(store, &verdict, &events[order[i]], NULL, 0, NULL));
        assert_int_equal(verdict, STORE_NEW);
    }
    assert_true(store_commit(store, NULL));
    store_close(store);
}

static void shoal(const char *folder, const char *words)
{
    char command[512];
    snprintf(command, sizeof command, "cd %s && exec %s %s", folder, SHOAL_BINARY, words);
    FILE *pipe = popen(command, "re"); // NOLINT(cert-env33-c): our own program
    assert_non_null(pipe);
    assert_int_equal(pclose(pipe), 0);
}

/* What comes before an event, and it: parents stand before their children. */
static void mark_past(bool *is_past, size_t event)
{
    is_past[event] = true;
    for (size_t child = event + 1; child-- > 0;)
        for (uint32_t i = 0; is_past[child] && i < nodes[child].parent_count; i++)
            for (size_t j = 0; j < child; j++)
                is_past[j] = is_past[j] || memcmp(&nodes[j].id, &nodes[child].parents[i], 32) == 0;
}

static void check_clock(const struct catalog_clock *clock, size_t event)
{
    bool is_past[EVENTS] = {false};
    const uint64_t *clocked = catalog_clock_of(clock, &nodes[event].id);
    assert_non_null(clocked);
    mark_past(is_past, event);
    for (size_t i = 0; i < clock->writer_count; i++) {
        uint64_t wanted = 0;
        for (size_t j = 0; j < event_count; j++)
            if (is_past[j] && nodes[j].device == clock->writers[i].device &&
                memcmp(&nodes[j].author, &clock->writers[i].author, 32) == 0 &&
                nodes[j].seq > wanted)
                wanted = nodes[j].seq;
        assert_int_equal(clocked[i], wanted);
    }
}

static void check_clocks(struct store *store)
{
    for (size_t entity = 0; entity < ENTITIES; entity++) {
        struct catalog_clock clock;
        assert_true(catalog_clock(store, &clock, &arena, &nodes[entity].root, NULL));
        for (size_t i = 0; i < event_count; i++)
            if (nodes[i].hlc > 0 && memcmp(&nodes[i].root, &nodes[entity].root, 32) == 0)
                check_clock(&clock, i);
    }
}

static struct bytes32 hash_at(const char *folder, bool has_clocks)
{
    struct store *store = open_at(folder);
    struct bytes32 hash;
    assert_true(catalog_hash(store, &hash, NULL));
    if (has_clocks)
        check_clocks(store);
    store_close(store);
    return hash;
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        char folder[64], path[80], words[80];
        folder_make(folder, sizeof folder);
        make_events();
        snprintf(path, sizeof path, "%s/one", folder);
        fill(path);
        const struct bytes32 one = hash_at(path, true);
        snprintf(words, sizeof words, "sync pull --home one --all --limit %u > pages",
                 1 + random_below(EVENTS + 5));
        shoal(folder, words);
        shoal(folder, "sync push pages --home two > /dev/null");
        snprintf(path, sizeof path, "%s/two", folder);
        const struct bytes32 two = hash_at(path, false);
        assert_memory_equal(&one, &two, sizeof one);
        folder_remove(folder);
        arena_clear(&arena);
    }
    assert_true(merges > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip)};
    random_start();
    for (size_t i = 0; i < PEOPLE; i++) {
        const struct bytes32 secret = {{(uint8_t)(i + 1)}};
        keys[i] = keys_new(&secret);
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < PEOPLE; i++)
        keys_free(keys[i]);
    return failed;
}
