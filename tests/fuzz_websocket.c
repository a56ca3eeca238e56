/* Any bytes after a first one that says in steps of how many they are read: what is heard does not
 * depend on the steps. */
#include <assert.h>
#include <stdlib.h>

#include "relay/websocket.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct ear {
    struct websocket_reader reader;
    struct text heard;
    bool is_wrong;
};

static void hear(struct ear *ear, const struct websocket_piece *piece, bool is_control)
{
    assert(!is_control || piece->payload.len <= WEBSOCKET_CONTROL_BYTES_MAX);
    if (is_control || piece->is_first)
        text_addf(&ear->heard, "<%d%d", piece->opcode, piece->is_squeezed);
    text_add(&ear->heard, piece->payload);
    if (is_control || piece->is_last)
        text_add(&ear->heard, SPAN(">"));
}

static void read_step(struct ear *ear, char *at, size_t len)
{
    struct websocket_piece piece;
    while (!ear->is_wrong) {
        enum websocket_result result = websocket_read(&ear->reader, &piece, &at, &len, true);
        if (result == WEBSOCKET_MORE) {
            assert(len == 0);
            return;
        }
        ear->is_wrong = result == WEBSOCKET_WRONG;
        if (!ear->is_wrong)
            hear(ear, &piece, result == WEBSOCKET_CONTROL);
    }
}

static struct ear read_all(const uint8_t *data, size_t size, size_t step)
{
    struct ear ear = {0};
    for (size_t at = 0; at < size && !ear.is_wrong; at += step) {
        size_t len = size - at < step ? size - at : step;
        char *copy = malloc(len); /* a block of its own, so that a step too far is seen */
        if (copy == NULL)
            abort();
        memcpy(copy, data + at, len);
        read_step(&ear, copy, len);
        free(copy);
    }
    return ear;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct ear whole = read_all(data + 1, size - 1, size - 1);
    struct ear steps = read_all(data + 1, size - 1, (size_t)data[0] + 1);
    assert(whole.is_wrong == steps.is_wrong);
    assert(span_eq(text_span(&whole.heard), text_span(&steps.heard)));
    text_clear(&whole.heard);
    text_clear(&steps.heard);

    struct text answer = {0};
    websocket_add_close_answer(&answer, (struct span){(const char *)data, size < 125 ? size : 125});
    assert(answer.len >= 2 && (answer.at[0] & 0x0f) == WEBSOCKET_CLOSE);
    text_clear(&answer);
    return 0;
}
