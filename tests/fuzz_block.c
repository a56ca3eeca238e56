/* Any bytes as a block, its tags on the first line and its content on the rest; as an anchor; as a
 * proof. What is read is written and read again the same. */
#include <assert.h>
#include <stdint.h>

#include "client/block.h"
#include "client/draft.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_event(struct arena *arena, struct span tags, struct span content)
{
    struct event event = {.kind = KIND_BLOCK}, again;
    struct block block, read;
    struct draft draft = {0};
    struct text json = {0};
    struct bytes32 id;
    if (!event_parse_tags(&event, arena, tags, NULL))
        return;
    text_add_json(&json, content);
    struct span body = arena_copy(arena, text_span(&json));
    text_clear(&json);
    event.content_json = (struct span){body.at + 1, body.len - 2};
    if (block_parse(&block, arena, &event, NULL)) {
        block_draft(&draft, &block);
        draft_finish(&draft, &again, arena);
        bool ok = block_parse(&read, arena, &again, NULL);
        assert(ok && read.count == block.count);
        assert(memcmp(read.ids, block.ids, read.count * sizeof *read.ids) == 0);
    }
    draft_clear(&draft);
    event.kind = KIND_TIMESTAMP;
    (void)block_anchor(&id, arena, &event);
}

static void try_proof(struct arena *arena, struct span json)
{
    struct block_proof proof, read;
    struct text out = {0};
    struct err err;
    if (block_proof_parse(&proof, arena, json, &err)) {
        bool is_right = merkle_verify(&proof.way, &proof.id, &proof.root);
        block_proof_write(&out, &proof);
        bool ok = block_proof_parse(&read, arena, text_span(&out), NULL);
        assert(ok && merkle_verify(&read.way, &read.id, &read.root) == is_right);
    } else {
        assert(err.text[0] != '\0');
    }
    text_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct span all = arena_copy(&arena, (struct span){(const char *)data, size});
    const char *end = all.len > 0 ? memchr(all.at, '\n', all.len) : NULL;
    if (end != NULL && utf8_is(all))
        try_event(&arena, (struct span){all.at, (size_t)(end - all.at)},
                  (struct span){end + 1, all.len - (size_t)(end - all.at) - 1});
    try_proof(&arena, all);
    arena_clear(&arena);
    return 0;
}
