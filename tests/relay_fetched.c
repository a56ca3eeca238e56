/* What shoal-relay sync fetches is judged as if its author had brought it: by lists, trust, limits,
 * the policy plugin. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/program.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/talk.h"
#include "tests/test.h"

enum { PAST = 1700000000 };

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct relay here, there;

static const char *database_flag(void)
{
    return scratch_format("--database=%s", getenv("TEST_DB")); // NOLINT(concurrency-mt-unsafe)
}

static const char *schema_flag(const struct relay *relay)
{
    return scratch_format("--schema=%s", relay->schema);
}

static const char *url_of(const struct relay *relay)
{
    return scratch_format("ws://127.0.0.1:%u", relay->port);
}

/* So many events of a person. */
static void publish(const struct relay *relay, uint32_t person, int count)
{
    struct talk talk;
    talk_open(&talk, relay);
    for (int i = 0; i < count; i++)
        talk_accept(&talk, SIGN(.person = person, .kind = 1, .created_at = PAST + i,
                                .content = scratch_format("%d", i)));
    talk_close(&talk);
}

static int64_t count_here(void)
{
    struct talk talk;
    talk_open(&talk, &here);
    int64_t count = talk_count(&talk, "{}");
    talk_close(&talk);
    return count;
}

static void begin(void)
{
    relay_start(&here, &(struct relay_setup){0});
    relay_start(&there, &(struct relay_setup){0});
}

static void end(void)
{
    relay_stop(&here);
    relay_stop(&there);
    scratch_clear();
}

/* Runs it downwards, with one more setting. */
static void fetch(const char *setting, int status, const char *words)
{
    struct program program;
    program_run(&program, SPAN(""),
                ARGUMENTS("sync", "--config=/dev/null", database_flag(), schema_flag(&here),
                          setting, url_of(&there), "--down"));
    if (program.status != status || strstr(program.err_text.at, words) == NULL)
        fail_msg("%s: status %d: %s", setting, program.status, program.err_text.at);
    program_clear(&program);
}

/* What this relay's configuration keeps out is not fetched either. */
static void test_rules(void **state)
{
    struct talk talk;
    (void)state;
    begin();
    publish(&there, 1, 3);
    publish(&there, 2, 4);
    fetch(scratch_format("--pubkeys-denied=%s", signer_pubkey(2)), 0, "received 3 new");
    fetch("--created-at-past-s-max=60", 0, "received 0 new");
    fetch("--pow-kinds=1=60", 0, "received 0 new");
    fetch(scratch_format("--trust-roots=%s", signer_pubkey(3)), 0, "0 deleted, 4 left out");
    talk_open(&talk, &here);
    talk_accept(&talk, SIGN(.person = 3, .kind = 3,
                            .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(2))));
    talk_close(&talk);
    fetch(scratch_format("--trust-roots=%s", signer_pubkey(3)), 0, "received 4 new");
    end();
}

/* Somebody's request to vanish from relays that it names is for this one only where it is named. */
static void test_vanish(void **state)
{
    struct talk talk;
    (void)state;
    begin();
    publish(&here, 1, 2);
    talk_open(&talk, &there);
    talk_accept(&talk, SIGN(.person = 1, .kind = 62,
                            .tags = scratch_format("[[\"relay\",\"%s\"],"
                                                   "[\"relay\",\"wss://me.example/\"]]",
                                                   url_of(&there))));
    talk_close(&talk);
    fetch("--log-level=warning", 0, "1 left out");
    fetch("--public-url=wss://other.example", 0, "1 left out");
    assert_int_equal(count_here(), 2);
    fetch("--public-url=wss://other.example wss://me.example", 0, "received 1 new");
    assert_int_equal(count_here(), 1);
    end();
}

/* The plugin is asked, never as root, and may take its time: what it is not done with waits. */
static void test_plugin(void **state)
{
    char path[] = "/tmp/sync-plugin-XXXXXX";
    char line[4096];
    int file = mkstemp(path);
    (void)state;
    assert_true(file >= 0 && fchmod(file, 0666) == 0);
    begin();
    publish(&there, 1, 90);
    fetch(scratch_format(
              "--policy-plugin=[ $(id -u) != 0 ] || exit; tee -a %s | while read -r line; do sleep "
              "0.01;"
              " id=${line#*\\\"id\\\":\\\"}; case $line in"
              " *\\\"content\\\":\\\"?\\\"*) action=shadowReject;; *) action=accept;; esac;"
              " echo \"{\\\"id\\\":\\\"${id%%%%\\\"*}\\\",\\\"action\\\":\\\"$action\\\"}\";"
              " done",
              path),
          0, "received 80 new, 0 known, 0 older, 0 deleted, 10 left out, 0 refused");
    FILE *lines = fdopen(file, "r");
    assert_non_null(fgets(line, sizeof line, lines));
    const char *source =
        scratch_format("\"sourceType\":\"Sync\",\"sourceInfo\":\"%s\"}", url_of(&there));
    assert_non_null(strstr(line, source));
    fclose(lines);
    unlink(path);
    fetch("--policy-plugin=exit", 1, "10 refused");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_vanish),
        cmocka_unit_test(test_plugin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
