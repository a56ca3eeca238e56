#include "gpu/tokenizer_load.h"
#include "gpu/tree.h"
#include "shared/err.h"
#include "shared/scan.h"

#define SPACE_MARK "\xe2\x96\x81"

enum { FILE_BYTES_MAX = 1 << 28 };

static bool refuse(const char *part, const struct tree *type, struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED, "tokenizer.json: %s of the kind '%s'", part,
                   scan_word(tree_text(type)).at);
}

/* An item, or the items of a Sequence. */
static const struct tree *first_step(const struct tree *step, const char *list)
{
    if (step == NULL || !tree_is(tree_get(step, "type"), "Sequence"))
        return step;
    const struct tree *items = tree_as(tree_get(step, list), TREE_ARRAY);
    return items == NULL ? NULL : items->first;
}

/* A lone step has a sibling in its file that is none of its kind. */
static const struct tree *next_step(const struct tree *whole, const struct tree *step)
{
    return step == whole ? NULL : step->next;
}

static bool read_token_count(uint32_t *count, const struct tree *vocab, const struct tree *added,
                             struct err *err)
{
    uint64_t largest = 0;
    uint64_t id;
    if (tree_as(vocab, TREE_OBJECT) == NULL)
        return err_set(err, ERR_INVALID, "tokenizer.json: no model.vocab");
    for (const struct tree *item = vocab->first; item != NULL; item = item->next) {
        if (!tree_integer(item, &id, VOCABULARY_TOKENS_MAX - 1))
            return err_set(err, ERR_INVALID, "tokenizer.json: '%s' has no number below %d",
                           scan_word(item->key).at, VOCABULARY_TOKENS_MAX);
        largest = id > largest ? id : largest;
    }
    for (const struct tree *item = added == NULL ? NULL : added->first; item != NULL;
         item = item->next) {
        if (!tree_integer(tree_get(item, "id"), &id, VOCABULARY_TOKENS_MAX - 1))
            return err_set(err, ERR_INVALID, "tokenizer.json: an added token without a number");
        largest = id > largest ? id : largest;
    }
    *count = (uint32_t)largest + 1;
    return true;
}

static bool read_added(struct tokenizer *tokenizer, const struct tree *list, struct err *err)
{
    struct arena *arena = &tokenizer->arena;
    if (list == NULL)
        return true;
    if (list->count > TOKENIZER_ADDED_MAX)
        return err_set(err, ERR_INVALID, "more than %d added tokens", TOKENIZER_ADDED_MAX);
    tokenizer->added = arena_array(arena, struct tokenizer_added, (size_t)list->count + 1);
    for (const struct tree *item = list->first; item != NULL; item = item->next) {
        uint64_t id = 0;
        (void)tree_integer(tree_get(item, "id"), &id, VOCABULARY_TOKENS_MAX - 1); /* was checked */
        struct span text = arena_copy(arena, tree_text(tree_get(item, "content")));
        if (text.len == 0)
            return err_set(err, ERR_INVALID, "tokenizer.json: an added token without a text");
        if (tree_bool(tree_get(item, "single_word"), false))
            return err_set(err, ERR_UNSUPPORTED, "tokenizer.json: '%s' is a single_word",
                           scan_word(text).at);
        bool is_special = tree_bool(tree_get(item, "special"), false);
        tokenizer->vocabulary.tokens[id] = (struct vocabulary_token){
            .text = text, .kind = is_special ? VOCABULARY_CONTROL : VOCABULARY_ADDED};
        tokenizer->added[tokenizer->added_count++] =
            (struct tokenizer_added){.text = text,
                                     .token = (uint32_t)id,
                                     .strips_left = tree_bool(tree_get(item, "lstrip"), false),
                                     .strips_right = tree_bool(tree_get(item, "rstrip"), false)};
    }
    return true;
}

/* "<0x0A>", where the model falls back to bytes. */
static bool is_byte_name(struct span text)
{
    return text.len == 6 && memcmp(text.at, "<0x", 3) == 0 && text.at[5] == '>';
}

static bool read_vocabulary(struct tokenizer *tokenizer, const struct tree *root,
                            const struct tree *model, struct err *err)
{
    uint32_t count;
    const struct tree *vocab = tree_get(model, "vocab");
    const struct tree *added = tree_as(tree_get(root, "added_tokens"), TREE_ARRAY);
    bool falls_back = tree_bool(tree_get(model, "byte_fallback"), false);
    struct arena *arena = &tokenizer->arena;
    if (!read_token_count(&count, vocab, added, err))
        return false;
    vocabulary_begin(&tokenizer->vocabulary, arena, count);
    for (const struct tree *item = vocab->first; item != NULL; item = item->next) {
        uint64_t id = 0;
        (void)tree_integer(item, &id, VOCABULARY_TOKENS_MAX - 1); /* was checked */
        struct vocabulary_token *token = &tokenizer->vocabulary.tokens[id];
        if (item->key.len > VOCABULARY_TEXT_BYTES_MAX || token->kind != VOCABULARY_ABSENT)
            return err_set(err, ERR_INVALID, "tokenizer.json: '%s' is too long, or a second %u",
                           scan_word(item->key).at, (unsigned)id);
        token->kind = falls_back && is_byte_name(item->key) ? VOCABULARY_BYTE : VOCABULARY_NORMAL;
        token->text = tokenizer->kind == TOKENIZER_BYTES ? tokenizer_unspell(arena, item->key)
                                                         : arena_copy(arena, item->key);
    }
    if (!read_added(tokenizer, added, err))
        return false;
    vocabulary_index(&tokenizer->vocabulary, arena);
    struct span unknown = tree_text(tree_get(model, "unk_token"));
    if (unknown.len > 0)
        tokenizer->unknown = vocabulary_find_any(&tokenizer->vocabulary, unknown);
    return true;
}

static bool read_merges(struct tokenizer *tokenizer, const struct tree *merges, struct err *err)
{
    if (tree_as(merges, TREE_ARRAY) == NULL || merges->count > BPE_MERGES_MAX)
        return err_set(err, ERR_INVALID, "tokenizer.json: no list of at most %d merges",
                       BPE_MERGES_MAX);
    bpe_begin(&tokenizer->bpe, &tokenizer->vocabulary, &tokenizer->arena, merges->count);
    for (const struct tree *item = merges->first; item != NULL; item = item->next) {
        bool is_pair = item->type == TREE_ARRAY && item->count == 2;
        if (!(is_pair ? tokenizer_add_merge(tokenizer, tree_text(item->first),
                                            tree_text(item->first->next), err)
                      : tokenizer_add_merge_line(tokenizer, tree_text(item), err)))
            return false;
    }
    return true;
}

static bool is_space_replacement(const struct tree *step)
{
    return tree_is(tree_get(tree_get(step, "pattern"), "String"), " ") &&
           tree_is(tree_get(step, "content"), SPACE_MARK);
}

/* The spaces of tokenizers of pieces; NFC. */
static bool read_normalizer(struct tokenizer *tokenizer, const struct tree *whole, bool *marks,
                            struct err *err)
{
    for (const struct tree *step = first_step(whole, "normalizers"); step != NULL;
         step = next_step(whole, step)) {
        const struct tree *type = tree_get(step, "type");
        if (tree_is(type, "Prepend") && tree_is(tree_get(step, "prepend"), SPACE_MARK))
            tokenizer->prefix = TOKENIZER_EVERY_PREFIX;
        else if (tree_is(type, "Replace") && is_space_replacement(step))
            *marks = true;
        else if (tree_is(type, "NFC"))
            tokenizer->composes = true;
        else
            return refuse("a normalizer", type, err);
    }
    return true;
}

static bool read_metaspace(struct tokenizer *tokenizer, const struct tree *step, struct err *err)
{
    const struct tree *scheme = tree_get(step, "prepend_scheme");
    bool adds = tree_bool(tree_get(step, "add_prefix_space"), true);
    if (!tree_is(tree_get(step, "replacement"), SPACE_MARK) ||
        tree_bool(tree_get(step, "split"), true))
        return refuse("a pre_tokenizer that splits, or has another mark,", tree_get(step, "type"),
                      err);
    tokenizer->prefix_unless_space = true;
    if (scheme == NULL)
        tokenizer->prefix = adds ? TOKENIZER_EVERY_PREFIX : TOKENIZER_NO_PREFIX;
    else if (tree_is(scheme, "always"))
        tokenizer->prefix = TOKENIZER_EVERY_PREFIX;
    else if (tree_is(scheme, "first"))
        tokenizer->prefix = TOKENIZER_FIRST_PREFIX;
    else if (tree_is(scheme, "never"))
        tokenizer->prefix = TOKENIZER_NO_PREFIX;
    else
        return refuse("a prepend_scheme", scheme, err);
    return true;
}

static bool read_byte_level(struct tokenizer *tokenizer, const struct tree *step, struct err *err)
{
    tokenizer->kind = TOKENIZER_BYTES;
    if (tree_bool(tree_get(step, "add_prefix_space"), true))
        return err_set(err, ERR_UNSUPPORTED, "tokenizer.json: add_prefix_space of ByteLevel");
    if (!tree_bool(tree_get(step, "use_regex"), true))
        return true;
    const char *pattern = split_pattern(SPAN("gpt-2"));
    return split_add(&tokenizer->split, (struct span){pattern, strlen(pattern)}, err);
}

static bool read_split(struct tokenizer *tokenizer, const struct tree *step, bool marks,
                       struct err *err)
{
    const struct tree *pattern = tree_get(step, "pattern");
    const struct tree *behavior = tree_get(step, "behavior");
    struct span expression = tree_text(tree_get(pattern, "Regex"));
    if (marks && tree_is(tree_get(pattern, "String"), " "))
        return true; /* no space is left by then to split at */
    bool is_inverse = tree_bool(tree_get(step, "invert"), false);
    /* what matches is a word: kept as such, or left when all else is removed */
    bool keeps = (tree_is(behavior, "Isolated") && !is_inverse) ||
                 (tree_is(behavior, "Removed") && is_inverse);
    if (expression.len == 0 || !keeps)
        return refuse("a Split that is no Regex, or", behavior, err);
    return split_add(&tokenizer->split, expression, err);
}

static bool read_pre_tokenizer(struct tokenizer *tokenizer, const struct tree *whole, bool marks,
                               struct err *err)
{
    for (const struct tree *step = first_step(whole, "pretokenizers"); step != NULL;
         step = next_step(whole, step)) {
        const struct tree *type = tree_get(step, "type");
        bool ok;
        if (tree_is(type, "ByteLevel"))
            ok = read_byte_level(tokenizer, step, err);
        else if (tree_is(type, "Metaspace"))
            ok = read_metaspace(tokenizer, step, err);
        else if (tree_is(type, "Split"))
            ok = read_split(tokenizer, step, marks, err);
        else if (tree_is(type, "Digits"))
            ok = split_add(&tokenizer->split,
                           tree_bool(tree_get(step, "individual_digits"), false) ? SPAN("\\p{N}")
                                                                                 : SPAN("\\p{N}+"),
                           err);
        else
            ok = refuse("a pre_tokenizer", type, err);
        if (!ok)
            return false;
    }
    return true;
}

/* Which tokens a template puts before and after the text. */
static void read_template(struct tokenizer *tokenizer, const struct tree *template)
{
    bool is_past_text = false;
    const struct tree *list = tree_as(tree_get(template, "single"), TREE_ARRAY);
    for (const struct tree *item = list == NULL ? NULL : list->first; item != NULL;
         item = item->next) {
        struct span text = tree_text(tree_get(tree_get(item, "SpecialToken"), "id"));
        is_past_text |= tree_get(item, "Sequence") != NULL;
        if (text.len == 0)
            continue;
        uint32_t token = vocabulary_find_any(&tokenizer->vocabulary, text);
        if (is_past_text) {
            tokenizer->adds_end = true;
            tokenizer->end = token;
        } else {
            tokenizer->adds_begin = true;
            tokenizer->begin = token;
        }
    }
}

static void read_post_processor(struct tokenizer *tokenizer, const struct tree *whole)
{
    for (const struct tree *step = first_step(whole, "processors"); step != NULL;
         step = next_step(whole, step))
        if (tree_is(tree_get(step, "type"), "TemplateProcessing"))
            read_template(tokenizer, step);
}

static bool read_root(struct tokenizer *tokenizer, const struct tree *root, struct err *err)
{
    bool marks = false;
    const struct tree *model = tree_get(root, "model");
    const struct tree *type = tree_get(model, "type");
    if (type != NULL ? !tree_is(type, "BPE") : tree_get(model, "merges") == NULL)
        return refuse("a model", type, err);
    tokenizer->kind = TOKENIZER_PIECES;
    if (!read_normalizer(tokenizer, tree_get(root, "normalizer"), &marks, err) ||
        !read_pre_tokenizer(tokenizer, tree_get(root, "pre_tokenizer"), marks, err))
        return false;
    tokenizer->whole_words_first = tree_bool(tree_get(model, "ignore_merges"), false);
    if (!read_vocabulary(tokenizer, root, model, err) ||
        !read_merges(tokenizer, tree_get(model, "merges"), err))
        return false;
    read_post_processor(tokenizer, tree_get(root, "post_processor"));
    return true;
}

bool tokenizer_load_json(struct tokenizer *tokenizer, struct span file, struct err *err)
{
    struct arena arena = {0};
    const struct tree *root;
    struct err reason;
    if (file.len > FILE_BYTES_MAX)
        return err_set(err, ERR_INVALID, "tokenizer.json: longer than %d bytes", FILE_BYTES_MAX);
    if (!tree_parse(&root, &arena, file, &reason)) {
        arena_clear(&arena);
        return err_set(err, reason.code, "tokenizer.json: %s", reason.text);
    }
    bool ok = read_root(tokenizer, root, err);
    arena_clear(&arena);
    return ok;
}
