/* Any bytes: of what is accepted, every value can be asked for, every tensor read. */
#include <assert.h>

#include "gpu/gguf.h"
#include "shared/arena.h"
#include "shared/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touches the first and the last byte of a span. */
static unsigned touch(struct span bytes)
{
    return bytes.len == 0 ? 0 : (unsigned)(bytes.at[0] ^ bytes.at[bytes.len - 1]);
}

static unsigned ask(const struct gguf_value *value)
{
    struct span rest = value->bytes;
    struct span text = {0};
    uint64_t whole = 0;
    double number = 0;
    bool flag = false;
    unsigned sum = gguf_integer(value, &whole, INT64_MAX);
    sum += gguf_number(value, &number);
    sum += gguf_bool(value, &flag);
    sum += gguf_text(value, &text);
    for (uint64_t i = 0; value->is_array && i < value->count; i++) {
        if (value->type == GGUF_STRING)
            sum += touch(gguf_take(&rest));
        else
            sum += gguf_item(value, i) > 0;
    }
    return sum + touch(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static volatile unsigned sink;
    struct arena arena = {0};
    struct gguf gguf;
    struct err err = {0};
    if (gguf_parse(&gguf, &arena, (struct span){(const char *)data, size}, &err)) {
        for (uint32_t i = 0; i < gguf.value_count; i++)
            sink = sink + ask(&gguf.values[i]);
        for (uint32_t i = 0; i < gguf.tensors.count; i++)
            sink = sink + touch(gguf.tensors.at[i].data);
    } else {
        assert(strlen(err.text) > 0);
    }
    arena_clear(&arena);
    return 0;
}
