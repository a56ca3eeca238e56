/* Answers from the newest events in memory, and such as go on in the database. */
#include <stdlib.h>

#include "tests/fetch.h"
#include "tests/stage.h"

enum { EVENTS = 60, PAST = 1700000000 };

/* About half of EVENTS fit. */
static const char *const options[] = {"window_bytes_max=60000", "limit_max=5000", NULL};

static long metric(const char *name)
{
    struct fetch_answer answer = fetch(stage_relay.port, "GET /metrics HTTP/1.1\r\n");
    const char *line = strstr(answer.body, scratch_format("\nshoal_relay_%s ", name));
    assert_non_null(line);
    return strtol(strchr(line, ' '), NULL, 10);
}

/* The newest first, from the event number from on, those of which number % step is 0. */
static void expect(const char *filter, const struct signer_event *const *events, int from, int step,
                   size_t most)
{
    const struct signer_event *wanted[EVENTS];
    size_t count = 0;
    for (int i = from; i >= 0 && count < most; i--)
        if (i % step == 0)
            wanted[count++] = events[i];
    talk_expect(&stage_talk, filter, wanted, count);
}

static void test_seam(void **state)
{
    static const struct signer_event *events[EVENTS]; /* oldest first */
    const char *author = signer_pubkey(700);
    (void)state;
    for (int i = 0; i < EVENTS; i++) {
        events[i] = SIGN(.person = 700, .kind = 1, .created_at = PAST + i / 3,
                         .content = scratch_repeat("x", 500, ""),
                         .tags = scratch_format("[[\"t\",\"%d\"]]", i % 4));
    }
    /* of one second the lowest id comes first: sorted as they are read, from behind */
    for (int i = 0; i + 1 < EVENTS; i++)
        for (int j = i + 1; j < EVENTS && events[j]->created_at == events[i]->created_at; j++)
            if (strcmp(events[i]->id, events[j]->id) < 0) {
                const struct signer_event *other = events[i];
                events[i] = events[j];
                events[j] = other;
            }
    for (int i = 0; i < EVENTS; i++)
        talk_accept(&stage_talk, events[(i * 7) % EVENTS]);
    assert_in_range(metric("window_events"), 5, EVENTS - 5);
    assert_in_range(metric("window_bytes"), 20000, 60000);

    long above = metric("pages_window_total"), below = metric("pages_database_total");
    expect(scratch_format("{\"authors\":[\"%s\"]}", author), events, EVENTS - 1, 1, EVENTS);
    assert_true(metric("pages_window_total") > above && metric("pages_database_total") > below);

    below = metric("pages_database_total");
    expect(scratch_format("{\"authors\":[\"%s\"],\"limit\":4}", author), events, EVENTS - 1, 1, 4);
    expect(scratch_format("{\"ids\":[\"%s\"]}", events[EVENTS - 1]->id), events, EVENTS - 1, 1, 1);
    assert_int_equal(metric("pages_database_total"), below); /* all in memory */

    for (size_t limit = 1; limit <= EVENTS; limit += 7)
        expect(scratch_format("{\"authors\":[\"%s\"],\"limit\":%zu}", author, limit), events,
               EVENTS - 1, 1, limit);
    for (int until = EVENTS - 1; until > 0; until -= 6)
        expect(scratch_format("{\"authors\":[\"%s\"],\"until\":%lld}", author,
                              (long long)events[until]->created_at),
               events, until / 3 * 3 + 2, 1, EVENTS);
    /* two filters that overlap, each with its own seam */
    expect(scratch_format("{\"authors\":[\"%s\"],\"kinds\":[1]},{\"ids\":[\"%s\",\"%s\"]}", author,
                          events[0]->id, events[EVENTS - 1]->id),
           events, EVENTS - 1, 1, EVENTS);
    assert_int_equal(talk_count(&stage_talk, scratch_format("{\"authors\":[\"%s\"]}", author)),
                     EVENTS);
}

/* Whoever is told OK finds it, and what is deleted nobody finds, on any connection. */
static void test_own_writes(void **state)
{
    struct talk other;
    (void)state;
    talk_open(&other, &stage_relay);
    for (int i = 0; i < 20; i++) {
        const struct signer_event *event =
            SIGN(.person = 701, .kind = 1, .content = scratch_format("%d", i));
        const char *filter = scratch_format("{\"ids\":[\"%s\"]}", event->id);
        talk_accept(&stage_talk, event);
        EXPECT(&other, filter, event);
        talk_repeat(&other, event);
        talk_accept(&other, SIGN(.person = 701, .kind = 5,
                                 .tags = scratch_format("[[\"e\",\"%s\"]]", event->id)));
        talk_expect_none(&stage_talk, filter);
        talk_refuse(&stage_talk, event, "blocked: ");
    }
    talk_close(&other);
}

/* A duplicate is known by its id, and an id by what it is of. */
static void test_duplicates(void **state)
{
    const struct signer_event *event = SIGN(.person = 702, .kind = 1, .content = "once");
    (void)state;
    talk_accept(&stage_talk, event);
    talk_repeat(&stage_talk, event);
    const char *forged = scratch_format(
        "{\"id\":\"%s\",\"pubkey\":\"%s\",\"created_at\":%lld,\"kind\":1,\"tags\":[],"
        "\"content\":\"twice\",\"sig\":\"%s\"}",
        event->id, event->pubkey, (long long)event->created_at, event->sig);
    talk_sayf(&stage_talk, "[\"EVENT\",%s]", forged);
    const json_t *ok = talk_await(&stage_talk, "OK");
    assert_false(json_is_true(json_array_get(ok, 2)));
}

/* What is for few eyes is for few eyes in memory, too. */
static void test_gated(void **state)
{
    struct talk named;
    const struct signer_event *message =
        SIGN(.person = 703, .kind = 4,
             .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(704)));
    const char *filter = scratch_format("{\"ids\":[\"%s\"]}", message->id);
    (void)state;
    talk_accept(&stage_talk, message);
    talk_expect_none(&stage_talk, filter);
    talk_open(&named, &stage_relay);
    talk_login(&named, 704, "ws://localhost/");
    EXPECT(&named, filter, message);
    talk_close(&named);
}

STAGE_SUITE(options, STAGE_TEST(test_seam), STAGE_TEST(test_own_writes),
            STAGE_TEST(test_duplicates), STAGE_TEST(test_gated))
