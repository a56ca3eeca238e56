/* command_mcp_write.c - the tools of shoal mcp that write: each is a command, or one of a few. Part
 * of command_mcp. */
#include "client/command_circle.h"
#include "client/command_mcp.h"
#include "client/command_pen.h"
#include "client/jsonrpc.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

/* The one line that the command says. */
static bool report(struct server *server, struct text *result, const struct command_call *inner,
                   struct err *err)
{
    if (!inner_run(server, inner, result, err))
        return false;
    while (result->len > 0 && result->at[result->len - 1] == '\n')
        result->len--;
    return true;
}

bool server_send_message(void *owner, struct text *result, const struct mcp_call *call,
                         struct err *err)
{
    struct command_call inner;
    inner_begin(&inner, owner, &command_dm_send);
    inner_words(&inner, call, "text");
    return inner_options(&inner, call, "to", "to", err) &&
           inner_options(&inner, call, "subject", "subject", err) &&
           inner_options(&inner, call, "reply_to", "reply", err) &&
           report(owner, result, &inner, err);
}

bool server_create_content(void *owner, struct text *result, const struct mcp_call *call,
                           struct err *err)
{
    struct command_call inner;
    const char *type = mcp_value(call, "type");
    bool is_unit = type != NULL && strcmp(type, "knowledge") == 0;
    inner_begin(&inner, owner, is_unit ? &command_unit_save : &command_post);
    inner_words(&inner, call, "text");
    return inner_options(&inner, call, "title", is_unit ? "title" : "subject", err) &&
           inner_options(&inner, call, "warning", "warning", err) &&
           inner_options(&inner, call, "tags", "tag", err) &&
           inner_options(&inner, call, "derived_from", "from", err) &&
           report(owner, result, &inner, err);
}

/* Who reads what is kept: oneself, where nothing is said. */
static bool add_readers(struct command_call *inner, const struct mcp_call *call, struct err *err)
{
    bool is_said = mcp_value(call, "circle") != NULL || mcp_value(call, "scope") != NULL;
    return inner_options(inner, call, "circle", "circle", err) &&
           inner_options(inner, call, "scope", "scope", err) &&
           (is_said || inner_option(inner, "scope", "self", err));
}

bool server_save_memory(void *owner, struct text *result, const struct mcp_call *call,
                        struct err *err)
{
    struct command_call inner;
    inner_begin(&inner, owner, &command_mem_save);
    inner_words(&inner, call, "text");
    return inner_options(&inner, call, "kind", "kind", err) &&
           inner_options(&inner, call, "strength", "strength", err) &&
           inner_options(&inner, call, "tags", "tag", err) && add_readers(&inner, call, err) &&
           report(owner, result, &inner, err);
}

/* A note and its text: two commands in one transaction. */
struct storing {
    struct command_call make; /* first, so that the pen's call leads here */
    struct command_call edit;
};

static bool store_text(struct pen *pen, struct text *out, struct err *err)
{
    const struct storing *storing = (const struct storing *)pen->call;
    struct command_call edit = storing->edit;
    struct text made = {0};
    struct span id = {0};
    bool ok = storing->make.command->write(pen, &made, err);
    struct span line = arena_copy(&pen->arena, text_span(&made));
    text_clear(&made);
    if (!ok || !jsonrpc_member(&id, &pen->arena, line, SPAN("id"), err))
        return false;
    char *word = arena_alloc(&pen->arena, id.len);
    memcpy(word, id.at + 1, id.len - 2); /* less its quotes */
    edit.words[0] = word;
    pen->call = &edit;
    ok = edit.command->write(pen, out, err);
    pen->call = &storing->make;
    return ok;
}

static bool add_fields(struct command_call *inner, const struct mcp_call *call)
{
    struct mcp_argument tags = mcp_values(call, "tags");
    const char *title = mcp_value(call, "title");
    for (size_t i = 0; i <= tags.count; i++) {
        const char *value = i < tags.count ? tags.values[i] : title;
        struct text word = {0};
        if (value == NULL)
            continue;
        text_addf(&word, "%s%s", i < tags.count ? "tags+=" : "title=", value);
        char *copy = arena_alloc(call->arena, word.len + 1);
        memcpy(copy, word.at, word.len);
        text_clear(&word);
        inner_word(inner, copy);
    }
    return true;
}

bool server_store_content(void *owner, struct text *result, const struct mcp_call *call,
                          struct err *err)
{
    const char *type = mcp_value(call, "type");
    struct server *server = owner;
    struct storing storing;
    if (type != NULL && strcmp(type, "memory") == 0) {
        if (mcp_value(call, "title") != NULL)
            return err_set(err, ERR_INVALID, "a memory has no title");
        return server_save_memory(owner, result, call, err);
    }
    inner_begin(&storing.make, server, &command_new);
    inner_begin(&storing.edit, server, &command_doc_edit);
    inner_word(&storing.make, "note");
    inner_word(&storing.edit, ""); /* the note that is to be made */
    inner_words(&storing.edit, call, "text");
    if (!add_fields(&storing.make, call) || !add_readers(&storing.make, call, err) ||
        !server_sign_in(server, err) ||
        !pen_write(&storing.make, server->holder, result, store_text, err))
        return false;
    result->len--; /* the end of the line */
    return true;
}

bool server_create_circle(void *owner, struct text *result, const struct mcp_call *call,
                          struct err *err)
{
    struct command_call inner;
    inner_begin(&inner, owner, &command_circle_new);
    inner_words(&inner, call, "name");
    return inner_options(&inner, call, "open", "open", err) && report(owner, result, &inner, err);
}

bool server_manage_circle(void *owner, struct text *result, const struct mcp_call *call,
                          struct err *err)
{
    static const struct {
        const char *action;
        const struct command *command;
    } ways[] = {{"add", &command_circle_add},
                {"remove", &command_circle_rm},
                {"role", &command_circle_role},
                {"leave", &command_circle_leave}};
    struct command_call inner = {0};
    const char *action = mcp_value(call, "action");
    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        if (strcmp(action, ways[i].action) == 0)
            inner_begin(&inner, owner, ways[i].command);
    inner_words(&inner, call, "circle");
    inner_words(&inner, call, "who");
    if (inner.command == &command_circle_role)
        inner_words(&inner, call, "role");
    else if (!inner_options(&inner, call, "role", "role", err))
        return false;
    return report(owner, result, &inner, err);
}

bool server_follow_user(void *owner, struct text *result, const struct mcp_call *call,
                        struct err *err)
{
    struct command_call inner;
    inner_begin(&inner, owner, &command_follow_add);
    inner_words(&inner, call, "who");
    return report(owner, result, &inner, err);
}

bool server_like_content(void *owner, struct text *result, const struct mcp_call *call,
                         struct err *err)
{
    struct command_call inner;
    inner_begin(&inner, owner, &command_react);
    inner_words(&inner, call, "id");
    inner_words(&inner, call, "reaction");
    return report(owner, result, &inner, err);
}

bool server_comment_on_content(void *owner, struct text *result, const struct mcp_call *call,
                               struct err *err)
{
    struct command_call inner;
    inner_begin(&inner, owner, &command_reply);
    inner_words(&inner, call, "id");
    inner_words(&inner, call, "text");
    return report(owner, result, &inner, err);
}
