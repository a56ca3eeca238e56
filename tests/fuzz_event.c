/* Any bytes: an event that parses is written as one that is the same in every form. */
#include <assert.h>
#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_forms(const struct event *event, const struct event *again)
{
    struct text text = {0};
    for (enum event_form form = EVENT_FORM_JSON; form <= EVENT_FORM_VERBATIM; form++) {
        struct bytes32 hash = event_hash(event, form);
        struct bytes32 hash_again = event_hash(again, form);
        assert(span_eq(SPAN_OF(hash), SPAN_OF(hash_again)));
        struct event named = *event;
        named.id = hash;
        assert(event_check_id(&named));
    }
    text_clear(&text);
}

static void ask_everything(const struct event *event)
{
    int64_t expires_at;
    uint32_t target;
    if (event_expiration(event, &expires_at))
        assert(expires_at >= 0);
    if (event_pow_target(event, &target))
        assert(event->tag_count > 0);
    if (event_names_pubkey(event, 'p', &event->pubkey))
        assert(event_tag_value(event, SPAN("p")) != NULL);
    if (event_is_protected(event))
        assert(event->tag_count > 0);
    assert(event_identifier(event).at != NULL);
    assert(event_difficulty(event) <= 256);
    assert(event_content_chars(event) <= event->content_json.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct text text = {0};
    struct event event;
    struct event again;
    struct err err;
    if (event_parse(&event, &arena, (struct span){(const char *)data, size}, &err)) {
        ask_everything(&event);
        event_write(&text, &event);
        bool ok = event_parse(&again, &arena, text_span(&text), &err);
        assert(ok && span_eq(event.tags_json, again.tags_json));
        assert(span_eq(event.content_json, again.content_json));
        check_forms(&event, &again);
    } else
        assert(strlen(err.text) > 0);
    text_clear(&text);
    arena_clear(&arena);
    return 0;
}
