/* Tokenizers by their files: what each says, how text is cut, which tokens are added, and what is
 * refused. How words merge is tests/property_tokenizer.c's. */
#include "gpu/tokenizer.h"

#include <stdio.h>

#include "gpu/gguf.h"
#include "gpu/model.h"
#include "gpu/tokenizer_load.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/forge.h"
#include "tests/forge_folder.h"
#include "tests/forge_model.h"
#include "tests/quoted.h"
#include "tests/test.h"

#define MARK "\xe2\x96\x81"
#define BYTES "'pre_tokenizer':{'type':'ByteLevel','add_prefix_space':false},"
#define VOCAB "'vocab':{'a':0,'b':1,'ab':2,'\xc4\xa0':3,'<s>':4}"
#define MODEL "'model':{'type':'BPE'," VOCAB ",'merges':['a b']}"
#define ADDED                                                  \
    "'added_tokens':[{'id':4,'content':'<s>','special':true}," \
    "{'id':5,'content':'<t>','lstrip':true,'rstrip':true},{'id':6,'content':'<tt>'}],"

static bool load(struct tokenizer *tokenizer, const char *json, struct err *err)
{
    struct arena arena = {0};
    *tokenizer = (struct tokenizer){
        .unknown = VOCABULARY_NONE, .begin = VOCABULARY_NONE, .end = VOCABULARY_NONE};
    bool ok = tokenizer_load_json(tokenizer, quoted(&arena, json), err) &&
              tokenizer_finish(tokenizer, 8, err);
    arena_clear(&arena);
    if (!ok)
        tokenizer_close(tokenizer);
    return ok;
}

/* The tokens of a text, as "1 2 3". */
static const char *tokens_of(const struct tokenizer *tokenizer, const char *text, unsigned flags)
{
    static char words[256];
    struct tokens tokens = {0};
    size_t len = 0;
    assert_true(
        tokenizer_encode(tokenizer, &tokens, (struct span){text, strlen(text)}, flags, NULL));
    words[0] = '\0';
    for (size_t i = 0; i < tokens.count; i++)
        len += (size_t)snprintf(words + len, sizeof words - len, "%s%u", i == 0 ? "" : " ",
                                tokens.at[i]);
    tokens_clear(&tokens);
    return words;
}

static const char *tokens_by(const char *json, const char *text, unsigned flags)
{
    struct tokenizer tokenizer;
    struct err err = {0};
    if (!load(&tokenizer, json, &err))
        fail_msg("%s: %s", json, err.text);
    const char *words = tokens_of(&tokenizer, text, flags);
    tokenizer_close(&tokenizer);
    return words;
}

static void test_added(void **state)
{
    static const struct {
        const char *text;
        unsigned flags;
        const char *tokens;
    } cases[] = {
        {"", 0, ""},
        {"ab a", 0, "2 3 0"},
        {"ab<t>ab", 0, "2 5 2"},
        {"ab <t> \n ab", 0, "2 5 2"}, /* it takes the spaces on both sides */
        {" <t> ", 0, "5"},
        {"a <tt> b", 0, "0 3 6 3 1"}, /* the longest; and it takes none */
        {"<t><tt><t>", 0, "5 6 5"},
        {"<s>a", TOKENIZER_CONTROL, "4 0"},
        {"<s>a", 0, "0"}, /* as text: of which this vocabulary has no letter but one */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(tokens_by("{" ADDED BYTES MODEL "}", cases[i].text, cases[i].flags),
                            cases[i].tokens);
}

static void test_ends(void **state)
{
    static const char *const template =
        "{" ADDED BYTES "'post_processor':{'type':'Sequence','processors':[{'type':'ByteLevel'},"
        "{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'<s>'}},"
        "{'Sequence':{'id':'A'}},{'SpecialToken':{'id':'<t>'}}]}]}," MODEL "}";
    (void)state;
    assert_string_equal(tokens_by(template, "ab", TOKENIZER_ENDS), "4 2 5");
    assert_string_equal(tokens_by(template, "", TOKENIZER_ENDS), "4 5");
    assert_string_equal(tokens_by(template, "ab", 0), "2");
    assert_string_equal(tokens_by("{" ADDED BYTES MODEL "}", "ab", TOKENIZER_ENDS), "2");
}

static void test_whole_words(void **state)
{
#define WHOLE "'vocab':{'a':0,'b':1,'c':2,'abc':3},'merges':[]"
    (void)state;
    assert_string_equal(tokens_by("{" BYTES "'model':{'ignore_merges':true," WHOLE "}}", "abc", 0),
                        "3");
    assert_string_equal(tokens_by("{" BYTES "'model':{" WHOLE "}}", "abc", 0), "0 1 2");
#undef WHOLE
}

/* Where a prefix goes, in each of the ways to say it. */
static void test_prefixes(void **state)
{
    static const struct {
        const char *steps, *tokens; /* of "ab<t2> ab" */
    } cases[] = {
        {"'normalizer':{'type':'Sequence','normalizers':[{'type':'Prepend','prepend':'" MARK "'},"
         "{'type':'Replace','pattern':{'String':' '},'content':'" MARK "'}]},",
         "3 2 5 3 3 2"},
        {"'normalizer':{'type':'Replace','pattern':{'String':' '},'content':'" MARK "'},"
         "'pre_tokenizer':{'type':'Split','pattern':{'String':' "
         "'},'behavior':'MergedWithPrevious'},",
         "2 5 3 2"},
        {"'pre_tokenizer':{'type':'Metaspace','replacement':'" MARK "','prepend_scheme':'first',"
         "'split':false},",
         "3 2 5 3 2"},
        {"'pre_tokenizer':{'type':'Metaspace','replacement':'" MARK "','prepend_scheme':'always',"
         "'split':false},",
         "3 2 5 3 2"}, /* what begins with a space gets none */
        {"'pre_tokenizer':{'type':'Metaspace','replacement':'" MARK "','prepend_scheme':'never',"
         "'split':false},",
         "2 5 3 2"},
        {"'pre_tokenizer':{'type':'Metaspace','replacement':'" MARK "','add_prefix_space':true,"
         "'split':false},",
         "3 2 5 3 2"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char json[900];
        snprintf(json, sizeof json,
                 "{%s'added_tokens':[{'id':5,'content':'<t2>'}],'model':{'type':'BPE',"
                 "'vocab':{'a':0,'b':1,'ab':2,'" MARK "':3},'merges':['a b']}}",
                 cases[i].steps);
        assert_string_equal(tokens_by(json, "ab<t2> ab", 0), cases[i].tokens);
    }
}

/* Letters in parts are one word's letter only where the file asks for that. */
static void test_composed(void **state)
{
#define LETTER                                                                 \
    "'model':{'vocab':{'\xc3\x83':0,'\xc2\xa9':1,'e':2,'\xc3\x83\xc2\xa9':3}," \
    "'merges':['\xc3\x83 \xc2\xa9']}"
    (void)state;
    assert_string_equal(tokens_by("{'normalizer':{'type':'NFC'}," BYTES LETTER "}", "e\xcc\x81", 0),
                        "3");
    assert_string_equal(tokens_by("{" BYTES LETTER "}", "e\xcc\x81", 0), "2");
    assert_string_equal(tokens_by("{'normalizer':{'type':'NFC'}," BYTES LETTER "}", "e\xcc", 0),
                        "2");
#undef LETTER
}

static void test_cuts(void **state)
{
    static const struct {
        const char *pattern, *text, *words;
    } cases[] = {
        {"gpt-2", "I'll  go, 2024's\n\n x", "I|'ll| | go|,| 2024|'s|\n\n| x"},
        {"llama-bpe", "I'LL  go, 12345\n\n x", "I|'LL| | go|,| |123|45|\n\n| x"},
        {"qwen2", "a 123.\n b", "a| |1|2|3|.\n| b"},
        {"tekken", "camelCase HTTPServer 12/\n", "camel|Case| HTTPServer| |1|2|/\n"},
        {"llama3", "\xd9\xa3\xd9\xa4 na\xc3\xafve\xe6\x97\xa5\xe6\x9c\xac",
         "\xd9\xa3\xd9\xa4| na\xc3\xafve\xe6\x97\xa5\xe6\x9c\xac"},
        {"qwen2", "   \t ", "   \t "},
        {"qwen2", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct split split = {0};
        struct split_words words = {0};
        struct text found = {0};
        const char *name = cases[i].pattern;
        const char *pattern = split_pattern((struct span){name, strlen(name)});
        assert_non_null(pattern);
        assert_true(split_add(&split, (struct span){pattern, strlen(pattern)}, NULL));
        split_cut(&split, &words, (struct span){cases[i].text, strlen(cases[i].text)});
        for (size_t j = 0; j < words.count; j++)
            text_addf(&found, "%s%.*s", j == 0 ? "" : "|", SPAN_ARG(words.at[j]));
        text_add(&found, SPAN("\0"));
        assert_string_equal(found.at, cases[i].words);
        text_clear(&found);
        split_words_clear(&words);
        split_clear(&split);
    }
    assert_null(split_pattern(SPAN("unheard-of")));
}

/* Expressions that would never end, match nothing, or are wrong. */
static void test_bad_expressions(void **state)
{
    struct split split = {0};
    struct split_words words = {0};
    struct err err;
    char text[64];
    (void)state;
    memset(text, 'a', sizeof text);
    assert_true(split_add(&split, SPAN("(a+)+$|(a+)+b"), &err));
    split_cut(&split, &words, (struct span){text, sizeof text - 1});
    assert_true(words.count >= 1);
    split_clear(&split);
    assert_true(split_add(&split, SPAN("x*"), &err));
    split_cut(&split, &words, SPAN("axxa\xff"));
    assert_int_equal(words.count, 3);
    for (int i = 1; i < SPLIT_STEPS_MAX; i++)
        assert_true(split_add(&split, SPAN("."), &err));
    assert_false(split_add(&split, SPAN("."), &err));
    assert_string_equal(err.text, "more than 8 expressions, or one past 4096 bytes");
    split_clear(&split);
    assert_false(split_add(&split, SPAN("a(b"), &err));
    assert_string_equal(err.text, "the expression 'a(b' is wrong at byte 3");
    split_words_clear(&words);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *json, *reason;
    } cases[] = {
        {"{", "tokenizer.json: expected a string at byte 1"},
        {"{}", "tokenizer.json: a model of the kind ''"},
        {"{'model':{'type':'Unigram'}}", "tokenizer.json: a model of the kind 'Unigram'"},
        {"{'model':{'type':'BPE'}}", "tokenizer.json: no model.vocab"},
        {"{'model':{'vocab':{'a':1048576},'merges':[]}}",
         "tokenizer.json: 'a' has no number below 1048576"},
        {"{'model':{'vocab':{'a':0,'b':0},'merges':[]}}",
         "tokenizer.json: 'b' is too long, or a second 0"},
        {"{'model':{'vocab':{'a':9},'merges':[]}}", "token 9 is past the model's 8"},
        {"{'model':{'vocab':{'a':0},'merges':['ab']}}", "merge 0, 'ab', has no space"},
        {"{'model':{'vocab':{'a':0,'b':1},'merges':['a b']}}",
         "merge 0, 'a' and 'b': they or both are no token"},
        {"{'model':{'vocab':{'a':0},'merges':[1]}}", "merge 0, '', has no space"},
        {"{'model':{'vocab':{},'merges':{}}}", "tokenizer.json: no list of at most 2097152 merges"},
        {"{'added_tokens':[{'id':1}],'model':{'vocab':{},'merges':[]}}",
         "tokenizer.json: an added token without a text"},
        {"{'added_tokens':[{'content':'x'}],'model':{'vocab':{},'merges':[]}}",
         "tokenizer.json: an added token without a number"},
        {"{'added_tokens':[{'id':1,'content':'x','single_word':true}],"
         "'model':{'vocab':{},'merges':[]}}",
         "tokenizer.json: 'x' is a single_word"},
        {"{'normalizer':{'type':'Lowercase'},'model':{'merges':[]}}",
         "tokenizer.json: a normalizer of the kind 'Lowercase'"},
        {"{'normalizer':{'type':'Sequence','normalizers':[{'type':'NFC'},{'type':'NFKC'}]},"
         "'model':{'merges':[]}}",
         "tokenizer.json: a normalizer of the kind 'NFKC'"},
        {"{'pre_tokenizer':{'type':'Whitespace'},'model':{'merges':[]}}",
         "tokenizer.json: a pre_tokenizer of the kind 'Whitespace'"},
        {"{'pre_tokenizer':{'type':'ByteLevel'},'model':{'merges':[]}}",
         "tokenizer.json: add_prefix_space of ByteLevel"},
        {"{'pre_tokenizer':{'type':'Split','pattern':{'Regex':'('},'behavior':'Isolated'},"
         "'model':{'merges':[]}}",
         "the expression '(' is wrong at byte 1"},
        {"{'pre_tokenizer':{'type':'Split','pattern':{'Regex':'a'},'behavior':'Removed'},"
         "'model':{'merges':[]}}",
         "tokenizer.json: a Split that is no Regex, or of the kind 'Removed'"},
        {"{'pre_tokenizer':{'type':'Metaspace','replacement':'_','split':false},"
         "'model':{'merges':[]}}",
         "tokenizer.json: a pre_tokenizer that splits, or has another mark, of the kind "
         "'Metaspace'"},
        {"{'pre_tokenizer':{'type':'Metaspace','replacement':'" MARK "','split':false,"
         "'prepend_scheme':'last'},'model':{'merges':[]}}",
         "tokenizer.json: a prepend_scheme of the kind 'last'"},
        {"{'post_processor':{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'x'}}]},"
         "'model':{'vocab':{},'merges':[]}}",
         "a text begins or ends with a token that is not there"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tokenizer tokenizer;
        struct err err = {0};
        if (load(&tokenizer, cases[i].json, &err))
            fail_msg("accepted: %s", cases[i].json);
        assert_string_equal(err.text, cases[i].reason);
    }
}

static void test_too_long(void **state)
{
    struct tokenizer tokenizer;
    struct tokens tokens = {0};
    struct text text = {0};
    struct err err;
    (void)state;
    assert_true(load(&tokenizer, "{" ADDED BYTES MODEL "}", &err));
    memset(text_reserve(&text, TOKENIZER_TEXT_BYTES_MAX + 1), 'a', TOKENIZER_TEXT_BYTES_MAX + 1);
    text.len = TOKENIZER_TEXT_BYTES_MAX;
    assert_true(tokenizer_encode(&tokenizer, &tokens, text_span(&text), 0, &err));
    assert_int_equal(tokens.count, TOKENIZER_TEXT_BYTES_MAX);
    text.len++;
    assert_false(tokenizer_encode(&tokenizer, &tokens, text_span(&text), 0, &err));
    assert_string_equal(err.text, "a text of 4194305 bytes; at most 4194304");
    text_clear(&text);
    tokens_clear(&tokens);
    tokenizer_close(&tokenizer);
}

static void write_json(const char *name, const char *json)
{
    struct arena arena = {0};
    forge_folder_write(name, quoted(&arena, json));
    arena_clear(&arena);
}

/* What the other files of a folder say. */
static void test_settings(void **state)
{
    struct forge_model made = forge_model_of(FORGE_LLAMA, 1);
    struct text text = {0};
    struct model model;
    struct tokenizer tokenizer;
    struct err err = {0};
    (void)state;
    forge_model_config(&made, ",\"eos_token_id\":[6,2]", &text);
    forge_folder_write("config.json", text_span(&text));
    text.len = 0;
    forge_model_safetensors(&made, 0, 1, &text);
    forge_folder_write("model.safetensors", text_span(&text));
    text_clear(&text);
    assert_true(model_open(&model, forge_folder_path(""), &err));
    assert_false(tokenizer_open(&tokenizer, &model, &err));
    assert_string_equal(err.text, "neither tokenizer.json nor tokenizer.model beside the weights");

    write_json("tokenizer.json", "{" ADDED BYTES MODEL "}");
    assert_true(tokenizer_open(&tokenizer, &model, &err));
    assert_true(tokenizer.begin == VOCABULARY_NONE && tokenizer.chat_template.len == 0);
    assert_true(tokenizer_is_end(&tokenizer, 6) && tokenizer_is_end(&tokenizer, 2));
    assert_false(tokenizer_is_end(&tokenizer, 5));
    tokenizer_close(&tokenizer);

    write_json("tokenizer_config.json",
               "{'add_bos_token':true,'bos_token':{'content':'<s>'},"
               "'eos_token':'<t>','chat_template':[{'name':'tool','template':"
               "'x'},{'name':'default','template':'{{ x }}'}]}");
    write_json("generation_config.json", "{'eos_token_id':1}");
    assert_true(tokenizer_open(&tokenizer, &model, &err));
    assert_string_equal(tokens_of(&tokenizer, "ab", TOKENIZER_ENDS), "4 2");
    assert_true(tokenizer_is_end(&tokenizer, 5) && tokenizer_is_end(&tokenizer, 1));
    assert_true(span_eq(tokenizer.chat_template, SPAN("{{ x }}")));
    tokenizer_close(&tokenizer);
    forge_folder_write("chat_template.jinja", SPAN("{{ y }}"));
    assert_true(tokenizer_open(&tokenizer, &model, &err));
    assert_true(span_eq(tokenizer.chat_template, SPAN("{{ y }}")));
    tokenizer_close(&tokenizer);

    write_json("generation_config.json", "{");
    assert_false(tokenizer_open(&tokenizer, &model, &err));
    assert_string_equal(err.text, "generation_config.json: expected a string at byte 1");
    forge_folder_remove("tokenizer.json");
    forge_folder_write("tokenizer.model", SPAN("\x0a\x05short"));
    assert_false(tokenizer_open(&tokenizer, &model, &err));
    assert_string_equal(err.text, "tokenizer.model: a field of no known type at byte 3");
    model_close(&model);
}

static void test_piece_refusals(void **state)
{
    static const struct {
        struct span file;
        const char *reason;
    } cases[] = {
        {{"", 0}, "tokenizer.model: not trained as BPE"},
        {{"\x0a", 1}, "tokenizer.model: it ends within a number at byte 1"},
        {{"\x0a\x05"
          "a",
          3},
         "tokenizer.model: it ends within a field at byte 2"},
        {{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},
         "tokenizer.model: a number too long at byte 10"},
        {{"\x0b", 1}, "tokenizer.model: a field of no known type at byte 1"},
        {{"\x0a\x02\x18\x07", 4}, "tokenizer.model: a piece of no known kind at byte 4"},
        {{"\x12\x02\x18\x01", 4}, "tokenizer.model: not trained as BPE"},
        {{"\x1a\x02\x20\x01", 4}, "tokenizer.model: trimmed or unmarked spaces"},
        {{"\x1a\x03\x12\x01x", 5}, "tokenizer.model: a map of characters"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tokenizer tokenizer = {.unknown = VOCABULARY_NONE};
        struct err err = {0};
        assert_false(tokenizer_load_pieces(&tokenizer, cases[i].file, &err));
        assert_string_equal(err.text, cases[i].reason);
        tokenizer_close(&tokenizer);
    }
}

static void test_gguf_refusals(void **state)
{
    static const struct {
        const char *kind, *pre, *reason;
    } cases[] = {
        {"bert", "", "a tokenizer of the kind 'bert'"},
        {"gpt2", "made-up", "tokenizer.ggml.pre is 'made-up', which is not known"},
        {"gpt2", "gpt-2", "tokenizer.ggml.tokens: no list of at most 1048576 texts"},
        {"llama", "", "tokenizer.ggml.tokens: no list of at most 1048576 texts"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct forge forge = {0};
        struct text file = {0};
        struct arena arena = {0};
        struct gguf gguf;
        struct tokenizer tokenizer = {.unknown = VOCABULARY_NONE};
        struct err err = {0};
        forge_text(&forge, "tokenizer.ggml.model", cases[i].kind);
        forge_text(&forge, "tokenizer.ggml.pre", cases[i].pre);
        forge_gguf(&forge, &file);
        assert_true(gguf_parse(&gguf, &arena, text_span(&file), &err));
        assert_false(tokenizer_load_gguf(&tokenizer, &gguf, &err));
        assert_string_equal(err.text, cases[i].reason);
        tokenizer_close(&tokenizer);
        arena_clear(&arena);
        text_clear(&file);
        forge_clear(&forge);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_added),           cmocka_unit_test(test_ends),
        cmocka_unit_test(test_whole_words),     cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_composed),        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_bad_expressions), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_too_long),        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_piece_refusals),  cmocka_unit_test(test_gguf_refusals)};
    forge_folder_open();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    forge_folder_close();
    return failed;
}
