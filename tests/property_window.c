/* The law of the window: whatever two processes store, delete, replace and purge, in whatever order
 * it becomes known, with tails that break and budgets that are too small, once all is known a
 * window and the database below its floor answer what the database alone answers. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "relay/frame.h"
#include "relay/shards.h"
#include "relay/window_inside.h"
#include "shared/err.h"
#include "shared/filter.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "tests/made.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ROUNDS = 60, PUTS = 24, FILTERS = 12, EVENTS_MAX = 4000, ROWS_MAX = 6000, AUTHORS = 4 };
enum { WAIT_MS_MAX = 20000, SPAN_S = 40 };

/* What one process has. */
struct side {
    struct shards *store;
    struct window *window;
    uint32_t pending;
    struct bytes32 awaited; /* an event of the other */
    bool has_come;
};

static uv_loop_t loop;
static struct shard shard;
static struct side sides[2];
static struct event *events[EVENTS_MAX]; /* all that were ever put */
static uint32_t event_count;
static uint32_t refused, doubts, above, below;
static int64_t clock_s = 1000;

static void on_foreign(void *owner, const struct event *event)
{
    struct side *side = owner;
    struct frame *frame = frame_of_event(event);
    window_foreign(side->window, event, frame);
    doubts += side->window->doubts.count > 0;
    frame_drop(frame);
    side->has_come |= memcmp(&event->id, &side->awaited, sizeof event->id) == 0;
}

static void on_purged(void *owner, const struct filter *filter)
{
    struct side *side = owner;
    window_purged(side->window, filter);
}

static void on_caught_up(void *owner, bool is_caught_up)
{
    struct side *side = owner;
    window_on_caught_up(side->window, is_caught_up);
}

static void on_fetch(void *owner, bool is_over)
{
    struct side *side = owner;
    window_on_fetch(side->window, is_over);
}

static void open_side(struct side *side, size_t bytes_max)
{
    const struct shards_setup store = {.first = &shard,
                                       .readers = 1,
                                       .on_foreign = on_foreign,
                                       .on_purged = on_purged,
                                       .on_caught_up = on_caught_up,
                                       .on_fetch = on_fetch,
                                       .owner = side};
    *side = (struct side){.store = shards_new(&loop, &store)};
    const struct window_setup window = {.bytes_max = bytes_max, .store = side->store};
    side->window = window_new(&window);
}

static int start(void **state)
{
    (void)state;
    random_start();
    uv_loop_init(&loop);
    made_schema(&shard, "property_window");
    open_side(&sides[0], 1 << 24);
    open_side(&sides[1], 30000);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        shards_free(sides[i].store);
    for (int i = 0; i < 2; i++)
        window_free(sides[i].window);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    made_sql(&shard, "DROP SCHEMA property_window CASCADE");
    arena_clear(&made_arena);
    return 0;
}

/* A put under way. */
struct put {
    struct side *side;
    struct event *event;
    struct window_ticket ticket;
    enum store_verdict verdict;
    bool is_settled;
};

static void on_settled(void *owner, enum store_verdict verdict)
{
    struct put *put = owner;
    struct frame *frame = frame_of_event(put->event);
    bool is_new = verdict == STORE_NEW;
    window_settled(put->side->window, &put->ticket, is_new ? put->event : NULL, frame);
    doubts += put->side->window->doubts.count > 0;
    frame_drop(frame);
    put->side->pending--;
    put->verdict = verdict;
    put->is_settled = true;
    refused += !is_new;
}

static struct put *put_event(struct side *side, struct event *event)
{
    struct put *put = arena_alloc(&made_arena, sizeof *put);
    *put = (struct put){.side = side, .event = event};
    const struct store_put call = {.event = event, .settled = on_settled, .owner = put};
    window_expect(side->window, &put->ticket);
    side->pending++;
    shards_put(side->store, &call);
    return put;
}

static char random_author(void)
{
    return (char)('a' + random_below(AUTHORS));
}

static int64_t random_time(void)
{
    return clock_s - random_below(SPAN_S);
}

/* An event's id, or one that is none. */
static const char *random_id(void)
{
    uint32_t newest = event_count < 60 ? event_count : 60;
    if (newest == 0)
        return made_key('z');
    return made_hex(&events[event_count - 1 - random_below(newest)]->id);
}

static const char *random_address(void)
{
    static const int kinds[] = {0, 3, 30000};
    int kind = kinds[random_below(3)];
    return made_text("%d:%s:%s", kind, made_key(random_author()),
                     kind == 30000 ? made_text("%u", random_below(3)) : "");
}

static struct event *random_event(void)
{
    char author = random_author();
    int64_t at = random_time();
    switch (random_below(14)) {
    case 0:
    case 1:
        return made_event(author, at, random_below(2) == 0 ? 0 : 3, "[]");
    case 2:
    case 3:
        return made_event(author, at, 30000, made_text("[[\"d\",\"%u\"]]", random_below(3)));
    case 4:
    case 5:
        return made_event(author, at, KIND_DELETION, made_text("[[\"e\",\"%s\"]]", random_id()));
    case 6:
        return made_event(author, at, KIND_DELETION,
                          made_text("[[\"a\",\"%s\"]]", random_address()));
    case 7:
        if (random_below(4) == 0)
            return made_event(author, at, KIND_VANISH, "[[\"relay\",\"ALL_RELAYS\"]]");
        return made_event('w', at, KIND_GIFT_WRAP, made_text("[[\"p\",\"%s\"]]", made_key(author)));
    case 8:
        return made_event(
            author, at, 1,
            made_text("[[\"expiration\",\"%lld\"]]", (long long)time(NULL) - 1 + random_below(4)));
    default:
        return made_event(author, at, random_below(2) == 0 ? 1 : 7,
                          made_text("[[\"t\",\"%u\"],[\"p\",\"%s\"]]", random_below(4),
                                    made_key(random_author())));
    }
}

/* A new one, or one that was put before, be it gone or not. */
static void put_some(struct side *side)
{
    for (uint32_t left = 1 + random_below(3); left > 0; left--) {
        if (event_count > 0 && random_below(6) == 0) {
            uint32_t newest = event_count < 40 ? event_count : 40;
            put_event(side, events[event_count - 1 - random_below(newest)]);
            continue;
        }
        assert_true(event_count < EVENTS_MAX);
        events[event_count] = random_event();
        put_event(side, events[event_count++]);
    }
}

static void purge_some(struct side *side)
{
    struct bytes32 *ids = arena_alloc(&made_arena, sizeof *ids);
    const struct event *event =
        event_count == 0
            ? NULL
            : events[event_count - 1 - random_below(event_count < 30 ? event_count : 30)];
    /* Nobody bans a deletion or a version within the milliseconds until all have heard of it: what
     * it did would never be known. */
    if (event == NULL || event->kind == KIND_DELETION || event->kind == KIND_VANISH ||
        kind_class(event->kind) != KIND_REGULAR)
        return;
    *ids = event->id;
    const struct filter filter = {
        .until = INT64_MAX, .limit = FILTER_NO_LIMIT, .ids = {.count = 1, .at = ids}};
    shards_purge(side->store, &filter, NULL, NULL);
}

static void run_some(void)
{
    for (uint32_t turns = random_below(4); turns > 0; turns--)
        uv_run(&loop, UV_RUN_NOWAIT);
}

static void run_until(bool (*is_done)(void))
{
    uint64_t start_ms = uv_now(&loop);
    while (!is_done()) {
        uv_run(&loop, UV_RUN_ONCE);
        for (int i = 0; i < 2; i++)
            window_tidy(sides[i].window);
        if (uv_now(&loop) - start_ms > WAIT_MS_MAX)
            fail_msg("waited for nothing");
    }
}

static bool are_settled(void)
{
    return sides[0].pending + sides[1].pending == 0 && shards_is_ready(sides[0].store) &&
           shards_is_ready(sides[1].store);
}

static bool are_known(void)
{
    for (int i = 0; i < 2; i++) {
        const struct window *window = sides[i].window;
        if (!sides[i].has_come || !window->is_on || window->is_lost || window_is_loading(window) ||
            window->doubts.count + window->suspects.count > 0 || window->load.is_out ||
            window->ask.is_out)
            return false;
    }
    return true;
}

/* Each side has heard of all that the other did before. A connection that broke may have taken the
 * one awaited along: then it is another. */
static void quiesce(void)
{
    struct put *puts[2];
    do {
        run_until(are_settled);
        for (int i = 0; i < 2; i++) {
            struct event *last = made_event('y', 1, 1, "[]");
            sides[!i].awaited = last->id;
            sides[!i].has_come = false;
            puts[i] = put_event(&sides[i], last);
        }
        run_until(are_settled);
    } while (puts[0]->verdict != STORE_NEW || puts[1]->verdict != STORE_NEW);
    run_until(are_known);
}

struct rows {
    uint32_t count;
    struct bytes32 ids[ROWS_MAX];
};

/* A page of the database. */
struct asked {
    struct rows *rows;
    uint32_t most;
    bool is_answered, finished;
    struct store_cursor next;
};

static void on_page(void *owner, const struct store_page *page)
{
    struct asked *asked = owner;
    assert_non_null(page);
    asked->is_answered = true;
    for (uint32_t i = 0; i < page->count && asked->rows->count < asked->most; i++)
        asked->rows->ids[asked->rows->count++] = page->events[i].id;
    asked->finished = page->finished;
    asked->next = page->next;
}

/* The newest that match, as many as most: from the window, where there is one, as far as it knows,
 * and from the database from there on. */
static void read_all(struct rows *rows, struct side *side, struct window *window,
                     const struct filter *filter, uint32_t most)
{
    static struct window_found found;
    struct store_cursor place;
    bool has_place = false;
    rows->count = 0;
    while (rows->count < most) {
        const struct store_cursor *after = has_place ? &place : NULL;
        uint32_t wanted = 1 + random_below(20);
        struct err err;
        if (window != NULL && window_read(&found, window, filter, after, wanted)) {
            for (uint32_t i = 0; i < found.count && rows->count < most; i++)
                rows->ids[rows->count++] = found.rows[i]->id;
            above += found.count;
            if (found.finished)
                return;
            place = found.next;
            has_place = true;
            continue;
        }
        struct asked asked = {.rows = rows, .most = most};
        uint32_t before = rows->count;
        const struct store_read read = {filter, after, wanted, true, false, on_page, &asked};
        if (!shards_read(side->store, &read, &err))
            fail_msg("%s", err.text);
        while (!asked.is_answered)
            uv_run(&loop, UV_RUN_ONCE);
        below += window != NULL ? rows->count - before : 0;
        if (asked.finished)
            return;
        place = asked.next;
        has_place = true;
    }
}

static const char *random_filter(void)
{
    struct text out = {0};
    text_add(&out, SPAN("{\"limit\":5"));
    if (random_below(3) == 0)
        text_addf(&out, ",\"authors\":[\"%s\",\"%s\"]", made_key(random_author()), made_key('w'));
    if (random_below(3) == 0)
        text_add(&out,
                 random_below(2) == 0 ? SPAN(",\"kinds\":[1,30000]") : SPAN(",\"kinds\":[0,3]"));
    if (random_below(4) == 0)
        text_addf(&out, ",\"#t\":[\"%u\",\"%u\"]", random_below(4), random_below(4));
    if (random_below(4) == 0)
        text_addf(&out, ",\"#p\":[\"%s\"]", made_key(random_author()));
    if (random_below(6) == 0)
        text_addf(&out, ",\"ids\":[\"%s\",\"%s\"]", random_id(), random_id());
    if (random_below(4) == 0)
        text_addf(&out, ",\"since\":%lld", (long long)random_time());
    if (random_below(4) == 0)
        text_addf(&out, ",\"until\":%lld", (long long)random_time());
    text_addf(&out, "}");
    const char *copy = made_text("%.*s", SPAN_ARG(text_span(&out)));
    text_clear(&out);
    return copy;
}

static void show(const struct rows *rows, const char *what)
{
    for (uint32_t i = 0; i < rows->count; i++)
        for (uint32_t k = 0; k < event_count; k++)
            if (memcmp(&events[k]->id, &rows->ids[i], sizeof rows->ids[i]) == 0)
                print_message("%s %u: event %u, author %c, kind %u, at %lld, tags %.*s\n", what, i,
                              k, events[k]->pubkey.at[0], events[k]->kind,
                              (long long)events[k]->created_at, SPAN_ARG(events[k]->tags_json));
}

/* The second it is; 0 where another program's clock may say another. */
static int64_t sure_second(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_nsec < 20000000 || now.tv_nsec > 980000000 ? 0 : now.tv_sec;
}

/* Both within one second, since what expires is left out. */
static void compare(struct side *side)
{
    static struct rows alone, together;
    struct filter filter;
    const char *json = random_filter();
    uint32_t most = random_below(3) == 0 ? ROWS_MAX : 1 + random_below(30);
    int64_t begun;
    assert_true(filter_parse(&filter, &made_arena, (struct span){json, strlen(json)}, NULL));
    do {
        begun = sure_second();
        read_all(&alone, side, NULL, &filter, most);
        read_all(&together, side, side->window, &filter, most);
    } while (begun == 0 || begun != sure_second());
    if (alone.count == together.count &&
        memcmp(alone.ids, together.ids, alone.count * sizeof alone.ids[0]) == 0)
        return;
    show(&alone, "alone");
    show(&together, "together");
    fail_msg("%s, %u: %u alone, %u together", json, most, alone.count, together.count);
}

static void break_connections(const char *which)
{
    (void)made_number(&shard, made_text("SELECT count(pg_terminate_backend(pid)) FROM"
                                        " pg_stat_activity WHERE application_name ="
                                        " 'property_window' AND pid <> pg_backend_pid() AND %s",
                                        which));
}

static void test_law(void **state)
{
    (void)state;
    quiesce();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PUTS; i++) {
            put_some(&sides[random_below(2)]);
            run_some();
            if (random_below(20) == 0)
                purge_some(&sides[random_below(2)]);
        }
        if (round % 10 == 9)
            break_connections(random_below(2) == 0 ? MADE_TAILS : "true");
        clock_s += random_below(6);
        quiesce();
        for (int i = 0; i < FILTERS; i++)
            compare(&sides[random_below(2)]);
    }
    print_message("%u put, %u refused, %u doubts, %u rows above, %u below\n", event_count, refused,
                  doubts, above, below);
    assert_true(refused > 100 && above > 1000 && below > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_law)};
    return cmocka_run_group_tests(tests, start, stop);
}
