/* Any bytes as a router's file: what is read has streams, each with somewhere to go. */
#include <assert.h>

#include "relay/router_file.h"
#include "shared/arena.h"
#include "shared/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct router_file file;
    struct err err = {.text = {0}};
    struct span text = arena_copy(&arena, (struct span){(const char *)data, size});
    if (router_file_parse(&file, &arena, text, &err)) {
        assert(file.count > 0 && file.count <= ROUTER_STREAMS_MAX);
        for (uint32_t i = 0; i < file.count; i++) {
            const struct router_stream *stream = &file.streams[i];
            assert(stream->name[0] != '\0' && (stream->down || stream->up));
            assert(stream->url_count > 0 && stream->url_count <= ROUTER_URLS_MAX);
        }
    } else {
        assert(err.text[0] != '\0');
    }
    arena_clear(&arena);
    return 0;
}
