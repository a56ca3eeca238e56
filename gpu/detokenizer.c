#include "gpu/detokenizer.h"

#include "gpu/tokenizer.h"
#include "shared/text.h"
#include "shared/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"

void detokenizer_begin(struct detokenizer *detokenizer, const struct tokenizer *tokenizer,
                       unsigned flags)
{
    *detokenizer = (struct detokenizer){.tokenizer = tokenizer, .flags = flags};
}

/* The bytes of a character that begins so, 0 when none does; and the range of its second byte. */
static size_t wanted_bytes(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* How many of len bytes, which are no whole character, could begin one; 1 at least. */
static size_t begun_bytes(const char *at, size_t len, bool *may_go_on)
{
    unsigned char low;
    unsigned char high;
    size_t wanted = wanted_bytes((unsigned char)at[0], &low, &high);
    size_t begun = 1;
    while (begun < len && begun < wanted && (unsigned char)at[begun] >= low &&
           (unsigned char)at[begun] <= high) {
        begun++;
        low = 0x80;
        high = 0xbf;
    }
    *may_go_on = wanted > 0 && begun == len;
    return begun;
}

/* Adds bytes to what is held, and tells what is whole. */
static void add_byte(struct detokenizer *detokenizer, struct text *out, char byte)
{
    bool may_go_on;
    detokenizer->held[detokenizer->held_len++] = byte;
    while (detokenizer->held_len > 0) {
        const char *end = detokenizer->held + detokenizer->held_len;
        size_t size = utf8_size(detokenizer->held, end);
        if (size > 0) {
            text_add(out, (struct span){detokenizer->held, size});
        } else {
            size = begun_bytes(detokenizer->held, detokenizer->held_len, &may_go_on);
            if (may_go_on)
                return;
            text_add(out, SPAN(REPLACEMENT));
        }
        detokenizer->held_len -= size;
        memmove(detokenizer->held, detokenizer->held + size, detokenizer->held_len);
    }
}

void detokenizer_add(struct detokenizer *detokenizer, struct text *out, uint32_t token)
{
    const struct tokenizer *tokenizer = detokenizer->tokenizer;
    if (token >= tokenizer->vocabulary.count)
        return;
    const struct vocabulary_token *entry = &tokenizer->vocabulary.tokens[token];
    if (entry->kind == VOCABULARY_CONTROL && (detokenizer->flags & DETOKENIZER_CONTROL) == 0)
        return;
    bool is_marked = tokenizer->kind == TOKENIZER_PIECES && entry->kind != VOCABULARY_CONTROL &&
                     entry->kind != VOCABULARY_BYTE;
    bool is_start = !detokenizer->has_begun && (detokenizer->flags & DETOKENIZER_START) != 0 &&
                    tokenizer->prefix != TOKENIZER_NO_PREFIX;
    for (size_t i = 0; i < entry->text.len; i++) {
        bool is_space = is_marked && entry->text.len - i >= 3 &&
                        memcmp(entry->text.at + i, "\xe2\x96\x81", 3) == 0;
        if (!(is_space && is_start && i == 0))
            add_byte(detokenizer, out, (char)(is_space ? ' ' : entry->text.at[i]));
        i += is_space ? 2 : 0;
    }
    detokenizer->has_begun = true;
}

void detokenizer_end(struct detokenizer *detokenizer, struct text *out)
{
    if (detokenizer->held_len > 0)
        text_add(out, SPAN(REPLACEMENT));
    detokenizer->held_len = 0;
}
