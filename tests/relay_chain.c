/* A lead and three stages of other nodes that it has found by their offers at a real relay: what is
 * answered is what the whole model answers, also when one of them is killed in the middle of a
 * sentence; forged offers and other weights are not taken. */
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "client/keys.h"
#include "gpu/model.h"
#include "gpu/root.h"
#include "gpu/seed.h"
#include "shared/err.h"
#include "tests/fetch.h"
#include "tests/folder.h"
#include "tests/forge_model.h"
#include "tests/node.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/talk.h"
#include "tests/test.h"
#include "tests/wire.h"

#define ASK                                                                                \
    "{\"stream\":true,\"temperature\":0,\"max_tokens\":160,\"logit_bias\":{\"257\":-100}," \
    "\"messages\":[{\"role\":\"user\",\"content\":\"What is a relay?\"}]}"

enum { LAYERS = 6, VOCABULARY = 258, CONTEXT = 512, STAGES = 3, NODES = 6 };

static struct relay relay;
static char folder[64];
static const char *url;
static struct node nodes[NODES]; /* the stages, the replica of one, another model's, the lead */
static struct bytes32 pubkeys[NODES];

/* ---- files ---- */

static const char *path(const char *name)
{
    return scratch_format("%s/%s", folder, name);
}

static void write_file(const char *name, struct span bytes)
{
    FILE *file = fopen(path(name), "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.at, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
    chmod(path(name), 0600);
}

static void copy_demo(const char *to, const char *name)
{
    FILE *file = fopen(scratch_format("%s/%s", DEMO_MODEL, name), "re");
    char *bytes = scratch_alloc(1 << 16);
    assert_non_null(file);
    size_t len = fread(bytes, 1, 1 << 16, file);
    assert_int_equal(fclose(file), 0);
    write_file(scratch_format("%s/%s", to, name), (struct span){bytes, len});
}

/* Of random weights, with the demonstration model's words. */
static void make_model(const char *name, uint64_t seed)
{
    struct forge_model made = forge_model_of(FORGE_LLAMA, seed);
    struct text text = {0};
    made.layers = LAYERS;
    made.vocabulary = VOCABULARY;
    made.context = CONTEXT;
    assert_int_equal(mkdir(path(name), 0700), 0);
    forge_model_config(&made, ",\"eos_token_id\":257", &text);
    write_file(scratch_format("%s/config.json", name), text_span(&text));
    text.len = 0;
    forge_model_safetensors(&made, 0, 1, &text);
    write_file(scratch_format("%s/model.safetensors", name), text_span(&text));
    text_clear(&text);
    copy_demo(name, "tokenizer.json");
    copy_demo(name, "tokenizer_config.json");
    copy_demo(name, "chat_template.jinja");
}

static struct bytes32 make_key(const char *name)
{
    const struct seed_options options = {path(name), path("password")};
    struct err err;
    if (!seed_make(&options, &err))
        fail_msg("%s", err.text);
    struct keys *keys = seed_open(&options, &err);
    assert_non_null(keys);
    struct bytes32 pubkey = *keys_pubkey(keys);
    keys_free(keys);
    return pubkey;
}

/* ---- nodes ---- */

static void begin_node(uint32_t index, const char *layers, const char *model)
{
    const char *key = scratch_format("key%u", index);
    pubkeys[index] = make_key(key);
    const char *const arguments[] = {"--name",
                                     "tiny",
                                     "--announce",
                                     "--relay",
                                     url,
                                     "--key",
                                     path(key),
                                     "--password-file",
                                     path("password"),
                                     "--layers",
                                     layers,
                                     "--wire",
                                     "f32",
                                     "--threads",
                                     "1",
                                     path(model),
                                     NULL};
    node_spawn(&nodes[index], GPU_BINARY, arguments);
    node_await(&nodes[index], "announce: node=");
    node_await(&nodes[index], "is there");
}

static void begin_lead(void)
{
    enum { LEAD = NODES - 1 };
    pubkeys[LEAD] = make_key("lead");
    const char *const arguments[] = {"--name",
                                     "tiny",
                                     "--lead",
                                     "--relay",
                                     url,
                                     "--key",
                                     path("lead"),
                                     "--password-file",
                                     path("password"),
                                     "--layers",
                                     "0-0",
                                     "--wire",
                                     "f32",
                                     "--threads",
                                     "1",
                                     path("model"),
                                     NULL};
    node_start(&nodes[LEAD], GPU_BINARY, arguments);
    node_await(&nodes[LEAD], "lead: all are there stages=3");
}

/* What is said, as it stands in the JSON of each event of the stream. */
static const char *contents(const char *stream)
{
    static const char mark[] = "\"content\":\"";
    char *out = scratch_alloc(1 << 18);
    size_t len = 0;
    while ((stream = strstr(stream, mark)) != NULL) {
        stream += sizeof mark - 1;
        for (; *stream != '"'; stream++) {
            out[len++] = *stream;
            if (*stream == '\\')
                out[len++] = *++stream;
        }
    }
    out[len] = '\0';
    return out;
}

/* The whole stream; victim: killed when the first of it is there; NULL. */
static const char *ask(const struct node *node, struct node *victim)
{
    struct wire wire;
    struct text got = {0};
    char piece[4096];
    size_t received;
    const char *request = scratch_format(
        "POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s", strlen(ASK), ASK);
    assert_true(wire_open(&wire, &(struct wire_address){.host = "127.0.0.1", .port = node->port}));
    assert_int_equal(
        wire_send(&wire, (struct span){request, strlen(request)}, wire_now_ms() + WIRE_WAIT_MS),
        WIRE_DONE);
    while (wire_receive(&wire, piece, sizeof piece, &received,
                        wire_now_ms() + (int64_t)2 * WIRE_WAIT_MS) == WIRE_DONE) {
        text_add(&got, (struct span){piece, received});
        text_addf(&got, "%c", '\0');
        got.len--;
        if (victim != NULL && strstr(contents(got.at), "\\") != NULL) {
            assert_null(strstr(got.at, "[DONE]"));
            assert_int_equal(node_stop(victim, SIGKILL), 128 + SIGKILL);
            victim = NULL;
        }
    }
    wire_close(&wire);
    if (got.at == NULL || strstr(got.at, "[DONE]") == NULL)
        fail_msg("%s", got.at);
    const char *said = contents(got.at);
    text_clear(&got);
    return said;
}

static const char *ask_whole_model(void)
{
    struct node node;
    const char *const arguments[] = {"--name", "tiny", "--threads", "1", path("model"), NULL};
    node_start(&node, GPU_BINARY, arguments);
    const char *said = ask(&node, NULL);
    assert_int_equal(node_stop(&node, SIGTERM), 0);
    return said;
}

/* ---- who says that it is somebody else ---- */

static const char *root_hex(void)
{
    struct model model;
    struct root root;
    struct text hex = {0};
    assert_true(model_open(&model, path("model"), NULL));
    root_read(&root, &model, NULL);
    struct bytes32 hash = root_whole(&root);
    root_clear(&root);
    model_close(&model);
    text_add_hex(&hex, hash.at, sizeof hash.at);
    const char *copy = scratch_format("%.*s", (int)hex.len, hex.at);
    text_clear(&hex);
    return copy;
}

/* All layers at once, in the place of the first stage: a chain of one, if it were true. */
static void forge(const char *place)
{
    struct talk talk;
    const char *root = root_hex();
    const char *tags = scratch_format(
        "[[\"d\",\"%s:1:6:bf16\"],[\"model\",\"tiny\"],[\"layers\",\"1\",\"6\",\"6\"],"
        "[\"price\",\"0\",\"0\",\"0\",\"0\"],[\"cap\",\"4\"],[\"context\",\"512\"],"
        "[\"stage\",\"%s\"],[\"expiration\",\"%lld\"]]",
        root, place, (long long)time(NULL) + 600);
    talk_open(&talk, &relay);
    talk_accept(&talk, SIGN(.person = 7, .kind = 38430, .tags = tags));
    talk_close(&talk);
}

/* Where a stage says that it is. */
static const char *place_of(const struct node *node)
{
    const char *at = strstr(node->said.at, " at=ws://");
    assert_non_null(at);
    return scratch_format("%.*s", (int)strcspn(at + 4, "\n"), at + 4);
}

/* ---- the relay ---- */

static int begin(void **state)
{
    (void)state;
    relay_start(&relay, &(struct relay_setup){0});
    url = scratch_format("ws://127.0.0.1:%u", relay.port);
    folder_make(folder, sizeof folder);
    chmod(folder, 0700);
    write_file("password", SPAN("hunter2\n"));
    make_model("model", 11);
    make_model("other", 12);
    return 0;
}

static int end(void **state)
{
    (void)state;
    relay_stop(&relay);
    folder_remove(folder);
    scratch_clear();
    return 0;
}

static void test_killed(void **state)
{
    enum { LEAD = NODES - 1, SPARE = 3, OTHER = 4 };
    (void)state;
    const char *whole = ask_whole_model();
    assert_true(strlen(whole) > 160);
    begin_node(0, "1-2", "model");
    begin_node(1, "3-3", "model");
    begin_node(2, "4-5", "model");
    begin_node(OTHER, "3-3", "other");
    forge(place_of(&nodes[0]));
    begin_lead();
    node_await(&nodes[LEAD], "layers=1-5: fits, and others are better");
    node_await(&nodes[LEAD], "layers=3-3: has other weights");
    assert_string_equal(ask(&nodes[LEAD], NULL), whole);

    begin_node(SPARE, "3-3", "model");
    node_await(&nodes[LEAD], "layers=3-3: stands in");
    assert_string_equal(ask(&nodes[LEAD], &nodes[1]), whole);
    assert_string_equal(ask(&nodes[LEAD], NULL), whole);

    assert_int_equal(node_stop(&nodes[LEAD], SIGTERM), 0);
    static const uint32_t left[] = {0, 2, SPARE, OTHER};
    for (size_t i = 0; i < ARRAY_LEN(left); i++)
        assert_int_equal(node_stop(&nodes[left[i]], SIGTERM), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_killed)};
    return cmocka_run_group_tests(tests, begin, end);
}
