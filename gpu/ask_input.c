/* ask_input.c - what is asked about: texts, tokens, messages. */
#include "gpu/ask.h"
#include "gpu/tree.h"
#include "shared/arena.h"
#include "shared/text.h"

static bool read_tokens(const struct ask_reader *reader, struct ask_input *input,
                        const struct tree *list)
{
    uint32_t *tokens = arena_array(reader->arena, uint32_t, list->count);
    uint64_t token;
    for (const struct tree *item = list->first; item != NULL; item = item->next) {
        if (!tree_integer(item, &token, UINT32_MAX - 1))
            return false;
        tokens[input->token_count++] = (uint32_t)token;
    }
    input->tokens = tokens;
    return input->token_count > 0;
}

static bool read_input(const struct ask_reader *reader, struct ask_input *input,
                       const struct tree *item)
{
    if (tree_as(item, TREE_ARRAY) != NULL)
        return read_tokens(reader, input, item);
    input->text = arena_copy(reader->arena, tree_text(item));
    return tree_as(item, TREE_STRING) != NULL;
}

bool ask_read_inputs(const struct ask_reader *reader, const char *name)
{
    struct ask *ask = reader->ask;
    const struct tree *field = tree_get(reader->object, name);
    bool is_list =
        tree_as(field, TREE_ARRAY) != NULL && field->count > 0 && field->first->type != TREE_NUMBER;
    if (field == NULL)
        return refusal_set(reader->refusal, 400, name, "%s is missing", name);
    if (is_list && field->count > ASK_INPUTS_MAX)
        return refusal_set(reader->refusal, 400, name, "%s has %u entries; at most %d", name,
                           field->count, ASK_INPUTS_MAX);
    struct ask_input *inputs =
        arena_array(reader->arena, struct ask_input, is_list ? field->count : 1);
    const struct tree *item = is_list ? field->first : field;
    for (; item != NULL; item = is_list ? item->next : NULL)
        if (!read_input(reader, inputs + ask->input_count++, item))
            return refusal_set(reader->refusal, 400, name,
                               "%s is a string, a list of strings, or of tokens", name);
    ask->inputs = inputs;
    return true;
}

bool ask_read_claimed(const struct ask_reader *reader)
{
    const struct tree *field = tree_get(reader->object, "claimed");
    struct ask_input input = {0};
    if (field == NULL)
        return true;
    if (tree_as(field, TREE_ARRAY) == NULL || !read_tokens(reader, &input, field))
        return refusal_set(reader->refusal, 400, "claimed", "claimed is a list of tokens");
    reader->ask->claimed = input.tokens;
    reader->ask->claimed_count = input.token_count;
    return true;
}

static bool read_role(enum chat_role *role, const struct tree *message)
{
    static const struct {
        const char *name;
        enum chat_role role;
    } roles[] = {{"user", CHAT_USER},
                 {"assistant", CHAT_ASSISTANT},
                 {"system", CHAT_SYSTEM},
                 {"developer", CHAT_SYSTEM}};
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        if (tree_is(tree_get(message, "role"), roles[i].name)) {
            *role = roles[i].role;
            return true;
        }
    return false;
}

/* A text, or parts, each a text. */
static bool read_content(const struct ask_reader *reader, struct span *content,
                         const struct tree *field)
{
    struct text joined = {0};
    if (field == NULL)
        return true; /* of an assistant that said nothing */
    if (tree_as(field, TREE_ARRAY) == NULL) {
        *content = arena_copy(reader->arena, tree_text(field));
        return tree_as(field, TREE_STRING) != NULL;
    }
    bool ok = true;
    for (const struct tree *part = field->first; part != NULL && ok; part = part->next) {
        ok = tree_is(tree_get(part, "type"), "text") &&
             tree_as(tree_get(part, "text"), TREE_STRING) != NULL;
        if (ok)
            text_add(&joined, tree_text(tree_get(part, "text")));
    }
    *content = arena_copy(reader->arena, text_span(&joined));
    text_clear(&joined);
    return ok;
}

bool ask_read_messages(const struct ask_reader *reader)
{
    static const char *const unknown[] = {"tool_calls", "function_call", "images"};
    const struct tree *field = tree_as(tree_get(reader->object, "messages"), TREE_ARRAY);
    struct ask *ask = reader->ask;
    if (field == NULL)
        return refusal_set(reader->refusal, 400, "messages", "messages is a list of messages");
    if (field->count > CHAT_MESSAGES_MAX)
        return refusal_set(reader->refusal, 400, "messages", "%u messages; at most %d",
                           field->count, CHAT_MESSAGES_MAX);
    struct chat_message *messages = arena_array(reader->arena, struct chat_message, field->count);
    for (const struct tree *item = field->first; item != NULL; item = item->next) {
        struct chat_message *message = messages + ask->message_count++;
        struct ask_reader inner = *reader;
        inner.object = item;
        if (tree_as(item, TREE_OBJECT) == NULL || !read_role(&message->role, item))
            return refusal_set(reader->refusal, 400, "messages",
                               "the role of message %u is not system, user or assistant",
                               ask->message_count - 1);
        if (!ask_lacks(&inner, unknown, ARRAY_LEN(unknown)))
            return false;
        if (!read_content(reader, &message->content, tree_get(item, "content")))
            return refusal_set(reader->refusal, 400, "messages",
                               "the content of message %u is not text", ask->message_count - 1);
    }
    ask->messages = messages;
    return true;
}
