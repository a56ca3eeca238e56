#include "gpu/split.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "shared/err.h"
#include "shared/scan.h"

enum {
    MATCH_STEPS_MAX = 10000000,
    HEAP_KILOBYTES_MAX = 65536,
    JIT_STACK_BYTES = 1 << 15,
    JIT_STACK_BYTES_MAX = 1 << 20
};

#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define LETTERS "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define REST " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define BEFORE "[^\\r\\n\\p{L}\\p{N}]?"

static const struct {
    const char *name, *pattern;
} patterns[] = {
    {"gpt-2", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},
    {"llama-bpe", CONTRACTIONS "|" LETTERS "|\\p{N}{1,3}|" REST},
    {"llama3", CONTRACTIONS "|" LETTERS "|\\p{N}{1,3}|" REST},
    {"llama-v3", CONTRACTIONS "|" LETTERS "|\\p{N}{1,3}|" REST},
    {"qwen2", CONTRACTIONS "|" LETTERS "|\\p{N}|" REST},
    {"deepseek-r1-qwen", CONTRACTIONS "|" LETTERS "|\\p{N}|" REST},
    {"tekken", BEFORE UPPER "*" LOWER "+|" BEFORE UPPER "+" LOWER "*|\\p{N}|"
                            " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
};

const char *split_pattern(struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
        if (span_eq(name, (struct span){patterns[i].name, strlen(patterns[i].name)}))
            return patterns[i].pattern;
    return NULL;
}

bool split_add(struct split *split, struct span pattern, struct err *err)
{
    int code;
    PCRE2_SIZE place;
    if (split->step_count == SPLIT_STEPS_MAX || pattern.len > SPLIT_PATTERN_BYTES_MAX)
        return err_set(err, ERR_UNSUPPORTED, "more than %d expressions, or one past %d bytes",
                       SPLIT_STEPS_MAX, SPLIT_PATTERN_BYTES_MAX);
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
    pcre2_code *step =
        pcre2_compile((PCRE2_SPTR)pattern.at, pattern.len, options, &code, &place, NULL);
    if (step == NULL)
        return err_set(err, ERR_INVALID, "the expression '%s' is wrong at byte %zu",
                       scan_word(pattern).at, place);
    pcre2_jit_compile(step, PCRE2_JIT_COMPLETE); /* without it, slower and the same */
    split->steps[split->step_count++] = step;
    return true;
}

void split_clear(struct split *split)
{
    for (uint32_t i = 0; i < split->step_count; i++)
        pcre2_code_free(split->steps[i]);
    *split = (struct split){0};
}

void split_words_clear(struct split_words *words)
{
    free(words->at);
    *words = (struct split_words){0};
}

static void add_word(struct split_words *words, struct span word)
{
    if (word.len == 0)
        return;
    if (words->count == words->capacity) {
        words->capacity = words->capacity == 0 ? 64 : 2 * words->capacity;
        words->at = realloc(words->at, words->capacity * sizeof *words->at);
        if (words->at == NULL)
            abort();
    }
    words->at[words->count++] = word;
}

struct matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
};

static void cut_one(const struct matcher *matcher, const pcre2_code *step,
                    struct split_words *words, struct span text)
{
    size_t done = 0;
    size_t from = 0;
    while (from < text.len && pcre2_match(step, (PCRE2_SPTR)text.at, text.len, from, 0,
                                          matcher->data, matcher->context) >= 0) {
        const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(matcher->data);
        size_t begin = bounds[0];
        size_t end = bounds[1];
        if (end <= begin) { /* an empty match cuts nothing */
            from = (end > from ? end : from) + 1;
            continue;
        }
        if (begin < done) /* a lookbehind's \K could go back; then it is no cut */
            begin = done;
        add_word(words, (struct span){text.at + done, begin - done});
        add_word(words, (struct span){text.at + begin, end - begin});
        done = from = end;
    }
    add_word(words, (struct span){text.at + done, text.len - done});
}

void split_cut(const struct split *split, struct split_words *words, struct span text)
{
    struct matcher matcher = {pcre2_match_data_create(1, NULL), pcre2_match_context_create(NULL)};
    pcre2_jit_stack *stack = pcre2_jit_stack_create(JIT_STACK_BYTES, JIT_STACK_BYTES_MAX, NULL);
    if (matcher.data == NULL || matcher.context == NULL || stack == NULL)
        abort();
    pcre2_jit_stack_assign(matcher.context, NULL, stack);
    pcre2_set_match_limit(matcher.context, MATCH_STEPS_MAX);
    pcre2_set_heap_limit(matcher.context, HEAP_KILOBYTES_MAX);
    words->count = 0;
    add_word(words, text);
    for (uint32_t i = 0; i < split->step_count; i++) {
        struct split_words before = *words;
        *words = (struct split_words){0};
        for (size_t j = 0; j < before.count; j++)
            cut_one(&matcher, split->steps[i], words, before.at[j]);
        split_words_clear(&before);
    }
    pcre2_match_data_free(matcher.data);
    pcre2_match_context_free(matcher.context);
    pcre2_jit_stack_free(stack);
}
