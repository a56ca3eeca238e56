/* Any bytes as a checkpoint: its tags on the first line, its content on the rest. What is read is
 * written and read again the same. */
#include <assert.h>
#include <stdint.h>

#include "client/checkpoint.h"
#include "client/draft.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(struct arena *arena, const struct checkpoint *said)
{
    struct draft draft = {0};
    struct event event;
    struct checkpoint read;
    checkpoint_draft(&draft, said);
    draft_finish(&draft, &event, arena);
    draft_clear(&draft);
    bool ok = checkpoint_parse(&read, arena, &event, NULL);
    assert(ok && checkpoint_compare(said, &read) == NULL);
    assert(read.head_count == said->head_count && read.ground_count == said->ground_count);
    assert(span_eq(read.state, said->state) && read.size == said->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size > 0 ? memchr(text, '\n', size) : NULL;
    if (end == NULL || !utf8_is((struct span){text, size}))
        return 0;
    struct arena arena = {0};
    struct event event = {.kind = KIND_CHECKPOINT};
    struct checkpoint said;
    struct text json = {0};
    struct err err;
    text_add_json(&json, (struct span){end + 1, (size_t)(text + size - end - 1)});
    event.content_json = (struct span){json.at + 1, json.len - 2};
    if (event_parse_tags(&event, &arena, (struct span){text, (size_t)(end - text)}, NULL)) {
        if (checkpoint_parse(&said, &arena, &event, &err))
            check_again(&arena, &said);
        else
            assert(err.text[0] != '\0');
    }
    text_clear(&json);
    arena_clear(&arena);
    return 0;
}
