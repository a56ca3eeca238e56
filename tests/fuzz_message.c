/* Any bytes, as a message from either side and as the beginning of one. */
#include <assert.h>
#include <stdlib.h>

#include "shared/arena.h"
#include "shared/message.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the client sent, written by us, is read as the same type and sub. */
static void check_again(const struct message *message, struct arena *arena)
{
    struct text text = {0};
    struct message again;
    if (message->type == MESSAGE_EVENT)
        message_write_event(&text, &message->event);
    else if (message->type == MESSAGE_AUTH)
        message_write_auth_answer(&text, &message->event);
    else if (message->type == MESSAGE_REQ)
        message_write_req(&text, message->sub, message->filters, message->filter_count);
    else if (message->type == MESSAGE_COUNT)
        message_write_count_request(&text, message->sub, message->filters, message->filter_count);
    else if (message->type == MESSAGE_NEG_OPEN)
        message_write_neg_open(&text, message->sub, message->filters, message->bytes);
    else if (message->type == MESSAGE_NEG_MSG)
        message_write_neg_msg(&text, message->sub, message->bytes);
    else if (message->type == MESSAGE_NEG_CLOSE)
        message_write_neg_close(&text, message->sub);
    else
        message_write_close(&text, message->sub);
    bool ok = message_parse_client(&again, arena, text_span(&text), message->filter_count, NULL);
    assert(ok && again.type == message->type && span_eq(again.sub, message->sub));
    assert(again.filter_count == message->filter_count);
    text_clear(&text);
}

/* A refusal can always be written, and read by the client. */
static void check_refusal(const struct message *message, struct arena *arena, const struct err *why)
{
    struct text text = {0};
    struct message refusal;
    const bool accepted = false;
    message_write_ok(&text, &message->event.id, accepted, why);
    bool ok = message_parse_relay(&refusal, arena, text_span(&text), NULL);
    assert(ok && memcmp(&refusal.id, &message->event.id, sizeof refusal.id) == 0);
    text.len = 0;
    message_write_notice(&text, why);
    ok = message_parse_relay(&refusal, arena, text_span(&text), NULL);
    assert(ok && refusal.note.len > 0);
    text_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { FILTERS_MAX = 4 };
    struct span input = {(const char *)data, size};
    struct arena arena = {0};
    struct message message;
    struct message peeked;
    struct err err;
    bool ok = message_parse_client(&message, &arena, input, FILTERS_MAX, &err);
    message_peek(&peeked, &arena, input);
    assert(peeked.type == message.type && span_eq(peeked.sub, message.sub));
    if (ok) {
        assert(message.filter_count <= FILTERS_MAX);
        check_again(&message, &arena);
    } else
        check_refusal(&message, &arena, &err);
    if (!message_parse_relay(&message, &arena, input, &err))
        check_refusal(&message, &arena, &err);
    arena_clear(&arena);
    return 0;
}
