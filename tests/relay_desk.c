/* A desk behind a real relay, and a buyer who knows nothing of it but its key: questions of any
 * size are answered to the key that asked, nothing is answered twice, and what is no question is
 * not answered. */
#include "gpu/desk.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "client/holder.h"
#include "client/keys.h"
#include "client/link.h"
#include "client/wrap.h"
#include "gpu/post.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/kind.h"
#include "shared/parcel.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/test.h"

enum { WAIT_MS = 60000, CHUNKS = 20 };

static struct relay relay;
static const char *urls[1];
static uv_loop_t loop;
static struct link_host *host;
static uv_timer_t late;

static struct holder *new_holder(void)
{
    struct bytes32 secret;
    randombytes_buf(&secret, sizeof secret);
    struct keys *keys = keys_new(&secret);
    assert_non_null(keys);
    return holder_of_keys(keys);
}

static uint32_t any_number(void *owner)
{
    (void)owner;
    return randombytes_random();
}

static struct post *new_post(const struct holder *holder)
{
    struct err err;
    struct post *post = post_new(
        &(struct post_setup){
            .loop = &loop, .relays = urls, .relay_count = 1, .holder = holder, .host = host},
        &err);
    if (post == NULL)
        fail_msg("%s", err.text);
    return post;
}

static void on_late(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("it takes too long");
}

#define UNTIL(condition) \
    while (!(condition)) \
    uv_run(&loop, UV_RUN_ONCE)

/* ---- the node ---- */

static struct {
    struct holder *holder;
    struct post *post;
    struct desk *desk;
} node;

/* Says what it was asked; on the loop's pool. */
static void answer(void *owner, struct desk_answer *out, const struct desk_question *question)
{
    (void)owner;
    out->status = strcmp(question->path, "/refused") == 0 ? 400 : 200;
    text_addf(&out->body, "{\"%s\":\"%s\",\"body\":", question->method, question->path);
    text_add(&out->body, question->body.len > 0 ? question->body : SPAN("null"));
    text_add(&out->body, SPAN("}"));
}

/* ---- the buyer ---- */

static struct {
    struct holder *holder;
    struct post *post;
    struct parcel_shelf *shelf;
    struct arena arena;
    struct parcel_answer last;
    int answers, chunks;
    struct event rumor; /* the last that was sent */
} buyer;

static void hear_chunk(const struct event *rumor)
{
    struct parcel_chunk chunk;
    assert_true(parcel_read_chunk(&chunk, &buyer.arena, rumor, NULL));
    assert_int_equal(chunk.seq, buyer.chunks++); /* one relay: in order */
    assert_int_equal(chunk.is_last, chunk.seq == CHUNKS - 1);
}

static void on_heard(void *owner, const struct event *wrap, struct arena *arena)
{
    struct event rumor;
    struct span content;
    (void)owner;
    assert_true(wrap_open(&rumor, arena, buyer.holder, wrap, NULL));
    assert_memory_equal(&rumor.pubkey, holder_pubkey(node.holder), sizeof rumor.pubkey);
    if (rumor.kind == KIND_MARKET_CHUNK) {
        hear_chunk(&rumor);
        return;
    }
    assert_true(parcel_put(buyer.shelf, &content, &buyer.arena, &rumor, time(NULL), NULL));
    if (content.at == NULL)
        return;
    assert_true(parcel_read_answer(&buyer.last, &buyer.arena, content, NULL));
    buyer.answers++;
}

/* A rumor of the buyer's, in a wrap of its own. */
static void send_rumor(struct event *rumor)
{
    struct wrap_seed seed;
    struct text json = {0};
    struct event wrap;
    rumor->pubkey = *holder_pubkey(buyer.holder);
    rumor->id = event_hash(rumor, EVENT_FORM_JSON);
    randombytes_buf(&seed, sizeof seed);
    seed.is_ephemeral = true;
    seed.seal_at = seed.wrap_at = time(NULL);
    assert_true(wrap_seal(&json, buyer.holder, rumor, holder_pubkey(node.holder), &seed, NULL));
    struct span copy = arena_copy(&buyer.arena, text_span(&json));
    text_clear(&json);
    assert_true(event_parse(&wrap, &buyer.arena, copy, NULL));
    post_send(buyer.post, &wrap);
    buyer.rumor = *rumor;
}

struct asked {
    const char *id, *method, *path;
    struct span body;
    int64_t at;
};

static void ask(const struct asked *asked)
{
    struct text text = {0};
    struct parcel_place place = {0};
    struct event rumor;
    parcel_write_question(&text, &(struct parcel_question){{asked->id, strlen(asked->id)},
                                                           {asked->method, strlen(asked->method)},
                                                           {asked->path, strlen(asked->path)},
                                                           asked->body});
    struct span content = arena_copy(&buyer.arena, text_span(&text));
    text_clear(&text);
    while (parcel_next(&rumor, &buyer.arena, content, &place, asked->at))
        send_rumor(&rumor);
}

static void expect(struct span body)
{
    if (!span_eq(buyer.last.body, body))
        fail_msg("%.*s", (int)(buyer.last.body.len < 200 ? buyer.last.body.len : 200),
                 buyer.last.body.at);
}

/* ---- the tests ---- */

static int begin(void **state)
{
    const uint16_t kind = KIND_EPHEMERAL_GIFT_WRAP;
    struct text key = {0};
    (void)state;
    relay_start(&relay, &(struct relay_setup){0});
    urls[0] = scratch_format("ws://127.0.0.1:%u", relay.port);
    uv_loop_init(&loop);
    uv_timer_init(&loop, &late);
    uv_timer_start(&late, on_late, WAIT_MS, 0);
    host = link_host_new(&loop, &(struct link_host_setup){.random = any_number}, NULL);
    assert_non_null(host);
    node.holder = new_holder();
    node.post = new_post(node.holder);
    node.desk = desk_new(&(struct desk_setup){.loop = &loop, .post = node.post, .answer = answer});
    buyer.holder = new_holder();
    buyer.post = new_post(buyer.holder);
    buyer.shelf = parcel_shelf_new();
    text_add_hex(&key, holder_pubkey(buyer.holder)->at, sizeof(struct bytes32));
    const struct span value = text_span(&key);
    const struct filter_tag tag = {.letter = 'p', .count = 1, .values = &value};
    post_listen(
        buyer.post,
        &(struct filter){.until = INT64_MAX, .kinds = {1, &kind}, .tag_count = 1, .tags = &tag},
        on_heard, NULL);
    text_clear(&key);
    return 0;
}

static int end(void **state)
{
    (void)state;
    desk_free(node.desk);
    post_free(node.post);
    post_free(buyer.post);
    link_host_free(host);
    uv_close((uv_handle_t *)&late, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    holder_free(node.holder);
    holder_free(buyer.holder);
    parcel_shelf_free(buyer.shelf);
    arena_clear(&buyer.arena);
    relay_stop(&relay);
    scratch_clear();
    return 0;
}

static void test_answers(void **state)
{
    (void)state;
    UNTIL(post_hears(node.post) == 1 && post_hears(buyer.post) == 1);
    ask(&(struct asked){"a1", "GET", "/v1/info", {0}, time(NULL)});
    UNTIL(buyer.answers == 1);
    assert_int_equal(buyer.last.status, 200);
    assert_true(span_eq(buyer.last.id, SPAN("a1")));
    expect(SPAN("{\"GET\":\"/v1/info\",\"body\":null}"));
    ask(&(struct asked){"a2", "POST", "/refused", SPAN("{\"x\":[1,2]}"), time(NULL)});
    UNTIL(buyer.answers == 2);
    assert_int_equal(buyer.last.status, 400);
    expect(SPAN("{\"POST\":\"/refused\",\"body\":{\"x\":[1,2]}}"));
}

/* Past what one event may hold, both ways. */
static void test_long(void **state)
{
    struct text body = {0}, wanted = {0};
    (void)state;
    text_add(&body, SPAN("\""));
    for (int i = 0; i < 20000; i++)
        text_addf(&body, "%d-", i);
    text_add(&body, SPAN("\""));
    assert_true(body.len > 100000);
    ask(&(struct asked){"b1", "POST", "/v1/swap", text_span(&body), time(NULL)});
    int before = buyer.answers;
    UNTIL(buyer.answers == before + 1);
    text_addf(&wanted, "{\"POST\":\"/v1/swap\",\"body\":%.*s}", (int)body.len, body.at);
    expect(text_span(&wanted));
    text_clear(&body);
    text_clear(&wanted);
}

/* The same rumor in another wrap, one of another time, and what is none: then a good one, which
 * comes behind all of them. */
static void test_refuses(void **state)
{
    struct desk_statistics was = desk_statistics(node.desk);
    int before = buyer.answers;
    (void)state;
    ask(&(struct asked){"c1", "GET", "/once", {0}, time(NULL)});
    UNTIL(buyer.answers == before + 1);
    struct event again = buyer.rumor;
    send_rumor(&again);
    ask(&(struct asked){"c2", "GET", "/old", {0}, time(NULL) - DESK_SKEW_S - 10});
    again.content_json = SPAN("no question");
    send_rumor(&again);
    again.kind = KIND_CHAT;
    send_rumor(&again);
    ask(&(struct asked){"c3", "GET", "/last", {0}, time(NULL)});
    UNTIL(buyer.answers == before + 2);
    assert_true(span_eq(buyer.last.id, SPAN("c3")));
    struct desk_statistics is = desk_statistics(node.desk);
    assert_int_equal(is.replayed - was.replayed, 2);
    assert_int_equal(is.unreadable - was.unreadable, 2);
    assert_int_equal(is.answered - was.answered, 2);
}

static void test_chunks(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CHUNKS; i++) {
        struct arena arena = {0};
        struct event rumor;
        parcel_chunk_event(
            &rumor, &arena,
            &(struct parcel_chunk){
                .job = SPAN("q"), .seq = i, .is_last = i == CHUNKS - 1, .text = SPAN("word ")},
            time(NULL));
        assert_true(desk_tell(node.desk, holder_pubkey(buyer.holder), &rumor, NULL));
        arena_clear(&arena);
    }
    UNTIL(buyer.chunks == CHUNKS);
}

/* It goes while somebody is being answered: the answer is forgotten. */
static void test_leaves(void **state)
{
    (void)state;
    ask(&(struct asked){"d1", "GET", "/", {0}, time(NULL)});
    UNTIL(desk_statistics(node.desk).busy == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers), cmocka_unit_test(test_long), cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_chunks), cmocka_unit_test(test_leaves)};
    return cmocka_run_group_tests(tests, begin, end);
}
