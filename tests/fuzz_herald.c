/* Any bytes as what a wallet that waits sends: read within bounds or refused. */
#include <assert.h>
#include <stdint.h>

#include "gpu/herald_parts.h"
#include "shared/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct herald_request request;
    struct err err;
    uint32_t count = 0;
    if (!herald_read(&request, (struct span){(const char *)data, size}, &err)) {
        assert(err.text[0] != '\0' && request.items == NULL);
        return 0;
    }
    for (const struct herald_item *item = request.items; item != NULL; item = item->next)
        count++;
    assert(count == request.count && count <= HERALD_FILTERS_MAX);
    assert(request.subscription[0] != '\0' && request.id.len <= HERALD_WORD_MAX);
    herald_free_items(request.items);
    return 0;
}
