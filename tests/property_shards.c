/* The law of shards: whatever is put, one shard and several say the same of it, answer the same,
 * and tell every process of it once; also while shards are added and authors move.
 *
 *     property_shards [EVENTS]
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/reshard_base.h"
#include "relay/shards.h"
#include "relay/table.h"
#include "shared/err.h"
#include "shared/kind.h"
#include "tests/made.h"
#include "tests/random_event.h"
#include "tests/test.h"

enum { EVENTS_MAX = 100000, AUTHORS = 16, FILTERS = 60, LOOK_EACH = 40, TELL_S_MAX = 30 };

static uint32_t events_wanted = 300;
static struct event *events[EVENTS_MAX];
static uint32_t event_count;
static struct table by_id; /* of places in events */

/* One process: the shards as it sees them, and what it was told. */
struct process {
    struct shards *shards;
    uint32_t told[EVENTS_MAX]; /* how often, by event */
    uint32_t tally;            /* all of them */
};

static uv_loop_t loop;
static struct process reference, near, far; /* far hears of what near stores */
static struct shard one, many;

static uint64_t key_of(const struct event *event)
{
    uint64_t key;
    memcpy(&key, &event->id, sizeof key);
    return key;
}

static uint32_t number_of(const struct event *event)
{
    struct event **at = table_get(&by_id, key_of(event));
    if (at == NULL || memcmp(&(*at)->id, &event->id, sizeof event->id) != 0)
        fail_msg("an event that nobody put");
    return (uint32_t)(at - events);
}

static void on_foreign(void *owner, const struct event *event)
{
    struct process *process = owner;
    process->told[number_of(event)]++;
    process->tally++;
}

static void open_process(struct process *process, const struct shard *first)
{
    const struct shards_setup setup = {
        .first = first, .readers = 1, .on_foreign = on_foreign, .owner = process};
    memset(process, 0, sizeof *process);
    process->shards = shards_new(&loop, &setup);
    while (!shards_is_ready(process->shards))
        uv_run(&loop, UV_RUN_ONCE);
}

/* --- putting --- */

struct put {
    struct process *process;
    const struct event *event;
    enum store_verdict verdict;
    bool is_settled;
};

static void on_settled(void *owner, enum store_verdict verdict)
{
    struct put *put = owner;
    put->verdict = verdict;
    put->is_settled = true;
}

static void on_announced(void *owner)
{
    struct put *put = owner;
    put->process->told[number_of(put->event)]++;
    put->process->tally++;
}

static enum store_verdict put(struct process *process, const struct event *event)
{
    struct put *put = arena_alloc(&made_arena, sizeof *put); /* it is announced later */
    *put = (struct put){.process = process, .event = event};
    const struct store_put call = {event, on_settled, on_announced, put};
    shards_put(process->shards, &call);
    assert_false(put->is_settled);
    while (!put->is_settled)
        uv_run(&loop, UV_RUN_ONCE);
    return put->verdict;
}

static char random_author(void)
{
    return (char)(random_below(AUTHORS) * 16 + 5);
}

static struct event *random_old(void)
{
    return events[random_below(event_count)];
}

static const char *random_tags(uint16_t kind)
{
    const struct event *old = event_count > 0 ? random_old() : NULL;
    switch (kind) {
    case KIND_DELETION:
        if (old == NULL)
            return "[]";
        return random_below(4) > 0
                   ? made_text("[[\"e\",\"%s\"]]", made_hex(&old->id))
                   : made_text("[[\"a\",\"%u:%s:x\"]]", old->kind, made_hex(&old->pubkey));
    case KIND_GIFT_WRAP:
        return made_text("[[\"p\",\"%s\"]]", made_key(random_author()));
    case 30000:
        return random_below(2) ? "[[\"d\",\"x\"]]" : "[[\"d\",\"y\"],[\"t\",\"a\"]]";
    default:
        return random_below(2) ? "[[\"t\",\"a\"]]" : "[[\"t\",\"b\"],[\"t\",\"a\"]]";
    }
}

/* Now and then one that was there before. Deletions are by the author, or by whom a wrap names. */
static struct event *random_event(void)
{
    static const uint16_t kinds[] = {1, 1, 1, 1, 0, 3, 30000, 5, 5, 5, 1059, 1059, 1059, 62};
    uint16_t kind = kinds[random_below(ARRAY_LEN(kinds) - (random_below(4) > 0))];
    char author = random_author();
    const char *tags = random_tags(kind);
    if (event_count > 0 && random_below(10) == 0)
        return random_old();
    if (kind == KIND_DELETION && event_count > 0 && random_below(2) == 0) {
        const struct event *old = random_old();
        const struct span *named = event_tag_value(old, SPAN("p"));
        author = (char)old->pubkey.at[0];
        if (old->kind == KIND_GIFT_WRAP)
            author = (char)strtol(made_text("%.2s", named->at), NULL, 16);
        tags = made_text("[[\"e\",\"%s\"]]", made_hex(&old->id));
    }
    return made_event(author, 1 + random_below(kind == KIND_VANISH ? 10 : 60), kind, tags);
}

static uint32_t new_count, deleted_count, deleted_total;

static void check_told(const struct process *process)
{
    uint32_t missed = 0, doubled = 0;
    for (uint32_t i = 0; i < event_count; i++) {
        if (process->told[i] == reference.told[i])
            continue;
        missed += process->told[i] < reference.told[i];
        doubled += process->told[i] > reference.told[i];
        print_message("event %u of %u, kind %u, by %02x, %.*s: told %u times\n", i, event_count,
                      events[i]->kind, events[i]->pubkey.at[0], SPAN_ARG(events[i]->tags_json),
                      process->told[i]);
    }
    print_message("told of %u new events: %u missed, %u doubled\n", new_count, missed, doubled);
    assert_int_equal(missed, 0);
    assert_int_equal(doubled, 0);
}

/* Until both know of everything. */
static void await_told(void)
{
    uint64_t end_ms = uv_now(&loop) + (uint64_t)TELL_S_MAX * 1000;
    while ((near.tally < new_count || far.tally < new_count) && uv_now(&loop) < end_ms)
        uv_run(&loop, UV_RUN_ONCE);
    if (uv_now(&loop) < end_ms)
        return;
    check_told(&near);
    check_told(&far);
}

/* What is gone before a process has fetched it, it is not told of: so it is told of all first. */
static bool may_delete(const struct event *event)
{
    return event->kind == KIND_DELETION || event->kind == KIND_VANISH ||
           kind_class(event->kind) != KIND_REGULAR;
}

static void put_one(void)
{
    struct event *event = random_event();
    if (may_delete(event))
        await_told();
    assert_true(event_count < EVENTS_MAX);
    if (table_get(&by_id, key_of(event)) == NULL) {
        events[event_count] = event;
        table_put(&by_id, key_of(event), &events[event_count++]);
    }
    uint32_t number = number_of(event);
    enum store_verdict wanted = put(&reference, event);
    enum store_verdict verdict = put(&near, event);
    if (verdict != wanted)
        fail_msg("event %u of kind %u: verdict %d, but %d on one shard", number, event->kind,
                 verdict, wanted);
    new_count += wanted == STORE_NEW;
    deleted_count += wanted == STORE_DELETED;
}

/* --- reading --- */

struct reading {
    const struct event *found[EVENTS_MAX];
    uint32_t count;
    bool is_answered, is_finished;
    struct store_cursor next;
};

static void on_page(void *owner, const struct store_page *page)
{
    struct reading *reading = owner;
    assert_non_null(page);
    for (uint32_t i = 0; i < page->count; i++)
        reading->found[reading->count++] = events[number_of(&page->events[i])];
    reading->is_answered = true;
    reading->is_finished = page->finished;
    reading->next = page->next;
}

static void read_all(struct reading *reading, struct shards *shards, const struct filter *filter)
{
    *reading = (struct reading){0};
    for (bool is_first = true; !reading->is_finished; is_first = false) {
        struct err err;
        const struct store_read read = {.filter = filter,
                                        .after = is_first ? NULL : &reading->next,
                                        .rows = 1 + random_below(50),
                                        .reply = on_page,
                                        .owner = reading};
        reading->is_answered = false;
        if (!shards_read(shards, &read, &err))
            fail_msg("%s", err.text);
        assert_false(reading->is_answered);
        while (!reading->is_answered)
            uv_run(&loop, UV_RUN_ONCE);
    }
}

static const char *random_filter(void)
{
    const char *more = random_below(2) ? made_text(",\"since\":%u", random_below(40)) : "";
    switch (random_below(6)) {
    case 0:
        return made_text("{\"ids\":[\"%s\",\"%s\"]}", made_hex(&random_old()->id),
                         made_hex(&random_old()->id));
    case 1:
        return made_text("{\"authors\":[\"%s\"]%s}", made_key(random_author()), more);
    case 2:
        return made_text("{\"authors\":[\"%s\",\"%s\",\"%s\"],\"kinds\":[1,5]%s}",
                         made_key(random_author()), made_key(random_author()),
                         made_key(random_author()), more);
    case 3:
        return made_text("{\"#t\":[\"a\"]%s}", more);
    case 4:
        return made_text("{\"kinds\":[5,62,1059]%s}", more);
    default:
        return made_text("{\"#p\":[\"%s\"]}", made_key(random_author()));
    }
}

static uint32_t found_count;

static void look(struct process *process, const char *text)
{
    static struct reading wanted, got;
    struct filter filter;
    assert_true(filter_parse(&filter, &made_arena, (struct span){text, strlen(text)}, NULL));
    read_all(&wanted, reference.shards, &filter);
    read_all(&got, process->shards, &filter);
    if (got.count != wanted.count) {
        uint32_t at = 0;
        while (at < wanted.count && at < got.count && got.found[at] == wanted.found[at])
            at++;
        const struct event *odd = at < got.count ? got.found[at] : wanted.found[at];
        print_message("the first that differs: %u, kind %u, created at %lld, by %02x, %.*s\n",
                      number_of(odd), odd->kind, (long long)odd->created_at, odd->pubkey.at[0],
                      SPAN_ARG(odd->tags_json));
        fail_msg("%s: %u events, but %u on one shard", text, got.count, wanted.count);
    }
    for (uint32_t i = 0; i < wanted.count; i++)
        assert_ptr_equal(got.found[i], wanted.found[i]);
    found_count += wanted.count;
}

/* --- the schemas --- */

static const char *const names[] = {"shards_0", "shards_1", "shards_2", "shards_3"};

static void make_schemas(void)
{
    static char conninfos[2][512];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        made_schema(&many, names[i]);
        made_sql(&many, made_text("DROP SCHEMA \"%s\" CASCADE", names[i]));
    }
    made_schema(&one, "shards_alone");
    snprintf(conninfos[0], sizeof conninfos[0], "%s", one.conninfo);
    one.conninfo = conninfos[0];
    made_schema(&many, names[0]);
    snprintf(conninfos[1], sizeof conninfos[1], "%s", many.conninfo);
    many.conninfo = conninfos[1];
}

static bool add_shards(uint32_t count, struct err *err)
{
    bool is_ok = true;
    for (uint32_t i = 1; is_ok && i < count; i++) {
        struct reshard_desk desk;
        is_ok = reshard_open(&desk, &many, err) && reshard_add(&desk, "", names[i], err);
        if (is_ok)
            reshard_close(&desk);
    }
    return is_ok;
}

/* Each author's bucket to the shard of a number. */
static bool spread(uint32_t count, uint32_t turn, struct err *err)
{
    struct reshard_desk desk;
    bool is_ok = reshard_open(&desk, &many, err);
    for (uint32_t target = 0; is_ok && target < count; target++) {
        bool buckets[ROUTE_BUCKETS] = {false};
        for (uint32_t i = 0; i < ROUTE_BUCKETS; i++)
            buckets[i] = (i / (ROUTE_BUCKETS / AUTHORS) + turn) % count == target;
        desk.grace_s = target + 1 == count;
        is_ok = reshard_move(&desk, buckets, target, err);
    }
    if (is_ok)
        reshard_close(&desk);
    return is_ok;
}

/* Children of the test do it, as an operator would, while it goes on. */
static pid_t begin_change(uint32_t count)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    struct err err;
    if (add_shards(count, &err) && spread(count, 1, &err))
        _exit(0);
    fprintf(stderr, "%s\n", err.text);
    _exit(1);
}

static bool has_ended(pid_t pid)
{
    int status = 0;
    if (pid == 0 || waitpid(pid, &status, WNOHANG) != pid)
        return pid == 0;
    assert_int_equal(status, 0);
    return true;
}

/* online: shards are added while events are put. */
static void run(uint32_t count, bool online)
{
    struct err err;
    event_count = new_count = deleted_count = found_count = 0;
    make_schemas();
    if (!online && (!add_shards(count, &err) || (count > 1 && !spread(count, 0, &err))))
        fail_msg("%s", err.text);
    assert_int_equal(uv_loop_init(&loop), 0);
    open_process(&reference, &one);
    open_process(&near, &many);
    open_process(&far, &many);
    pid_t child = 0;
    uint32_t puts = 0;
    for (bool is_changing = online; puts < events_wanted || is_changing; puts++) {
        if (online && puts == events_wanted / 4)
            child = begin_change(count);
        put_one();
        if (puts % LOOK_EACH == 0) {
            look(&near, random_filter());
            look(&near, "{}");
        }
        if (is_changing && child != 0)
            is_changing = !has_ended(child);
    }
    for (int i = 0; i < FILTERS; i++)
        look(&near, random_filter());
    await_told();
    look(&far, "{}");
    print_message("%u shards: %u puts, %u new, %u deleted, %u events read\n", count, puts,
                  new_count, deleted_count, found_count);
    check_told(&near);
    check_told(&far);
    assert_true(found_count > events_wanted); /* the generator is not vacuous */
    deleted_total += deleted_count;
    shards_free(reference.shards);
    shards_free(near.shards);
    shards_free(far.shards);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    arena_clear(&made_arena);
    table_clear(&by_id);
}

static void test_fixed(void **state)
{
    run(*(const uint32_t *)*state, false);
}

static void test_online(void **state)
{
    (void)state;
    run(4, true);
}

static int stop(void **state)
{
    (void)state;
    return deleted_total > 0 ? 0 : -1;
}

static int start(void **state)
{
    (void)state;
    random_start();
    return 0;
}

int main(int argc, char **argv)
{
    static uint32_t counts[] = {1, 2, 4};
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(test_fixed, &counts[0]),
                                       cmocka_unit_test_prestate(test_fixed, &counts[1]),
                                       cmocka_unit_test_prestate(test_fixed, &counts[2]),
                                       cmocka_unit_test(test_online)};
    if (argc > 1)
        events_wanted = (uint32_t)strtoul(argv[1], NULL, 10);
    assert(events_wanted > 0 && events_wanted < EVENTS_MAX / 2);
    return cmocka_run_group_tests(tests, start, stop);
}
