/* Any bytes as an event of an entity: tags on the first line, content on the rest. What is read is
 * written and read again the same, and put into an entity leaves a state that is canonical JSON. */
#include <assert.h>
#include <stdint.h>

#include "client/entity.h"
#include "client/node.h"
#include "client/op.h"
#include "client/state.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool parse(struct op_list *ops, struct arena *arena, struct span content)
{
    struct text json = {0};
    struct err err;
    text_add_json(&json, content);
    struct span body = arena_copy(arena, text_span(&json));
    text_clear(&json);
    const struct event event = {.content_json = {body.at + 1, body.len - 2}};
    bool ok = op_parse(ops, arena, &event, &err);
    assert(ok || err.text[0] != '\0');
    return ok;
}

/* Once more through the writer. */
static void check_again(const struct op_list *ops, struct arena *arena)
{
    struct text out = {0}, again = {0};
    struct op_list read;
    for (uint32_t i = 0; i < ops->count; i++) {
        if (ops->at[i].type == OP_UNKNOWN)
            continue;
        out.len = again.len = 0;
        op_write(&out, &ops->at[i]);
        bool ok = parse(&read, arena, text_span(&out));
        assert(ok && read.count == 1);
        op_write(&again, &read.at[0]);
        assert(span_eq(text_span(&out), text_span(&again)));
    }
    text_clear(&out);
    text_clear(&again);
}

static void check_state(const struct op_list *ops)
{
    const struct node root = {.id = {.at = {1}}, .root = {.at = {1}}, .hlc = 5};
    struct entity *entity = entity_new(&root.root, UINT64_MAX, NULL, NULL);
    struct text json = {0};
    enum entity_verdict verdict = entity_put(entity, &root, ops);
    assert(verdict == ENTITY_APPLIED);
    state_write(entity_state(entity), &json, true);
    struct scan scan = scan_begin(text_span(&json));
    bool ok = scan_skip(&scan, NULL) && scan_end(&scan, NULL);
    assert(ok);
    text_clear(&json);
    entity_free(entity);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *line = size > 0 ? memchr(text, '\n', size) : NULL;
    if (line == NULL || !utf8_is((struct span){text, size}))
        return 0;
    struct arena arena = {0};
    struct event event = {.kind = 1570};
    struct op_list ops;
    struct node node;
    struct err err;
    if (event_parse_tags(&event, &arena, (struct span){text, (size_t)(line - text)}, NULL) &&
        !node_parse(&node, &arena, &event, &err))
        assert(err.text[0] != '\0');
    struct span content = {line + 1, (size_t)(text + size - line - 1)};
    if (parse(&ops, &arena, content)) {
        check_again(&ops, &arena);
        check_state(&ops);
    }
    arena_clear(&arena);
    return 0;
}
