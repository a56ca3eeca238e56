#include "gpu/tokenizer_load.h"

#include <stdlib.h>

#include "gpu/model.h"
#include "gpu/tree.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/utf8.h"

enum { LETTERS = 512 };

/* GPT-2's letters: bytes that are printable in Latin-1 are themselves, the others, in order, the
 * letters from U+0100 on. -1 for a letter that is no byte. */
static void make_letters(int *bytes)
{
    int next = 256;
    for (int i = 0; i < LETTERS; i++)
        bytes[i] = -1;
    for (int byte = 0; byte < 256; byte++) {
        bool is_printable =
            (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
        bytes[is_printable ? byte : next++] = byte;
    }
}

/* The number of a character of one or two bytes; LETTERS of any other. */
static int letter_at(const char *at, size_t size)
{
    unsigned char first = (unsigned char)at[0];
    if (size == 1)
        return first;
    int letter = size == 2 ? (first & 31) << 6 | ((unsigned char)at[1] & 63) : LETTERS;
    return letter < LETTERS ? letter : LETTERS;
}

struct span tokenizer_unspell(struct arena *arena, struct span text)
{
    int bytes[LETTERS];
    size_t len = 0;
    make_letters(bytes);
    char *out = arena_alloc(arena, text.len + 1);
    for (size_t at = 0; at < text.len;) {
        size_t size = utf8_size(text.at + at, text.at + text.len);
        int letter = size == 0 ? LETTERS : letter_at(text.at + at, size);
        if (letter == LETTERS || bytes[letter] < 0)
            return arena_copy(arena, text);
        out[len++] = (char)bytes[letter];
        at += size;
    }
    return (struct span){out, len};
}

bool tokenizer_add_merge(struct tokenizer *tokenizer, struct span left, struct span right,
                         struct err *err)
{
    struct arena scratch = {0};
    bool is_spelled = tokenizer->kind == TOKENIZER_BYTES;
    bool ok = bpe_add(&tokenizer->bpe, is_spelled ? tokenizer_unspell(&scratch, left) : left,
                      is_spelled ? tokenizer_unspell(&scratch, right) : right);
    arena_clear(&scratch);
    if (!ok)
        return err_set(err, ERR_INVALID, "merge %u, '%s' and '%s': they or both are no token",
                       tokenizer->bpe.merge_count, scan_word(left).at, scan_word(right).at);
    return true;
}

bool tokenizer_add_merge_line(struct tokenizer *tokenizer, struct span line, struct err *err)
{
    const char *space = line.len == 0 ? NULL : memchr(line.at, ' ', line.len);
    if (space == NULL)
        return err_set(err, ERR_INVALID, "merge %u, '%s', has no space", tokenizer->bpe.merge_count,
                       scan_word(line).at);
    size_t left = (size_t)(space - line.at);
    return tokenizer_add_merge(tokenizer, (struct span){line.at, left},
                               (struct span){space + 1, line.len - left - 1}, err);
}

void tokenizer_add_end(struct tokenizer *tokenizer, uint32_t token)
{
    if (token < tokenizer->vocabulary.count && !tokenizer_is_end(tokenizer, token) &&
        tokenizer->end_count < TOKENIZER_ENDS_MAX)
        tokenizer->ends[tokenizer->end_count++] = token;
}

static int by_text(const void *a, const void *b)
{
    const struct tokenizer_added *left = a;
    const struct tokenizer_added *right = b;
    unsigned char left_byte = (unsigned char)left->text.at[0];
    unsigned char right_byte = (unsigned char)right->text.at[0];
    if (left_byte != right_byte)
        return left_byte < right_byte ? -1 : 1;
    if (left->text.len != right->text.len)
        return left->text.len > right->text.len ? -1 : 1;
    return (left->token > right->token) - (left->token < right->token);
}

static bool collect_added(struct tokenizer *tokenizer, struct err *err)
{
    const struct vocabulary *vocabulary = &tokenizer->vocabulary;
    for (uint32_t i = 0; i < vocabulary->count; i++) {
        const struct vocabulary_token *token = &vocabulary->tokens[i];
        if ((token->kind != VOCABULARY_ADDED && token->kind != VOCABULARY_CONTROL) ||
            token->text.len == 0)
            continue;
        if (tokenizer->added_count == TOKENIZER_ADDED_MAX)
            return err_set(err, ERR_INVALID, "more than %d added tokens", TOKENIZER_ADDED_MAX);
        tokenizer->added = arena_grow(&tokenizer->arena, struct tokenizer_added, tokenizer->added,
                                      tokenizer->added_count);
        tokenizer->added[tokenizer->added_count++] =
            (struct tokenizer_added){.text = token->text, .token = i};
    }
    return true;
}

static bool is_known(const struct tokenizer *tokenizer, uint32_t token)
{
    return token < tokenizer->vocabulary.count &&
           tokenizer->vocabulary.tokens[token].kind != VOCABULARY_ABSENT;
}

bool tokenizer_finish(struct tokenizer *tokenizer, uint32_t model_vocabulary, struct err *err)
{
    const struct vocabulary *vocabulary = &tokenizer->vocabulary;
    if (tokenizer->added_count == 0 && !collect_added(tokenizer, err))
        return false;
    if (tokenizer->added_count > 0)
        qsort(tokenizer->added, tokenizer->added_count, sizeof *tokenizer->added, by_text);
    for (uint32_t i = model_vocabulary; i < vocabulary->count; i++)
        if (vocabulary->tokens[i].kind != VOCABULARY_ABSENT)
            return err_set(err, ERR_INVALID, "token %u is past the model's %u", i,
                           model_vocabulary);
    if (!is_known(tokenizer, tokenizer->begin))
        tokenizer->begin = VOCABULARY_NONE;
    if (!is_known(tokenizer, tokenizer->end))
        tokenizer->end = VOCABULARY_NONE;
    if (!is_known(tokenizer, tokenizer->unknown))
        tokenizer->unknown = VOCABULARY_NONE;
    if ((tokenizer->adds_begin && tokenizer->begin == VOCABULARY_NONE) ||
        (tokenizer->adds_end && tokenizer->end == VOCABULARY_NONE))
        return err_set(err, ERR_INVALID, "a text begins or ends with a token that is not there");
    tokenizer_add_end(tokenizer, tokenizer->end);
    return true;
}

/* A token that is told by its text, or by an object with its text as content. */
static uint32_t token_of(const struct tokenizer *tokenizer, const struct tree *member)
{
    struct span text = tree_text(member);
    if (text.len == 0)
        text = tree_text(tree_get(member, "content"));
    return text.len == 0 ? VOCABULARY_NONE : vocabulary_find_any(&tokenizer->vocabulary, text);
}

/* One number, or a list of them. */
static void add_ends(struct tokenizer *tokenizer, const struct tree *member)
{
    uint64_t token;
    if (tree_integer(member, &token, UINT32_MAX - 1))
        tokenizer_add_end(tokenizer, (uint32_t)token);
    const struct tree *list = tree_as(member, TREE_ARRAY);
    for (const struct tree *item = list == NULL ? NULL : list->first; item != NULL;
         item = item->next)
        if (tree_integer(item, &token, UINT32_MAX - 1))
            tokenizer_add_end(tokenizer, (uint32_t)token);
}

static void take_settings(struct tokenizer *tokenizer, const struct tree *settings)
{
    uint32_t begin = token_of(tokenizer, tree_get(settings, "bos_token"));
    uint32_t end = token_of(tokenizer, tree_get(settings, "eos_token"));
    if (begin != VOCABULARY_NONE)
        tokenizer->begin = begin;
    if (end != VOCABULARY_NONE)
        tokenizer->end = end;
    tokenizer->adds_begin = tree_bool(tree_get(settings, "add_bos_token"), tokenizer->adds_begin) &&
                            tokenizer->begin != VOCABULARY_NONE;
    tokenizer->adds_end = tree_bool(tree_get(settings, "add_eos_token"), tokenizer->adds_end) &&
                          tokenizer->end != VOCABULARY_NONE;
    const struct tree *template = tree_get(settings, "chat_template");
    if (template != NULL && template->type == TREE_ARRAY) /* several by name */
        for (const struct tree *item = template->first; item != NULL; item = item->next)
            if (tree_is(tree_get(item, "name"), "default"))
                template = tree_get(item, "template");
    tokenizer->chat_template = arena_copy(&tokenizer->arena, tree_text(template));
}

/* Reads a small JSON file that may not be there. */
static bool read_settings(struct tokenizer *tokenizer, const struct model *model, const char *name,
                          void (*take)(struct tokenizer *, const struct tree *), struct err *err)
{
    struct arena arena = {0};
    struct mapping mapping;
    struct err reason;
    const struct tree *tree;
    if (!model_open_beside(model, &mapping, name, NULL))
        return true;
    bool ok = tree_parse(&tree, &arena, mapping.bytes, &reason);
    if (ok)
        take(tokenizer, tree);
    arena_clear(&arena);
    mapping_close(&mapping);
    return ok || err_set(err, reason.code, "%s: %s", name, reason.text);
}

static void take_generation(struct tokenizer *tokenizer, const struct tree *settings)
{
    add_ends(tokenizer, tree_get(settings, "eos_token_id"));
}

bool tokenizer_load_settings(struct tokenizer *tokenizer, const struct model *model,
                             struct err *err)
{
    struct mapping mapping;
    if (!read_settings(tokenizer, model, "tokenizer_config.json", take_settings, err) ||
        !read_settings(tokenizer, model, "generation_config.json", take_generation, err))
        return false;
    add_ends(tokenizer, tree_get(model->config, "eos_token_id"));
    if (model_open_beside(model, &mapping, "chat_template.jinja", NULL)) {
        tokenizer->chat_template = arena_copy(&tokenizer->arena, mapping.bytes);
        mapping_close(&mapping);
    }
    return true;
}
