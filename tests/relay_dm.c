/* Private messages between people with a store each, over real relays: sent to where each of them
 * wants his, fetched by those alone whom they are for, answered, and what is no message is told. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/folder.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/talk.h"
#include "tests/test.h"

enum { OUTPUT_MAX = 1 << 16, HEX = 64 };

static struct relay here, there;
static char folder[64];

/* Runs shoal as a person, with a key and a store of that name; what it wrote to either output. */
static const char *as(int status, const char *person, const char *arguments)
{
    char *out = scratch_alloc(OUTPUT_MAX);
    const char *line =
        scratch_format("SHOAL_KEY_FILE=%s/%s.key SHOAL_HOME=%s/%s exec %s %s 2>&1 </dev/null",
                       folder, person, folder, person, SHOAL_BINARY, arguments);
    FILE *pipe = popen(line, "re"); /* NOLINT(cert-env33-c): nothing in it is foreign */
    assert_non_null(pipe);
    size_t len = fread(out, 1, OUTPUT_MAX - 1, pipe);
    out[len] = '\0';
    int ended = pclose(pipe);
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != status)
        fail_msg("%s: shoal %s: status %d: %s", person, arguments, ended, out);
    return out;
}

/* The same with the password. */
static const char *keyed(int status, const char *person, const char *arguments)
{
    return as(status, person, scratch_format("%s --password-file %s/password", arguments, folder));
}

/* The 64 digits of a member. */
static const char *member(const char *json, const char *name)
{
    const char *at = strstr(json, scratch_format("\"%s\":\"", name));
    if (at == NULL)
        fail_msg("no %s in %s", name, json);
    return scratch_format("%.64s", at + strlen(name) + 4);
}

static void expect(const char *out, const char *words)
{
    if (strstr(out, words) == NULL)
        fail_msg("expected %s, got %s", words, out);
}

static void expect_none(const char *out, const char *words)
{
    if (strstr(out, words) != NULL)
        fail_msg("did not expect %s, got %s", words, out);
}

static const char *url_of(const struct relay *relay)
{
    return scratch_format("ws://127.0.0.1:%u", relay->port);
}

static const char *begin_person(const char *person)
{
    const char *made = keyed(0, person, "identity new --cost 4");
    as(0, person, scratch_format("remote add %s", url_of(&here)));
    return member(made, "pubkey");
}

static void begin(void)
{
    folder_make(folder, sizeof folder);
    chmod(folder, 0700);
    FILE *password = fopen(scratch_format("%s/password", folder), "we");
    assert_non_null(password);
    fputs("hunter2\n", password);
    assert_int_equal(fclose(password), 0);
    unsetenv("SHOAL_HOME"); // NOLINT(concurrency-mt-unsafe)
    relay_start(&here, &(struct relay_setup){0});
    relay_start(&there, &(struct relay_setup){0});
}

static void end(void)
{
    relay_stop(&here);
    relay_stop(&there);
    folder_remove(folder);
    scratch_clear();
}

static void test_conversation(void **state)
{
    (void)state;
    begin();
    const char *alice = begin_person("alice"), *bob = begin_person("bob");
    const char *carol = begin_person("carol");

    /* Nobody is written to before he said where. */
    expect(keyed(1, "alice", scratch_format("dm send --to %s hello", bob)), "no list of relays");
    keyed(0, "bob", scratch_format("dm relays %s", url_of(&there)));
    keyed(0, "carol", scratch_format("dm relays %s", url_of(&here)));
    as(0, "bob", "push");
    as(0, "carol", "push");
    as(0, "alice", "fetch --filter '{\"kinds\":[10050]}'");

    /* Written offline, to two; then sent to where each of them wants it, and here for oneself. */
    const char *send =
        scratch_format("dm send --to %s --to %s --subject plans hello you two", bob, carol);
    expect(keyed(0, "alice", scratch_format("%s --dry-run", send)),
           "\"queued\":3,\"dry_run\":true");
    assert_string_equal(as(0, "alice", "queue"), "");
    const char *sent = keyed(0, "alice", send);
    expect(sent, "\"people\":2,\"queued\":3");
    expect(as(0, "alice", "push"), scratch_format("%s\",\"complete\":true", url_of(&there)));

    /* Each reads it, and answers all. */
    expect(keyed(0, "bob", "dm fetch"), "\"fetched\":1");
    const char *read = keyed(0, "bob", scratch_format("dm read %s %s", alice, carol));
    expect(read, "\"subject\":\"plans\",\"text\":\"hello you two\"");
    assert_string_equal(member(read, "author"), alice);
    assert_string_equal(member(read, "id"), member(sent, "id"));
    as(0, "bob", "fetch --filter '{\"kinds\":[10050]}'");
    expect(keyed(1, "bob", scratch_format("dm send --reply %.8s no", member(sent, "id"))),
           "no list");
    keyed(0, "alice", scratch_format("dm relays %s %s", url_of(&here), url_of(&there)));
    as(0, "alice", "push");
    as(0, "bob", "fetch --filter '{\"kinds\":[10050]}'");
    keyed(0, "bob", scratch_format("dm send --reply %.8s yes", member(sent, "id")));
    as(0, "bob", "push");

    /* The same conversation for all three, with one's own words in it. */
    keyed(0, "alice", "dm fetch");
    keyed(0, "carol", "dm fetch");
    const char *list = keyed(0, "alice", "dm list");
    assert_string_equal(member(list, "conversation"), member(sent, "conversation"));
    expect(list, "\"messages\":2");
    const char *whole =
        keyed(0, "carol", scratch_format("dm read %.8s", member(sent, "conversation")));
    expect(whole, "hello you two");
    expect(whole, scratch_format("\"reply_to\":\"%s\",\"text\":\"yes\"", member(sent, "id")));
    expect(keyed(0, "bob", scratch_format("dm read %.8s", member(sent, "conversation"))), "yes");
    expect(keyed(0, "bob", "dm fetch"), "\"fetched\":0");
    keyed(1, "bob", scratch_format("dm send --reply %s x", bob)); /* no message */
    end();
}

static void test_unreadable(void **state)
{
    struct talk talk;
    (void)state;
    begin();
    const char *bob = begin_person("bob");
    talk_open(&talk, &here);
    talk_accept(&talk, SIGN(.person = 1, .kind = 1059, .content = "nonsense",
                            .tags = scratch_format("[[\"p\",\"%s\"]]", bob)));
    talk_close(&talk);
    const char *out = keyed(0, "bob", "dm fetch");
    expect(out, "\"fetched\":1");
    expect(out, "1 that came cannot be read: shoal dm list --unreadable");
    expect(keyed(0, "bob", "dm list --unreadable"), "\"reason\":\"");
    expect_none(keyed(0, "bob", "dm list"), "conversation");
    expect_none(keyed(0, "bob", "dm list"), "cannot be read"); /* it was said once */
    /* a note to oneself */
    keyed(0, "bob", scratch_format("dm send --to %s buy fish", bob));
    expect(keyed(0, "bob", scratch_format("dm read %s", bob)), "\"text\":\"buy fish\"");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_conversation),
                                       cmocka_unit_test(test_unreadable)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
