/* Any bytes: restored as far as the bound, and the same again once squeezed. */
#include <assert.h>

#include "relay/squeeze.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RESTORED_MAX = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = {(const char *)data, size};
    struct squeeze *squeeze = squeeze_new();
    struct text squeezed = {0}, restored = {0};
    enum squeeze_result result = squeeze_restore(squeeze, &restored, bytes, RESTORED_MAX);
    assert(restored.len <= RESTORED_MAX);
    assert(result != SQUEEZE_TOO_LONG || restored.len == RESTORED_MAX);
    squeeze_add(squeeze, &squeezed, bytes); /* whatever broke before */
    result = squeeze_restore(squeeze, &restored, text_span(&squeezed), size);
    assert(result == SQUEEZE_DONE && span_eq(text_span(&restored), bytes));
    text_clear(&squeezed);
    text_clear(&restored);
    squeeze_free(squeeze);
    return 0;
}
