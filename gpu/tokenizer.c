#include "gpu/tokenizer.h"

#include <stdlib.h>
#include <utf8proc.h>

#include "gpu/model.h"
#include "gpu/tokenizer_load.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/text.h"

#define SPACE_MARK "\xe2\x96\x81"

void tokens_clear(struct tokens *tokens)
{
    free(tokens->at);
    *tokens = (struct tokens){0};
}

void tokens_add(struct tokens *tokens, uint32_t token)
{
    if (tokens->count == tokens->capacity) {
        tokens->capacity = tokens->capacity == 0 ? 64 : 2 * tokens->capacity;
        tokens->at = realloc(tokens->at, tokens->capacity * sizeof *tokens->at);
        if (tokens->at == NULL)
            abort();
    }
    tokens->at[tokens->count++] = token;
}

/* Scratch memory of one encoding. */
struct encoder {
    const struct tokenizer *tokenizer;
    struct tokens *tokens;
    struct bpe_work work;
    struct split_words words;
    struct text pieces;
    unsigned flags;
    struct tokenizer_quotes quotes; /* those not yet passed */
};

/* What no token has: its bytes, where these have tokens, or the unknown one. */
static void add_unknown(struct encoder *encoder, struct span text)
{
    const struct tokenizer *tokenizer = encoder->tokenizer;
    bool has_bytes = true;
    for (size_t i = 0; i < text.len; i++)
        if (tokenizer->vocabulary.bytes[(unsigned char)text.at[i]] == VOCABULARY_NONE)
            has_bytes = false;
    for (size_t i = 0; has_bytes && i < text.len; i++)
        tokens_add(encoder->tokens, tokenizer->vocabulary.bytes[(unsigned char)text.at[i]]);
    if (!has_bytes && tokenizer->unknown != VOCABULARY_NONE)
        tokens_add(encoder->tokens, tokenizer->unknown);
}

static void add_word(struct encoder *encoder, struct span word)
{
    const struct tokenizer *tokenizer = encoder->tokenizer;
    struct bpe_part part;
    size_t place = 0;
    if (tokenizer->whole_words_first) {
        uint32_t token = vocabulary_find(&tokenizer->vocabulary, word);
        if (token != VOCABULARY_NONE) {
            tokens_add(encoder->tokens, token);
            return;
        }
    }
    bpe_encode(&tokenizer->bpe, &encoder->work, word,
               tokenizer->kind == TOKENIZER_BYTES ? BPE_BYTES : BPE_CHARACTERS);
    while (bpe_next(&part, &encoder->work, &place, word))
        if (part.token != VOCABULARY_NONE)
            tokens_add(encoder->tokens, part.token);
        else
            add_unknown(encoder, part.text);
}

static void mark_spaces(struct encoder *encoder, struct span text, bool is_first)
{
    const struct tokenizer *tokenizer = encoder->tokenizer;
    bool wants_prefix = tokenizer->prefix == TOKENIZER_EVERY_PREFIX ||
                        (tokenizer->prefix == TOKENIZER_FIRST_PREFIX && is_first);
    encoder->pieces.len = 0;
    if (wants_prefix && !(tokenizer->prefix_unless_space && text.at[0] == ' '))
        text_add(&encoder->pieces, SPAN(SPACE_MARK));
    while (text.len > 0) {
        const char *space = memchr(text.at, ' ', text.len);
        size_t len = space == NULL ? text.len : (size_t)(space - text.at);
        text_add(&encoder->pieces, (struct span){text.at, len});
        if (space != NULL)
            text_add(&encoder->pieces, SPAN(SPACE_MARK));
        len += space != NULL;
        text = (struct span){text.at + len, text.len - len};
    }
}

/* Puts composed letters for those in parts, where there are any; to be freed then. Text that is
 * no UTF-8 stays as it is. */
static utf8proc_uint8_t *compose(struct span *text)
{
    utf8proc_uint8_t *out = NULL;
    utf8proc_ssize_t len =
        utf8proc_map((const utf8proc_uint8_t *)text->at, (utf8proc_ssize_t)text->len, &out,
                     UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (len < 0)
        return NULL;
    *text = (struct span){(const char *)out, (size_t)len};
    return out;
}

/* A stretch without added tokens. */
static void add_stretch(struct encoder *encoder, struct span text, bool is_first)
{
    if (text.len == 0)
        return;
    if (encoder->tokenizer->kind == TOKENIZER_PIECES) {
        mark_spaces(encoder, text, is_first);
        add_word(encoder, text_span(&encoder->pieces));
        return;
    }
    utf8proc_uint8_t *composed = encoder->tokenizer->composes ? compose(&text) : NULL;
    split_cut(&encoder->tokenizer->split, &encoder->words, text);
    for (size_t i = 0; i < encoder->words.count; i++)
        add_word(encoder, encoder->words.at[i]);
    free(composed);
}

/* True when a part of the text is in a quote. Places are asked for in order. */
static bool is_quoted(struct encoder *encoder, size_t begin, size_t end)
{
    struct tokenizer_quotes *quotes = &encoder->quotes;
    while (quotes->count > 0 && quotes->at->end <= begin) {
        quotes->at++;
        quotes->count--;
    }
    return quotes->count > 0 && quotes->at->begin < end;
}

/* The longest added token that begins there; NULL when none does. */
static const struct tokenizer_added *find_added(struct encoder *encoder, struct span text,
                                                const char *at)
{
    const struct tokenizer *tokenizer = encoder->tokenizer;
    size_t place = (size_t)(at - text.at);
    size_t left = text.len - place;
    uint32_t low = 0;
    uint32_t high = tokenizer->added_count;
    while (low < high) { /* the first of those with this byte */
        uint32_t middle = low + (high - low) / 2;
        if ((unsigned char)tokenizer->added[middle].text.at[0] < (unsigned char)*at)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < tokenizer->added_count && tokenizer->added[low].text.at[0] == *at; low++) {
        const struct tokenizer_added *added = &tokenizer->added[low];
        bool is_control = tokenizer->vocabulary.tokens[added->token].kind == VOCABULARY_CONTROL;
        if ((encoder->flags & TOKENIZER_CONTROL) == 0 && is_control)
            continue;
        if (added->text.len <= left && memcmp(at, added->text.at, added->text.len) == 0 &&
            !(is_control && is_quoted(encoder, place, place + added->text.len)))
            return added;
    }
    return NULL;
}

static void add_text(struct encoder *encoder, struct span text)
{
    const char *end = text.at + text.len;
    const char *begin = text.at; /* of the stretch */
    for (const char *at = text.at; at < end;) {
        const struct tokenizer_added *added = find_added(encoder, text, at);
        if (added == NULL) {
            at++;
            continue;
        }
        const char *stop = at;
        while (added->strips_left && stop > begin && scan_is_space(stop[-1]))
            stop--;
        add_stretch(encoder, (struct span){begin, (size_t)(stop - begin)}, begin == text.at);
        tokens_add(encoder->tokens, added->token);
        at += added->text.len;
        while (added->strips_right && at < end && scan_is_space(*at))
            at++;
        begin = at;
    }
    add_stretch(encoder, (struct span){begin, (size_t)(end - begin)}, begin == text.at);
}

static bool encode(struct encoder *encoder, struct span text, struct err *err)
{
    const struct tokenizer *tokenizer = encoder->tokenizer;
    bool has_ends = (encoder->flags & TOKENIZER_ENDS) != 0;
    if (text.len > TOKENIZER_TEXT_BYTES_MAX)
        return err_set(err, ERR_INVALID, "a text of %zu bytes; at most %d", text.len,
                       TOKENIZER_TEXT_BYTES_MAX);
    if (has_ends && tokenizer->adds_begin)
        tokens_add(encoder->tokens, tokenizer->begin);
    if (text.len > 0)
        add_text(encoder, text);
    if (has_ends && tokenizer->adds_end)
        tokens_add(encoder->tokens, tokenizer->end);
    bpe_work_clear(&encoder->work);
    split_words_clear(&encoder->words);
    text_clear(&encoder->pieces);
    return true;
}

bool tokenizer_encode(const struct tokenizer *tokenizer, struct tokens *tokens, struct span text,
                      unsigned flags, struct err *err)
{
    struct encoder encoder = {.tokenizer = tokenizer, .tokens = tokens, .flags = flags};
    return encode(&encoder, text, err);
}

bool tokenizer_encode_quoting(const struct tokenizer *tokenizer, struct tokens *tokens,
                              struct span text, const struct tokenizer_quotes *quotes,
                              struct err *err)
{
    struct encoder encoder = {
        .tokenizer = tokenizer, .tokens = tokens, .flags = TOKENIZER_CONTROL, .quotes = *quotes};
    return encode(&encoder, text, err);
}

bool tokenizer_is_end(const struct tokenizer *tokenizer, uint32_t token)
{
    for (uint32_t i = 0; i < tokenizer->end_count; i++)
        if (tokenizer->ends[i] == token)
            return true;
    return false;
}

static bool open_beside(struct tokenizer *tokenizer, const struct model *model, struct err *err)
{
    struct mapping mapping;
    if (model_open_beside(model, &mapping, "tokenizer.json", NULL)) {
        bool ok = tokenizer_load_json(tokenizer, mapping.bytes, err);
        mapping_close(&mapping);
        return ok && tokenizer_load_settings(tokenizer, model, err);
    }
    if (model_open_beside(model, &mapping, "tokenizer.model", NULL)) {
        bool ok = tokenizer_load_pieces(tokenizer, mapping.bytes, err);
        mapping_close(&mapping);
        return ok && tokenizer_load_settings(tokenizer, model, err);
    }
    return err_set(err, ERR_INVALID,
                   "neither tokenizer.json nor tokenizer.model beside the weights");
}

bool tokenizer_open(struct tokenizer *tokenizer, const struct model *model, struct err *err)
{
    *tokenizer = (struct tokenizer){
        .unknown = VOCABULARY_NONE, .begin = VOCABULARY_NONE, .end = VOCABULARY_NONE};
    bool ok = model->format == WEIGHT_GGUF ? tokenizer_load_gguf(tokenizer, &model->gguf, err)
                                           : open_beside(tokenizer, model, err);
    if (ok && tokenizer_finish(tokenizer, model->hyper.vocabulary, err))
        return true;
    tokenizer_close(tokenizer);
    return false;
}

void tokenizer_close(struct tokenizer *tokenizer)
{
    split_clear(&tokenizer->split);
    arena_clear(&tokenizer->arena);
    *tokenizer = (struct tokenizer){0};
}
