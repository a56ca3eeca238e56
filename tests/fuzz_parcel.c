/* Any bytes as a question, an answer, and pieces of them: what is read is within bounds, and is
 * written and read again the same. */
#include <assert.h>
#include <stdint.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/parcel.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_question(struct arena *arena, struct span content)
{
    struct parcel_question question, again;
    struct text text = {0};
    struct err err;
    if (!parcel_read_question(&question, arena, content, &err)) {
        assert(err.code == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    assert(question.path.len <= PARCEL_PATH_BYTES_MAX && question.id.len <= PARCEL_ID_BYTES_MAX);
    parcel_write_question(&text, &question);
    bool ok = parcel_read_question(&again, arena, text_span(&text), NULL);
    assert(ok && span_eq(again.body, question.body) && span_eq(again.id, question.id));
    text_clear(&text);
}

static void check_answer(struct arena *arena, struct span content)
{
    struct parcel_answer answer, again;
    struct text text = {0};
    if (!parcel_read_answer(&answer, arena, content, NULL))
        return;
    parcel_write_answer(&text, &answer);
    bool ok = parcel_read_answer(&again, arena, text_span(&text), NULL);
    assert(ok && again.status == answer.status && span_eq(again.body, answer.body));
    text_clear(&text);
}

static void check_rumor(struct arena *arena, struct span text)
{
    struct parcel_shelf *shelf = parcel_shelf_new();
    struct parcel_chunk chunk;
    struct event rumor;
    struct span content;
    if (event_parse_rumor(&rumor, arena, text, NULL)) {
        rumor.kind = KIND_MARKET_MESSAGE;
        if (parcel_put(shelf, &content, arena, &rumor, 0, NULL))
            assert(content.len <= PARCEL_PIECE_BYTES_MAX);
        rumor.kind = KIND_MARKET_CHUNK;
        if (parcel_read_chunk(&chunk, arena, &rumor, NULL))
            assert(chunk.job.len > 0);
    }
    parcel_shelf_free(shelf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    const struct span text = {(const char *)data, size};
    check_question(&arena, text);
    check_answer(&arena, text);
    check_rumor(&arena, text);
    arena_clear(&arena);
    return 0;
}
