/* The catalog is a function of the events in the log: random events of entities, notes and
 * deletions, delivered in order to one store and permuted, twice and with pauses to another, come
 * to one hash, before and after the time of those that are dated ahead; and so does a catalog that
 * is made anew. What SQL finds for a filter is what filter_match says. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/catalog.h"
#include "client/doc.h"
#include "client/draft.h"
#include "client/hlc.h"
#include "client/keys.h"
#include "client/node.h"
#include "client/prose.h"
#include "client/store.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/kind.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "tests/random_event.h"
#include "tests/test.h"

enum { ROUNDS = 12, EVENTS = 60, ENTITIES = 3, DEVICES = 2, KEYS = 2, FILTERS = 20 };
enum { START_S = 1700000000, LATER_S = START_S + 100000, STORES = 2 };

static struct keys *keys[KEYS];
static struct arena arena;
static struct event events[EVENTS];
static size_t event_count;
static char folders[STORES][48];

/* What the generator knows of an entity. */
static struct made {
    struct bytes32 root, ids[EVENTS];
    uint64_t hlcs[EVENTS];
    size_t count;
    struct doc *docs[DEVICES];
    uint64_t seqs[DEVICES];
} entities[ENTITIES];

static uint64_t redacted, waited, contested, found;

static void sign(struct draft *draft, size_t key)
{
    const struct bytes32 aux = {{1}};
    draft_finish(draft, &events[event_count], &arena);
    keys_sign(keys[key], &events[event_count], &aux);
    draft_clear(draft);
    for (size_t i = 0; i < event_count; i++)
        if (memcmp(&events[i].id, &events[event_count].id, 32) == 0)
            return; /* the same words in the same second */
    event_count++;
}

static uint64_t clock_now(void)
{
    return (START_S + event_count) * UINT64_C(1000) + random_below(1000);
}

/* After one to three of what there is, by chance not the newest. */
static void choose_parents(struct node *node, struct bytes32 *parents, const struct made *made)
{
    uint64_t seen = 0;
    node->parents = parents;
    for (uint32_t i = 0; i <= random_below(3) && i < made->count; i++) {
        size_t chosen = i == 0 ? made->count - 1 - random_below(made->count < 3 ? 1 : 3)
                               : random_below((uint32_t)made->count);
        bool is_known = false;
        for (uint32_t j = 0; j < node->parent_count; j++)
            is_known = is_known || memcmp(&parents[j], &made->ids[chosen], 32) == 0;
        if (is_known)
            continue;
        parents[node->parent_count++] = made->ids[chosen];
        seen = made->hlcs[chosen] > seen ? made->hlcs[chosen] : seen;
    }
    uint64_t now_ms = clock_now();
    if (random_below(15) == 0)
        now_ms += (LATER_S - START_S) / 2 * UINT64_C(1000);
    node->hlc = hlc_make(now_ms, 0);
    if (node->hlc <= seen)
        node->hlc = seen + 1;
    contested += node->parent_count > 1;
}

static void write_text(struct draft *draft, struct made *made, size_t device)
{
    struct text vector = {0}, update = {0};
    struct doc *doc = made->docs[device];
    doc_state_vector(doc, &vector);
    assert_true(doc_text_insert(doc, SPAN("text"), 0, SPAN("fish "), NULL));
    assert_true(doc_diff(doc, &update, text_span(&vector), NULL));
    prose_draft(draft, &(struct prose_update){.bytes = text_span(&update)});
    text_clear(&vector);
    text_clear(&update);
}

static void add_op(struct made *made)
{
    struct draft draft = {.kind = KIND_OP};
    struct bytes32 parents[NODE_PARENTS_MAX];
    bool is_root = made->count == 0, is_foreign = !is_root && random_below(10) == 0;
    size_t device = random_below(DEVICES);
    struct node node = {.root = made->root, .has_writer = true, .device = device};
    node.seq = ++made->seqs[device];
    choose_parents(&node, parents, made);
    node_draft(&node, &draft);
    if (is_root)
        text_addf(&draft.content, "{\"op\":\"create\",\"type\":\"note\"}");
    else if (random_below(3) == 0 && !is_foreign)
        write_text(&draft, made, device);
    else
        text_addf(&draft.content, "{\"op\":\"set\",\"k\":\"%c\",\"v\":\"word%u\"}",
                  "abc"[random_below(3)], random_below(10));
    sign(&draft, is_foreign ? 1 : 0);
    const struct event *event = &events[event_count - 1];
    if (is_root) {
        made->root = event->id;
        for (size_t i = 0; i < DEVICES; i++)
            made->docs[i] = doc_new(doc_client(&event->id, &event->pubkey, i));
    }
    if (is_foreign)
        return;
    made->ids[made->count] = event->id;
    made->hlcs[made->count++] = node.hlc;
}

static void add_note(void)
{
    struct draft draft = {.kind = random_below(2) == 0 ? 1 : 30023};
    draft.created_at = START_S + random_below(2000);
    text_addf(&draft.content, "some words %u", random_below(100));
    draft_tag_pair(&draft, SPAN("t"), SPAN("fish"));
    if (random_below(2) == 0)
        draft_tag_pair(&draft, SPAN("title"), SPAN("A title"));
    sign(&draft, random_below(KEYS));
}

/* Mostly of one's own event, which may come later. */
static void add_deletion(void)
{
    struct draft draft = {.kind = KIND_DELETION, .created_at = START_S + 50};
    const struct event *target = &events[random_below((uint32_t)event_count)];
    draft_tag_id(&draft, SPAN("e"), &target->id, SPAN(""));
    sign(&draft, random_below(KEYS));
}

/* One of the keys forgets what it said by then, except to some relay. */
static void add_vanish(void)
{
    struct draft draft = {.kind = KIND_VANISH, .created_at = START_S + random_below(20)};
    draft_tag_pair(&draft, SPAN("relay"),
                   random_below(3) == 0 ? SPAN("wss://a.example") : SPAN("ALL_RELAYS"));
    sign(&draft, random_below(KEYS));
}

static void make_events(void)
{
    memset(entities, 0, sizeof entities);
    event_count = 0;
    while (event_count < EVENTS) {
        uint32_t choice = random_below(10);
        if (choice < 7)
            add_op(&entities[random_below(ENTITIES)]);
        else if (choice < 9 || event_count == 0)
            add_note();
        else if (random_below(20) == 0)
            add_vanish();
        else
            add_deletion();
    }
}

static void remove_store(const char *folder)
{
    static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm", "lock"};
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
}

static struct store *open_at(const char *folder, uint64_t now_s)
{
    struct err err = {.text = ""};
    struct store *store = store_open(folder, now_s * 1000, &err);
    if (store == NULL)
        fail_msg("%s", err.text);
    return store;
}

static void put(struct store *store, const struct event *event)
{
    enum store_verdict verdict;
    assert_true(store_put(store, &verdict, event, NULL, 0, NULL));
}

static struct bytes32 hash_of(struct store *store)
{
    struct bytes32 hash;
    struct err err = {.text = ""};
    if (!catalog_hash(store, &hash, &err))
        fail_msg("%s", err.text);
    return hash;
}

/* Some twice, with the store closed or settled on the way. */
static struct store *deliver_permuted(const char *folder)
{
    struct store *store = open_at(folder, START_S);
    size_t order[EVENTS];
    for (size_t i = 0; i < EVENTS; i++)
        order[i] = i;
    for (uint32_t i = EVENTS - 1; i > 0; i--) {
        size_t j = random_below(i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    assert_true(store_begin(store, NULL));
    for (size_t i = 0; i < EVENTS; i++) {
        put(store, &events[order[i]]);
        put(store, &events[order[random_below((uint32_t)i + 1)]]);
        if (random_below(10) == 0)
            assert_true(catalog_settle(store, NULL));
        if (random_below(30) == 0) {
            assert_true(store_commit(store, NULL));
            store_close(store);
            store = open_at(folder, START_S);
            assert_true(store_begin(store, NULL));
        }
    }
    assert_true(store_commit(store, NULL));
    return store;
}

static void check_rebuild(struct store *store)
{
    const struct bytes32 before = hash_of(store);
    bool is_equal;
    assert_true(catalog_rebuild(store, &is_equal, random_below(2) == 0, NULL));
    assert_true(is_equal);
    const struct bytes32 after = hash_of(store);
    assert_memory_equal(&before, &after, sizeof before);
}

static void count(struct store *store)
{
    struct catalog_counts counts;
    assert_true(catalog_counts(store, &counts, NULL));
    redacted += counts.redacted;
    waited += counts.waiting;
    assert_int_equal(counts.events, EVENTS);
}

static void test_one_hash(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        make_events();
        struct store *stores[STORES] = {open_at(folders[0], START_S)};
        assert_true(store_begin(stores[0], NULL));
        for (size_t i = 0; i < EVENTS; i++)
            put(stores[0], &events[i]);
        assert_true(store_commit(stores[0], NULL));
        stores[1] = deliver_permuted(folders[1]);
        for (uint64_t now_s = START_S; now_s <= LATER_S; now_s += LATER_S - START_S) {
            assert_true(store_advance(stores[0], now_s * 1000, NULL));
            assert_true(store_advance(stores[1], now_s * 1000, NULL));
            const struct bytes32 a = hash_of(stores[0]), b = hash_of(stores[1]);
            assert_memory_equal(&a, &b, sizeof a);
            count(stores[0]);
        }
        check_rebuild(stores[round % STORES]);
        for (size_t i = 0; i < STORES; i++) {
            store_close(stores[i]);
            remove_store(folders[i]);
        }
        for (size_t i = 0; i < ENTITIES; i++)
            for (size_t j = 0; j < DEVICES; j++)
                if (entities[i].docs[j] != NULL)
                    doc_free(entities[i].docs[j]);
        arena_clear(&arena);
    }
    assert_true(redacted > 0 && waited > 0 && contested > 0);
}

struct expected {
    struct bytes32 ids[EVENTS];
    size_t count;
};

static bool on_event(void *owner, const struct catalog_event *event)
{
    struct expected *expected = owner;
    bool is_there = false;
    for (size_t i = 0; i < expected->count; i++)
        is_there = is_there || memcmp(&expected->ids[i], &event->id, 32) == 0;
    assert_true(is_there);
    found++;
    return true;
}

static void check_filter(struct store *store)
{
    struct text json = {0};
    struct filter filter;
    struct expected expected = {.count = 0};
    uint64_t before = found;
    add_random_filter(&json);
    if (!filter_parse(&filter, &arena, text_span(&json), NULL)) {
        text_clear(&json);
        return;
    }
    filter.limit = FILTER_NO_LIMIT;
    for (size_t i = 0; i < event_count; i++)
        if (filter_match(&filter, &events[i]))
            expected.ids[expected.count++] = events[i].id;
    assert_true(catalog_each(store, &filter, on_event, &expected, NULL));
    assert_int_equal(found - before, expected.count);
    text_clear(&json);
}

/* Events as foreign as they come: what SQL finds is what filter_match says. */
static void test_filters(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct store *store = open_at(folders[0], INT64_MAX / 2000);
        event_count = 0;
        assert_true(store_begin(store, NULL));
        while (event_count < EVENTS) {
            struct text json = {0};
            struct event *event = &events[event_count];
            add_random_event(&json);
            bool ok = event_parse(event, &arena, arena_copy(&arena, text_span(&json)), NULL) &&
                      kind_class(event->kind) != KIND_EPHEMERAL && event->kind != KIND_DELETION;
            text_clear(&json);
            if (!ok)
                continue;
            event->created_at %= START_S;
            event->id = sig_sha256(SPAN_OF(event_count));
            put(store, event);
            event_count++;
        }
        assert_true(store_commit(store, NULL));
        for (int i = 0; i < FILTERS; i++)
            check_filter(store);
        store_close(store);
        remove_store(folders[0]);
        arena_clear(&arena);
    }
    assert_true(found > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_hash),
                                       cmocka_unit_test(test_filters)};
    random_start();
    for (size_t i = 0; i < STORES; i++) {
        snprintf(folders[i], sizeof folders[i], "/tmp/shoal-property-store-XXXXXX");
        if (mkdtemp(folders[i]) == NULL)
            return EXIT_FAILURE;
    }
    for (size_t i = 0; i < KEYS; i++) {
        const struct bytes32 secret = {{(uint8_t)(i + 1)}};
        keys[i] = keys_new(&secret);
        assert(keys[i] != NULL);
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < KEYS; i++)
        keys_free(keys[i]);
    for (size_t i = 0; i < STORES; i++) {
        remove_store(folders[i]);
        rmdir(folders[i]);
    }
    return failed;
}
