/* Any bytes: what is accepted lies within the file and is as large as its shape says. */
#include <assert.h>

#include "gpu/safetensors.h"
#include "shared/arena.h"
#include "shared/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span file = {(const char *)data, size};
    struct arena arena = {0};
    struct tensor_list list;
    struct err err = {0};
    if (safetensors_parse(&list, &arena, file, &err)) {
        size_t sum = 0;
        for (uint32_t i = 0; i < list.count; i++) {
            const struct tensor *tensor = &list.at[i];
            uint64_t elements;
            uint64_t bytes;
            bool ok = tensor_elements(&elements, tensor) &&
                      dtype_bytes(&bytes, tensor->type, elements) && bytes == tensor->data.len;
            assert(ok && tensor->data.at >= file.at &&
                   tensor->data.len <= (size_t)(file.at + size - tensor->data.at));
            sum += tensor->data.len;
        }
        assert(sum <= size);
    } else {
        assert(strlen(err.text) > 0);
    }
    arena_clear(&arena);
    return 0;
}
