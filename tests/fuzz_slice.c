/* Any text in any way: pieces joined are the text, each ends where a character does, none of those
 * by size is too long, and no word is cut that is not longer than a piece. */
#include <assert.h>

#include "client/slice.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_space(char c)
{
    return slice_trim((struct span){&c, 1}).len == 0;
}

/* Of the word that the place lies in. */
static size_t word_len(struct span text, size_t at)
{
    size_t begin = at, end = at;
    while (begin > 0 && !is_space(text.at[begin - 1]))
        begin--;
    while (end < text.len && !is_space(text.at[end]))
        end++;
    return end - begin;
}

static void slice_all(const struct slice *slice, struct span text)
{
    struct span piece, rest = text;
    size_t at = 0;
    while (slice_next(slice, &piece, &rest)) {
        assert(piece.len > 0 && piece.at == text.at + at && utf8_is(piece));
        at += piece.len;
        assert(rest.at == text.at + at && rest.len == text.len - at);
        if (slice->way != SLICE_SIZE)
            continue;
        assert(piece.len <= slice->bytes_max);
        bool is_cut = rest.len > 0 && !is_space(text.at[at - 1]) && !is_space(text.at[at]);
        assert(!is_cut || word_len(text, at) > slice->bytes_max);
    }
    assert(at == text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span text = {(const char *)data, size};
    struct slice slice;
    if (slice_read(&slice, text, NULL))
        assert(slice.way != SLICE_SIZE || slice.bytes_max >= SLICE_BYTES_MIN);
    if (!utf8_is(text))
        return 0;
    slice_all(&(struct slice){.way = SLICE_NONE}, text);
    slice_all(&(struct slice){.way = SLICE_PARAGRAPH}, text);
    slice_all(&(struct slice){.way = SLICE_SIZE, .bytes_max = SLICE_BYTES_MIN}, text);
    slice_all(&(struct slice){.way = SLICE_SIZE, .bytes_max = 33}, text);
    return 0;
}
