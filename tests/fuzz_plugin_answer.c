/* Any bytes, as a line of a plugin: read or refused, and what is told of it fits in a refusal. */
#include <assert.h>

#include "relay/plugin_answer.h"
#include "shared/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct plugin_answer answer;
    struct err err;
    if (plugin_answer_read(&answer, &arena, (struct span){(const char *)data, size}, &err))
        assert(strlen(answer.why.text) > 0 && strlen(answer.why.text) < sizeof answer.why.text);
    else
        assert(strlen(err.text) > 0);
    arena_clear(&arena);
    return 0;
}
