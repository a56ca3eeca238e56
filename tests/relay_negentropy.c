/* NIP-77 as a client of the relay sees it: what differs is found; what is wrong or too much is
 * refused by NEG-ERR. */
#include <stdlib.h>

#include "shared/err.h"
#include "shared/hex.h"
#include "shared/negentropy.h"
#include "shared/text.h"
#include "tests/stage.h"

#define TALK (&stage_talk)

enum { PAST = 1700000000, RECORDS_MAX = 400, OF_SESSION_MAX = 16 };

/* The initiator: counts what it is told. */
struct client {
    struct negentropy_record records[1000];
    size_t count;
    uint32_t have, need, rounds;
    struct bytes32 needed; /* the last */
};

static void on_id(void *owner, enum negentropy_verdict verdict, const struct bytes32 *id)
{
    struct client *client = owner;
    if (verdict == NEGENTROPY_HAVE) {
        client->have++;
    } else {
        client->need++;
        client->needed = *id;
    }
}

static void own(struct client *client, const struct signer_event *event)
{
    struct negentropy_record *record = &client->records[client->count++];
    record->created_at = event->created_at;
    assert_true(hex_decode(record->id.at, 32, (struct span){event->id, 64}));
}

static const char *hex_of(const struct text *text)
{
    struct text hex = {0};
    text_add_hex(&hex, (const uint8_t *)text->at, text->len);
    const char *kept = scratch_format("%.*s", SPAN_ARG(text_span(&hex)));
    text_clear(&hex);
    return kept;
}

static struct negentropy side_of(struct client *client)
{
    client->count = negentropy_seal(client->records, client->count);
    return (struct negentropy){.records = client->records,
                               .count = client->count,
                               .frame_bytes_max = 4096,
                               .on_id = on_id,
                               .owner = client};
}

/* Reconciles to the end. */
static void reconcile(struct client *client, const char *filter)
{
    struct negentropy side = side_of(client);
    struct text text = {0};
    struct err err;
    negentropy_initiate(&side, &text);
    talk_sayf(TALK, "[\"NEG-OPEN\",\"n\",%s,\"%s\"]", filter, hex_of(&text));
    while (text.len > 0) {
        const json_t *answer = talk_await(TALK, "NEG-MSG");
        const char *hex = json_string_value(json_array_get(answer, 2));
        uint8_t *bytes = calloc(1, strlen(hex) / 2 + 1);
        assert_string_equal(json_string_value(json_array_get(answer, 1)), "n");
        assert_true(hex_decode(bytes, strlen(hex) / 2, (struct span){hex, strlen(hex)}));
        text.len = 0;
        if (!negentropy_reconcile(&side, &text, (struct span){(const char *)bytes, strlen(hex) / 2},
                                  &err))
            fail_msg("%s", err.text);
        free(bytes);
        client->rounds++;
        if (text.len > 0)
            talk_sayf(TALK, "[\"NEG-MSG\",\"n\",\"%s\"]", hex_of(&text));
    }
    talk_say(TALK, "[\"NEG-CLOSE\",\"n\"]");
    text_clear(&text);
}

static const char *by(uint32_t person, const char *more)
{
    return scratch_format("{\"authors\":[\"%s\"]%s}", signer_pubkey(person), more);
}

static const struct signer_event *numbered(uint32_t person, int i)
{
    return SIGN(.person = person, .kind = 1, .created_at = PAST + i / 3,
                .content = scratch_format("%d", i));
}

static void refused(const char *message, const char *reason)
{
    talk_say(TALK, message);
    const json_t *answer = talk_await(TALK, "NEG-ERR");
    const char *note = json_string_value(json_array_get(answer, 2));
    assert_string_equal(json_string_value(json_array_get(answer, 1)), "n");
    if (strncmp(note, reason, strlen(reason)) != 0)
        fail_msg("wanted '%s', came '%s'", reason, note);
}

/* The relay has 0..299, the client 200..399; and 0..9 are deleted meanwhile. */
static void test_differences(void **state)
{
    struct client *client = calloc(1, sizeof *client);
    (void)state;
    for (int i = 0; i < 300; i++)
        talk_sayf(TALK, "[\"EVENT\",%s]", numbered(310, i)->json);
    for (int i = 0; i < 300; i++)
        talk_await_true(TALK);
    for (int i = 200; i < 400; i++)
        own(client, numbered(310, i));
    reconcile(client, by(310, ",\"kinds\":[1]"));
    assert_int_equal(client->need, 200);
    assert_int_equal(client->have, 100);
    assert_true(client->rounds > 1);

    talk_accept(TALK, SIGN(.person = 310, .kind = 5,
                           .tags = scratch_format("[[\"e\",\"%s\"],[\"e\",\"%s\"]]",
                                                  numbered(310, 0)->id, numbered(310, 1)->id)));
    *client = (struct client){0};
    reconcile(client, by(310, ",\"kinds\":[1]"));
    assert_int_equal(client->need, 298);
    *client = (struct client){0};
    reconcile(client, by(310, ",\"kinds\":[1],\"limit\":7"));
    assert_int_equal(client->need, 7);
    *client = (struct client){0};
    reconcile(client, by(310, ",\"kinds\":[1],\"limit\":0"));
    assert_int_equal(client->need, 0);
    *client = (struct client){0};
    reconcile(client, by(310, ",\"kinds\":[]"));
    assert_int_equal(client->need, 0);
    free(client);
}

/* A subscription before NEG-OPEN, and nothing is missed; the same connection goes on as ever. */
static void test_beside_subscription(void **state)
{
    const struct signer_event *event = SIGN(.person = 311, .kind = 1);
    struct client *client = calloc(1, sizeof *client);
    (void)state;
    talk_subscribe(TALK, "n", by(311, ",\"limit\":0"));
    talk_accept(TALK, event);
    reconcile(client, by(311, ""));
    assert_int_equal(client->need, 1);
    talk_await_event(TALK, "n", event);
    talk_is_alive(TALK);
    free(client);
}

/* The gate of REQ holds: a private message is there for whom it names. */
static void test_gate(void **state)
{
    struct client *client = calloc(1, sizeof *client);
    (void)state;
    talk_accept(TALK, SIGN(.person = 312, .kind = 1059,
                           .tags = scratch_format("[[\"p\",\"%s\"]]", signer_pubkey(313))));
    refused(scratch_format("[\"NEG-OPEN\",\"n\",%s,\"6100\"]", by(312, ",\"kinds\":[1059]")),
            "auth-required: ");
    reconcile(client, by(312, ""));
    assert_int_equal(client->need, 0);
    talk_login(TALK, 313, scratch_format("ws://localhost:%u", stage_relay.port));
    reconcile(client, by(312, ""));
    assert_int_equal(client->need, 1);
    free(client);
}

static void test_malformed(void **state)
{
    (void)state;
    refused("[\"NEG-OPEN\",\"n\",{},\"xy\"]", "invalid: expected the message in lowercase hex");
    refused("[\"NEG-OPEN\",\"n\",{}]", "invalid: expected a message in hex");
    refused("[\"NEG-OPEN\",\"n\",{\"kinds\":\"1\"},\"6100\"]", "invalid: kinds: ");
    refused("[\"NEG-OPEN\",\"n\",{\"kinds\":[9]},\"\"]", "invalid: expected a version");
    refused("[\"NEG-OPEN\",\"n\",{\"kinds\":[9]},\"00\"]", "invalid: 0x00 is no version");
    refused("[\"NEG-OPEN\",\"n\",{\"kinds\":[9]},\"6100\"]", "invalid: expected ");
    refused("[\"NEG-OPEN\",\"n\",{\"kinds\":[9]},\"61000002ffffff7f\"]", "invalid: ");
    refused("[\"NEG-MSG\",\"n\",\"61\"]", "closed: no reconciliation of this name is open");
    talk_noticed(TALK, "[\"NEG-CLOSE\"]", "invalid: ");
    talk_say(TALK, "[\"NEG-CLOSE\",\"n\"]");
    talk_is_quiet(TALK);
    /* another version: ours is said, and the name stays open */
    talk_say(TALK, "[\"NEG-OPEN\",\"n\",{\"kinds\":[9]},\"62\"]");
    assert_string_equal(json_string_value(json_array_get(talk_await(TALK, "NEG-MSG"), 2)), "61");
    refused("[\"NEG-MSG\",\"n\",\"6z\"]", "invalid: ");
    refused("[\"NEG-MSG\",\"n\",\"61\"]", "closed: ");
}

/* A message before the last one is answered ends it. */
static void test_impatient(void **state)
{
    (void)state;
    talk_say(TALK, "[\"NEG-OPEN\",\"n\",{},\"61\"]");
    refused("[\"NEG-MSG\",\"n\",\"61\"]", "invalid: await the answer to your last message");
}

static void test_too_big(void **state)
{
    (void)state;
    for (int i = 0; i <= RECORDS_MAX; i++)
        talk_sayf(TALK, "[\"EVENT\",%s]", numbered(314, i)->json);
    for (int i = 0; i <= RECORDS_MAX; i++)
        talk_await_true(TALK);
    refused(scratch_format("[\"NEG-OPEN\",\"n\",%s,\"61\"]", by(314, "")),
            "blocked: this query is too big");
    talk_sayf(TALK, "[\"NEG-OPEN\",\"n\",%s,\"61\"]", by(314, ""));
    const json_t *answer = talk_await(TALK, "NEG-ERR");
    assert_int_equal(json_integer_value(json_array_get(answer, 3)), RECORDS_MAX);
    /* as many as may be */
    talk_sayf(TALK, "[\"NEG-OPEN\",\"n\",%s,\"61\"]",
              by(314, scratch_format(",\"limit\":%d", RECORDS_MAX)));
    talk_await(TALK, "NEG-MSG");
}

static void test_too_many(void **state)
{
    (void)state;
    for (int i = 0; i < OF_SESSION_MAX; i++) {
        talk_sayf(TALK, "[\"NEG-OPEN\",\"%d\",{\"kinds\":[9]},\"61\"]", i);
        talk_await(TALK, "NEG-MSG");
    }
    refused("[\"NEG-OPEN\",\"n\",{\"kinds\":[9]},\"61\"]", "error: more than 16 reconciliations");
    /* the same name again is no further one */
    talk_say(TALK, "[\"NEG-OPEN\",\"3\",{\"kinds\":[9]},\"61\"]");
    talk_await(TALK, "NEG-MSG");
    talk_say(TALK, "[\"NEG-CLOSE\",\"3\"]");
    talk_say(TALK, "[\"NEG-OPEN\",\"n\",{\"kinds\":[9]},\"61\"]");
    talk_await(TALK, "NEG-MSG");
}

/* Opened and left at once, many times: nothing is left behind. Many ids at once: all answered. */
static void test_abandoned(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++)
        talk_say(TALK, "[\"NEG-OPEN\",\"n\",{},\"61\"]");
    for (int i = 0; i < 20; i++) {
        talk_say(TALK, "[\"NEG-OPEN\",\"n\",{\"kinds\":[9]},\"61\"]");
        talk_say(TALK, "[\"NEG-CLOSE\",\"n\"]");
    }
    talk_is_alive(TALK);
}

static const char *const options[] = {"negentropy_records_max=400", NULL};

STAGE_SUITE(options, STAGE_TEST(test_differences), STAGE_TEST(test_beside_subscription),
            STAGE_TEST(test_gate), STAGE_TEST(test_malformed), STAGE_TEST(test_impatient),
            STAGE_TEST(test_too_big), STAGE_TEST(test_too_many), STAGE_TEST(test_abandoned))
