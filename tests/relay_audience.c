/* What one writes goes to where those whom it names read, and is fetched from where its author
 * writes: three real relays, of which one is ours. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/cli.h"
#include "tests/folder.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/talk.h"
#include "tests/test.h"

enum { BOB = 7, CAROL = 8, DAVE = 9 };

static struct relay ours, first, second;
static char home[64];

static const char *url_of(const struct relay *relay)
{
    return scratch_format("ws://127.0.0.1:%u", relay->port);
}

static const char *keyed(int status, const char *arguments)
{
    return cli_run(status, scratch_format("%s --password-file %s/password", arguments, home));
}

static void expect(const char *out, const char *words)
{
    if (strstr(out, words) == NULL)
        fail_msg("expected %s, got %s", words, out);
}

static void give(const struct relay *relay, const struct signer_event *event)
{
    struct talk talk;
    talk_open(&talk, relay);
    talk_accept(&talk, event);
    talk_close(&talk);
}

/* How many events a relay has that match. */
static int64_t count_of(const struct relay *relay, const char *filter)
{
    struct talk talk;
    talk_open(&talk, relay);
    int64_t count = talk_count(&talk, filter);
    talk_close(&talk);
    return count;
}

static int64_t count_of_kind(const struct relay *relay, const char *author, int kind)
{
    return count_of(relay, scratch_format("{\"kinds\":[%d],\"authors\":[\"%s\"]}", kind, author));
}

/* Says at ours where somebody reads, and that he writes somewhere else. */
static void give_list(uint32_t person, const char *reads, const char *writes)
{
    const char *tags =
        scratch_format("[[\"r\",\"%s\",\"read\"],[\"r\",\"%s\",\"write\"]]", reads, writes);
    give(&ours, SIGN(.person = person, .kind = 10002, .tags = tags));
}

/* Alice, who has a key and uses one of the relays; her public key. */
static const char *begin(void)
{
    folder_make(home, sizeof home);
    chmod(home, 0700);
    FILE *password = fopen(scratch_format("%s/password", home), "we");
    assert_non_null(password);
    fputs("hunter2\n", password);
    assert_int_equal(fclose(password), 0);
    setenv("SHOAL_HOME", home, 1);                               // NOLINT(concurrency-mt-unsafe)
    setenv("SHOAL_KEY_FILE", scratch_format("%s/key", home), 1); // NOLINT(concurrency-mt-unsafe)
    relay_start(&ours, &(struct relay_setup){0});
    relay_start(&first, &(struct relay_setup){0});
    relay_start(&second, &(struct relay_setup){0});
    const char *made = keyed(0, "identity new --cost 4");
    const char *at = strstr(made, "\"pubkey\":\"");
    assert_non_null(at);
    cli_run(0, scratch_format("remote add %s", url_of(&ours)));
    return scratch_format("%.64s", at + 10);
}

static void end(void)
{
    relay_stop(&ours);
    relay_stop(&first);
    relay_stop(&second);
    folder_remove(home);
    scratch_clear();
}

/* Answers and reactions are at ours and at the one that the addressee reads, and nowhere else. */
static void test_known(void **state)
{
    (void)state;
    const char *alice = begin();
    const struct signer_event *note = SIGN(.person = BOB, .kind = 1, .content = "who is there?");
    give_list(BOB, url_of(&first), url_of(&second));
    give(&ours, note);
    cli_expect(scratch_format("fetch --no-outbox --author %s", signer_pubkey(BOB)),
               "\"fetched\":2,");

    const char *reply = scratch_format("reply %.8s I am", note->id);
    expect(keyed(0, scratch_format("%s --dry-run", reply)), "\"queued\":2,\"dry_run\":true");
    expect(keyed(0, reply), "\"queued\":2}");
    expect(keyed(0, scratch_format("react %.8s", note->id)), "\"queued\":2}");
    expect(keyed(0, scratch_format("reply %.8s --relay %s here alone", note->id, url_of(&ours))),
           "\"queued\":1}");
    cli_expect("push", scratch_format("{\"relay\":\"%s\",\"complete\":true", url_of(&first)));
    assert_int_equal(count_of_kind(&ours, alice, 1), 2);
    assert_int_equal(count_of_kind(&first, alice, 1), 1);
    assert_int_equal(count_of_kind(&ours, alice, 7), 1);
    assert_int_equal(count_of_kind(&first, alice, 7), 1);
    assert_int_equal(count_of(&second, "{}"), 0);
    end();
}

/* Whose list is not here is asked for when it is sent, and what is found is done in the same run;
 * where nobody could be asked it is done another time. */
static void test_unknown(void **state)
{
    (void)state;
    const char *alice = begin();
    give_list(CAROL, url_of(&second), url_of(&first));
    const char *carol = cli_run(0, scratch_format("encode npub %s", signer_pubkey(CAROL)));
    expect(keyed(0, scratch_format("post hello nostr:%.63s", carol + 1)), "\"queued\":1}");
    const char *pushed = cli_run(0, "push");
    expect(pushed,
           scratch_format("%s\",\"complete\":true,\"fetched\":1,\"sent\":1", url_of(&ours)));
    expect(pushed,
           scratch_format("%s\",\"complete\":true,\"fetched\":0,\"sent\":1", url_of(&second)));
    assert_int_equal(count_of_kind(&second, alice, 1), 1);
    assert_int_equal(count_of(&first, "{}"), 0);

    const char *dave = cli_run(0, scratch_format("encode npub %s", signer_pubkey(DAVE)));
    keyed(0, scratch_format("post good day nostr:%.63s", dave + 1));
    const struct relay_setup again = {.options =
                                          OPTIONS(scratch_format("listen_port=%u", ours.port)),
                                      .schema = scratch_format("%s", ours.schema)};
    relay_stop(&ours);
    cli_run(4, "push");
    relay_start(&ours, &again);
    give_list(DAVE, url_of(&first), url_of(&second));
    cli_expect("push",
               scratch_format("%s\",\"complete\":true,\"fetched\":0,\"sent\":1", url_of(&first)));
    assert_int_equal(count_of_kind(&first, alice, 1), 1);
    assert_int_equal(count_of_kind(&second, alice, 1), 1);
    cli_expect("push", "\"sent\":0,\"known\":0"); /* all is done */
    end();
}

/* Somebody's notes come from where he writes, as soon as his list is here; not where relays are
 * named, or it is turned off. */
static void test_reading(void **state)
{
    (void)state;
    begin();
    const char *author = scratch_format("--author %s", signer_pubkey(BOB));
    give_list(BOB, url_of(&second), url_of(&first));
    give(&first, SIGN(.person = BOB, .kind = 1, .content = "from home"));
    give(&second, SIGN(.person = BOB, .kind = 1, .content = "elsewhere"));
    cli_expect(scratch_format("fetch %s", author), "\"fetched\":1,"); /* his list */
    cli_expect(scratch_format("fetch --no-outbox %s", author), "\"fetched\":0,");
    cli_expect(scratch_format("fetch %s %s", url_of(&ours), author), "\"fetched\":0,");
    cli_expect(scratch_format("fetch %s", author),
               scratch_format("%s\",\"complete\":true,\"fetched\":1,", url_of(&first)));
    cli_expect(scratch_format("feed --author %s --json", signer_pubkey(BOB)), "from home");
    end();
}

/* Who waits for what somebody writes hears it from where he writes. */
static void test_follow(void **state)
{
    char line[2048] = "";
    (void)state;
    begin();
    const char *author = scratch_format("--author %s", signer_pubkey(BOB));
    give_list(BOB, url_of(&second), url_of(&first));
    cli_run(0, scratch_format("fetch --no-outbox %s", author));
    FILE *pipe = cli_start(scratch_format("feed --follow %s --json | head -n 1; true", author));
    give(&second, SIGN(.person = BOB, .kind = 1, .content = "elsewhere"));
    give(&first, SIGN(.person = CAROL, .kind = 1, .content = "of another"));
    give(&first, SIGN(.person = BOB, .kind = 1, .content = "from home"));
    assert_non_null(fgets(line, sizeof line, pipe));
    expect(line, "from home");
    give(&first, SIGN(.person = BOB, .kind = 1, .content = "nobody reads it: it ends"));
    assert_int_equal(pclose(pipe), 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known), cmocka_unit_test(test_unknown),
                                       cmocka_unit_test(test_reading),
                                       cmocka_unit_test(test_follow)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
