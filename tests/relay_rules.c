/* The built-in policies: lists of keys and kinds, work by kind, a web of trust, a pace by key. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/stage.h"

struct scene {
    struct relay relay;
    struct talk talk;
};

static void open_scene(struct scene *scene, const char *const *options)
{
    const struct relay_setup setup = {.options = options};
    relay_start(&scene->relay, &setup);
    talk_open(&scene->talk, &scene->relay);
}

static void close_scene(struct scene *scene)
{
    talk_close(&scene->talk);
    relay_stop(&scene->relay);
}

static const struct signer_event *note(uint32_t person, uint16_t kind)
{
    static uint32_t count;
    return SIGN(.person = person, .kind = kind, .created_at = 1700000000 + ++count,
                .tags = kind >= 30000 && kind < 40000 ? "[[\"d\",\"x\"]]" : "[]");
}

/* 330 by hex, 331 in a file; 332 nowhere; 333 allowed and denied. */
static void test_keys(void **state)
{
    char path[] = "/tmp/search_keys_XXXXXX";
    int file = mkstemp(path);
    struct scene scene;
    (void)state;
    assert_true(file >= 0 && fchmod(file, 0644) == 0);
    assert_true(
        dprintf(file, "# members\n%s # Ann\n\n%s\n", signer_pubkey(331), signer_pubkey(333)) > 0);
    close(file);
    open_scene(&scene, OPTIONS(scratch_format("pubkeys_allowed=%s @%s", signer_pubkey(330), path),
                               scratch_format("pubkeys_denied=%s", signer_pubkey(333))));
    talk_accept(&scene.talk, note(330, 1));
    talk_accept(&scene.talk, note(331, 1));
    talk_refuse(&scene.talk, note(332, 1), "restricted: ");
    talk_refuse(&scene.talk, note(333, 1), "blocked: ");
    talk_refuse(&scene.talk, note(332, 20001), "restricted: ");
    /* mail from nobody to a member, and to somebody else */
    talk_accept(&scene.talk, SIGN(.person = 332, .kind = 1059,
                                  .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(330))));
    talk_refuse(&scene.talk,
                SIGN(.person = 332, .kind = 1059,
                     .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(332))),
                "restricted: ");
    talk_refuse(&scene.talk,
                SIGN(.person = 332, .kind = 1,
                     .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(330))),
                "restricted: ");
    talk_expect_none(&scene.talk, scratch_format("{\"authors\":[\"%s\"]}", signer_pubkey(332)));
    close_scene(&scene);
    unlink(path);
}

/* It takes a moment until a list that has changed counts. */
static void await_fate(struct talk *talk, uint32_t person, bool accepted)
{
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    while (talk_publish(talk, note(person, 1)).accepted != accepted)
        assert_true(wire_now_ms() < deadline_ms);
}

/* A worker that is started again is as the others, though the file is broken meanwhile. */
static void test_worker_again(void **state)
{
    char path[] = "/tmp/shoal_keys_XXXXXX";
    int file = mkstemp(path);
    struct scene scene;
    pid_t worker, again = 0;
    (void)state;
    assert_true(file >= 0 && fchmod(file, 0644) == 0);
    assert_true(dprintf(file, "%s\n", signer_pubkey(331)) > 0);
    open_scene(&scene, OPTIONS(scratch_format("pubkeys_allowed=@%s", path),
                               scratch_format("trust_roots=@%s", path), "processes=1"));
    await_fate(&scene.talk, 331, true);
    assert_true(ftruncate(file, 0) == 0 && dprintf(file, "nobody\n") > 0);
    assert_int_equal(relay_children(&scene.relay, "shoal-relay", &worker, 1), 1);
    assert_int_equal(kill(worker, SIGKILL), 0);
    talk_close(&scene.talk);
    for (int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS; again == 0 || again == worker;) {
        assert_true(wire_now_ms() < deadline_ms);
        (void)relay_children(&scene.relay, "shoal-relay", &again, 1);
    }
    talk_open(&scene.talk, &scene.relay);
    await_fate(&scene.talk, 331, true);
    talk_refuse(&scene.talk, note(332, 1), "restricted: ");
    assert_int_equal(kill(scene.relay.pid, SIGHUP), 0);
    relay_await_log(&scene.relay, "all stays as it was: the settings are not good to go on with");
    await_fate(&scene.talk, 331, true);
    close(file);
    close_scene(&scene);
    unlink(path);
}

static void test_kinds(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, OPTIONS("kinds_allowed=0 1 7 30000-39999", "kinds_denied=30023"));
    talk_accept(&scene.talk, note(334, 1));
    talk_accept(&scene.talk, note(334, 30024));
    talk_refuse(&scene.talk, note(334, 30023), "blocked: kind 30023");
    talk_refuse(&scene.talk, note(334, 6), "blocked: kind 6");
    talk_refuse(&scene.talk, note(334, 20001), "blocked: kind 20001");
    close_scene(&scene);
}

static void test_work(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, OPTIONS("pow_kinds=7=40 30000-30010=40 30005=0", "pow_bits_min=0"));
    talk_accept(&scene.talk, note(335, 1));
    talk_refuse(&scene.talk, note(335, 7), "pow: ");
    talk_refuse(&scene.talk, note(335, 30000), "pow: ");
    talk_accept(&scene.talk, note(335, 30005)); /* the last that names it */
    close_scene(&scene);
}

/* Two at once, then none until a part of the minute has gone; others have their own. */
static void test_pace(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, OPTIONS("pubkey_events_per_min=2"));
    const struct signer_event *forged = note(336, 1);
    char *json = strdup(forged->json);
    char *sig = strstr(json, "\"sig\":\"") + 7;
    sig[0] = (char)(sig[0] == '0' ? '1' : '0');
    for (int i = 0; i < 3; i++) /* forgeries use nothing up */
        talk_refuse_text(&scene.talk, scratch_format("[\"EVENT\",%s]", json), forged->id,
                         "invalid: ");
    free(json);
    talk_accept(&scene.talk, note(336, 1));
    talk_accept(&scene.talk, note(336, 1));
    talk_refuse(&scene.talk, note(336, 1), "rate-limited: ");
    talk_refuse(&scene.talk, note(336, 20001), "rate-limited: ");
    talk_accept(&scene.talk, note(337, 1));
    close_scene(&scene);
}

static const struct signer_event *follows(uint32_t person, int64_t at, uint32_t whom)
{
    return SIGN(.person = person, .kind = 3, .created_at = 1700000000 + at,
                .tags =
                    scratch_format("[[\"p\",\"%s\"],[\"p\",\"nonsense\"],[\"p\"],[\"e\",\"%s\"]]",
                                   signer_pubkey(whom), signer_pubkey(339)));
}

/* 340 is the root, and follows 341, who follows 342, who follows 343. */
static void test_trust(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene,
               OPTIONS(scratch_format("trust_roots=%s", signer_pubkey(340)), "trust_depth=2"));
    await_fate(&scene.talk, 340, true);
    talk_refuse(&scene.talk, note(341, 1), "restricted: ");
    talk_accept(&scene.talk, follows(340, 0, 341));
    await_fate(&scene.talk, 341, true);
    talk_refuse(&scene.talk, note(342, 1), "restricted: ");
    talk_accept(&scene.talk, follows(341, 0, 342));
    await_fate(&scene.talk, 342, true);
    talk_accept(&scene.talk, follows(342, 0, 343)); /* a step too far */
    talk_accept(&scene.talk, follows(340, 1, 344)); /* no longer 341, nor thereby 342 */
    await_fate(&scene.talk, 344, true);
    talk_refuse(&scene.talk, note(341, 1), "restricted: ");
    talk_refuse(&scene.talk, note(342, 1), "restricted: ");
    talk_refuse(&scene.talk, note(343, 1), "restricted: ");
    talk_refuse(&scene.talk, note(339, 1), "restricted: ");
    close_scene(&scene);
}

/* A set of roots that is smaller than the list: some are named twice, some are too many. */
static void test_roots(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, OPTIONS(scratch_format("trust_roots=%s %s %s", signer_pubkey(345),
                                              signer_pubkey(345), signer_pubkey(346)),
                               "trust_keys_max=1"));
    await_fate(&scene.talk, 345, true);
    talk_refuse(&scene.talk, note(346, 1), "restricted: ");
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),  cmocka_unit_test(test_worker_again),
        cmocka_unit_test(test_kinds), cmocka_unit_test(test_work),
        cmocka_unit_test(test_pace),  cmocka_unit_test(test_trust),
        cmocka_unit_test(test_roots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
