/* Prompts as the templates themselves make them, run by @huggingface/jinja 0.5: prompts.json has
 * what each said to each conversation, null where it refused. */
#include "gpu/chat.h"

#include <stdlib.h>

#include "gpu/mapping.h"
#include "gpu/tree.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "tests/test.h"

enum { MESSAGES_MAX = 8 };

static const char *path;

static enum chat_role read_role(const struct tree *role)
{
    if (tree_is(role, "system"))
        return CHAT_SYSTEM;
    return tree_is(role, "user") ? CHAT_USER : CHAT_ASSISTANT;
}

/* What is quoted is, joined, what was said, but for what templates take off. */
static void check_quotes(const struct chat_prompt *prompt, const struct chat *chat)
{
    size_t end = 0;
    for (size_t i = 0; i < prompt->quote_count; i++) {
        struct tokenizer_quote quote = prompt->quotes[i];
        assert_true(quote.begin >= end && quote.end > quote.begin && quote.end <= prompt->text.len);
        end = quote.end;
        bool is_said = false;
        for (size_t j = 0; j < chat->count; j++)
            is_said |= memmem(chat->messages[j].content.at, chat->messages[j].content.len,
                              prompt->text.at + quote.begin, quote.end - quote.begin) != NULL;
        assert_true(is_said);
    }
}

static void check_case(const struct tree *item)
{
    char name[32] = {0};
    struct chat_message messages[MESSAGES_MAX];
    struct chat chat = {.messages = messages,
                        .begin = tree_text(tree_get(item, "begin")),
                        .end = tree_text(tree_get(item, "end")),
                        .today = SPAN("21 Nov 2026")};
    struct chat_prompt prompt;
    struct err err = {0};
    struct span format = tree_text(tree_get(item, "format"));
    memcpy(name, format.at, format.len < sizeof name ? format.len : 0);
    for (const struct tree *pair = tree_get(item, "messages")->first; pair != NULL;
         pair = pair->next)
        messages[chat.count++] = (struct chat_message){.role = read_role(pair->first),
                                                       .content = tree_text(pair->first->next)};
    const struct tree *expected = tree_get(item, "prompt");
    bool ok = chat_render(&prompt, chat_find_name(name), &chat, &err);
    if (ok != (expected != NULL) || (ok && !span_eq(text_span(&prompt.text), tree_text(expected))))
        fail_msg("%s: %.*s%s", name, (int)prompt.text.len,
                 prompt.text.at == NULL ? "" : prompt.text.at, err.text);
    if (!ok)
        return;
    check_quotes(&prompt, &chat);
    chat_clear(&prompt);
}

static void test_prompts(void **state)
{
    struct mapping file;
    struct arena arena = {0};
    const struct tree *tree = NULL;
    struct err err = {0};
    (void)state;
    if (!mapping_open(&file, path, &err) || !tree_parse(&tree, &arena, file.bytes, &err))
        fail_msg("%s", err.text);
    assert_true(tree->count > 100);
    for (const struct tree *item = tree->first; item != NULL; item = item->next)
        check_case(item);
    arena_clear(&arena);
    mapping_close(&file);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_prompts)};
    if (argc != 2)
        return EXIT_FAILURE;
    path = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
