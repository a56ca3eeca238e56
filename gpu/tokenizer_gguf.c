#include "gpu/gguf.h"
#include "gpu/tokenizer_load.h"
#include "shared/err.h"
#include "shared/scan.h"

/* An array of numbers as long as the vocabulary; NULL when there is none such. */
static const struct gguf_value *find_numbers(const struct gguf *gguf, const char *key,
                                             uint64_t count)
{
    const struct gguf_value *value = gguf_find(gguf, key);
    bool fits =
        value != NULL && value->is_array && value->type != GGUF_STRING && value->count == count;
    return fits ? value : NULL;
}

static enum vocabulary_kind kind_at(const struct gguf_value *types, uint32_t token)
{
    double number = types == NULL ? VOCABULARY_NORMAL : gguf_item(types, token);
    if (number >= VOCABULARY_NORMAL && number <= VOCABULARY_BYTE)
        return (enum vocabulary_kind)number;
    return VOCABULARY_NORMAL;
}

static bool read_vocabulary(struct tokenizer *tokenizer, const struct gguf *gguf, struct err *err)
{
    const struct gguf_value *texts = gguf_find(gguf, "tokenizer.ggml.tokens");
    if (texts == NULL || !texts->is_array || texts->type != GGUF_STRING ||
        texts->count > VOCABULARY_TOKENS_MAX)
        return err_set(err, ERR_INVALID, "tokenizer.ggml.tokens: no list of at most %d texts",
                       VOCABULARY_TOKENS_MAX);
    const struct gguf_value *types = find_numbers(gguf, "tokenizer.ggml.token_type", texts->count);
    const struct gguf_value *scores = find_numbers(gguf, "tokenizer.ggml.scores", texts->count);
    if (scores == NULL && tokenizer->kind == TOKENIZER_PIECES)
        return err_set(err, ERR_INVALID, "tokenizer.ggml.scores: not one for each token");
    vocabulary_begin(&tokenizer->vocabulary, &tokenizer->arena, (uint32_t)texts->count);
    struct span rest = texts->bytes;
    for (uint32_t i = 0; i < texts->count; i++) {
        struct vocabulary_token *token = &tokenizer->vocabulary.tokens[i];
        *token = (struct vocabulary_token){.text = gguf_take(&rest), .kind = kind_at(types, i)};
        if (token->text.len > VOCABULARY_TEXT_BYTES_MAX)
            return err_set(err, ERR_INVALID, "token %u has %zu bytes", i, token->text.len);
        if (tokenizer->kind == TOKENIZER_PIECES)
            token->score = (float)gguf_item(scores, i);
        else if (token->kind == VOCABULARY_NORMAL)
            token->text = tokenizer_unspell(&tokenizer->arena, token->text);
    }
    vocabulary_index(&tokenizer->vocabulary, &tokenizer->arena);
    return true;
}

static bool read_merges(struct tokenizer *tokenizer, const struct gguf *gguf, struct err *err)
{
    const struct gguf_value *merges = gguf_find(gguf, "tokenizer.ggml.merges");
    if (merges == NULL || !merges->is_array || merges->type != GGUF_STRING ||
        merges->count > BPE_MERGES_MAX)
        return err_set(err, ERR_INVALID, "tokenizer.ggml.merges: no list of at most %d texts",
                       BPE_MERGES_MAX);
    bpe_begin(&tokenizer->bpe, &tokenizer->vocabulary, &tokenizer->arena, (uint32_t)merges->count);
    struct span rest = merges->bytes;
    for (uint64_t i = 0; i < merges->count; i++)
        if (!tokenizer_add_merge_line(tokenizer, gguf_take(&rest), err))
            return false;
    return true;
}

static bool read_kind(struct tokenizer *tokenizer, const struct gguf *gguf, struct err *err)
{
    struct span kind = {0};
    struct span name = SPAN("gpt-2");
    (void)gguf_text(gguf_find(gguf, "tokenizer.ggml.model"), &kind);
    if (span_eq(kind, SPAN("llama"))) {
        bool has_prefix = true;
        (void)gguf_bool(gguf_find(gguf, "tokenizer.ggml.add_space_prefix"), &has_prefix);
        tokenizer->kind = TOKENIZER_PIECES;
        tokenizer->prefix = has_prefix ? TOKENIZER_EVERY_PREFIX : TOKENIZER_NO_PREFIX;
        tokenizer->adds_begin = true;
        return true;
    }
    if (!span_eq(kind, SPAN("gpt2")))
        return err_set(err, ERR_UNSUPPORTED, "a tokenizer of the kind '%s'", scan_word(kind).at);
    (void)gguf_text(gguf_find(gguf, "tokenizer.ggml.pre"), &name);
    const char *pattern = split_pattern(name);
    if (pattern == NULL)
        return err_set(err, ERR_UNSUPPORTED, "tokenizer.ggml.pre is '%s', which is not known",
                       scan_word(name).at);
    tokenizer->kind = TOKENIZER_BYTES;
    /* these ways of cutting come with the habits of their tokenizers */
    bool is_llama3 = name.len >= 5 && memcmp(name.at, "llama", 5) == 0;
    tokenizer->whole_words_first = is_llama3 || span_eq(name, SPAN("tekken"));
    tokenizer->adds_begin = tokenizer->whole_words_first;
    tokenizer->composes = span_eq(name, SPAN("qwen2"));
    return split_add(&tokenizer->split, (struct span){pattern, strlen(pattern)}, err);
}

static uint32_t read_token(const struct gguf *gguf, const char *key, uint32_t absent)
{
    uint64_t token = absent;
    (void)gguf_integer(gguf_find(gguf, key), &token, UINT32_MAX - 1);
    return (uint32_t)token;
}

bool tokenizer_load_gguf(struct tokenizer *tokenizer, const struct gguf *gguf, struct err *err)
{
    if (!read_kind(tokenizer, gguf, err) || !read_vocabulary(tokenizer, gguf, err))
        return false;
    if (tokenizer->kind == TOKENIZER_BYTES) {
        if (!read_merges(tokenizer, gguf, err))
            return false;
    } else {
        bpe_begin(&tokenizer->bpe, &tokenizer->vocabulary, &tokenizer->arena, 0);
        tokenizer->bpe.by_score = true;
    }
    bool is_pieces = tokenizer->kind == TOKENIZER_PIECES;
    uint32_t none = VOCABULARY_NONE;
    tokenizer->begin = read_token(gguf, "tokenizer.ggml.bos_token_id", is_pieces ? 1 : none);
    tokenizer->end = read_token(gguf, "tokenizer.ggml.eos_token_id", is_pieces ? 2 : none);
    tokenizer->unknown = read_token(gguf, "tokenizer.ggml.unknown_token_id", is_pieces ? 0 : none);
    tokenizer_add_end(tokenizer, read_token(gguf, "tokenizer.ggml.eot_token_id", none));
    tokenizer_add_end(tokenizer, read_token(gguf, "tokenizer.ggml.eom_token_id", none));
    (void)gguf_bool(gguf_find(gguf, "tokenizer.ggml.add_bos_token"), &tokenizer->adds_begin);
    (void)gguf_bool(gguf_find(gguf, "tokenizer.ggml.add_eos_token"), &tokenizer->adds_end);
    (void)gguf_text(gguf_find(gguf, "tokenizer.chat_template"), &tokenizer->chat_template);
    if (tokenizer->begin == VOCABULARY_NONE)
        tokenizer->adds_begin = false;
    return true;
}
