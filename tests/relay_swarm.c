/* Nodes that announce the demonstration model at a real relay, and who looks for them there: they
 * are found while they are there, and not when they were killed or have left. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/cli.h"
#include "tests/folder.h"
#include "tests/node.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/talk.h"
#include "tests/test.h"

static struct relay relay;
static char folder[64];
static const char *url;

/* The 64 digits of a member. */
static const char *member(const char *json, const char *name)
{
    const char *at = strstr(json, scratch_format("\"%s\":\"", name));
    if (at == NULL)
        fail_msg("no %s in %s", name, json);
    return scratch_format("%.64s", at + strlen(name) + 4);
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (; (text = strstr(text, word)) != NULL; text += strlen(word))
        count++;
    return count;
}

static void expect(const char *text, const char *words)
{
    if (strstr(text, words) == NULL)
        fail_msg("expected %s, got %s", words, text);
}

static int begin(void **state)
{
    (void)state;
    relay_start(&relay, &(struct relay_setup){0});
    url = scratch_format("ws://127.0.0.1:%u", relay.port);
    folder_make(folder, sizeof folder);
    chmod(folder, 0700);
    FILE *password = fopen(scratch_format("%s/password", folder), "we");
    assert_non_null(password);
    fputs("hunter2\n", password);
    assert_int_equal(fclose(password), 0);
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

/* Its public key. */
static const char *start_node(struct node *node, const char *name)
{
    const char *password = scratch_format("%s/password", folder);
    const char *key = scratch_format("%s/%s.key", folder, name);
    const char *made = cli_run(
        0, scratch_format("identity new --key %s --password-file %s --cost 4", key, password));
    const char *const arguments[] = {"--name", "demo",     "--announce", "--relay",
                                     url,      "--key",    key,          "--password-file",
                                     password, DEMO_MODEL, NULL};
    node_start(node, GPU_BINARY, arguments);
    node_await(node, "is there");
    return member(made, "pubkey");
}

static void test_found(void **state)
{
    struct node first, second;
    (void)state;
    const char *here = start_node(&first, "first");
    const char *found = cli_run(0, scratch_format("models --relay %s --wait 60", url));
    expect(found, scratch_format("\"node\":\"%s\"", here));
    expect(found, "\"model\":\"demo\"");
    expect(found, "\"alive\":[1,1");
    expect(found, "\"alive\":true,\"free\":4,\"queue\":0");
    expect(found, scratch_format("\"relays\":[\"%s\"]", url));
    const char *swarm = cli_run(0, scratch_format("swarm --relay %s --wait 60", url));
    expect(swarm, scratch_format("{\"node\":\"%s\",\"alive\":true,\"free\":4", here));
    expect(swarm, "\"replicas\":1,");

    /* Two have the same weights. One is killed: its offer is there still, but it is not. */
    const char *there = start_node(&second, "second");
    found = cli_run(0, scratch_format("models --relay %s --wait 60", url));
    assert_int_equal(count_of(found, "\"alive\":[2,2"), 2);
    assert_string_equal(member(found, "root"), member(strstr(found, "\n"), "root"));
    assert_int_equal(node_stop(&second, SIGKILL), 128 + SIGKILL);
    found = cli_run(0, scratch_format("swarm --relay %s", url));
    expect(found, scratch_format("{\"node\":\"%s\",\"alive\":false", there));
    expect(found, scratch_format("{\"node\":\"%s\",\"alive\":true", here));
    expect(found, "\"replicas\":1,");

    /* Who leaves says so. */
    assert_int_equal(node_stop(&first, SIGTERM), 0);
    found = cli_run(0, scratch_format("models --relay %s --wait 0", url));
    assert_null(strstr(found, here));
    expect(found, there);
    text_clear(&first.said);
    text_clear(&second.said);
}

/* On a terminal; of a relay that nobody answers at. */
static void test_words(void **state)
{
    struct node node;
    (void)state;
    const char *here = start_node(&node, "third");
    /* NOLINTNEXTLINE(cert-env33-c): nothing in it is foreign */
    FILE *pipe = popen(scratch_format("script -qec '%s models --relay %s --wait 60' /dev/null "
                                      "</dev/null && script -qec '%s swarm --relay %s --wait 60' "
                                      "/dev/null </dev/null",
                                      SHOAL_BINARY, url, SHOAL_BINARY, url),
                       "re");
    assert_non_null(pipe);
    char *out = scratch_alloc(1 << 16);
    (void)fread(out, 1, (1 << 16) - 1, pipe);
    assert_int_equal(pclose(pipe), 0);
    expect(out, "demo  root ");
    expect(out, scratch_format("    %.16s  layers 0-", here));
    expect(out, "names no mint: nothing to be bought");
    expect(out, "4 of 4 free, 0 waiting");
    expect(out, scratch_format("%s  alive: 4 free, 0 waiting", here));
    expect(out, "demo: complete, each of ");
    assert_int_equal(node_stop(&node, SIGTERM), 0);
    text_clear(&node.said);

    expect(cli_run(1, "models --relay ws://127.0.0.1:1 --wait 60"), "ws://127.0.0.1:1");
    expect(cli_run(3, scratch_format("models --relay ws://127.0.0.1:1 --relay %s --wait 0", url)),
           "shoal models: ws://127.0.0.1:1");
    expect(cli_run(2, "swarm --relay http://127.0.0.1:1"), "shoal swarm: ");
    expect(cli_run(2, scratch_format("models --home %s/empty", folder)), "no relay to ask");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_found)};
    return cmocka_run_group_tests(tests, begin, end);
}
