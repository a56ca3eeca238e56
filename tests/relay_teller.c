/* A node asked over real relays, by a teller that knows its key and where it listens: long
 * questions and answers, a relay that is killed in between, one that keeps all for itself, and
 * nobody there. */
#include "client/teller.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>

#include "client/holder.h"
#include "client/keys.h"
#include "client/link.h"
#include "gpu/desk.h"
#include "gpu/post.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/test.h"

enum { WAIT_MS = 60000, LONG = 100000 };

static struct relay relay, deaf; /* at the second one the node does not listen */
static uv_loop_t loop;
static struct link_host *host;
static uv_timer_t late;
static uv_sem_t gate; /* that answers to "/slow" wait at */
static const char *url, *deaf_url;

static struct {
    struct holder *holder;
    struct post *post;
    struct desk *desk;
} node;

static struct {
    int count;
    uint32_t status;
    struct text body, why;
} told;

static uint32_t any_number(void *owner)
{
    (void)owner;
    return randombytes_random();
}

static void on_late(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("it takes too long");
}

#define UNTIL(condition) \
    while (!(condition)) \
    uv_run(&loop, UV_RUN_ONCE)

/* Says what it was asked; on the loop's pool. */
static void answer(void *owner, struct desk_answer *out, const struct desk_question *question)
{
    (void)owner;
    if (strcmp(question->path, "/slow") == 0)
        uv_sem_wait(&gate);
    out->status = 201;
    text_addf(&out->body, "{\"%s\":\"%s\",\"body\":", question->method, question->path);
    text_add(&out->body, question->body.len > 0 ? question->body : SPAN("null"));
    text_add(&out->body, SPAN("}"));
}

static void start_node(void)
{
    struct err err;
    node.post = post_new(
        &(struct post_setup){
            .loop = &loop, .relays = &url, .relay_count = 1, .holder = node.holder, .host = host},
        &err);
    if (node.post == NULL)
        fail_msg("%s", err.text);
    node.desk = desk_new(&(struct desk_setup){.loop = &loop, .post = node.post, .answer = answer});
    UNTIL(post_hears(node.post) == 1);
}

static int begin(void **state)
{
    struct bytes32 secret;
    (void)state;
    relay_start(&relay, &(struct relay_setup){0});
    relay_start(&deaf, &(struct relay_setup){0});
    url = scratch_format("ws://127.0.0.1:%u", relay.port);
    deaf_url = scratch_format("ws://127.0.0.1:%u", deaf.port);
    uv_loop_init(&loop);
    uv_timer_init(&loop, &late);
    uv_timer_start(&late, on_late, WAIT_MS, 0);
    uv_unref((uv_handle_t *)&late);
    uv_sem_init(&gate, 0);
    host =
        link_host_new(&loop, &(struct link_host_setup){.random = any_number, .retry_ms = 50}, NULL);
    assert_non_null(host);
    randombytes_buf(&secret, sizeof secret);
    node.holder = holder_of_keys(keys_new(&secret));
    start_node();
    return 0;
}

static int end(void **state)
{
    (void)state;
    desk_free(node.desk);
    post_free(node.post);
    link_host_free(host);
    uv_close((uv_handle_t *)&late, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    uv_sem_destroy(&gate);
    holder_free(node.holder);
    text_clear(&told.body);
    text_clear(&told.why);
    relay_stop(&relay);
    relay_stop(&deaf);
    scratch_clear();
    return 0;
}

/* ---- who asks ---- */

static struct teller *teller_at(const char *const *relays, uint32_t count, uint32_t timeout_ms)
{
    struct bech32 place = {.type = BECH32_NPROFILE, .key = *holder_pubkey(node.holder)};
    struct text word = {0};
    struct err err;
    for (uint32_t i = 0; i < count; i++)
        place.relays[place.relay_count++] = (struct span){relays[i], strlen(relays[i])};
    text_add(&word, SPAN("nostr:"));
    assert_true(bech32_encode(&word, &place));
    struct teller *teller = teller_new(
        &(struct teller_setup){
            .loop = &loop, .url = text_span(&word), .host = host, .timeout_ms = timeout_ms},
        &err);
    if (teller == NULL)
        fail_msg("%s", err.text);
    text_clear(&word);
    return teller;
}

static void on_answered(void *owner, const struct teller_answer *said)
{
    (void)owner;
    told.count++;
    told.status = said->status;
    told.body.len = told.why.len = 0;
    text_add(&told.body, said->body);
    if (said->why != NULL)
        text_add(&told.why, (struct span){said->why, strlen(said->why)});
}

static void ask(struct teller *teller, const char *path, struct span body)
{
    (void)teller_ask(teller, &(struct teller_question){.method = SPAN("POST"),
                                                       .path = {path, strlen(path)},
                                                       .body = body,
                                                       .answered = on_answered});
}

static void expect(const char *path, struct span body)
{
    struct text wanted = {0};
    assert_int_equal(told.status, 201);
    text_addf(&wanted, "{\"POST\":\"%s\",\"body\":", path);
    text_add(&wanted, body);
    text_add(&wanted, SPAN("}"));
    assert_true(span_eq(text_span(&told.body), text_span(&wanted)));
    text_clear(&wanted);
}

/* ---- the tests ---- */

/* Past what one event may hold, both ways; several at once. */
static void test_long(void **state)
{
    struct teller *teller = teller_at(&url, 1, 0);
    struct text body = {0};
    int before = told.count;
    (void)state;
    text_add(&body, SPAN("\""));
    for (int i = 0; body.len < LONG; i++)
        text_addf(&body, "%d-", i);
    text_add(&body, SPAN("\""));
    ask(teller, "/a", text_span(&body));
    UNTIL(told.count == before + 1);
    expect("/a", text_span(&body));
    ask(teller, "/b", SPAN("[1]"));
    ask(teller, "/b", SPAN("[1]"));
    UNTIL(told.count == before + 3);
    expect("/b", SPAN("[1]"));
    text_clear(&body);
    teller_free(teller);
}

/* The relay dies once it has passed the question on, and the answer with it: when it is there again
 * the same is asked, and told, and done once. */
static void test_relay_dies(void **state)
{
    struct teller *teller = teller_at(&url, 1, 0);
    struct desk_statistics was = desk_statistics(node.desk);
    int before = told.count;
    uint16_t port = relay.port;
    (void)state;
    ask(teller, "/slow", SPAN("{}"));
    UNTIL(desk_statistics(node.desk).busy == 1);
    relay_kill(&relay);
    UNTIL(post_open(node.post) == 0);
    uv_sem_post(&gate);
    UNTIL(desk_statistics(node.desk).busy == 0);
    relay_start(&relay,
                &(struct relay_setup){.options = OPTIONS(scratch_format("listen_port=%u", port))});
    UNTIL(told.count == before + 1);
    expect("/slow", SPAN("{}"));
    struct desk_statistics is = desk_statistics(node.desk);
    assert_int_equal(is.answered - was.answered, 1);
    assert_true(is.repeated > was.repeated);
    teller_free(teller);
}

/* One of two relays passes nothing on. */
static void test_relay_withholds(void **state)
{
    const char *both[] = {deaf_url, url};
    struct teller *teller = teller_at(both, 2, 0);
    int before = told.count;
    (void)state;
    ask(teller, "/c", SPAN("2"));
    UNTIL(told.count == before + 1);
    expect("/c", SPAN("2"));
    teller_free(teller);
}

/* Then nobody hears it; asked in time nobody answers, later somebody does. */
static void test_nobody(void **state)
{
    struct teller *teller = teller_at(&deaf_url, 1, 300);
    int before = told.count;
    (void)state;
    ask(teller, "/d", SPAN("3"));
    UNTIL(told.count == before + 1);
    assert_int_equal(told.status, 0);
    assert_true(span_eq(text_span(&told.why), SPAN("no answer in time")));
    teller_free(teller);
}

/* The node comes after the question: it is asked again without being told to. */
static void test_comes_late(void **state)
{
    int before = told.count;
    (void)state;
    desk_free(node.desk);
    post_free(node.post);
    struct teller *teller = teller_at(&url, 1, 9000);
    struct teller *witness = teller_at(&url, 1, 200); /* by which time all has been asked once */
    ask(teller, "/e", SPAN("4"));
    ask(witness, "/e", SPAN("4"));
    UNTIL(told.count == before + 1);
    assert_int_equal(told.status, 0);
    start_node();
    UNTIL(told.count == before + 2);
    expect("/e", SPAN("4"));
    teller_free(teller);
    teller_free(witness);
}

static void refuse(struct span where)
{
    struct err err;
    assert_null(
        teller_new(&(struct teller_setup){.loop = &loop, .url = where, .host = host}, &err));
    assert_int_equal(err.code, ERR_INVALID);
}

static void test_no_address(void **state)
{
    struct bech32 place = {.type = BECH32_NPROFILE, .key = *holder_pubkey(node.holder)};
    struct text word = {0};
    (void)state;
    refuse(SPAN("nostr:npub1xyz"));
    refuse(SPAN("nostr:nprofile1xyz"));
    text_add(&word, SPAN("nostr:"));
    assert_true(bech32_encode(&word, &place)); /* without a relay */
    refuse(text_span(&word));
    text_clear(&word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_long),
                                       cmocka_unit_test(test_relay_dies),
                                       cmocka_unit_test(test_relay_withholds),
                                       cmocka_unit_test(test_nobody),
                                       cmocka_unit_test(test_comes_late),
                                       cmocka_unit_test(test_no_address)};
    return cmocka_run_group_tests(tests, begin, end);
}
