/* Any text: its words are no longer, hold no NUL, and are the same when read again. */
#include <assert.h>

#include "shared/arena.h"
#include "shared/terms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct terms once = terms_read(&arena, (struct span){(const char *)data, size});
    struct terms twice = terms_read(&arena, once.words);
    assert(once.words.len <= size && memchr(once.words.at, '\0', once.words.len) == NULL);
    assert(span_eq(once.words, twice.words) && twice.language[0] == '\0');
    assert(strlen(once.language) == 0 || strlen(once.language) == 2);
    arena_clear(&arena);
    return 0;
}
