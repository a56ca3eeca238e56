#include "client/slice.h"

#include "shared/err.h"
#include "shared/number.h"
#include "shared/utf8.h"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct span slice_trim(struct span piece)
{
    while (piece.len > 0 && is_space(piece.at[piece.len - 1]))
        piece.len--;
    while (piece.len > 0 && is_space(piece.at[0]))
        piece = (struct span){piece.at + 1, piece.len - 1};
    return piece;
}

bool slice_read(struct slice *slice, struct span word, struct err *err)
{
    int64_t bytes = SLICE_BYTES_PRESET;
    *slice = (struct slice){.way = SLICE_NONE};
    if (span_eq(word, SPAN("none")))
        return true;
    slice->way = SLICE_PARAGRAPH;
    if (span_eq(word, SPAN("paragraph")))
        return true;
    slice->way = SLICE_SIZE;
    bool has_size = word.len > 5 && memcmp(word.at, "size:", 5) == 0;
    if (!span_eq(word, SPAN("size")) &&
        !(has_size && number_decimal(&bytes, (struct span){word.at + 5, word.len - 5}) &&
          bytes >= SLICE_BYTES_MIN && bytes <= SLICE_BYTES_MAX))
        return err_set(err, ERR_INVALID, "expected none, paragraph, size or size:BYTES, %d to %d",
                       SLICE_BYTES_MIN, SLICE_BYTES_MAX);
    slice->bytes_max = (size_t)bytes;
    return true;
}

/* Behind the blank lines that end the first paragraph. */
static size_t end_of_paragraph(struct span text)
{
    size_t words = 0; /* what begins the text belongs to the first, too */
    while (words < text.len && is_space(text.at[words]))
        words++;
    for (size_t at = words; at < text.len; at++) {
        size_t end = at;
        uint32_t lines = 0;
        if (text.at[at] != '\n')
            continue;
        for (size_t i = at; i < text.len && is_space(text.at[i]); i++)
            if (text.at[i] == '\n') {
                lines++;
                end = i + 1;
            }
        if (lines > 1)
            return end;
    }
    return text.len;
}

/* Behind the last white space within the size, or else behind the last character. */
static size_t end_of_size(struct span text, size_t bytes_max)
{
    size_t end = bytes_max;
    if (text.len <= bytes_max)
        return text.len;
    if (is_space(text.at[bytes_max]))
        return bytes_max;
    while (end > 0 && !is_space(text.at[end - 1]))
        end--;
    if (end > 0)
        return end;
    const char *at = text.at;
    const char *limit = text.at + text.len;
    for (size_t size = utf8_size(at, limit); size > 0; size = utf8_size(at, limit)) {
        if ((size_t)(at - text.at) + size > bytes_max)
            break;
        at += size;
    }
    return (size_t)(at - text.at);
}

bool slice_next(const struct slice *slice, struct span *piece, struct span *text)
{
    size_t end = text->len;
    if (text->len == 0)
        return false;
    switch (slice->way) {
    case SLICE_NONE:
        break;
    case SLICE_PARAGRAPH:
        end = end_of_paragraph(*text);
        break;
    case SLICE_SIZE:
        end = end_of_size(*text, slice->bytes_max);
        break;
    }
    *piece = (struct span){text->at, end};
    *text = (struct span){text->at + end, text->len - end};
    return true;
}
