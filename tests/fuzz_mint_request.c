/* Any bytes as what a wallet sends: read within bounds or refused, and its locks looked at. */
#include <assert.h>
#include <stdint.h>

#include "gpu/fault.h"
#include "gpu/mint_request.h"
#include "shared/arena.h"
#include "shared/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct mint_request request;
    struct fault fault;
    struct err err;
    const struct span body = {(const char *)data, size};
    if (!mint_request_read(&request, &arena, body, &fault)) {
        assert(fault.code == FAULT_MALFORMED || fault.code == FAULT_INPUTS_MAX ||
               fault.code == FAULT_OUTPUTS_MAX);
        assert(fault.text[0] != '\0');
        arena_clear(&arena);
        return 0;
    }
    assert(request.input_count <= MINT_REQUEST_LIST_MAX &&
           request.output_count <= MINT_REQUEST_LIST_MAX &&
           request.y_count <= MINT_REQUEST_LIST_MAX);
    const struct p2pk_spend spend = {request.inputs, request.input_count, request.outputs,
                                     request.output_count, request.quote};
    if (!p2pk_check(&spend, &arena, 1800000000, &err))
        assert(err.text[0] != '\0');
    arena_clear(&arena);
    return 0;
}
