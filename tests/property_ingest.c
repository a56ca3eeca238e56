/* Laws of EVENT and AUTH over a store that settles when it likes.
 *
 * - Each is answered by exactly one OK, and by the right one; never before the store has settled.
 * - Events of one session reach the store in the order they came, whichever thread was done first.
 * - What is new is published once, when it is announced; what is ephemeral, at once.
 *
 * The store is a model, because a database cannot be told when to answer and with what.
 */
#include "relay/ingest.h"

#include <stdlib.h>
#include <time.h>

#include "relay/frame.h"
#include "relay/live.h"
#include "relay/policy.h"
#include "relay/session.h"
#include "relay/shards.h"
#include "relay/window.h"
#include "shared/err.h"
#include "shared/kind.h"
#include "shared/message.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

enum { EVENTS = 400, SESSIONS = 3, STEPS = 3000 };

enum flaw { NO_FLAW, BAD_ID, BAD_SIG, EXPIRED, FLAWS };

/* One event sent, and what became of it. */
struct sent {
    struct bytes32 id;
    uint32_t session;
    enum flaw flaw;
    bool is_ephemeral, is_put, is_settled, is_announced, is_answered, is_heard;
    enum store_verdict verdict;
};

static struct sent sent[EVENTS];
static uint32_t sent_count, put_count, forwarded;
static struct store_put waiting[EVENTS]; /* not settled yet, oldest first */
static uint32_t waiting_count;
static struct store_put settled_new[EVENTS]; /* not announced yet, oldest first */
static uint32_t new_count;

static struct sent *find(const struct bytes32 *id)
{
    for (uint32_t i = 0; i < sent_count; i++)
        if (memcmp(&sent[i].id, id, sizeof *id) == 0)
            return &sent[i];
    fail();
    return NULL;
}

void shards_put(struct shards *shards, const struct store_put *put)
{
    static int64_t last[SESSIONS] = {-1, -1, -1};
    struct sent *event = find(&put->event->id);
    int64_t place = event - sent;
    (void)shards;
    assert_int_equal(event->flaw, NO_FLAW);
    assert_false(event->is_put || event->is_ephemeral);
    assert_true(place > last[event->session]); /* in order */
    last[event->session] = place;
    event->is_put = true;
    waiting[waiting_count++] = *put;
    put_count++;
}

void shards_forward(struct shards *shards, const struct event *event)
{
    (void)shards;
    assert_true(find(&event->id)->is_ephemeral);
    forwarded++;
}

/* The window of this world is switched off: it reads nothing. */
bool shards_read(struct shards *shards, const struct store_read *read, struct err *err)
{
    (void)shards;
    (void)read;
    return err_set(err, ERR_INTERNAL, "nothing is read here");
}

/* Nor does anybody weave a web of trust. */
bool shards_is_ready(const struct shards *shards)
{
    (void)shards;
    return false;
}

void shards_forget(struct shards *shards, const void *owner)
{
    (void)shards;
    (void)owner;
}

static struct store_put take_first(struct store_put *list, uint32_t *count)
{
    struct store_put first = list[0];
    memmove(list, list + 1, --*count * sizeof *list);
    return first;
}

static void settle_one(void)
{
    struct store_put put = take_first(waiting, &waiting_count);
    struct sent *event = find(&put.event->id);
    event->verdict = random_below(2) == 0 ? STORE_NEW : (enum store_verdict)random_below(5);
    event->is_settled = true;
    if (event->verdict == STORE_NEW)
        settled_new[new_count++] = put;
    put.settled(put.owner, event->verdict);
}

static void announce_one(void)
{
    struct store_put put = take_first(settled_new, &new_count);
    find(&put.event->id)->is_announced = true;
    put.announced(put.owner);
}

struct world {
    uv_loop_t loop;
    struct policy policy;
    struct session_table *sessions;
    struct live *live;
    struct window *window;
    struct ingest *ingest;
    struct session *senders[SESSIONS];
    struct session *listener;
    struct text message;
};

static void on_wake(void *owner)
{
    (void)owner;
}

/* The secret of all. */
static const struct bytes32 secret = {{[31] = 7}};

static void spoil(struct event *event, enum flaw flaw)
{
    if (flaw == BAD_SIG)
        event->sig.at[63] ^= 1;
    if (flaw == BAD_ID)
        event->id.at[31] ^= 1;
}

static struct event make_event(struct arena *arena, uint16_t kind, enum flaw flaw)
{
    struct bytes32 pubkey, aux = {{0}};
    struct text tags = {0};
    struct event event = {.kind = kind, .created_at = time(NULL), .content_json = SPAN("x")};
    assert_true(sig_pubkey(&pubkey, &secret));
    event.pubkey = pubkey;
    text_addf(&tags, "[[\"n\",\"%u\"]%s]", sent_count,
              flaw == EXPIRED ? ",[\"expiration\",\"1\"]" : "");
    assert_true(event_parse_tags(&event, arena, arena_copy(arena, text_span(&tags)), NULL));
    text_clear(&tags);
    event.id = event_hash(&event, EVENT_FORM_JSON);
    assert_true(sig_sign(&event.sig, &event.id, &secret, &aux));
    spoil(&event, flaw);
    return event;
}

static void send_one(struct world *world)
{
    struct arena arena = {0};
    uint32_t session = random_below(SESSIONS);
    enum flaw flaw = random_below(3) == 0 ? (enum flaw)random_below(FLAWS) : NO_FLAW;
    bool is_ephemeral = flaw != EXPIRED && random_below(5) == 0;
    struct event event = make_event(&arena, is_ephemeral ? 20001 : 1, flaw);
    sent[sent_count++] = (struct sent){
        .id = event.id, .session = session, .flaw = flaw, .is_ephemeral = is_ephemeral};
    ingest_event(world->ingest, world->senders[session], &arena, &event);
}

static void expect_note(const struct message *message, bool accepted, const char *note)
{
    assert_int_equal(message->accepted, accepted);
    assert_true(span_eq(message->note, (struct span){note, strlen(note)}));
}

static void check_ok(struct sent *event, const struct message *message)
{
    static const struct {
        bool accepted;
        const char *note;
    } verdicts[] = {
        [STORE_NEW] = {true, ""},
        [STORE_DUPLICATE] = {true, "duplicate: already have this event"},
        [STORE_OLDER] = {false, "duplicate: a newer version is stored"},
        [STORE_DELETED] = {false, "blocked: deleted by its author"},
        [STORE_FAILED] = {false, "error: the database is unavailable; try again"},
    };
    assert_false(event->is_answered);
    event->is_answered = true;
    switch (event->flaw) {
    case BAD_ID:
        expect_note(message, false, "invalid: the id is not the hash of the event");
        return;
    case BAD_SIG:
        expect_note(message, false, "invalid: the signature is wrong");
        return;
    case EXPIRED:
        expect_note(message, false, "invalid: the event has expired");
        return;
    case NO_FLAW:
    case FLAWS:
        break;
    }
    if (event->is_ephemeral) {
        expect_note(message, true, "");
        return;
    }
    assert_true(event->is_settled);
    expect_note(message, verdicts[event->verdict].accepted, verdicts[event->verdict].note);
}

static void hear(struct world *world, struct session *session)
{
    while (session_pop(session, &world->message)) {
        struct arena arena = {0};
        struct message message;
        assert_true(message_parse_relay(&message, &arena, text_span(&world->message), NULL));
        if (message.type == MESSAGE_OK) {
            check_ok(find(&message.id), &message);
        } else {
            struct sent *event = find(&message.event.id);
            assert_int_equal(message.type, MESSAGE_EVENT);
            assert_false(event->is_heard);
            assert_true(event->is_announced || event->is_ephemeral);
            event->is_heard = true;
        }
        arena_clear(&arena);
    }
}

static void open_world(struct world *world)
{
    struct filter filter = {.until = INT64_MAX, .limit = FILTER_NO_LIMIT};
    *world = (struct world){.policy = {.tags_max = 10, .content_chars_max = 10, .public_url = ""}};
    uv_loop_init(&world->loop);
    world->sessions = session_table_new(1 << 24);
    world->live = live_new();
    const struct window_setup nothing = {.bytes_max = 0};
    world->window = window_new(&nothing);
    const struct ingest_setup setup = {.policy = &world->policy,
                                       .sessions = world->sessions,
                                       .live = world->live,
                                       .window = world->window,
                                       .threads = 3};
    world->ingest = ingest_new(&world->loop, &setup);
    for (int i = 0; i < SESSIONS; i++)
        world->senders[i] = session_open(world->sessions, on_wake, NULL);
    world->listener = session_open(world->sessions, on_wake, NULL);
    live_release(world->live, live_add(world->live, world->listener, SPAN("l"), &filter, 1));
}

static void close_world(struct world *world)
{
    ingest_free(world->ingest);
    window_free(world->window);
    live_remove_all(world->live, world->listener);
    session_close(world->listener);
    for (int i = 0; i < SESSIONS; i++)
        if (world->senders[i] != NULL)
            session_close(world->senders[i]);
    live_free(world->live);
    session_table_free(world->sessions);
    text_clear(&world->message);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
}

static void turn(struct world *world, uv_run_mode mode)
{
    ingest_turn_end(world->ingest);
    uv_run(&world->loop, mode);
}

static void step(struct world *world)
{
    switch (random_below(6)) {
    case 0:
    case 1:
        if (sent_count < EVENTS)
            send_one(world);
        break;
    case 2:
        turn(world, UV_RUN_NOWAIT);
        break;
    case 3:
        if (waiting_count > 0)
            settle_one();
        break;
    case 4:
        if (new_count > 0)
            announce_one();
        break;
    default:
        hear(world, world->senders[random_below(SESSIONS)]);
        hear(world, world->listener);
        break;
    }
}

static void settle_all(struct world *world)
{
    while (ingest_pending(world->ingest) > 0) {
        while (waiting_count > 0)
            settle_one();
        turn(world, UV_RUN_ONCE);
    }
    while (new_count > 1) /* the last is never announced: it is let go all the same */
        announce_one();
}

static void test_laws(void **state)
{
    struct world world;
    uint32_t refused = 0, heard = 0;
    (void)state;
    open_world(&world);
    for (int i = 0; i < STEPS; i++)
        step(&world);
    settle_all(&world);
    for (int i = 0; i < SESSIONS; i++)
        hear(&world, world.senders[i]);
    hear(&world, world.listener);
    for (uint32_t i = 0; i < sent_count; i++) {
        const struct sent *event = &sent[i];
        bool is_live = event->flaw == NO_FLAW && (event->is_ephemeral || event->is_announced);
        assert_true(event->is_answered);
        assert_int_equal(event->is_heard, is_live);
        refused += event->flaw != NO_FLAW;
        heard += is_live;
    }
    print_message("sent=%u put=%u refused=%u heard=%u forwarded=%u\n", sent_count, put_count,
                  refused, heard, forwarded);
    assert_true(put_count > 100 && refused > 10 && heard > 50 && forwarded > 10);
    close_world(&world);
}

/* AUTH: the key counts once the signature is known to be good; a session that has gone meanwhile
 * is not answered. */
static void test_auth(void **state)
{
    struct world world;
    struct bytes32 pubkey;
    (void)state;
    sent_count = waiting_count = new_count = 0;
    open_world(&world);
    assert_true(sig_pubkey(&pubkey, &secret));
    for (int round = 0; round < 3; round++) {
        struct session *session = world.senders[round];
        struct arena arena = {0};
        struct event event = make_event(&arena, KIND_AUTH, NO_FLAW);
        memset(session->challenge, 'c', SESSION_CHALLENGE_CHARS);
        assert_true(event_parse_tags(&event, &arena,
                                     SPAN("[[\"challenge\",\"cccccccccccccccccccccccccccccccc\"],"
                                          "[\"relay\",\"ws://localhost\"]]"),
                                     NULL));
        event.id = event_hash(&event, EVENT_FORM_JSON);
        assert_true(sig_sign(&event.sig, &event.id, &secret, &pubkey));
        spoil(&event, round == 1 ? BAD_SIG : NO_FLAW);
        ingest_auth(world.ingest, session, &arena, &event);
        assert_false(session_has_key(session, &pubkey));
        if (round == 2) {
            session_close(session);
            world.senders[round] = NULL;
        }
    }
    while (ingest_pending(world.ingest) > 0)
        turn(&world, UV_RUN_ONCE);
    assert_true(session_has_key(world.senders[0], &pubkey));
    assert_false(session_has_key(world.senders[1], &pubkey));
    for (int i = 0; i < 2; i++) {
        struct arena arena = {0};
        struct message message;
        assert_true(session_pop(world.senders[i], &world.message));
        assert_true(message_parse_relay(&message, &arena, text_span(&world.message), NULL));
        expect_note(&message, i == 0, i == 0 ? "" : "invalid: the signature is wrong");
        arena_clear(&arena);
        assert_false(session_pop(world.senders[i], &world.message));
    }
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_laws), cmocka_unit_test(test_auth)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
