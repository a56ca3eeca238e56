/* Any bytes as the answer of another server, cut anywhere: what is told is UTF-8 and no more than
 * what came; where it is cut makes no difference. The first byte says which API and call it is, the
 * second where it is cut. */
#include <assert.h>

#include "gpu/upstream.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_tell(void *owner, struct span piece)
{
    assert(piece.len > 0 && utf8_is(piece));
    text_add(owner, piece);
}

static struct upstream_reader read_all(struct text *told, uint8_t which, struct span bytes,
                                       size_t cut)
{
    struct upstream_reader reader = {.api = which % 2 == 0 ? UPSTREAM_OPENAI : UPSTREAM_OLLAMA,
                                     .kind = (enum ask_kind)(which / 2 % 3),
                                     .tell = on_tell,
                                     .owner = told};
    bool ok = upstream_read(&reader, (struct span){bytes.at, cut}) &&
              upstream_read(&reader, (struct span){bytes.at + cut, bytes.len - cut});
    assert(ok == !reader.is_damaged);
    upstream_end(&reader);
    assert(!reader.is_damaged || strlen(reader.why) > 0);
    return reader;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text told = {0};
    struct text again = {0};
    char why[100];
    if (size < 2)
        return 0;
    struct span bytes = {(const char *)data + 2, size - 2};
    struct upstream_reader whole = read_all(&told, data[0], bytes, bytes.len);
    struct upstream_reader parts =
        read_all(&again, data[0], bytes, data[1] < bytes.len ? data[1] : bytes.len / 2);
    assert(told.len <= bytes.len && span_eq(text_span(&told), text_span(&again)));
    assert(whole.has_finished == parts.has_finished && whole.is_damaged == parts.is_damaged);
    assert(whole.width == parts.width && whole.end == parts.end);
    assert(whole.kind != ASK_EMBEDDING || whole.has_finished == (whole.embedding != NULL) ||
           whole.is_damaged);
    upstream_reason(why, sizeof why, bytes);
    assert(strlen(why) < sizeof why);
    upstream_clear(&whole);
    upstream_clear(&parts);
    text_clear(&told);
    text_clear(&again);
    return 0;
}
