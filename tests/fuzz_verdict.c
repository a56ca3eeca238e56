/* Any event as a verdict and as a proof: what is believed holds together. */
#include <assert.h>
#include <stdint.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/fraud.h"
#include "shared/kind.h"
#include "shared/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct event event;
    struct verdict verdict;
    struct bytes32 node;
    struct err err;
    if (event_parse(&event, &arena, (struct span){(const char *)data, size}, NULL)) {
        event.kind = KIND_VERDICT;
        if (verdict_read(&verdict, &arena, &event, &err))
            assert(verdict.same <= verdict.checked && verdict.checked > 0);
        else
            assert(err.code == ERR_INVALID && err.text[0] != '\0');
        event.kind = KIND_FRAUD;
        if (!fraud_read(&node, &arena, &event, &err))
            assert(err.code == ERR_INVALID && err.text[0] != '\0');
    }
    arena_clear(&arena);
    return 0;
}
