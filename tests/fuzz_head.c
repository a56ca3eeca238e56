/* Any bytes: what is taken for a head is one, and lies within them. */
#include <assert.h>

#include "relay/answer.h"
#include "relay/head.h"
#include "relay/http.h"
#include "relay/squeeze.h"
#include "shared/arena.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_printable(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        assert((unsigned char)text.at[i] >= ' ' || text.at[i] == '\t');
}

/* Nothing of the sender's ends a line of the answer. */
static void check_accept(const struct answer_source *source, const struct head *head)
{
    struct text out = {0};
    if (!answer_is_upgrade(head) || answer_check_upgrade(source, head) != ANSWER_GRANTED)
        return;
    answer_accept(&out, head, squeeze_accepts(head->fields[HEAD_WEBSOCKET_EXTENSIONS]));
    size_t lines = 0;
    for (size_t i = 0; i < out.len; i++)
        lines += out.at[i] == '\n';
    assert(lines >= 5 && lines <= 7);
    text_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct answer_source source = {.path = SPAN("/")};
    struct span bytes = {(const char *)data, size};
    struct arena arena = {0};
    struct head head;
    struct head again;
    size_t used = 0;
    if (head_parse(&head, &arena, bytes, &used) == HEAD_DONE) {
        assert(used <= size && used <= HEAD_BYTES_MAX);
        assert(head.path.len > 0 && head.path.at[0] == '/');
        check_printable(head.path);
        for (size_t i = 0; i < HEAD_FIELD_COUNT; i++)
            check_printable(head.fields[i]);
        bytes.len = used;
        assert(head_parse(&again, &arena, bytes, &used) == HEAD_DONE && used == bytes.len);
        bytes.len--;
        assert(head_parse(&again, &arena, bytes, &used) == HEAD_PARTIAL);
        (void)http_wants_nostr_json(head.fields[HEAD_ACCEPT]);
        (void)answer_keeps_alive(&head);
        check_accept(&source, &head);
    }
    arena_clear(&arena);
    return 0;
}
