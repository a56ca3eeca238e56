/* Tokenizers against the definition of byte-pair encoding, word for word; all forms of one file
 * alike; and what is told back. */
#include "gpu/tokenizer.h"

#include <stdlib.h>

#include "gpu/detokenizer.h"
#include "gpu/gguf.h"
#include "gpu/tokenizer_load.h"
#include "shared/err.h"
#include "shared/text.h"
#include "shared/utf8.h"
#include "tests/forge_tokens.h"
#include "tests/random.h"
#include "tests/test.h"

enum { VOCABULARIES = 30, TEXTS = 60, MERGES = 120 };

#define MARK "\xe2\x96\x81"
#define WORDS_STEP                                                                     \
    "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\"," \
    "\"pattern\":{\"Regex\":\"[a-e]+\"},\"behavior\":\"Isolated\",\"invert\":false},"  \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}]},"
#define GPT2_STEP "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},"
#define PIECES_STEP                                                                   \
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\","   \
    "\"prepend\":\"" MARK "\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"}," \
    "\"content\":\"" MARK "\"}]},\"pre_tokenizer\":null,"

enum form { FORM_JSON, FORM_GGUF, FORM_PIECES };

static void load(struct tokenizer *tokenizer, const struct forge_tokens *made, enum form form,
                 const char *steps)
{
    struct text file = {0};
    struct err err = {0};
    bool ok;
    *tokenizer = (struct tokenizer){
        .unknown = VOCABULARY_NONE, .begin = VOCABULARY_NONE, .end = VOCABULARY_NONE};
    if (form == FORM_GGUF) {
        struct gguf gguf;
        forge_tokens_gguf(made, steps, &file);
        struct span kept = arena_copy(&tokenizer->arena, text_span(&file));
        ok = gguf_parse(&gguf, &tokenizer->arena, kept, &err) &&
             tokenizer_load_gguf(tokenizer, &gguf, &err);
    } else if (form == FORM_JSON) {
        forge_tokens_json(made, steps, &file);
        ok = tokenizer_load_json(tokenizer, text_span(&file), &err);
    } else {
        forge_tokens_pieces(made, &file);
        ok = tokenizer_load_pieces(tokenizer, text_span(&file), &err);
    }
    text_clear(&file); /* a tokenizer keeps nothing of it */
    if (!ok || !tokenizer_finish(tokenizer, made->count, &err))
        fail_msg("%s", err.text);
}

static void random_text(struct text *text, size_t parts)
{
    static const char *const alphabet[] = {"a",         "b",
                                           "c",         "d",
                                           "e",         " ",
                                           " ",         "  ",
                                           "ab",        "x",
                                           "7",         "\n",
                                           "<b>",       "<",
                                           "\xc3\xa9",  "\xe6\x97\xa5",
                                           "e\xcc\x81", "\xf0\x9f\xa6\x88"};
    text->len = 0;
    for (size_t i = random_below((uint32_t)parts); i > 0; i--) {
        const char *part = alphabet[random_below(ARRAY_LEN(alphabet))];
        text_add(text, (struct span){part, strlen(part)});
    }
}

static uint32_t find(const struct forge_tokens *made, struct span text, bool is_plain)
{
    for (uint32_t i = 0; i < made->count; i++)
        if (span_eq(made->tokens[i].text, text) &&
            (!is_plain || made->tokens[i].kind == FORGE_NORMAL ||
             made->tokens[i].kind == FORGE_ADDED))
            return i;
    return VOCABULARY_NONE;
}

/* The rank at which two neighbours merge; higher than any when they do not. */
static uint32_t rank_of(const struct forge_tokens *made, struct span left, struct span right,
                        bool by_score)
{
    struct span both = {left.at, left.len + right.len};
    uint32_t token = find(made, both, true);
    if (token == VOCABULARY_NONE)
        return UINT32_MAX;
    if (by_score) /* 0 of all that was not merged */
        return token < made->merged ? 0 : token - made->merged;
    for (uint32_t i = made->merged; i < made->count; i++)
        if (span_eq(made->tokens[made->tokens[i].left].text, left) &&
            span_eq(made->tokens[made->tokens[i].right].text, right))
            return i;
    return UINT32_MAX;
}

/* The part that merges with what is after it; count when none does. */
static size_t find_best(const struct forge_tokens *made, const struct span *parts, size_t count,
                        bool by_score)
{
    size_t best = count;
    uint32_t best_rank = UINT32_MAX;
    for (size_t i = 0; i + 1 < count; i++) {
        uint32_t rank = rank_of(made, parts[i], parts[i + 1], by_score);
        if (rank < best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    return best;
}

/* By the definition: the best of all neighbours, the leftmost of equals, until there is none. */
static void encode_word(const struct forge_tokens *made, struct tokens *out, struct span word,
                        bool by_score)
{
    struct span parts[512];
    size_t count = 0;
    for (const char *at = word.at; at < word.at + word.len; at += parts[count++].len) {
        size_t len = made->is_bytes ? 1 : utf8_size(at, word.at + word.len);
        assert_true(len > 0 && count < ARRAY_LEN(parts));
        parts[count] = (struct span){at, len};
    }
    for (;;) {
        size_t best = find_best(made, parts, count, by_score);
        if (best == count)
            break;
        parts[best].len += parts[best + 1].len;
        memmove(&parts[best + 1], &parts[best + 2], (count - best - 2) * sizeof *parts);
        count--;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t token = find(made, parts[i], true);
        for (size_t j = 0; token == VOCABULARY_NONE && j < parts[i].len; j++)
            tokens_add(out, 6 + (unsigned char)parts[i].at[j]);
        if (token != VOCABULARY_NONE)
            tokens_add(out, token);
    }
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'e';
}

/* A text without added tokens: as words of letters and what is between, or as one word. */
static void encode_stretch(const struct forge_tokens *made, struct tokens *out, struct span text,
                           bool by_score)
{
    struct text marked = {0};
    if (made->is_bytes) {
        while (text.len > 0) {
            size_t len = 1;
            while (len < text.len && is_letter(text.at[len]) == is_letter(text.at[0]))
                len++;
            encode_word(made, out, (struct span){text.at, len}, by_score);
            text = (struct span){text.at + len, text.len - len};
        }
        return;
    }
    if (text.len > 0)
        text_add(&marked, SPAN(MARK));
    for (size_t i = 0; i < text.len; i++)
        text_add(&marked, text.at[i] == ' ' ? SPAN(MARK) : (struct span){text.at + i, 1});
    encode_word(made, out, text_span(&marked), by_score);
    text_clear(&marked);
}

static void encode_by_definition(const struct forge_tokens *made, struct tokens *out,
                                 struct span text, bool by_score)
{
    out->count = 0;
    for (;;) {
        const char *added = text.len == 0 ? NULL : memmem(text.at, text.len, "<b>", 3);
        size_t len = added == NULL ? text.len : (size_t)(added - text.at);
        encode_stretch(made, out, (struct span){text.at, len}, by_score);
        if (added == NULL)
            return;
        text = (struct span){added, text.len - len};
        bool is_double = text.len >= 6 && memcmp(text.at, "<b><b>", 6) == 0;
        tokens_add(out, is_double ? 5 : 4);
        size_t taken = is_double ? 6 : 3;
        text = (struct span){text.at + taken, text.len - taken};
    }
}

static void check_same(const struct tokens *a, const struct tokens *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        assert_int_equal(a->at[i], b->at[i]);
}

static void encode(const struct tokenizer *tokenizer, struct tokens *out, struct span text)
{
    out->count = 0;
    assert_true(tokenizer_encode(tokenizer, out, text, 0, NULL));
}

/* Told back token by token it is the text, and UTF-8 at every moment. A space was put after each
 * added token, which only pieces have. */
static void check_back(const struct tokenizer *tokenizer, const struct tokens *tokens,
                       struct span text)
{
    struct detokenizer detokenizer;
    struct text out = {0};
    detokenizer_begin(&detokenizer, tokenizer, DETOKENIZER_START);
    for (size_t i = 0; i < tokens->count; i++) {
        detokenizer_add(&detokenizer, &out, tokens->at[i]);
        size_t at = 0;
        while (at < out.len) {
            size_t size = utf8_size(out.at + at, out.at + out.len);
            assert_true(size > 0);
            at += size;
        }
    }
    detokenizer_end(&detokenizer, &out);
    if (tokenizer->kind == TOKENIZER_BYTES || memmem(text.at, text.len, "<b>", 3) == NULL)
        assert_true(span_eq(text_span(&out), text));
    text_clear(&out);
}

static void check_form(bool is_bytes, enum form form, const char *steps, bool by_score)
{
    struct text text = {0};
    struct tokens expected = {0};
    struct tokens found = {0};
    size_t shorter = 0;
    for (int i = 0; i < VOCABULARIES; i++) {
        struct forge_tokens made;
        struct tokenizer tokenizer;
        forge_tokens_random(&made, is_bytes, MERGES);
        load(&tokenizer, &made, form, steps);
        for (int j = 0; j < TEXTS; j++) {
            random_text(&text, 60);
            encode_by_definition(&made, &expected, text_span(&text), by_score);
            encode(&tokenizer, &found, text_span(&text));
            check_same(&found, &expected);
            if (text.len > 0)
                check_back(&tokenizer, &found, text_span(&text));
            shorter += found.count < text.len;
        }
        tokenizer_close(&tokenizer);
        forge_tokens_clear(&made);
    }
    assert_true(shorter > (size_t)VOCABULARIES * TEXTS / 2);
    text_clear(&text);
    tokens_clear(&expected);
    tokens_clear(&found);
}

static void test_bytes(void **state)
{
    (void)state;
    check_form(true, FORM_JSON, WORDS_STEP, false);
}

static void test_pieces(void **state)
{
    (void)state;
    check_form(false, FORM_JSON, PIECES_STEP, false);
    check_form(false, FORM_GGUF, "", true);
    check_form(false, FORM_PIECES, "", true);
}

static void test_forms_agree(void **state)
{
    struct text text = {0};
    struct tokens first = {0};
    struct tokens second = {0};
    (void)state;
    for (int i = 0; i < VOCABULARIES; i++) {
        struct forge_tokens made;
        struct tokenizer json;
        struct tokenizer gguf;
        forge_tokens_random(&made, true, MERGES);
        load(&json, &made, FORM_JSON, GPT2_STEP);
        load(&gguf, &made, FORM_GGUF, "gpt-2");
        for (int j = 0; j < TEXTS; j++) {
            random_text(&text, 60);
            encode(&json, &first, text_span(&text));
            encode(&gguf, &second, text_span(&text));
            check_same(&first, &second);
        }
        tokenizer_close(&json);
        tokenizer_close(&gguf);
        forge_tokens_clear(&made);
    }
    text_clear(&text);
    tokens_clear(&first);
    tokens_clear(&second);
}

/* A run of bytes told whole: each character, and U+FFFD for the longest beginnings of one. */
static void tell_whole(struct text *out, struct span bytes)
{
    const char *end = bytes.at + bytes.len;
    for (const char *at = bytes.at; at < end;) {
        static const char *const tails[] = {"\x80",     "\x80\x80",     "\x80\x80\x80", "\xbf",
                                            "\xbf\x80", "\xbf\x80\x80", "\x90\x80\x80", "\xa0\x80"};
        size_t size = utf8_size(at, end);
        if (size > 0) {
            text_add(out, (struct span){at, size});
            at += size;
            continue;
        }
        size_t begun = 1; /* the longest that some tail completes */
        for (size_t len = 2; len <= 3 && at + len <= end; len++)
            for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
                char whole[8];
                size_t tail = strlen(tails[i]);
                memcpy(whole, at, len);
                memcpy(whole + len, tails[i], tail);
                if (utf8_size(whole, whole + len + tail) == len + tail)
                    begun = len;
            }
        text_add(out, SPAN("\xef\xbf\xbd"));
        at += begun;
    }
}

/* Any tokens in any order: the same told piecemeal as told whole. */
static void test_any_tokens(void **state)
{
    static const uint8_t telling[] = {0xc3, 0xa9, 0xe2, 0x96, 0x81, 0xf0, 0x9f, 0xa6, 0x88,
                                      0xed, 0xa0, 0xf4, 0x90, 0xc0, 0xff, 0xe0, 0x80, 'a'};
    struct forge_tokens made;
    struct tokenizer tokenizer;
    struct text piecemeal = {0};
    struct text bytes = {0};
    struct text whole = {0};
    (void)state;
    forge_tokens_random(&made, true, MERGES);
    load(&tokenizer, &made, FORM_JSON, WORDS_STEP);
    for (int i = 0; i < VOCABULARIES * TEXTS * 4; i++) {
        struct detokenizer detokenizer;
        piecemeal.len = bytes.len = whole.len = 0;
        detokenizer_begin(&detokenizer, &tokenizer, 0);
        for (uint32_t j = random_below(12); j > 0; j--) {
            uint32_t token = 6U + telling[random_below(ARRAY_LEN(telling))];
            if (random_below(4) == 0)
                token = 6 + random_below(made.count - 6);
            detokenizer_add(&detokenizer, &piecemeal, token);
            text_add(&bytes, made.tokens[token].text);
        }
        detokenizer_end(&detokenizer, &piecemeal);
        tell_whole(&whole, text_span(&bytes));
        assert_true(span_eq(text_span(&piecemeal), text_span(&whole)));
    }
    tokenizer_close(&tokenizer);
    forge_tokens_clear(&made);
    text_clear(&piecemeal);
    text_clear(&bytes);
    text_clear(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes), cmocka_unit_test(test_pieces),
                                       cmocka_unit_test(test_forms_agree),
                                       cmocka_unit_test(test_any_tokens)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
