/* Any bytes as an operation of an application: what is read is within its bounds, and its fields
 * are canonical JSON. */
#include <assert.h>
#include <stdint.h>

#include "client/hlc.h"
#include "client/op.h"
#include "client/operation.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct operation operation;
    struct operation_field *fields;
    struct err err = {0};
    size_t count;
    if (!operation_parse(&operation, &arena, (struct span){(const char *)data, size}, &err)) {
        assert(err.text[0] != '\0');
        arena_clear(&arena);
        return 0;
    }
    assert(operation.id.len > 0 && operation.id.len <= OPERATION_NAME_BYTES_MAX);
    assert(hlc_ms(operation.hlc) < UINT64_C(1) << 47);
    if (operation_fields(&operation, &fields, &count, &arena, &err))
        for (size_t i = 0; i < count; i++) {
            struct scan scan = scan_begin(fields[i].json);
            bool ok = scan_skip(&scan, NULL) && scan_end(&scan, NULL);
            assert(ok && fields[i].key.len > 0 && fields[i].key.len <= OP_KEY_BYTES_MAX);
        }
    arena_clear(&arena);
    return 0;
}
