/* chat_peer FILE: what gpu/chat writes, for what compares it with others'. All is JSON.
 *
 *     asked    {"begin":TEXT,"end":TEXT,"today":TEXT,"conversations":[[[ROLE,TEXT],...],...],
 *               "of":[{"template":TEXT} or {"format":NAME},...]}
 *     told     {"formats":[NAME,...],"of":[{"format":NAME,"prompts":[TEXT,...]},...]}
 *
 * null for a prompt is a refusal, null for a format a template that is not known. */
#include <stdio.h>
#include <stdlib.h>

#include "gpu/chat.h"
#include "gpu/mapping.h"
#include "gpu/tree.h"
#include "shared/arena.h"
#include "shared/err.h"

enum { NAME_MAX_BYTES = 32 };

static void must(bool ok, const char *why)
{
    if (ok)
        return;
    fprintf(stderr, "chat_peer: %s\n", why);
    exit(EXIT_FAILURE);
}

static enum chat_role read_role(const struct tree *role)
{
    if (tree_is(role, "system"))
        return CHAT_SYSTEM;
    if (tree_is(role, "user"))
        return CHAT_USER;
    must(tree_is(role, "assistant"), "a role that is none");
    return CHAT_ASSISTANT;
}

static void read_messages(struct chat *chat, struct arena *arena, const struct tree *conversation)
{
    struct chat_message *messages = arena_array(arena, struct chat_message, conversation->count);
    chat->messages = messages;
    chat->count = 0;
    for (const struct tree *pair = conversation->first; pair != NULL; pair = pair->next)
        messages[chat->count++] = (struct chat_message){.role = read_role(pair->first),
                                                        .content = tree_text(pair->first->next)};
}

static const struct chat_format *read_format(const struct tree *of)
{
    char name[NAME_MAX_BYTES] = {0};
    struct span said = tree_text(tree_get(of, "format"));
    if (said.len == 0)
        return chat_find(tree_text(tree_get(of, "template")));
    must(said.len < sizeof name, "a name that is too long");
    memcpy(name, said.at, said.len);
    return chat_find_name(name);
}

static void tell_prompts(struct text *out, const struct chat_format *format,
                         const struct tree *asked)
{
    struct chat chat = {.begin = tree_text(tree_get(asked, "begin")),
                        .end = tree_text(tree_get(asked, "end")),
                        .today = tree_text(tree_get(asked, "today"))};
    const struct tree *conversation = tree_get(asked, "conversations")->first;
    for (const char *comma = ""; conversation != NULL; comma = ",") {
        struct arena arena = {0};
        struct chat_prompt prompt;
        struct err err = {0};
        read_messages(&chat, &arena, conversation);
        text_addf(out, "%s", comma);
        if (chat_render(&prompt, format, &chat, &err)) {
            text_add_json(out, text_span(&prompt.text));
            chat_clear(&prompt);
        } else {
            must(err.code == ERR_INVALID, err.text);
            text_addf(out, "null");
        }
        arena_clear(&arena);
        conversation = conversation->next;
    }
}

static void tell(struct text *out, const struct tree *asked)
{
    text_addf(out, "{\"formats\":[");
    for (size_t i = 0; chat_at(i) != NULL; i++)
        text_addf(out, "%s\"%s\"", i == 0 ? "" : ",", chat_name(chat_at(i)));
    text_addf(out, "],\"of\":[");
    const char *comma = "";
    for (const struct tree *of = tree_get(asked, "of")->first; of != NULL; of = of->next) {
        const struct chat_format *format = read_format(of);
        if (format == NULL) {
            text_addf(out, "%s{\"format\":null,\"prompts\":[]}", comma);
        } else {
            text_addf(out, "%s{\"format\":\"%s\",\"prompts\":[", comma, chat_name(format));
            tell_prompts(out, format, asked);
            text_addf(out, "]}");
        }
        comma = ",";
    }
    text_addf(out, "]}\n");
}

int main(int argc, char **argv)
{
    struct mapping file;
    struct arena arena = {0};
    struct text out = {0};
    const struct tree *asked = NULL;
    struct err err = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: chat_peer FILE\n");
        return 2;
    }
    must(mapping_open(&file, argv[1], &err), err.text);
    must(tree_parse(&asked, &arena, file.bytes, &err), err.text);
    tell(&out, asked);
    must(fwrite(out.at, 1, out.len, stdout) == out.len && fflush(stdout) == 0, "cannot write");
    text_clear(&out);
    arena_clear(&arena);
    mapping_close(&file);
    return EXIT_SUCCESS;
}
