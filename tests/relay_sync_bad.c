/* Sync with relays that lie, withhold, hang up and are interrupted: what is here is right, what is
 * missing is told, and the next run goes on where this one ended. */
#include <stdio.h>
#include <stdlib.h>

#include "client/sync.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "tests/liar.h"
#include "tests/linked.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/test.h"

enum { PAST = 1700000000, EVENTS = 60, PAGE = 10, NOW = PAST + 1000000 };

static struct linked linked;
static struct liar liar;

/* What the liar has, the newest first. */
static const struct signer_event *events[EVENTS];

/* What is heard of a run. */
static struct run {
    struct sync *sync;
    struct sync_cursor cursor; /* the last to be remembered */
    int paged, fetched, lacking;
    bool is_over;
    char why[200];
} run;

static bool on_fetched(void *owner, const struct event *event)
{
    (void)owner;
    (void)event;
    run.fetched++;
    return true;
}

static void on_lacks(void *owner, const struct bytes32 *id)
{
    (void)owner;
    (void)id;
    run.lacking++;
}

static void on_paged(void *owner, const struct sync_cursor *cursor)
{
    (void)owner;
    run.paged++;
    run.cursor = *cursor;
}

static void on_over(void *owner, const char *why)
{
    (void)owner;
    run.is_over = true;
    snprintf(run.why, sizeof run.why, "%s", why != NULL ? why : "");
}

static void begin(void (*heard)(struct liar *liar, struct liar_client *client, const char *text))
{
    linked_start(&linked);
    liar = (struct liar){.heard = heard};
    liar_open(&liar, &linked.loop);
    linked_open(&linked,
                &(struct linked_setup){.url = scratch_format("ws://127.0.0.1:%u", liar.port),
                                       .answer_ms = 500});
    for (int i = 0; i < EVENTS; i++)
        events[i] = SIGN(.person = 1, .kind = 1, .created_at = PAST - i, .content = "x");
}

static void start(const struct sync_cursor *cursor, const struct negentropy_record *records,
                  size_t count)
{
    const struct filter all = {.until = INT64_MAX, .limit = FILTER_NO_LIMIT};
    const struct sync_setup setup = {.link = linked.link,
                                     .filter = &all,
                                     .down = true,
                                     .up = true,
                                     .records = records,
                                     .record_count = count,
                                     .cursor = *cursor,
                                     .now = NOW,
                                     .fetched = on_fetched,
                                     .lacks = on_lacks,
                                     .paged = on_paged,
                                     .over = on_over};
    run = (struct run){.sync = sync_new(&setup)};
}

static void finish(void)
{
    sync_free(run.sync);
    run.sync = NULL;
}

static void end(void)
{
    liar_close(&liar);
    linked_close(&linked);
    scratch_clear();
}

static int64_t number_after(const char *text, const char *name, int64_t preset)
{
    const char *at = strstr(text, name);
    return at != NULL ? strtoll(at + strlen(name), NULL, 10) : preset;
}

static bool is(const char *text, const char *type)
{
    return text != NULL && strncmp(text + 2, type, strlen(type)) == 0;
}

/* ---- pages ---- */

static int pages_left; /* then it stays silent */
static int64_t asked_until, asked_since;

/* Knows no NIP-77, and gives few events at a time. */
static void give_pages(struct liar *self, struct liar_client *client, const char *text)
{
    (void)self;
    if (is(text, "NEG-OPEN"))
        liar_say(client, "[\"NOTICE\",\"ERROR: bad msg: unknown cmd\"]");
    if (!is(text, "REQ"))
        return;
    asked_until = number_after(text, "\"until\":", INT64_MAX);
    asked_since = number_after(text, "\"since\":", 0);
    if (pages_left-- <= 0)
        return;
    for (int i = 0, given = 0; i < EVENTS && given < PAGE; i++)
        if (events[i]->created_at <= asked_until && events[i]->created_at >= asked_since) {
            liar_sayf(client, "[\"EVENT\",\"%s\",%s]", liar_name(text), events[i]->json);
            given++;
        }
    liar_sayf(client, "[\"EOSE\",\"%s\"]", liar_name(text));
}

static void test_pages(void **state)
{
    (void)state;
    begin(give_pages);
    pages_left = 100;
    start(&(struct sync_cursor){0}, NULL, 0);
    LINKED_UNTIL(&linked, run.is_over);
    assert_string_equal(run.why, "");
    assert_true(run.fetched >= EVENTS); /* pages overlap, and nothing is kept here */
    assert_int_equal(sync_counts(run.sync)->missing, 0);
    assert_int_equal(run.cursor.since, NOW);
    assert_int_equal(run.cursor.until, 0);
    finish();
    /* only what is new from there on */
    start(&run.cursor, NULL, 0);
    LINKED_UNTIL(&linked, run.is_over);
    assert_int_equal(run.fetched, 0);
    assert_true(asked_since > PAST);
    finish();
    end();
}

/* Interrupted after three pages: the next run begins there, and then looks at what came since. */
static void test_resumed(void **state)
{
    (void)state;
    begin(give_pages);
    pages_left = 3;
    start(&(struct sync_cursor){0}, NULL, 0);
    LINKED_UNTIL(&linked, run.paged == 3 && pages_left < 0); /* the fourth was asked for */
    assert_int_equal(run.cursor.since, 0);
    assert_int_equal(run.cursor.top, NOW);
    int64_t reached = run.cursor.until;
    assert_true(reached < PAST - 20 && reached > PAST - 40);
    finish();
    pages_left = 1;
    run.cursor.top -= 10; /* that run was before */
    start(&run.cursor, NULL, 0);
    LINKED_UNTIL(&linked, run.paged == 1);
    assert_true(asked_until <= reached);
    int seen = run.fetched;
    assert_int_equal(seen, PAGE);
    pages_left = 100;
    LINKED_UNTIL(&linked, run.is_over);
    assert_string_equal(run.why, "");
    assert_int_equal(run.cursor.since, NOW);
    assert_int_equal(run.cursor.until, 0);
    assert_true(asked_since > PAST); /* last, what came since */
    finish();
    end();
}

/* A second that no page holds is told of; a relay that falls silent is given up. */
static void test_crowded(void **state)
{
    (void)state;
    begin(give_pages);
    for (int i = 5; i < 30; i++)
        events[i] = SIGN(.person = 1, .kind = 1, .created_at = PAST - 5,
                         .content = scratch_format("%d", i));
    liar.page = scratch_format("{\"limitation\":{\"max_limit\":%d}}", PAGE);
    linked_begin(&linked);
    LINKED_UNTIL(&linked, link_info(linked.link) != NULL);
    pages_left = 100;
    start(&(struct sync_cursor){0}, NULL, 0);
    LINKED_UNTIL(&linked, run.is_over);
    assert_int_equal(sync_counts(run.sync)->crowded, 1);
    finish();
    pages_left = 2;
    start(&(struct sync_cursor){0}, NULL, 0);
    LINKED_UNTIL(&linked, run.is_over);
    assert_string_equal(run.why, "error: the relay does not answer");
    finish();
    end();
}

/* ---- reconciled ---- */

/* Appends a range of ids up to infinity: those of the first count events. */
static const char *list_of(size_t count)
{
    char *hex = scratch_format("61000002%02zx", count);
    for (size_t i = 0; i < count; i++)
        hex = scratch_format("%s%s", hex, events[i]->id);
    return hex;
}

static int cuts;
static bool withholds, forges;

/* Says that it has five events that we lack. */
static void have_five(struct liar *self, struct liar_client *client, const char *text)
{
    (void)self;
    if (is(text, "NEG-OPEN") && cuts-- > 0) {
        liar_cut(client);
    } else if (is(text, "NEG-OPEN")) {
        liar_sayf(client, "[\"NEG-MSG\",\"%s\",\"%s\"]", liar_name(text), list_of(5));
    } else if (is(text, "REQ")) {
        for (int i = 0; i < 5 && !withholds; i++) {
            const struct signer_event *event = events[i];
            const char *forged = scratch_format(
                "{\"id\":\"%s\",\"pubkey\":\"%s\",\"created_at\":%lld,\"kind\":1,\"tags\":[],"
                "\"content\":\"forged\",\"sig\":\"%s\"}",
                event->id, event->pubkey, (long long)event->created_at, event->sig);
            liar_sayf(client, "[\"EVENT\",\"%s\",%s]", liar_name(text),
                      forges && i < 2 ? forged : event->json);
        }
        liar_sayf(client, "[\"EOSE\",\"%s\"]", liar_name(text));
    }
}

static void check(int fetched, uint64_t wrong, uint64_t missing)
{
    start(&(struct sync_cursor){0}, NULL, 0);
    LINKED_UNTIL(&linked, run.is_over);
    assert_string_equal(run.why, "");
    assert_int_equal(run.fetched, fetched);
    assert_int_equal(sync_counts(run.sync)->needed, 5);
    assert_int_equal(sync_counts(run.sync)->wrong, wrong);
    assert_int_equal(sync_counts(run.sync)->missing, missing);
    finish();
}

static void test_withheld(void **state)
{
    (void)state;
    begin(have_five);
    withholds = forges = false;
    check(5, 0, 0);
    forges = true;
    check(3, 2, 0);
    withholds = true;
    check(0, 0, 5);
    withholds = forges = false;
    cuts = 2; /* it hangs up twice before it answers */
    check(5, 0, 0);
    assert_true(linked.opened >= 3);
    end();
}

static const char *const *nonsense; /* type and words */

/* Reconciles in no known way; pages then. */
static void be_odd(struct liar *self, struct liar_client *client, const char *text)
{
    if (is(text, "NEG-OPEN") || is(text, "NEG-MSG"))
        liar_sayf(client, "[\"%s\",\"%s\",\"%s\"]", nonsense[0], liar_name(text), nonsense[1]);
    else
        give_pages(self, client, text);
}

static void test_nonsense(void **state)
{
    static const char *const answers[][2] = {{"NEG-MSG", "62"},
                                             {"NEG-MSG", ""},
                                             {"NEG-MSG", "61ffffff"},
                                             {"NEG-ERR", "blocked: too big"},
                                             {"CLOSED", "unsupported: ?"}};
    struct negentropy_record own = {.created_at = PAST + 5};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        nonsense = answers[i];
        begin(be_odd);
        pages_left = 100;
        start(&(struct sync_cursor){0}, &own, 1);
        LINKED_UNTIL(&linked, run.is_over);
        assert_string_equal(run.why, "");
        assert_true(run.fetched >= EVENTS);
        assert_int_equal(run.lacking, 1);
        finish();
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages), cmocka_unit_test(test_resumed),
                                       cmocka_unit_test(test_crowded),
                                       cmocka_unit_test(test_withheld),
                                       cmocka_unit_test(test_nonsense)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
