/* Any bytes as what a relay says of itself: limits are positive or unknown. */
#include <assert.h>
#include <stdint.h>

#include "client/info.h"
#include "shared/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct info info;
    struct err err = {.text = ""};
    if (!info_parse(&info, (struct span){(const char *)data, size}, &err)) {
        assert(err.text[0] != '\0');
        return 0;
    }
    assert(info.message_bytes_max >= 0 && info.subs_max >= 0 && info.limit_max >= 0);
    assert(info.has_nips || (!info.has_negentropy && !info.has_count));
    return 0;
}
