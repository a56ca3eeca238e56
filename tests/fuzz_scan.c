/* Any bytes: skipping ends inside the text, and agrees with reading string by string. */
#include <assert.h>
#include <stdlib.h>

#include "shared/arena.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a scan accepts as one string is UTF-8, and survives being written again. */
static void check_string(struct span input)
{
    struct arena arena = {0};
    struct text json = {0};
    struct scan scan = scan_begin(input);
    struct span decoded;
    if (scan_text(&scan, &arena, &decoded, NULL)) {
        const char *end = decoded.at + decoded.len;
        for (const char *at = decoded.at; at < end;) {
            size_t character = utf8_size(at, end);
            assert(character > 0);
            at += character;
        }
        struct span again;
        text_add_json(&json, decoded);
        scan = scan_begin(text_span(&json));
        bool ok = scan_text(&scan, &arena, &again, NULL) && scan_end(&scan, NULL);
        assert(ok && span_eq(decoded, again));
    }
    text_clear(&json);
    arena_clear(&arena);
}

static void check_integer(struct span input)
{
    struct scan scan = scan_begin(input);
    struct scan skip = scan_begin(input);
    int64_t value;
    if (!scan_integer(&scan, &value, INT64_MAX, NULL))
        return;
    bool ok = scan_skip(&skip, NULL);
    assert(ok && skip.at == scan.at && value >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = {(const char *)data, size};
    struct err err;
    struct scan scan = scan_begin(input);
    if (!scan_skip(&scan, &err) || !scan_end(&scan, &err))
        assert(strlen(err.text) > 0);
    assert(scan.at <= scan.end);
    check_string(input);
    check_integer(input);
    return 0;
}
