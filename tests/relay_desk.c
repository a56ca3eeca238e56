/* A desk behind a real relay, and a buyer who knows nothing of it but its key: questions of any
 * size are answered to the key that asked, nothing is answered twice, and what is no question is
 * not answered. */
#include "gpu/desk.h"

#include <libpq-fe.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/holder.h"
#include "client/keys.h"
#include "client/link.h"
#include "client/wrap.h"
#include "gpu/post.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/parcel.h"
#include "tests/folder.h"
#include "tests/node.h"
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
    struct bytes32 node; /* whom he asks */
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
    assert_memory_equal(&rumor.pubkey, &buyer.node, sizeof rumor.pubkey);
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
    assert_true(wrap_seal(&json, buyer.holder, rumor, &buyer.node, &seed, NULL));
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
    buyer.node = *holder_pubkey(node.holder);
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
    buyer.node = *holder_pubkey(node.holder);
    ask(&(struct asked){"d1", "GET", "/", {0}, time(NULL)});
    UNTIL(desk_statistics(node.desk).busy == 1);
}

/* ---- the mint of a real node ---- */

static char folder[64];

static void run(const char *command)
{
    FILE *pipe = popen(command, "re"); /* NOLINT(cert-env33-c): nothing in it is foreign */
    assert_non_null(pipe);
    char line[256];
    while (fgets(line, sizeof line, pipe) != NULL)
        continue;
    assert_int_equal(pclose(pipe), 0);
}

/* A database of its own: another seed has other keysets. */
static void change_database(const char *what)
{
    PGconn *connection = PQconnectdb(getenv("TEST_DB"));
    PGresult *done =
        PQexec(connection, scratch_format("%s DATABASE test_desk_%d", what, (int)getpid()));
    assert_int_equal(PQresultStatus(done), PGRES_COMMAND_OK);
    PQclear(done);
    PQfinish(connection);
}

static void start_mint(struct node *process)
{
    const char *database =
        scratch_format("%s dbname=test_desk_%d", getenv("TEST_DB"), (int)getpid());
    folder_make(folder, sizeof folder);
    chmod(folder, 0700);
    const char *password = scratch_format("%s/password", folder);
    const char *seed = scratch_format("%s/seed", folder);
    const char *key = scratch_format("%s/key", folder);
    FILE *file = fopen(password, "we");
    assert_non_null(file);
    fputs("hunter2\n", file);
    assert_int_equal(fclose(file), 0);
    run(scratch_format("%s mint init %s --mint-password-file %s", GPU_BINARY, seed, password));
    run(scratch_format("%s identity new --key %s --password-file %s --cost 4", SHOAL_BINARY, key,
                       password));
    const char *const arguments[] = {"--announce",
                                     "--relay",
                                     urls[0],
                                     "--key",
                                     key,
                                     "--password-file",
                                     password,
                                     "--mint",
                                     seed,
                                     "--mint-password-file",
                                     password,
                                     "--database",
                                     database,
                                     "--price",
                                     "100/300/10/2",
                                     "--mint-url",
                                     "https://mint.example",
                                     DEMO_MODEL,
                                     NULL};
    change_database("CREATE");
    node_start(process, GPU_BINARY, arguments);
    node_await(process, "mint=nostr:nprofile1");
    node_await(process, "tells what is for us");
    const char *said = strstr(process->said.at, "announce: node=");
    assert_non_null(said);
    assert_true(hex_decode(buyer.node.at, sizeof buyer.node.at,
                           (struct span){said + strlen("announce: node="), 64}));
}

static void expect_words(uint32_t status, const char *words)
{
    if (buyer.last.status != status ||
        memmem(buyer.last.body.at, buyer.last.body.len, words, strlen(words)) == NULL)
        fail_msg("%u %.*s", buyer.last.status, (int)buyer.last.body.len, buyer.last.body.at);
}

/* What it sells, and where; its keys, a refusal, and what is too long for a mint. */
static void test_mint(void **state)
{
    struct node process;
    struct text body = {0};
    (void)state;
    uv_timer_start(&late, on_late, WAIT_MS, 0);
    start_mint(&process);
    run(scratch_format("%s models --relay %s --wait 0 | grep -q "
                       "'\"price\":{\"in\":100,\"cached\":10,\"out\":300,\"request\":2},"
                       "\"units\":.\"ccr\",\"ccr-promo\".,\"mints\":."
                       "\"https://mint.example\"'",
                       SHOAL_BINARY, urls[0]));
    int before = buyer.answers;
    ask(&(struct asked){"m1", "GET", "/v1/keys", {0}, time(NULL)});
    UNTIL(buyer.answers == before + 1);
    expect_words(200, "\"unit\":\"ccr-promo\"");
    ask(&(struct asked){"m2", "POST", "/v1/swap", SPAN("{}"), time(NULL)});
    UNTIL(buyer.answers == before + 2);
    expect_words(400, "\"code\":10000");
    ask(&(struct asked){"m3", "GET", "/v1/nothing", {0}, time(NULL)});
    UNTIL(buyer.answers == before + 3);
    expect_words(404, "\"detail\"");
    text_add(&body, SPAN("\""));
    for (size_t size = 0; size <= 1 << 20; size += 16)
        text_add(&body, SPAN("0123456789abcdef"));
    text_add(&body, SPAN("\""));
    ask(&(struct asked){"m4", "POST", "/v1/swap", text_span(&body), time(NULL)});
    UNTIL(buyer.answers == before + 4);
    expect_words(413, "too long");
    assert_int_equal(node_stop(&process, SIGTERM), 0);
    change_database("DROP");
    folder_remove(folder);
    text_clear(&process.said);
    text_clear(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers), cmocka_unit_test(test_long), cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_chunks),  cmocka_unit_test(test_mint), cmocka_unit_test(test_leaves)};
    return cmocka_run_group_tests(tests, begin, end);
}
