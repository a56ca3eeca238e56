/* Any event as a buyer's word: what is believed is of its node, and not of later than it. */
#include "client/testimony.h"

#include <assert.h>
#include <stdint.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct event event;
    struct receipt_counter counter;
    struct market_deal deal;
    struct err err;
    if (event_parse(&event, &arena, (struct span){(const char *)data, size}, NULL)) {
        event.kind = KIND_COUNTER_RECEIPT;
        if (testimony_read(&deal, &counter, &arena, &event, &err))
            assert(deal.at <= event.created_at && !deal.is_own &&
                   memcmp(&deal.node, &counter.provider, sizeof deal.node) == 0);
        else
            assert(err.code == ERR_INVALID && err.text[0] != '\0');
    }
    arena_clear(&arena);
    return 0;
}
