/* Any bytes: an Authorization header up to the first line's end, then a body. What is taken for a
 * ticket or a request is one, and lies within its bounds. */
#include <assert.h>

#include "relay/rpc.h"
#include "relay/ticket.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct span text)
{
    for (size_t i = 0, size = 0; i < text.len; i += size) {
        size = utf8_size(text.at + i, text.at + text.len);
        assert(size > 0);
        assert((unsigned char)text.at[i] >= ' ' || text.at[i] == '\n');
    }
}

static void check_ticket(const struct ticket *ticket, struct span body)
{
    struct err err;
    const struct ticket_request request = {.public_url = "wss://relay.example",
                                           .method = SPAN("POST"),
                                           .body = body,
                                           .now = ticket->event.created_at};
    if (ticket->is_token || !ticket_check(ticket, &request, &err))
        return;
    assert(ticket->event.kind == 27235);
    (void)!ticket_prove(ticket, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct ticket ticket;
    struct rpc rpc;
    struct err err;
    const char *at = (const char *)data;
    const char *end = size == 0 ? NULL : memchr(at, '\n', size);
    size_t len = end == NULL ? size : (size_t)(end - at);
    struct span body = {end == NULL ? "" : end + 1, end == NULL ? 0 : size - len - 1};
    if (ticket_read(&ticket, &arena, (struct span){at, len}, &err))
        check_ticket(&ticket, body);
    if (rpc_parse(&rpc, &arena, body, &err)) {
        assert(rpc.method.len > 0 && rpc.count <= RPC_PARAMS_MAX);
        for (uint32_t i = 0; i < rpc.count; i++)
            check_text(rpc.params[i]);
    }
    arena_clear(&arena);
    return 0;
}
