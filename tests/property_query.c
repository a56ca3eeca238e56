/* Laws of REQ and COUNT over a store that answers when it likes: pages come late, in any order
 * and of any size, some fail, events are committed and announced in between, clients read slowly.
 *
 * - Each REQ is answered by stored events that match, newest first, then exactly one EOSE or
 *   CLOSED.
 * - No event comes twice, at the seam or elsewhere; none comes after CLOSE, CLOSED or a new REQ of
 *   that name.
 * - In the end, whoever was told "finish" has every event that matches.
 */
#include "relay/query.h"

#include "relay/frame.h"
#include "relay/live.h"
#include "relay/metrics.h"
#include "relay/policy.h"
#include "relay/session.h"
#include "relay/window.h"
#include "shared/message.h"
#include "tests/lazy_store.h"
#include "tests/random_event.h"
#include "tests/test.h"

enum { SESSIONS = 3, NAMES = 24, FILTERS = 3, STEPS = 12000, ROUNDS = 6 };

static uint32_t announced;                /* of the events committed */
static uint64_t serials[LAZY_EVENTS_MAX]; /* of the newest subscription at the commit */

/* What a client knows of one subscription. */
struct view {
    bool is_open, has_eose;
    enum message_finish finish;
    struct arena arena;
    struct filter filters[FILTERS];
    uint32_t filter_count;
    bool seen[LAZY_EVENTS_MAX];
    const struct event *last; /* stored one */
    uint32_t since;           /* events committed when it was asked */
};

struct client {
    struct session *session;
    struct view views[NAMES];
    uint32_t counts_asked, counts_answered;
    int64_t counted;
};

struct world {
    uv_loop_t loop;
    struct window *window;
    struct policy policy;
    struct session_table *sessions;
    struct live *live;
    struct query *query;
    struct client clients[SESSIONS];
    struct text message;
    uint32_t eoses, closeds, stored, streamed, cuts, finishes;
};

static void on_wake(void *owner)
{
    (void)owner;
}

static bool matches(const struct view *view, const struct event *event)
{
    for (uint32_t i = 0; i < view->filter_count; i++)
        if (filter_match(&view->filters[i], event))
            return true;
    return false;
}

static uint32_t index_of(const struct event *event)
{
    for (uint32_t i = 0; i < lazy_committed; i++)
        if (memcmp(&lazy_events[i].id, &event->id, sizeof event->id) == 0)
            return i;
    fail();
    return 0;
}

static void see_event(struct world *world, struct view *view, const struct event *event)
{
    uint32_t i = index_of(event);
    assert_true(view->is_open);
    assert_true(matches(view, event));
    assert_false(view->seen[i]);
    view->seen[i] = true;
    if (view->has_eose) {
        assert_true(i >= view->since); /* else it is stored, and not news */
        world->streamed++;
        return;
    }
    world->stored++;
    assert_true(view->last == NULL || lazy_compare(view->last, &lazy_events[i]) < 0);
    view->last = &lazy_events[i];
}

static void see(struct world *world, struct client *client, const struct message *message)
{
    if (message->type == MESSAGE_COUNT ||
        (message->type == MESSAGE_CLOSED && message->sub.at[0] == '#')) {
        client->counts_answered++;
        client->counted = message->type == MESSAGE_COUNT ? message->count : -1;
        return;
    }
    struct view *view = &client->views[message->sub.at[0] - 'a'];
    if (message->type == MESSAGE_EVENT) {
        see_event(world, view, &message->event);
        return;
    }
    assert_true(view->is_open);
    if (message->type == MESSAGE_CLOSED) {
        view->is_open = false;
        world->closeds++;
        return;
    }
    assert_int_equal(message->type, MESSAGE_EOSE);
    assert_false(view->has_eose);
    view->has_eose = true;
    view->finish = message->finish;
    world->eoses++;
}

/* The client reads up to most messages; false when there were fewer. */
static bool client_reads(struct world *world, struct client *client, uint32_t most)
{
    for (; most > 0; most--) {
        struct arena arena = {0};
        struct message message;
        if (!session_pop(client->session, &world->message))
            return false;
        assert_true(message_parse_relay(&message, &arena, text_span(&world->message), NULL));
        see(world, client, &message);
        arena_clear(&arena);
    }
    return true;
}

static void drain(struct world *world, struct client *client)
{
    while (client_reads(world, client, UINT32_MAX))
        ;
}

static void clear_view(struct view *view)
{
    arena_clear(&view->arena);
    *view = (struct view){.is_open = false};
}

static void make_filters(struct view *view)
{
    view->filter_count = 1 + random_below(FILTERS);
    for (uint32_t i = 0; i < view->filter_count; i++) {
        struct text text = {0};
        add_random_filter(&text);
        struct span copy = arena_copy(&view->arena, text_span(&text));
        assert_true(filter_parse(&view->filters[i], &view->arena, copy, NULL));
        text_clear(&text);
    }
}

/* The filters as a message brings them: in an arena that the query takes over. */
static const struct filter *send_filters(struct arena *arena, const struct view *view)
{
    struct filter *filters = arena_array(arena, struct filter, view->filter_count);
    for (uint32_t i = 0; i < view->filter_count; i++) {
        struct text text = {0};
        filter_write(&text, &view->filters[i]);
        struct span copy = arena_copy(arena, text_span(&text));
        assert_true(filter_parse(&filters[i], arena, copy, NULL));
        text_clear(&text);
    }
    return filters;
}

static void client_asks(struct world *world, struct client *client, uint32_t number)
{
    struct view *view = &client->views[number];
    struct arena arena = {0};
    char name = (char)('a' + number);
    drain(world, client); /* so that what comes from now on belongs to the new one */
    clear_view(view);
    make_filters(view);
    view->is_open = true;
    view->since = lazy_committed;
    const struct filter *filters = send_filters(&arena, view);
    query_req(world->query, client->session, &arena, arena_copy(&arena, SPAN_OF(name)), filters,
              view->filter_count);
}

static void client_closes(struct world *world, struct client *client, uint32_t number)
{
    char name = (char)('a' + number);
    drain(world, client);
    query_close(world->query, client->session, SPAN_OF(name));
    clear_view(&client->views[number]);
}

static void client_counts(struct world *world, struct client *client, const struct view *view)
{
    struct arena arena = {0};
    const struct filter *filters = send_filters(&arena, view);
    query_count(world->query, client->session, &arena, arena_copy(&arena, SPAN("#")), filters,
                view->filter_count);
    client->counts_asked++;
}

static void client_goes(struct world *world, struct client *client)
{
    query_session_ended(world->query, client->session);
    session_close(client->session);
    for (uint32_t i = 0; i < NAMES; i++)
        clear_view(&client->views[i]);
    *client = (struct client){.session = session_open(world->sessions, on_wake, NULL)};
}

static void commit(struct world *world)
{
    struct window_ticket ticket = {0};
    const struct event *event = &lazy_events[lazy_committed];
    serials[lazy_committed] = live_serial(world->live);
    window_expect(world->window, &ticket);
    lazy_commit();
    struct frame *frame = frame_of_event(event);
    window_settled(world->window, &ticket, event, frame);
    frame_drop(frame);
}

static void announce(struct world *world)
{
    const struct event *event = &lazy_events[announced++];
    struct frame *frame = frame_of_event(event);
    (void)live_publish(world->live, event, frame, serials[event - lazy_events]);
    frame_drop(frame);
}

static void store_moves(struct world *world)
{
    uint32_t choice = random_below(20);
    uv_run(&world->loop, UV_RUN_NOWAIT);
    if (random_below(100) == 0)
        window_tidy(world->window);
    if (random_below(1000) == 0) /* the tail was down */
        window_on_caught_up(world->window, random_below(2) == 0);
    if (lazy_pending > 0)
        lazy_answer(random_below(lazy_pending), choice == 0);
}

static void step(struct world *world)
{
    struct client *client = &world->clients[random_below(SESSIONS)];
    uint32_t number = random_below(NAMES);
    if (client->session->doomed) {
        world->cuts++;
        client_goes(world, client);
    }
    switch (random_below(16)) {
    case 0:
        client_asks(world, client, number);
        break;
    case 1:
        if (random_below(60) == 0)
            for (uint32_t i = 0; i < NAMES; i++) /* as after a reconnect */
                client_asks(world, client, i);
        else if (random_below(4) == 0)
            client_closes(world, client, number);
        break;
    case 2:
        if (client->views[number].filter_count > 0)
            client_counts(world, client, &client->views[number]);
        break;
    case 3:
        if (random_below(40) == 0)
            client_goes(world, client);
        break;
    case 4:
        if (lazy_committed < LAZY_EVENTS_MAX && random_below(4) == 0)
            commit(world);
        break;
    case 5:
    case 6:
        if (announced < lazy_committed)
            announce(world);
        break;
    case 7:
        lazy_is_ready = random_below(50) != 0;
        break;
    case 8:
    case 9:
    case 10:
        (void)client_reads(world, client, 1 + random_below(20));
        break;
    default:
        store_moves(world);
        break;
    }
}

/* The store answers all, everything is announced, everybody reads to the end. */
static void settle(struct world *world)
{
    lazy_is_ready = true;
    while (announced < lazy_committed)
        announce(world);
    for (bool is_busy = true; is_busy;) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
        is_busy = lazy_pending > 0;
        if (is_busy)
            lazy_answer(0, false);
        for (uint32_t i = 0; i < SESSIONS; i++)
            drain(world, &world->clients[i]);
    }
}

static void check_view(struct world *world, const struct view *view)
{
    if (!view->is_open)
        return;
    assert_true(view->has_eose);
    world->finishes += view->finish == MESSAGE_FINISH;
    for (uint32_t i = 0; i < lazy_committed; i++)
        if (matches(view, &lazy_events[i]) && (view->finish == MESSAGE_FINISH || i >= view->since))
            assert_true(view->seen[i]);
}

static void check_counts(struct world *world, struct client *client)
{
    assert_int_equal(client->counts_asked, client->counts_answered);
    for (uint32_t i = 0; i < NAMES; i++) {
        const struct view *view = &client->views[i];
        int64_t expected = 0;
        if (view->filter_count == 0)
            continue;
        for (uint32_t j = 0; j < lazy_committed; j++)
            expected += matches(view, &lazy_events[j]);
        client_counts(world, client, view);
        settle(world);
        assert_int_equal(client->counted, expected);
    }
}

static void clear(struct world *world)
{
    for (uint32_t i = 0; i < SESSIONS; i++) {
        struct client *client = &world->clients[i];
        query_session_ended(world->query, client->session);
        session_close(client->session);
        for (uint32_t j = 0; j < NAMES; j++)
            clear_view(&client->views[j]);
    }
    query_free(world->query);
    assert_int_equal(lazy_pending, 0); /* what was asked for nobody's sake is forgotten */
    window_free(world->window);
    live_free(world->live);
    session_table_free(world->sessions);
    text_clear(&world->message);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    lazy_clear();
    announced = 0;
}

static void test_laws(void **state)
{
    uint32_t eoses = 0, closeds = 0, stored = 0, streamed = 0, cuts = 0, finishes = 0;
    static const size_t windows[3] = {0, 30000, 1 << 24};
    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct world world = {.policy = {.filter_values_max = 1000, .subscriptions_max = NAMES}};
        world.policy.public_url = "";
        world.sessions = session_table_new(20000);
        world.live = live_new();
        uv_loop_init(&world.loop);
        const struct window_setup window = {.bytes_max = windows[round % 3]};
        world.window = window_new(&window);
        window_on_caught_up(world.window, true);
        const struct query_setup setup = {.loop = &world.loop,
                                          .window = world.window,
                                          .policy = &world.policy,
                                          .sessions = world.sessions,
                                          .live = world.live,
                                          .limit_default = 40,
                                          .limit_max = 60,
                                          .count_max = 1000};
        world.query = query_new(&setup);
        lazy_is_ready = true;
        for (uint32_t i = 0; i < SESSIONS; i++)
            world.clients[i].session = session_open(world.sessions, on_wake, NULL);
        for (int i = 0; i < STEPS; i++)
            step(&world);
        for (uint32_t i = 0; i < SESSIONS; i++)
            if (world.clients[i].session->doomed)
                client_goes(&world, &world.clients[i]);
        for (uint32_t i = 0; i < SESSIONS; i++)
            drain(&world, &world.clients[i]);
        settle(&world);
        for (uint32_t i = 0; i < SESSIONS; i++) {
            for (uint32_t j = 0; j < NAMES; j++)
                check_view(&world, &world.clients[i].views[j]);
            check_counts(&world, &world.clients[i]);
        }
        eoses += world.eoses, closeds += world.closeds, stored += world.stored;
        streamed += world.streamed, cuts += world.cuts, finishes += world.finishes;
        clear(&world);
    }
    print_message("eoses=%u closeds=%u stored=%u streamed=%u cuts=%u finishes=%u\n", eoses, closeds,
                  stored, streamed, cuts, finishes);
    assert_true(metrics_total(METRIC_PAGES_WINDOW) > 1000);
    assert_true(eoses > 100 && closeds > 10 && stored > 1000 && streamed > 100 && finishes > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_laws)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
