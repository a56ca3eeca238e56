/* The policy plugin, with plugins that are slow, dying, silent, garbling and lying. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/stage.h"

/* A relay with a plugin that is this program of awk, python or sh, and a client. */
struct scene {
    struct relay relay;
    struct talk talk;
};

static void open_scene(struct scene *scene, const char *plugin, const char *more)
{
    const char *options[] = {scratch_format("policy_plugin=%s", plugin), "policy_plugin_ms_max=700",
                             more, NULL};
    const struct relay_setup setup = {.options = options};
    relay_start(&scene->relay, &setup);
    talk_open(&scene->talk, &scene->relay);
}

static void close_scene(struct scene *scene)
{
    talk_close(&scene->talk);
    relay_stop(&scene->relay);
}

/* Answers each line with the action and msg given, whatever the event. */
static const char *always(const char *action, const char *msg)
{
    return scratch_format("sed -u -E 's/.*\"id\":\"([0-9a-f]{64})\".*/"
                          "{\"id\":\"\\1\",\"action\":\"%s\",\"msg\":\"%s\"}/'",
                          action, msg);
}

static const struct signer_event *note(const char *content)
{
    static uint32_t count;
    return SIGN(.person = 320, .kind = 1, .created_at = 1700000000 + ++count, .content = content);
}

static void test_actions(void **state)
{
    static const struct {
        const char *action, *msg, *heard;
        bool is_stored;
    } cases[] = {
        {"accept", "", "", true},
        {"reject", "blocked: not today", "blocked: not today", false},
        {"reject", "pow: too little", "pow: too little", false},
        {"reject", "not today", "blocked: not today", false},
        {"reject", "", "blocked: by the policy of this relay", false},
        {"shadowReject", "never told", "", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct scene scene;
        print_message("%s %s\n", cases[i].action, cases[i].msg);
        open_scene(&scene, always(cases[i].action, cases[i].msg), NULL);
        const struct signer_event *event = note("x");
        if (cases[i].heard[0] == '\0')
            talk_accept(&scene.talk, event);
        else
            talk_refuse(&scene.talk, event, cases[i].heard);
        const char *filter = scratch_format("{\"ids\":[\"%s\"]}", event->id);
        if (cases[i].is_stored)
            EXPECT(&scene.talk, filter, event);
        else
            talk_expect_none(&scene.talk, filter);
        close_scene(&scene);
    }
}

/* What it is told, in full; ephemeral events as well. */
static void test_input(void **state)
{
    char path[] = "/tmp/search_plugin_XXXXXX";
    int file = mkstemp(path);
    struct scene scene;
    (void)state;
    assert_true(file >= 0 && fchmod(file, 0666) == 0);
    open_scene(&scene, scratch_format("tee -a %s | %s", path, always("accept", "")), NULL);
    const struct signer_event *event = note("\xc3\xa9 \\\"q\\\"");
    talk_login(&scene.talk, 321, scratch_format("ws://127.0.0.1:%u", scene.relay.port));
    talk_accept(&scene.talk, event);
    talk_accept(&scene.talk, SIGN(.person = 320, .kind = 20001));
    close_scene(&scene);

    char line[4096];
    FILE *lines = fdopen(file, "r");
    assert_non_null(fgets(line, sizeof line, lines));
    json_t *json = json_loads(line, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "type")), "new");
    assert_string_equal(json_string_value(json_object_get(json, "sourceType")), "IP4");
    assert_string_equal(json_string_value(json_object_get(json, "sourceInfo")), "127.0.0.1");
    assert_string_equal(json_string_value(json_object_get(json, "authed")), signer_pubkey(321));
    assert_true(json_integer_value(json_object_get(json, "receivedAt")) > 1700000000);
    json_t *sent = json_loads(event->json, 0, NULL);
    assert_true(json_equal(json_object_get(json, "event"), sent));
    json_decref(sent);
    json_decref(json);
    assert_non_null(fgets(line, sizeof line, lines));
    assert_non_null(strstr(line, "\"kind\":20001"));
    fclose(lines);
    unlink(path);
}

/* Neither our descriptors nor our environment. */
static void test_confined(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene,
               scratch_format("ls /proc/self/fd | wc -l | sed s/^/descriptors=/ >&2;"
                              " env | grep -c SHOAL | sed s/^/variables=/ >&2;"
                              " grep NoNewPrivs /proc/self/status >&2; %s",
                              always("accept", "")),
               NULL);
    talk_accept(&scene.talk, note("x"));
    relay_await_log(&scene.relay, "plugin: descriptors=4"); /* 0, 1, 2 and that of ls itself */
    relay_await_log(&scene.relay, "plugin: variables=0");
    relay_await_log(&scene.relay, "plugin: NoNewPrivs: 1");
    close_scene(&scene);
}

/* Whatever does not answer in time: an event is refused, or accepted, as the operator wants it. */
static void test_no_answer(void **state)
{
    static const char *const plugins[] = {
        "exec sleep 1000",     /* silent */
        "exit 1",              /* dies at once, again and again */
        "/nonexistent/plugin", /* cannot be run */
        "exec cat",            /* says what it was told: no answer */
        "while read -r x; do echo garbage; echo {}; echo '{\"id\":1}'; printf '\\377\\n'; done",
        "while read -r x; do head -c 200000 /dev/zero | tr '\\0' x; echo; done", /* too long */
        "read -r x; exec >&-; sleep 1000", /* closes its end */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plugins); i++) {
        struct scene scene;
        print_message("%s\n", plugins[i]);
        open_scene(&scene, plugins[i], i % 2 == 0 ? NULL : "policy_plugin_accepts=yes");
        const struct signer_event *event = note("x");
        if (i % 2 == 0)
            talk_refuse(&scene.talk, event, "error: ");
        else
            talk_accept(&scene.talk, event);
        talk_is_alive(&scene.talk);
        close_scene(&scene);
    }
}

/* One that dies is started again, and what it had not judged is asked again, in time. */
static void test_dies_and_returns(void **state)
{
    enum { EVENTS = 12 };
    struct scene scene;
    (void)state;
    open_scene(&scene,
               scratch_format("for i in 1 2 3; do read -r x || exit; echo \"$x\"; done | %s",
                              always("accept", "")),
               "policy_plugin_ms_max=15000");
    for (int i = 0; i < EVENTS; i++)
        talk_accept(&scene.talk, note("x"));
    relay_await_log(&scene.relay, "the plugin has ended");
    close_scene(&scene);
}

/* Many at once through a slow one: those in time pass, the others are refused, none is forgotten;
 * and answers to what is late are of no consequence. */
static void test_slow(void **state)
{
    enum { EVENTS = 60 };
    int accepted = 0, refused = 0;
    struct scene scene;
    (void)state;
    open_scene(&scene,
               scratch_format("while read -r x; do sleep 0.05; echo \"$x\"; done | %s",
                              always("accept", "")),
               NULL);
    for (int i = 0; i < EVENTS; i++)
        talk_sayf(&scene.talk, "[\"EVENT\",%s]", note("x")->json);
    while (accepted + refused < EVENTS) {
        const json_t *ok = talk_await(&scene.talk, "OK");
        if (json_is_true(json_array_get(ok, 2)))
            accepted++;
        else
            refused++;
    }
    assert_in_range(accepted, 1, EVENTS - 1);
    talk_is_quiet(&scene.talk);
    close_scene(&scene);
}

/* The same event from two people at once, and many events in one piece of work. */
static void test_same_event_twice(void **state)
{
    enum { EVENTS = 300 };
    struct scene scene;
    struct talk other;
    (void)state;
    open_scene(&scene, always("accept", ""), "policy_plugin_ms_max=20000");
    talk_open(&other, &scene.relay);
    for (int i = 0; i < EVENTS; i++) {
        const struct signer_event *event = note("x");
        talk_sayf(&scene.talk, "[\"EVENT\",%s]", event->json);
        talk_sayf(&other, "[\"EVENT\",%s]", event->json);
    }
    for (int i = 0; i < EVENTS; i++) {
        talk_await_true(&scene.talk);
        talk_await_true(&other);
    }
    talk_close(&other);
    close_scene(&scene);
}

/* Refused before any plugin is asked: the relay's own rules come first. */
static void test_own_rules_first(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, "exec sleep 1000", "policy_plugin_ms_max=600000");
    talk_refuse(&scene.talk, SIGN(.person = 320, .kind = 1, .created_at = 4000000000), "invalid: ");
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_actions),          cmocka_unit_test(test_input),
        cmocka_unit_test(test_confined),         cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_dies_and_returns), cmocka_unit_test(test_slow),
        cmocka_unit_test(test_same_event_twice), cmocka_unit_test(test_own_rules_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
