/* A dump taken while events are written, restored into another cluster: the relay that is started
 * there serves what was acknowledged before the dump began, and goes on as if nothing had been. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/pg.h"
#include "tests/stage.h"

enum { BEFORE = 400, DURING = 2000, PAST = 1700000000 };

static struct pg elsewhere;

static void run(const char *command)
{
    int status = system(command); /* NOLINT(cert-env33-c): what the README names */
    if (status != 0)
        fail_msg("status %x: %s", (unsigned)status, command);
}

static const char *by(uint32_t person, const char *more)
{
    return scratch_format("{\"authors\":[\"%s\"]%s}", signer_pubkey(person), more);
}

static void publish(uint32_t person, int count)
{
    for (int i = 0; i < count; i++)
        talk_sayf(&stage_talk, "[\"EVENT\",%s]",
                  SIGN(.person = person, .kind = 1, .created_at = PAST + i)->json);
}

/* What has to be as it was: a note, one that was deleted, the newer of two profiles. */
struct keepsake {
    const struct signer_event *note, *deleted, *deletion, *old_profile, *profile;
};

static struct keepsake leave_keepsake(void)
{
    struct keepsake kept = {
        .note = SIGN(.person = 300, .kind = 1, .created_at = PAST, .tags = "[[\"t\",\"shoal\"]]"),
        .deleted = SIGN(.person = 300, .kind = 1, .created_at = PAST + 1),
        .old_profile = SIGN(.person = 300, .kind = 0, .created_at = PAST + 3),
        .profile = SIGN(.person = 300, .kind = 0, .created_at = PAST + 4),
    };
    kept.deletion = SIGN(.person = 300, .kind = 5, .created_at = PAST + 2,
                         .tags = scratch_format("[[\"e\",\"%s\"]]", kept.deleted->id));
    talk_accept(&stage_talk, kept.note);
    talk_accept(&stage_talk, kept.deleted);
    talk_accept(&stage_talk, kept.deletion);
    talk_accept(&stage_talk, kept.old_profile);
    talk_accept(&stage_talk, kept.profile);
    return kept;
}

static void check_keepsake(struct talk *talk, const struct keepsake *kept)
{
    EXPECT(talk, by(300, ""), kept->profile, kept->deletion, kept->note);
    EXPECT(talk, "{\"#t\":[\"shoal\"],\"kinds\":[1]}", kept->note);
    talk_refuse(talk, kept->deleted, "blocked: ");
    talk_refuse(talk, kept->old_profile, "duplicate: ");
    talk_repeat(talk, kept->note);
}

/* New events are stored, and each is delivered once. */
static void check_life(struct talk *talk, const struct relay *relay)
{
    struct talk listener;
    talk_open(&listener, relay);
    talk_subscribe(&listener, "live", by(303, ""));
    for (int i = 0; i < 20; i++) {
        const struct signer_event *event =
            SIGN(.person = 303, .kind = 1, .created_at = PAST + i, .content = "after");
        talk_accept(talk, event);
        talk_await_event(&listener, "live", event);
    }
    talk_is_quiet(&listener);
    talk_close(&listener);
    assert_int_equal(talk_find(talk, by(303, "")).count, 20);
}

static void test_dump_while_writing(void **state)
{
    struct relay relay;
    struct talk talk;
    (void)state;
    struct keepsake kept = leave_keepsake();
    publish(301, BEFORE);
    for (int i = 0; i < BEFORE; i++)
        talk_await_true(&stage_talk);

    publish(302, DURING); /* on their way, while */
    run(scratch_format("pg_dump --format=custom --schema=%s --file=%s/dump \"%s\"",
                       stage_relay.schema, elsewhere.directory, getenv("TEST_DB")));
    for (int i = 0; i < DURING; i++)
        talk_await_true(&stage_talk);
    run(scratch_format("pg_restore --dbname=\"%s\" %s/dump", elsewhere.conninfo,
                       elsewhere.directory));

    relay_start(&relay, &(struct relay_setup){.options = stage_options,
                                              .database = elsewhere.conninfo,
                                              .schema = stage_relay.schema});
    talk_open(&talk, &relay);
    check_keepsake(&talk, &kept);
    assert_int_equal(talk_count(&talk, by(301, "")), BEFORE);
    assert_int_equal(talk_find(&talk, by(301, ",\"limit\":5000")).count, BEFORE);
    assert_int_equal(talk_find(&talk, by(302, ",\"limit\":5000")).count,
                     talk_count(&talk, by(302, "")));
    check_life(&talk, &relay);
    talk_close(&talk);
    relay_stop(&relay);
}

static const char *const options[] = {"outbox_bytes_max=67108864", NULL};

static int open_both(void **state)
{
    pg_start(&elsewhere);
    return stage_open(state);
}

static int close_both(void **state)
{
    int status = stage_close(state);
    pg_remove(&elsewhere);
    return status;
}

int main(void)
{
    const struct CMUnitTest tests[] = {STAGE_TEST(test_dump_while_writing)};
    stage_options = options;
    return cmocka_run_group_tests(tests, open_both, close_both);
}
