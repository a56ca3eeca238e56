/* One database, two and four say the same to their clients: of each event that is published, to
 * each filter, how many there are, and what differs. Then what an operator may get wrong.
 *
 *     relay_shards [CONNINFO SCHEMA]...    four, in place of the four databases
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/random.h"
#include "tests/sharded.h"
#include "tests/stage.h"

enum {
    PLACES = 3,
    PEOPLE = 12,
    FIRST_PERSON = 700,
    EVENTS = 220,
    FILTERS = 45,
    PAST = 1600000000,
    SPAN_S = 90, /* of all events: many are of the same second */
};

static const uint32_t shard_counts[PLACES] = {1, 2, 4};

/* A relay on so many databases. */
static struct place {
    const char *databases[4], *schemas[4];
    struct relay relay;
    struct talk talk;
} places[PLACES];

static struct pg pg;
static char **given; /* NULL: nothing */
static const struct signer_event *events[EVENTS];
static uint32_t event_count;

static const char *schema_of(const struct place *place)
{
    return scratch_format("--schema=%s", place->schemas[0]);
}

static void make_places(void)
{
    pg_start(&pg);
    for (int i = 0; i < PLACES; i++) {
        struct place *place = &places[i];
        for (uint32_t k = 0; k < shard_counts[i]; k++) {
            bool is_given = given != NULL && i == PLACES - 1;
            place->schemas[k] = is_given ? given[2 * (size_t)k + 1] : "shoal";
            place->databases[k] = is_given
                                      ? given[2 * (size_t)k]
                                      : sharded_database(&pg, scratch_format("place_%d_%u", i, k));
            if (k > 0)
                sharded_do(place->databases[0], SHARDED(schema_of(place), "add",
                                                        place->databases[k], place->schemas[k]));
        }
        sharded_do(place->databases[0], SHARDED(schema_of(place), "balance"));
    }
}

static void open_places(const char *option)
{
    for (int i = 0; i < PLACES; i++) {
        relay_start(
            &places[i].relay,
            &(struct relay_setup){.database = places[i].databases[0],
                                  .schema = places[i].schemas[0],
                                  .options = OPTIONS("limit_max=5000", "search=yes", option)});
        talk_open(&places[i].talk, &places[i].relay);
        talk_login(&places[i].talk, FIRST_PERSON,
                   scratch_format("ws://127.0.0.1:%u/", places[i].relay.port));
    }
}

static void close_places(void)
{
    for (int i = 0; i < PLACES; i++) {
        talk_close(&places[i].talk);
        relay_stop(&places[i].relay);
    }
}

static uint32_t random_person(void)
{
    return FIRST_PERSON + random_below(PEOPLE);
}

static const struct signer_event *random_old(void)
{
    return events[random_below(event_count)];
}

static const char *random_word(void)
{
    static const char *const words[] = {"apple", "pear", "plum", "quince"};
    return words[random_below(ARRAY_LEN(words))];
}

static uint32_t person_of(const char *pubkey)
{
    for (uint32_t i = 0; i < PEOPLE; i++)
        if (strncmp(signer_pubkey(FIRST_PERSON + i), pubkey, 64) == 0)
            return FIRST_PERSON + i;
    fail_msg("nobody has that key");
    return 0;
}

/* By its author, or by whom a gift wrap names. */
static const struct signer_event *random_deletion(int64_t created_at)
{
    const struct signer_event *old = random_old();
    const char *named = strstr(old->tags, "[\"p\",\"");
    const char *who =
        old->kind == 1059 && named != NULL ? named + strlen("[\"p\",\"") : old->pubkey;
    return SIGN(.person = random_below(5) == 0 ? random_person() : person_of(who), .kind = 5,
                .created_at = created_at, .tags = scratch_format("[[\"e\",\"%s\"]]", old->id));
}

static const struct signer_event *random_event(void)
{
    static const uint32_t kinds[] = {1, 1, 1, 1, 7, 0, 10002, 30000, 1059, 5, 62};
    uint32_t kind = kinds[random_below(ARRAY_LEN(kinds) - (random_below(6) > 0))];
    int64_t created_at = PAST + random_below(SPAN_S);
    if (kind == 5 && event_count > 0)
        return random_deletion(created_at);
    const char *tags = "[]";
    if (kind == 62)
        tags = "[[\"relay\",\"ALL_RELAYS\"]]";
    else if (kind == 1059)
        tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(random_person()));
    else if (kind == 7 && event_count > 0)
        tags = scratch_format("[[\"e\",\"%s\"]]", events[0]->id);
    else if (kind == 30000)
        tags = random_below(2) ? "[[\"d\",\"x\"]]" : "[[\"d\",\"y\"],[\"t\",\"a\"]]";
    else if (random_below(2))
        tags = random_below(2) ? "[[\"t\",\"a\"]]" : "[[\"t\",\"b\"],[\"t\",\"a\"]]";
    return SIGN(.person = random_person(), .kind = kind,
                .created_at = kind == 62 ? PAST + random_below(SPAN_S / 4) : created_at,
                .tags = tags,
                .content = scratch_format("%s %s %u", random_word(), random_word(), event_count));
}

static void publish(const struct signer_event *event)
{
    struct talk_answer wanted = talk_publish(&places[0].talk, event);
    for (int i = 1; i < PLACES; i++) {
        struct talk_answer answer = talk_publish(&places[i].talk, event);
        if (answer.accepted != wanted.accepted || strcmp(answer.note, wanted.note) != 0)
            fail_msg("%u databases: '%s', but '%s' on one: %s", shard_counts[i], answer.note,
                     wanted.note, event->json);
    }
}

static const char *random_filter(void)
{
    const char *more = random_below(2) ? scratch_format(",\"since\":%u", PAST + random_below(40))
                                       : scratch_format(",\"until\":%u", PAST + random_below(90));
    if (random_below(2))
        more = scratch_format("%s,\"limit\":%u", more, random_below(60));
    switch (random_below(8)) {
    case 0:
        return scratch_format("{\"ids\":[\"%s\",\"%s\",\"%s\"]}", random_old()->id,
                              random_old()->id, random_old()->id);
    case 1:
        return scratch_format("{\"authors\":[\"%s\"]%s}", signer_pubkey(random_person()), more);
    case 2:
        return scratch_format("{\"authors\":[\"%s\",\"%s\",\"%s\"],\"kinds\":[1,5,30000]%s}",
                              signer_pubkey(random_person()), signer_pubkey(random_person()),
                              signer_pubkey(random_person()), more);
    case 3:
        return scratch_format("{\"#t\":[\"a\"]%s}", more);
    case 4:
        return scratch_format("{\"kinds\":[5,62,0,10002]%s}", more);
    case 5:
        return scratch_format("{\"&t\":[\"a\",\"b\"]%s}", more);
    case 6:
        return scratch_format("{\"#t\":[\"b\"]%s},{\"kinds\":[0,7],\"limit\":20}", more);
    default:
        return scratch_format("{%s}", more + 1);
    }
}

struct answer {
    const char *lines;  /* the messages, up to the one that ends it */
    const char *finish; /* what EOSE says of the rest: "finish", "more", or "" for unknown */
    size_t count;
};

static struct answer ask(struct talk *talk, const char *request, const char *end)
{
    struct answer answer = {.finish = ""};
    struct text all = {0};
    talk_say(talk, request);
    for (bool is_over = false; !is_over; answer.count++) {
        json_t *message = talk_hear(talk);
        const char *word = json_string_value(json_array_get(message, 0));
        is_over = strcmp(word, end) == 0 || strcmp(word, "CLOSED") == 0;
        if (strcmp(word, "EOSE") == 0 && json_array_size(message) == 3) {
            answer.finish = scratch_format(
                "%s", json_string_value(json_array_get(json_array_get(message, 2), 0)));
            json_array_remove(message, 2);
        }
        char *text = json_dumps(message, JSON_COMPACT);
        text_addf(&all, "%s\n", text);
        free(text);
    }
    talk_say(talk, "[\"CLOSE\",\"s\"]");
    answer.lines = scratch_format("%.*s", SPAN_ARG(text_span(&all)));
    text_clear(&all);
    return answer;
}

static const char *first_line(const char *text)
{
    return scratch_format("%.*s", (int)strcspn(text, "\n"), text);
}

static void check_same(const char *request, uint32_t count, const char *got, const char *wanted)
{
    const char *got_line = got, *wanted_line = wanted;
    for (size_t i = 0; got[i] == wanted[i]; i++) {
        if (got[i] == '\0')
            return;
        if (got[i] == '\n') {
            got_line = got + i + 1;
            wanted_line = wanted + i + 1;
        }
    }
    fail_msg("%s: %u databases say\n%s\none says\n%s", request, count, first_line(got_line),
             first_line(wanted_line));
}

/* Returns how many messages came. */
static size_t compare(const char *request, const char *end)
{
    struct answer wanted = ask(&places[0].talk, request, end);
    for (int i = 1; i < PLACES; i++) {
        struct answer got = ask(&places[i].talk, request, end);
        check_same(request, shard_counts[i], got.lines, wanted.lines);
        if (got.finish[0] != '\0' && wanted.finish[0] != '\0')
            assert_string_equal(got.finish, wanted.finish);
    }
    return wanted.count - 1;
}

static void compare_all(void)
{
    size_t found = compare("[\"REQ\",\"s\",{}]", "EOSE");
    for (int i = 0; i < FILTERS; i++) {
        const char *filter = random_filter();
        found += compare(scratch_format("[\"REQ\",\"s\",%s]", filter), "EOSE");
        compare(scratch_format("[\"COUNT\",\"c\",%s]", filter), "COUNT");
    }
    assert_true(found > EVENTS); /* not vacuous */
    compare(scratch_format("[\"COUNT\",\"c\",{\"kinds\":[7],\"#e\":[\"%s\"]}]", events[0]->id),
            "COUNT"); /* with HLL registers */
    /* somebody with nothing: ids and fingerprints of all there is */
    compare("[\"NEG-OPEN\",\"n\",{},\"6100000200\"]", "NEG-MSG");
    compare("[\"NEG-OPEN\",\"n\",{\"kinds\":[1]},\"6100000200\"]", "NEG-MSG");
}

/* Each shard's index is filled in the order of its commits: of everybody something last. */
static void await_index(bool moves)
{
    static uint32_t count;
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    const char *word = scratch_format("indexedyet%u", ++count);
    for (uint32_t i = 0; i < PEOPLE; i++)
        publish(SIGN(.person = FIRST_PERSON + i, .kind = 1, .content = word));
    if (moves)
        sharded_do(places[1].databases[0], SHARDED("move", "0-1023", "1"));
    for (int i = 0; i < PLACES; i++)
        while (talk_count(&places[i].talk, scratch_format("{\"search\":\"%s\"}", word)) < PEOPLE)
            if (wire_now_ms() > deadline_ms)
                fail_msg("%u databases: not everything can be searched", shard_counts[i]);
}

static void compare_searches(void)
{
    size_t found = 0;
    for (int i = 0; i < FILTERS / 3; i++) {
        const char *more =
            random_below(2) ? scratch_format(",\"limit\":%u", 1 + random_below(20)) : "";
        if (random_below(3) == 0)
            more = scratch_format("%s,\"authors\":[\"%s\",\"%s\"]", more,
                                  signer_pubkey(random_person()), signer_pubkey(random_person()));
        const char *filter = scratch_format("{\"search\":\"%s %s\"%s}", random_word(),
                                            random_below(2) ? random_word() : "", more);
        found += compare(scratch_format("[\"REQ\",\"s\",%s]", filter), "EOSE");
        compare(scratch_format("[\"COUNT\",\"c\",%s]", filter), "COUNT");
    }
    assert_true(found > FILTERS);
}

/* All that was stored on one shard is on another by now, and searched there. */
static void test_moved(void **state)
{
    (void)state;
    open_places("window_bytes_max=67108864");
    await_index(true);
    compare_all();
    compare_searches();
    close_places();
}

static void test_equal_answers(void **state)
{
    (void)state;
    open_places("window_bytes_max=67108864");
    while (event_count < EVENTS) {
        const struct signer_event *event = random_event();
        events[event_count++] = event;
        publish(event);
        if (random_below(12) == 0)
            publish(random_old());
    }
    compare_all();
    close_places();
    open_places("window_bytes_max=0"); /* all of it from the databases */
    compare_all();
    await_index(false);
    compare_searches();
    close_places();
}

static void test_export(void **state)
{
    const char *wanted = NULL;
    (void)state;
    for (int i = 0; i < PLACES; i++) {
        struct program program;
        program_run(&program, SPAN(""),
                    (const char *const[]){"export", "--config=/dev/null",
                                          scratch_format("--database=%s", places[i].databases[0]),
                                          schema_of(&places[i]), NULL});
        assert_int_equal(program.status, 0);
        if (wanted != NULL)
            assert_string_equal(program.out_text.at, wanted);
        wanted = scratch_format("%s", program.out_text.at);
        program_clear(&program);
    }
}

/* Each is refused with the reason, and nothing has changed. */
static void test_refused(void **state)
{
    const char *first = places[1].databases[0];
    const char *again = scratch_format("%s application_name=x", places[1].databases[1]);
    const char *self = scratch_format("%s application_name=x", first);
    const char *nowhere = scratch_format("host=%s dbname=nowhere user=postgres", pg.directory);
    const char *full = places[0].databases[0];
    const struct {
        const char *const *words;
        int status;
        const char *error;
    } cases[] = {
        {SHARDED("move", "0-10", "2"), 1, "expected a shard, 0 to 1, got '2'"},
        {SHARDED("move", "0-1024", "1"), 1, "expected buckets, 0 to 1023"},
        {SHARDED("move", "9-3", "1"), 1, "expected buckets, 0 to 1023"},
        {SHARDED("move", "5"), 2, "shard: expected list, add"},
        {SHARDED("remove", "1"), 2, "shard: expected list, add"},
        {SHARDED("add", self), 1, "that is shard 0 already"},
        {SHARDED("add", places[1].databases[1]), 1, "that is shard 1 already"},
        {SHARDED("add", again), 1, "that is shard 1 already"},
        {SHARDED("add", full), 1, "there are events in it"},
        {SHARDED("add", nowhere), 1, "\"nowhere\" does not exist"},
        {SHARDED("add", "host=/nowhere"), 1, "cannot connect: "},
        {SHARDED("add", "", "a-b"), 1, "a schema's name is"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct program program;
        sharded_run(&program, first, cases[i].words);
        if (program.status != cases[i].status ||
            strstr(program.err_text.at, cases[i].error) == NULL)
            fail_msg("%s: status %d: %s", cases[i].words[1], program.status, program.err_text.at);
        program_clear(&program);
    }
    struct program program;
    sharded_run(&program, first, SHARDED("list"));
    assert_non_null(strstr(program.out_text.at, "    1     512 "));
    assert_null(strstr(program.out_text.at, "    2 "));
    program_clear(&program);
    sharded_run(&program, nowhere, SHARDED("list"));
    assert_int_equal(program.status, 1);
    assert_non_null(strstr(program.err_text.at, "\"nowhere\" does not exist"));
    program_clear(&program);
}

static int stop(void **state)
{
    (void)state;
    pg_remove(&pg);
    return 0;
}

static int start(void **state)
{
    (void)state;
    random_start();
    make_places();
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_answers), cmocka_unit_test(test_export),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_moved)};
    if (argc == 1 + 2 * 4)
        given = argv + 1;
    return cmocka_run_group_tests(tests, start, stop);
}
