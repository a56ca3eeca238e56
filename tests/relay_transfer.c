/* Import and export: what goes in comes out, once, whatever was interrupted. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/text.h"
#include "tests/program.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/talk.h"
#include "tests/test.h"

enum { MANY = 3000, PAST = 1700000000 };

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *folder;    /* of the relay's own cluster */
static const char *data_flag; /* --data-dir=... */

static void run(struct program *program, const char *command, struct span in, const char *a,
                const char *b)
{
    program_run(program, in, ARGUMENTS(command, "--config=/dev/null", data_flag, a, b));
}

static void import(const char *lines, int status, const char *summary)
{
    struct program program;
    run(&program, "import", (struct span){lines, strlen(lines)}, NULL, NULL);
    if (strstr(program.err_text.at, summary) == NULL || program.status != status)
        fail_msg("status %d: %s", program.status, program.err_text.at);
    assert_string_equal(program.out_text.at, "");
    program_clear(&program);
}

/* Its output, in scratch. */
static const char *export(const char *a, const char *b, int status)
{
    struct program program;
    run(&program, "export", SPAN(""), a, b);
    if (program.status != status)
        fail_msg("status %d: %s", program.status, program.err_text.at);
    const char *lines = scratch_format("%s", program.out_text.at);
    program_clear(&program);
    return lines;
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        count++;
    return count;
}

static void test_import(void **state)
{
    enum { EVENTS = 4 };
    const struct signer_event *events[EVENTS], *old, *gone, *deletion;
    (void)state;
    for (uint32_t i = 0; i < EVENTS; i++)
        events[i] = SIGN(.person = 10, .kind = 1, .created_at = PAST + i, .content = "a\\nb");
    const struct signer_event *profile = SIGN(.person = 10, .kind = 0, .created_at = PAST + 9);
    old = SIGN(.person = 10, .kind = 0, .created_at = PAST + 8);
    gone = SIGN(.person = 10, .kind = 1, .created_at = PAST - 5, .content = "gone");
    deletion = SIGN(.person = 10, .kind = 5, .created_at = PAST + 7,
                    .tags = scratch_format("[[\"e\",\"%s\"]]", gone->id));
    const char *lines = scratch_format("%s\n%s\r\n\n  %s  \n%s\n%s\n%s", events[0]->json,
                                       events[1]->json, events[2]->json, events[3]->json,
                                       profile->json, deletion->json); /* the last without an end */
    import(lines, 0, "imported 6 new, 0 known, 0 older, 0 deleted, 0 refused\n");
    import(lines, 0, "imported 0 new, 6 known, 0 older, 0 deleted, 0 refused\n");
    import(scratch_format("%s\n%s\n", old->json, gone->json), 0,
           "imported 0 new, 0 known, 1 older, 1 deleted, 0 refused\n");

    const char *all = export(NULL, NULL, 0);
    assert_string_equal(all, scratch_format("%s\n%s\n%s\n%s\n%s\n%s\n", profile->json,
                                            deletion->json, events[3]->json, events[2]->json,
                                            events[1]->json, events[0]->json));
}

static void test_refused(void **state)
{
    const struct signer_event *good = SIGN(.person = 11, .kind = 1, .content = "good");
    const struct signer_event *forged =
        SIGN(.person = 11, .kind = 1, .content = "forged", .hashed_content = SPAN("true"));
    char *stolen = scratch_format("%s", SIGN(.person = 11, .kind = 1, .content = "x")->json);
    char *sig = strstr(stolen, "\"sig\":\"") + strlen("\"sig\":\"");
    struct program program;
    (void)state;
    sig[5] = sig[5] == '0' ? '1' : '0';
    const char *too_long = scratch_repeat("x", 300000, "");
    const char *lines = scratch_format(
        "\nrubbish\n%s\n%s\n%s\n%s\n%s\n%s\n", forged->json, stolen,
        SIGN(.person = 11, .kind = 20001)->json, too_long,
        SIGN(.person = 11, .kind = 1, .tags = "[[\"expiration\",\"1600000000\"]]")->json,
        good->json);
    run(&program, "import", (struct span){lines, strlen(lines)}, NULL, NULL);
    assert_int_equal(program.status, 1);
    static const char *const wanted[] = {
        "line 2: invalid: ",
        "line 3: invalid: the id is not the hash of the event\n",
        "line 4: invalid: the signature is not the author's\n",
        "line 6: invalid: the line is longer than message_bytes_max, 262144 bytes\n",
        "4 refused, 1 ephemeral left out, 1 expired left out\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        if (strstr(program.err_text.at, wanted[i]) == NULL)
            fail_msg("no '%s' in %s", wanted[i], program.err_text.at);
    program_clear(&program);

    run(&program, "import", (struct span){stolen, strlen(stolen)}, "--no-verify", NULL);
    assert_int_equal(program.status, 0);
    program_clear(&program);
}

static const char *make_many(void)
{
    struct text lines = {0};
    for (uint32_t i = 0; i < MANY; i++)
        text_addf(&lines, "%s\n",
                  SIGN(.person = 12, .kind = 7, .created_at = PAST + i / 3, .content = "+")->json);
    const char *copy = scratch_format("%.*s", (int)lines.len, lines.at);
    text_clear(&lines);
    return copy;
}

static void test_filter_and_resume(void **state)
{
    (void)state;
    import(make_many(), 0, "imported 1000 new, 2000 known, 0 older, 0 deleted, 0 refused\n");

    const char *all = export("{\"kinds\":[7]}", NULL, 0);
    assert_int_equal(count_lines(all), 1000);
    assert_int_equal(count_lines(export("{\"kinds\":[7],\"limit\":700}", NULL, 0)), 700);
    assert_int_equal(count_lines(export("{\"kinds\":[7],\"limit\":0}", NULL, 0)), 0);
    assert_int_equal(count_lines(export("{\"kinds\":[]}", NULL, 0)), 0);

    /* after the 600th line, in two ways */
    const char *rest = all;
    for (int i = 0; i < 600; i++)
        rest = strchr(rest, '\n') + 1;
    char id[65] = "";
    const char *last = rest - 2;
    while (last[-1] != '\n')
        last--;
    const char *found = strstr(last, "\"id\":\"") + strlen("\"id\":\"");
    memcpy(id, found, 64);
    long long created_at = strtoll(strstr(last, "\"created_at\":") + 13, NULL, 10);
    const char *after = scratch_format("--after=%lld:%s", created_at, id);
    assert_string_equal(export("{\"kinds\":[7]}", after, 0), rest);

    import(all, 0, "imported 0 new, 1000 known");
}

static void test_skip_lines(void **state)
{
    struct program program;
    const char *lines = scratch_format("rubbish\n%s\nrubbish\n",
                                       SIGN(.person = 13, .kind = 1, .content = "second")->json);
    (void)state;
    run(&program, "import", (struct span){lines, strlen(lines)}, "--skip-lines=1", NULL);
    assert_null(strstr(program.err_text.at, "line 1:"));
    assert_non_null(strstr(program.err_text.at, "line 3: invalid: "));
    assert_non_null(strstr(program.err_text.at, "imported 1 new"));
    assert_int_equal(program.status, 1);
    program_clear(&program);
}

/* What came in time is stored, and it says where to go on. */
static void test_interrupted(void **state)
{
    struct program program;
    const char *line =
        scratch_format("%s\n", SIGN(.person = 14, .kind = 1, .content = "in time")->json);
    (void)state;
    program_start(&program,
                  ARGUMENTS("import", "--config=/dev/null", data_flag, "--log-level=debug"));
    assert_int_equal(write(program.in, line, strlen(line)), strlen(line));
    program_await_error(&program, "transfer: lines read=1");
    kill(program.pid, SIGINT);
    program_await_error(&program, "--skip-lines 1\n");
    program_end(&program);
    assert_int_equal(program.status, 130);
    assert_non_null(strstr(program.err_text.at, "imported 1 new"));
    program_clear(&program);
}

/* While a relay has the cluster: through it, and its subscribers hear of it. */
static void test_beside_a_relay(void **state)
{
    struct relay relay;
    struct talk talk;
    const struct signer_event *event = SIGN(.person = 15, .kind = 1, .content = "news");
    (void)state;
    relay_start(&relay,
                &(struct relay_setup){.database = "", .schema = "shoal", .data_dir = folder});
    talk_open(&talk, &relay);
    talk_subscribe(&talk, "s", scratch_format("{\"authors\":[\"%s\"]}", event->pubkey));
    import(event->json, 0, "imported 1 new");
    talk_await(&talk, "EVENT");
    talk_close(&talk);
    assert_int_equal(count_lines(export(scratch_format("{\"ids\":[\"%s\"]}", event->id), NULL, 0)),
                     1);
    relay_stop(&relay);
}

/* The database goes while lines are still coming. */
static void test_database_gone(void **state)
{
    struct relay relay;
    struct program program;
    const char *first =
        scratch_format("%s\n", SIGN(.person = 16, .kind = 1, .content = "first")->json);
    const char *second =
        scratch_format("%s\n", SIGN(.person = 16, .kind = 1, .content = "second")->json);
    (void)state;
    relay_start(&relay,
                &(struct relay_setup){.database = "", .schema = "shoal", .data_dir = folder});
    program_start(&program,
                  ARGUMENTS("import", "--config=/dev/null", data_flag, "--log-level=debug"));
    assert_int_equal(write(program.in, first, strlen(first)), strlen(first));
    program_await_error(&program, "transfer: lines read=1");
    relay_stop(&relay);
    program_await_error(&program, "db: connection lost");
    assert_int_equal(write(program.in, second, strlen(second)), strlen(second));
    program_await_error(&program, "the database failed; to resume: shoal-relay import "
                                  "--skip-lines 1\n");
    program_end(&program);
    assert_int_equal(program.status, 1);
    program_clear(&program);
    import(scratch_format("%s%s", first, second), 0, "imported 1 new, 1 known");
}

/* A reader that has had enough. */
static void test_output_closed(void **state)
{
    struct program program;
    (void)state;
    program_start(&program, ARGUMENTS("export", "--config=/dev/null", data_flag));
    close(program.out);
    program.out = -1;
    program_await_error(&program, "cannot write: ");
    program_end(&program);
    assert_int_equal(program.status, 1);
    program_clear(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_filter_and_resume),
        cmocka_unit_test(test_skip_lines),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_beside_a_relay),
        cmocka_unit_test(test_database_gone),
        cmocka_unit_test(test_output_closed),
    };
    folder = relay_new_folder();
    data_flag = scratch_format("--data-dir=%s", folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    relay_remove_folder(folder);
    scratch_clear();
    return failed;
}
