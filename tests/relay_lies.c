/* Relays that lie to shoal: they withhold, reorder and repeat, date events anew, forge, acknowledge
 * what they drop, and talk without end. What is taken in is true, nothing is lost, the user is
 * told, and the next honest relay makes it whole. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/shoal.h"
#include "tests/cli.h"
#include "tests/folder.h"
#include "tests/liar.h"
#include "tests/random.h"
#include "tests/scratch.h"
#include "tests/test.h"

enum { CHANGES = 40, EVENTS = CHANGES + 1, OUTPUT_MAX = 1 << 16 };

static char folder[64];
static struct shoal_error error;
static struct shoal_keys *keys;
static uv_loop_t loop;
static struct liar liar;

/* What was written, the newest first. */
static struct {
    const char *json[EVENTS];
    long created_at[EVENTS];
    int count;
} events;
static char note[SHOAL_HEX_SIZE];

/* How the relay lies. */
static struct lie {
    bool withholds, reorders, repeats, dates_anew, forges, drops;
} lie;
static int taken; /* acknowledged */

static void check(bool ok)
{
    if (!ok)
        fail_msg("%s", error.text);
}

static struct shoal_store *open_store(const char *name)
{
    struct shoal_store *store = shoal_store_open(scratch_format("%s/%s", folder, name), &error);
    check(store != NULL);
    return store;
}

static const char *hash_of(const char *device)
{
    char *hash = scratch_alloc(SHOAL_HEX_SIZE);
    struct shoal_store *store = open_store(device);
    check(shoal_store_hash(store, hash, &error));
    shoal_store_close(store);
    return hash;
}

static long number_after(const char *text, const char *name, long preset)
{
    const char *at = strstr(text, name);
    return at != NULL ? strtol(at + strlen(name), NULL, 10) : preset;
}

static bool keep_one(void *owner, const char *json, size_t size)
{
    (void)owner;
    events.json[events.count] = scratch_format("%.*s", (int)size, json);
    events.created_at[events.count] = number_after(json, "\"created_at\":", 0);
    return ++events.count < EVENTS;
}

static void write_events(void)
{
    struct shoal_store *store = open_store("honest");
    check(shoal_entity_new(store, keys, &(struct shoal_entity){.type = "note"}, note, &error));
    for (int i = 0; i < CHANGES / 2; i++) {
        const struct shoal_change change[] = {{.kind = SHOAL_SET,
                                               .key = scratch_format("k%d", i % 5),
                                               .value = scratch_format("%d", i)},
                                              {0}};
        check(shoal_entity_change(store, keys, note, change, &error));
        const struct shoal_edit edit = {.kind = SHOAL_SPLICE, .at = (size_t)i, .utf8 = "x"};
        check(shoal_doc_edit(store, keys, note, &edit, &error));
    }
    events.count = 0;
    check(shoal_store_query(store, "{}", keep_one, NULL, &error));
    assert_int_equal(events.count, EVENTS);
    shoal_store_close(store);
}

/* ---- the relay ---- */

/* The event with another word in it; the same length. */
static const char *altered(const char *json, const char *name, const char *word)
{
    char *copy = scratch_format("%s", json);
    char *at = strstr(copy, name);
    assert_non_null(at);
    for (at += strlen(name); *word != '\0'; word++)
        *at++ = *word;
    return copy;
}

static void give(struct liar_client *client, const char *name, int at)
{
    const char *json = events.json[at];
    if (lie.dates_anew)
        json = altered(json, "\"created_at\":", "29");
    if (lie.forges)
        json = altered(json, "\"sig\":\"", "0123456789abcdef");
    if (!lie.withholds || at % 3 != 1)
        for (int i = lie.repeats ? 3 : 1; i > 0; i--)
            liar_sayf(client, "[\"EVENT\",\"%s\",%s]", name, json);
}

static void answer(struct liar_client *client, const char *text)
{
    long until = number_after(text, "\"until\":", INT64_MAX);
    long since = number_after(text, "\"since\":", 0);
    int order[EVENTS];
    for (int i = 0; i < EVENTS; i++) {
        int at = lie.reorders ? (int)random_below((uint32_t)i + 1) : i;
        order[i] = order[at];
        order[at] = i;
    }
    for (int i = 0; i < EVENTS; i++)
        if (events.created_at[order[i]] <= until && events.created_at[order[i]] >= since)
            give(client, liar_name(text), order[i]);
    liar_sayf(client, "[\"EOSE\",\"%s\"]", liar_name(text));
}

static void on_heard(struct liar *self, struct liar_client *client, const char *text)
{
    (void)self;
    if (text == NULL)
        return;
    if (strncmp(text, "[\"NEG-OPEN\"", 11) == 0)
        liar_say(client, "[\"NOTICE\",\"ERROR: unknown cmd\"]");
    if (strncmp(text, "[\"REQ\"", 6) == 0)
        answer(client, text);
    if (strncmp(text, "[\"EVENT\"", 8) == 0 && lie.drops) {
        const char *id = strstr(text, "\"id\":\"");
        assert_non_null(id);
        liar_sayf(client, "[\"OK\",\"%.64s\",true,\"\"]", id + 6);
        taken++;
    }
}

/* ---- shoal beside it ---- */

struct output {
    char *at;
    size_t len;
    bool has_ended;
};

static void on_closed(uv_handle_t *handle)
{
    ((struct output *)handle->data)->has_ended = true;
}

static void on_output(uv_poll_t *poll, int status, int what)
{
    struct output *output = poll->data;
    int fd;
    (void)what;
    assert_int_equal(uv_fileno((uv_handle_t *)poll, &fd), 0);
    ssize_t got =
        status == 0 ? read(fd, output->at + output->len, OUTPUT_MAX - 1 - output->len) : 0;
    if (got > 0)
        output->len += (size_t)got;
    else
        uv_close((uv_handle_t *)poll, on_closed);
}

/* Runs shoal while the relay lies to it; what it says. */
static const char *run(int wanted, const char *arguments)
{
    struct output output = {.at = scratch_alloc(OUTPUT_MAX)};
    FILE *pipe = cli_start(arguments);
    uv_poll_t poll = {.data = &output};
    assert_int_equal(uv_poll_init(&loop, &poll, fileno(pipe)), 0);
    assert_int_equal(uv_poll_start(&poll, UV_READABLE | UV_DISCONNECT, on_output), 0);
    while (!output.has_ended)
        uv_run(&loop, UV_RUN_ONCE);
    output.at[output.len] = '\0';
    int status = pclose(pipe);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != wanted)
        fail_msg("shoal %s: status %d: %s", arguments, status, output.at);
    return output.at;
}

static const char *sync_with(const char *device, int wanted)
{
    return run(wanted, scratch_format("sync --all --anew --home %s/%s ws://127.0.0.1:%u", folder,
                                      device, liar.port));
}

/* What doctor says of something; whether it is well. */
static const char *doctor(const char *device, const char *about, bool is_well)
{
    struct output out = {.at = scratch_alloc(OUTPUT_MAX)};
    FILE *pipe = cli_start(scratch_format("doctor --json --home %s/%s", folder, device));
    out.len = fread(out.at, 1, OUTPUT_MAX - 1, pipe);
    out.at[out.len] = '\0';
    assert_true(WIFEXITED(pclose(pipe)));
    char *line = strstr(
        out.at, scratch_format("\"about\":\"%s\",\"ok\":%s", about, is_well ? "true" : "false"));
    if (line == NULL)
        fail_msg("about %s doctor says %s", about, out.at);
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static void expect_words(const char *text, const char *words)
{
    if (strstr(text, words) == NULL)
        fail_msg("expected %s, got %s", words, text);
}

static void begin(const struct lie *how)
{
    folder_make(folder, sizeof folder);
    assert_int_equal(uv_loop_init(&loop), 0);
    liar = (struct liar){.heard = on_heard};
    liar_open(&liar, &loop);
    lie = *how;
    write_events();
}

static void end(void)
{
    liar_close(&liar);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    folder_remove(folder);
    scratch_clear();
}

/* After whatever it was told, an honest relay makes it whole. */
static void expect_whole(const char *device)
{
    lie = (struct lie){0};
    sync_with(device, 0);
    assert_string_equal(hash_of(device), hash_of("honest"));
    expect_words(doctor(device, "history", true), "nothing is missing");
    expect_words(cli_run(0, scratch_format("fsck --json --home %s/%s", folder, device)),
                 "\"catalog\":\"right\"");
}

static void test_withholds(void **state)
{
    (void)state;
    begin(&(struct lie){.withholds = true, .reorders = true});
    sync_with("late", 0);
    expect_words(doctor("late", "history", false), "events are not here that others come after");
    expect_whole("late");
    end();
}

static void test_reorders(void **state)
{
    (void)state;
    begin(&(struct lie){.reorders = true, .repeats = true});
    sync_with("late", 0);
    assert_string_equal(hash_of("late"), hash_of("honest"));
    sync_with("late", 0); /* all of it once more */
    assert_string_equal(hash_of("late"), hash_of("honest"));
    expect_whole("late");
    end();
}

/* Nothing of it is taken in, and it is told. */
static void expect_nothing(const char *device)
{
    const char *out = sync_with(device, 3);
    expect_words(out, "\"fetched\":0");
    assert_true(number_after(out, "\"wrong\":", 0) >= EVENTS);
    expect_words(cli_run(0, scratch_format("status --json --home %s/%s", folder, device)),
                 "\"events\":0,");
    expect_whole(device);
}

static void test_dates(void **state)
{
    (void)state;
    begin(&(struct lie){.dates_anew = true});
    expect_nothing("late");
    end();
}

static void test_forges(void **state)
{
    (void)state;
    begin(&(struct lie){.forges = true});
    expect_nothing("late");
    end();
}

/* It says that it has what it dropped: who compares sends it again, for as long as it is so. */
static void test_drops(void **state)
{
    (void)state;
    begin(&(struct lie){.drops = true});
    const struct shoal_change change[] = {{.kind = SHOAL_SET, .key = "mine", .value = "1"}, {0}};
    struct shoal_store *store = open_store("honest");
    check(shoal_entity_change(store, keys, note, change, &error));
    shoal_store_close(store);
    expect_words(sync_with("honest", 0), "\"sent\":1,");
    expect_words(sync_with("honest", 0), "\"sent\":1,");
    assert_int_equal(taken, 2);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_withholds), cmocka_unit_test(test_reorders),
        cmocka_unit_test(test_dates), cmocka_unit_test(test_forges), cmocka_unit_test(test_drops)};
    random_start();
    keys = shoal_keys_new(&error);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    shoal_keys_free(keys);
    return failed;
}
