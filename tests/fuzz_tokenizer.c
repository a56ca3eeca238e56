/* Any bytes as a tokenizer's file: J, P or G before them says which. What loads can encode and
 * tell back, and what it tells is UTF-8. */
#include <assert.h>

#include "gpu/detokenizer.h"
#include "gpu/gguf.h"
#include "gpu/tokenizer_load.h"
#include "shared/err.h"
#include "shared/text.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool load(struct tokenizer *tokenizer, char form, struct span file, struct err *err)
{
    struct gguf gguf;
    if (form == 'J')
        return tokenizer_load_json(tokenizer, file, err);
    if (form == 'P')
        return tokenizer_load_pieces(tokenizer, file, err);
    return gguf_parse(&gguf, &tokenizer->arena, file, err) &&
           tokenizer_load_gguf(tokenizer, &gguf, err);
}

static void use(const struct tokenizer *tokenizer)
{
    struct tokens tokens = {0};
    struct text out = {0};
    struct detokenizer detokenizer;
    bool ok = tokenizer_encode(tokenizer, &tokens, SPAN("a <s>b \xc3\xa9\xff\n"),
                               TOKENIZER_CONTROL | TOKENIZER_ENDS, NULL);
    assert(ok);
    detokenizer_begin(&detokenizer, tokenizer, DETOKENIZER_CONTROL);
    for (size_t i = 0; i < tokens.count; i++) {
        assert(tokens.at[i] < tokenizer->vocabulary.count);
        detokenizer_add(&detokenizer, &out, tokens.at[i]);
    }
    detokenizer_end(&detokenizer, &out);
    for (size_t at = 0; at < out.len;) {
        size_t character = utf8_size(out.at + at, out.at + out.len);
        assert(character > 0);
        at += character;
    }
    text_clear(&out);
    tokens_clear(&tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tokenizer tokenizer = {
        .unknown = VOCABULARY_NONE, .begin = VOCABULARY_NONE, .end = VOCABULARY_NONE};
    struct err err = {0};
    if (size == 0)
        return 0;
    struct span file = {(const char *)data + 1, size - 1};
    if (load(&tokenizer, (char)data[0], file, &err) &&
        tokenizer_finish(&tokenizer, VOCABULARY_TOKENS_MAX, &err))
        use(&tokenizer);
    else
        assert(strlen(err.text) > 0);
    tokenizer_close(&tokenizer);
    return 0;
}
