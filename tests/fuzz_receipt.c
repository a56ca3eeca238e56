/* Any tags: what is read as a receipt is written, and then read as the same one. */
#include <assert.h>

#include "shared/arena.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/receipt.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_receipt(struct arena *arena, struct event *event)
{
    struct receipt once, twice;
    struct text tags = {0}, again = {0};
    event->kind = KIND_RECEIPT;
    if (receipt_read(&once, arena, event, NULL)) {
        receipt_write(&tags, &once);
        bool ok = event_parse_tags(event, arena, text_span(&tags), NULL) &&
                  receipt_read(&twice, arena, event, NULL);
        assert(ok);
        receipt_write(&again, &twice);
        assert(span_eq(text_span(&tags), text_span(&again)));
        text_clear(&again);
        text_clear(&tags);
    }
}

static void try_counter(struct arena *arena, struct event *event)
{
    struct receipt_counter once, twice;
    struct text tags = {0};
    event->kind = KIND_COUNTER_RECEIPT;
    if (receipt_read_counter(&once, event, NULL)) {
        receipt_write_counter(&tags, &once);
        bool ok = event_parse_tags(event, arena, text_span(&tags), NULL) &&
                  receipt_read_counter(&twice, event, NULL);
        assert(ok && twice.amount == once.amount && twice.jobs == once.jobs);
        text_clear(&tags);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct event event = {.content_json = SPAN("")};
    if (event_parse_tags(&event, &arena, (struct span){(const char *)data, size}, NULL)) {
        struct event other = event;
        try_receipt(&arena, &event);
        try_counter(&arena, &other);
    }
    arena_clear(&arena);
    return 0;
}
