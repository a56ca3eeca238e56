/* Any bytes, under a checksum that is right: what is accepted keeps its bounds, and is written as
 * it was read. */
#include <assert.h>
#include <stdlib.h>

#include "gpu/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_rows(const struct wire *wire)
{
    size_t bytes = activation_bytes(wire->activation, wire->width);
    float *row = calloc(wire->width, sizeof *row);
    assert(row != NULL);
    for (uint32_t i = 0; i < wire->count; i++)
        (void)!activation_read(row, wire->activation, wire->payload.at + i * bytes, wire->width);
    free(row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char header[WIRE_HEADER_BYTES];
    struct wire wire;
    if (size < WIRE_HEADER_BYTES)
        return wire_read(&wire, (struct span){(const char *)data, size}, NULL);
    char *message = malloc(size);
    assert(message != NULL);
    memcpy(message, data, size);
    struct span payload = {message + WIRE_HEADER_BYTES, size - WIRE_HEADER_BYTES};
    wire_seal(message, payload, data + WIRE_TAG_AT);
    if (wire_read(&wire, (struct span){message, size}, NULL)) {
        if (wire.type == WIRE_HIDDEN)
            read_rows(&wire);
        wire_write(header, &wire);
        wire_seal(header, wire.payload, wire.tag);
        assert(memcmp(header, message, sizeof header) == 0);
    }
    free(message);
    return 0;
}
