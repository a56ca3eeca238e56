#include "tests/talk.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/test.h"

#define NOBODY "0000000000000000000000000000000000000000000000000000000000000000"

static int64_t soon(void)
{
    return wire_now_ms() + WIRE_WAIT_MS;
}

static const char *dump(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *kept = scratch_format("%.4000s", text);
    free(text);
    return kept;
}

static const char *text_at(const json_t *message, size_t index)
{
    const char *text = json_string_value(json_array_get(message, index));
    return text != NULL ? text : "";
}

static bool begins(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static json_t *hand_out(struct talk *talk, json_t *message)
{
    json_decref(talk->heard);
    talk->heard = message;
    return message;
}

static const char *what_came(const struct talk *talk, enum ws_result result)
{
    switch (result) {
    case WS_MESSAGE:
        return "a message";
    case WS_CLOSED:
        return scratch_format("closed with %u", talk->ws.close_code);
    case WS_GONE:
        return "the connection ended without a close frame";
    case WS_LATE:
        return "nothing in time";
    case WS_BROKEN:
        return talk->ws.offence;
    }
    return "";
}

/* From the connection, a new reference. */
static json_t *receive(struct talk *talk)
{
    for (;;) {
        json_error_t error;
        enum ws_result result = ws_receive(&talk->ws, soon());
        if (result != WS_MESSAGE)
            fail_msg("no message came: %s", what_came(talk, result));
        json_t *message = json_loadb(talk->ws.message.at, talk->ws.message.len,
                                     JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (!json_is_array(message))
            fail_msg("not a message (%s): %.*s", error.text, SPAN_ARG(talk->ws.message));
        if (strcmp(text_at(message, 0), "AUTH") != 0)
            return message;
        snprintf(talk->challenge, sizeof talk->challenge, "%s", text_at(message, 1));
        json_decref(message);
    }
}

json_t *talk_hear(struct talk *talk)
{
    json_t *message = json_incref(json_array_get(talk->kept, 0));
    if (message == NULL)
        return hand_out(talk, receive(talk));
    json_array_remove(talk->kept, 0);
    return hand_out(talk, message);
}

json_t *talk_await(struct talk *talk, const char *type)
{
    for (size_t i = 0; i < json_array_size(talk->kept); i++) {
        json_t *message = json_array_get(talk->kept, i);
        if (strcmp(text_at(message, 0), type) != 0)
            continue;
        json_incref(message);
        json_array_remove(talk->kept, i);
        return hand_out(talk, message);
    }
    for (;;) {
        json_t *message = receive(talk);
        if (strcmp(text_at(message, 0), type) == 0)
            return hand_out(talk, message);
        json_array_append_new(talk->kept, message);
    }
}

void talk_await_true(struct talk *talk)
{
    const json_t *ok = talk_await(talk, "OK");
    const json_t *accepted = json_array_get(ok, 2);
    if (!json_is_true(accepted))
        fail_msg("wanted OK true, came %s", dump(ok));
}

void talk_await_end(struct talk *talk, uint16_t close_code)
{
    enum ws_result result = WS_MESSAGE;
    while (result == WS_MESSAGE)
        result = ws_receive(&talk->ws, soon());
    if (result != WS_CLOSED || talk->ws.close_code != close_code)
        fail_msg("wanted close code %u, came: %s", close_code, what_came(talk, result));
}

void talk_open_with(struct talk *talk, const struct ws_options *options)
{
    *talk = (struct talk){.kept = json_array()};
    if (!ws_open(&talk->ws, options))
        fail_msg("cannot connect: %s",
                 talk->ws.response.at != NULL ? talk->ws.response.at : "no answer");
    int64_t deadline_ms = soon();
    while (talk->challenge[0] == '\0') {
        if (ws_receive(&talk->ws, deadline_ms) != WS_MESSAGE)
            fail_msg("no challenge came");
        json_t *message =
            json_loadb(talk->ws.message.at, talk->ws.message.len, JSON_REJECT_DUPLICATES, NULL);
        assert_string_equal(text_at(message, 0), "AUTH");
        snprintf(talk->challenge, sizeof talk->challenge, "%s", text_at(message, 1));
        json_decref(message);
    }
}

void talk_open(struct talk *talk, const struct relay *relay)
{
    talk_open_with(talk,
                   &(struct ws_options){.address = {"127.0.0.1", relay->port, NULL, NULL, 0}});
}

void talk_close(struct talk *talk)
{
    ws_close(&talk->ws);
    json_decref(talk->heard);
    json_decref(talk->kept);
    talk->heard = talk->kept = NULL;
}

void talk_say(struct talk *talk, const char *text)
{
    if (!ws_send_text(&talk->ws, (struct span){text, strlen(text)}))
        fail_msg("cannot send %.200s", text);
}

void talk_sayf(struct talk *talk, const char *format, ...)
{
    va_list list;
    char *text;
    va_start(list, format);
    int len = vasprintf(&text, format, list);
    va_end(list);
    assert_true(len >= 0);
    talk_say(talk, text);
    free(text);
}

/* OK has exactly four elements, of these types. */
static struct talk_answer answer_of(const json_t *ok, const char *id)
{
    struct talk_answer answer = {0};
    if (json_array_size(ok) != 4 || !json_is_boolean(json_array_get(ok, 2)) ||
        !json_is_string(json_array_get(ok, 3)) || strcmp(text_at(ok, 1), id) != 0)
        fail_msg("not an OK of %s: %s", id, dump(ok));
    answer.accepted = json_is_true(json_array_get(ok, 2));
    snprintf(answer.note, sizeof answer.note, "%s", text_at(ok, 3));
    return answer;
}

struct talk_answer talk_publish(struct talk *talk, const struct signer_event *event)
{
    talk_sayf(talk, "[\"EVENT\",%s]", event->json);
    return answer_of(talk_await(talk, "OK"), event->id);
}

void talk_accept(struct talk *talk, const struct signer_event *event)
{
    struct talk_answer answer = talk_publish(talk, event);
    if (!answer.accepted || strcmp(answer.note, "") != 0)
        fail_msg("not accepted: %s: %.1000s", answer.note, event->json);
}

void talk_repeat(struct talk *talk, const struct signer_event *event)
{
    struct talk_answer answer = talk_publish(talk, event);
    if (!answer.accepted || !begins(answer.note, "duplicate: "))
        fail_msg("not a duplicate: %s: %.1000s", answer.note, event->json);
}

static void check_refused(struct talk_answer answer, const char *note, const char *what)
{
    if (answer.accepted || !begins(answer.note, note))
        fail_msg("wanted a refusal \"%s\", came %s \"%s\", for %.1000s", note,
                 answer.accepted ? "true" : "false", answer.note, what);
}

void talk_refuse(struct talk *talk, const struct signer_event *event, const char *note)
{
    check_refused(talk_publish(talk, event), note, event->json);
}

void talk_refuse_text(struct talk *talk, const char *text, const char *id, const char *note)
{
    talk_say(talk, text);
    json_t *heard = talk_hear(talk);
    if (strcmp(text_at(heard, 0), "OK") != 0)
        fail_msg("wanted an OK, came %s, for %.1000s", dump(heard), text);
    check_refused(answer_of(heard, id), note, text);
}

void talk_auth(struct talk *talk, const struct signer_event *event, const char *note)
{
    talk_sayf(talk, "[\"AUTH\",%s]", event->json);
    struct talk_answer answer = answer_of(talk_await(talk, "OK"), event->id);
    if (note != NULL)
        check_refused(answer, note, event->json);
    else if (!answer.accepted)
        fail_msg("not authenticated: %s: %s", answer.note, event->json);
}

void talk_login(struct talk *talk, uint32_t person, const char *url)
{
    talk_auth(talk,
              SIGN(.person = person, .kind = 22242,
                   .tags = scratch_format("[[\"relay\",\"%s\"],[\"challenge\",\"%s\"]]", url,
                                          talk->challenge)),
              NULL);
}

/* The event in an EVENT message for sub. */
static const json_t *event_of(const json_t *message, const char *sub)
{
    if (strcmp(text_at(message, 0), "EVENT") != 0 || strcmp(text_at(message, 1), sub) != 0 ||
        json_array_size(message) != 3)
        fail_msg("wanted an EVENT of %s, came %s", sub, dump(message));
    return json_array_get(message, 2);
}

static const char *id_of(const json_t *event)
{
    return json_string_value(json_object_get(event, "id"));
}

/* Every member has the value sent, and there is no other. */
static void check_event(const json_t *got, const struct signer_event *want)
{
    json_t *sent = json_loads(want->json, JSON_ALLOW_NUL, NULL);
    assert_non_null(sent);
    if (!json_equal(got, sent))
        fail_msg("wanted %s, came %s", dump(sent), dump(got));
    json_decref(sent);
}

void talk_expect(struct talk *talk, const char *filters, const struct signer_event *const *events,
                 size_t count)
{
    talk_sayf(talk, "[\"REQ\",\"expect\",%s]", filters);
    for (size_t i = 0; i < count; i++) {
        json_t *message = talk_hear(talk);
        if (strcmp(text_at(message, 0), "EVENT") != 0)
            fail_msg("after %zu of %zu for %s: %s", i, count, filters, dump(message));
        check_event(event_of(message, "expect"), events[i]);
    }
    json_t *end = talk_hear(talk);
    if (strcmp(text_at(end, 0), "EOSE") != 0 || strcmp(text_at(end, 1), "expect") != 0)
        fail_msg("wanted %zu events for %s, then came %s", count, filters, dump(end));
    talk_say(talk, "[\"CLOSE\",\"expect\"]");
}

void talk_expect_none(struct talk *talk, const char *filters)
{
    talk_expect(talk, filters, NULL, 0);
}

struct talk_found talk_find(struct talk *talk, const char *filters)
{
    struct talk_found found = {0};
    talk_sayf(talk, "[\"REQ\",\"find\",%s]", filters);
    for (;;) {
        json_t *message = talk_hear(talk);
        if (strcmp(text_at(message, 0), "EOSE") == 0) {
            assert_string_equal(text_at(message, 1), "find");
            const char *finish = text_at(json_array_get(message, 2), 0);
            snprintf(found.finish, sizeof found.finish, "%s", finish);
            talk_say(talk, "[\"CLOSE\",\"find\"]");
            return found;
        }
        const char *id = id_of(event_of(message, "find"));
        if (found.count++ == 0)
            snprintf(found.first_id, sizeof found.first_id, "%s", id);
        snprintf(found.last_id, sizeof found.last_id, "%s", id);
    }
}

void talk_subscribe(struct talk *talk, const char *sub, const char *filters)
{
    talk_sayf(talk, "[\"REQ\",\"%s\",%s]", sub, filters);
    for (;;) {
        json_t *message = talk_hear(talk);
        if (strcmp(text_at(message, 0), "EOSE") == 0 && strcmp(text_at(message, 1), sub) == 0)
            return;
        event_of(message, sub);
    }
}

void talk_await_event(struct talk *talk, const char *sub, const struct signer_event *event)
{
    check_event(event_of(talk_await(talk, "EVENT"), sub), event);
}

void talk_closed(struct talk *talk, const char *text, const char *sub, const char *reason)
{
    talk_say(talk, text);
    json_t *closed = talk_hear(talk);
    if (json_array_size(closed) != 3 || strcmp(text_at(closed, 0), "CLOSED") != 0 ||
        strcmp(text_at(closed, 1), sub) != 0 || !begins(text_at(closed, 2), reason))
        fail_msg("wanted CLOSED of %s \"%s\", came %s, for %.1000s", sub, reason, dump(closed),
                 text);
}

void talk_noticed(struct talk *talk, const char *text, const char *notice)
{
    talk_say(talk, text);
    json_t *heard = talk_hear(talk);
    if (json_array_size(heard) != 2 || strcmp(text_at(heard, 0), "NOTICE") != 0 ||
        !begins(text_at(heard, 1), notice))
        fail_msg("wanted NOTICE \"%s\", came %s, for %.1000s", notice, dump(heard), text);
}

static int64_t count_of(const json_t *answer, const char *filters)
{
    const json_t *count = json_object_get(json_array_get(answer, 2), "count");
    if (strcmp(text_at(answer, 0), "COUNT") != 0 || !json_is_integer(count))
        fail_msg("wanted COUNT, came %s, for %s", dump(answer), filters);
    return json_integer_value(count);
}

int64_t talk_count(struct talk *talk, const char *filters)
{
    talk_sayf(talk, "[\"COUNT\",\"count\",%s]", filters);
    return count_of(talk_hear(talk), filters);
}

void talk_is_alive(struct talk *talk)
{
    talk_say(talk, "[\"COUNT\",\"alive\",{\"ids\":[\"" NOBODY "\"]}]");
    assert_int_equal(count_of(talk_await(talk, "COUNT"), "alive"), 0);
}

void talk_is_quiet(struct talk *talk)
{
    talk_is_alive(talk);
    if (json_array_size(talk->kept) > 0)
        fail_msg("unasked for: %s", dump(talk->kept));
}
