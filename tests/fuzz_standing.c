/* Any bytes as what a node tells of a job: what is read is text, and JSON where it is to be. */
#include <assert.h>
#include <stdint.h>

#include "client/standing.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_json(struct span json)
{
    struct scan scan = scan_begin(json);
    bool ok = json.len == 0 || (scan_skip(&scan, NULL) && scan_end(&scan, NULL));
    assert(ok);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct standing standing;
    struct err err;
    if (standing_read(&standing, &arena, (struct span){(const char *)data, size}, &err)) {
        assert(standing.job.len > 0 && standing.state.len > 0);
        assert(utf8_is(standing.text) && utf8_is(standing.why));
        check_json(standing.receipt);
        check_json(standing.quote);
    } else {
        assert(err.code == ERR_INVALID && err.text[0] != '\0');
    }
    arena_clear(&arena);
    return 0;
}
