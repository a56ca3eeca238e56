/* Any bytes as what a proxy says, in any pieces: the verdict is the same, and it ends. */
#include <assert.h>
#include <stdint.h>

#include "client/socks.h"
#include "shared/err.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Hears the bytes in pieces of that size; how many were left at the verdict. */
static enum socks_verdict hear(struct span bytes, size_t piece, size_t *left)
{
    struct socks socks = {.kind = SOCKS_NAME, .address = SPAN("relay"), .port = 443};
    struct text out = {0}, gathered = {0};
    struct err err = {.text = ""};
    enum socks_verdict verdict = SOCKS_MORE;
    size_t at = 0;
    socks_begin(&socks, &out);
    while (verdict == SOCKS_MORE && at < bytes.len) {
        size_t len = bytes.len - at < piece ? bytes.len - at : piece;
        text_add(&gathered, (struct span){bytes.at + at, len});
        at += len;
        struct span rest = text_span(&gathered);
        verdict = socks_hear(&socks, &rest, &out, &err);
        memmove(gathered.at, rest.at, rest.len);
        gathered.len = rest.len;
    }
    assert((verdict == SOCKS_FAILED) == (err.text[0] != '\0'));
    *left = gathered.len + bytes.len - at;
    text_clear(&out);
    text_clear(&gathered);
    return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = {(const char *)data, size};
    struct socks_proxy proxy;
    size_t left, left_again;
    if (size == 0)
        return 0;
    enum socks_verdict verdict = hear(bytes, size, &left);
    enum socks_verdict again = hear(bytes, 1, &left_again);
    assert(verdict == again && (verdict != SOCKS_DONE || left == left_again));
    if (socks_proxy_parse(&proxy, bytes, NULL))
        assert(proxy.port > 0 && proxy.host[0] != '\0');
    return 0;
}
