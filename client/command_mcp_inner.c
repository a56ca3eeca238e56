/* command_mcp_inner.c - other commands, called from within, and what they say, in pages. Part of
 * command_mcp. */
#include "client/command_home.h"
#include "client/command_mcp.h"
#include "client/command_pen.h"
#include "shared/err.h"
#include "shared/number.h"
#include "shared/text.h"

static const struct command_option *find_option(const struct command *command, const char *name)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (strcmp(command->options[i].name, name) == 0)
            return &command->options[i];
    return NULL;
}

void inner_begin(struct command_call *inner, const struct server *server,
                 const struct command *command)
{
    static const char *const shared[] = {"home", "relay", "dry-run", "as"};
    *inner = (struct command_call){.command = command, .is_json = true, .is_inner = true};
    for (size_t i = 0; i < ARRAY_LEN(shared); i++) {
        const struct command_option *option = find_option(command, shared[i]);
        const char *value;
        size_t place = 0;
        while (option != NULL &&
               (value = command_next_value(server->call, shared[i], &place)) != NULL) {
            inner->given[inner->given_count].option = option;
            inner->given[inner->given_count++].value = value;
        }
    }
}

void inner_word(struct command_call *inner, const char *word)
{
    if (inner->word_count < COMMAND_WORDS_MAX)
        inner->words[inner->word_count++] = word;
}

bool inner_option(struct command_call *inner, const char *name, const char *value, struct err *err)
{
    const struct command_option *option = find_option(inner->command, name);
    if (option == NULL)
        return err_set(err, ERR_INVALID, "%s does not go with this", name);
    if (inner->given_count == COMMAND_OPTIONS_MAX)
        return err_set(err, ERR_INVALID, "too much at once");
    inner->given[inner->given_count].option = option;
    inner->given[inner->given_count++].value = value;
    return true;
}

void inner_words(struct command_call *inner, const struct mcp_call *call, const char *param)
{
    struct mcp_argument argument = mcp_values(call, param);
    for (size_t i = 0; i < argument.count; i++)
        inner_word(inner, argument.values[i]);
}

bool inner_options(struct command_call *inner, const struct mcp_call *call, const char *param,
                   const char *option, struct err *err)
{
    struct mcp_argument argument = mcp_values(call, param);
    for (size_t i = 0; i < argument.count; i++)
        if (!inner_option(inner, option, argument.values[i], err))
            return false;
    return true;
}

bool server_sign_in(struct server *server, struct err *err)
{
    struct command_call call = *server->call;
    call.is_inner = true;
    if (server->holder == NULL)
        server->holder = command_find_holder(&call, err);
    return server->holder != NULL;
}

static bool check_words(const struct command_call *inner, struct err *err)
{
    if (inner->word_count >= inner->command->words_min &&
        inner->word_count <= inner->command->words_max)
        return true;
    return err_set(err, ERR_INVALID, "expected, for %s, %s", inner->command->name,
                   inner->command->words != NULL ? inner->command->words : "nothing");
}

bool inner_look(struct store *store, const struct command_call *inner, struct text *out,
                struct err *err)
{
    return check_words(inner, err) && inner->command->look(store, out, inner, err);
}

bool inner_run(struct server *server, const struct command_call *inner, struct text *out,
               struct err *err)
{
    if (inner->command->write != NULL)
        return check_words(inner, err) && server_sign_in(server, err) &&
               pen_write(inner, server->holder, out, inner->command->write, err);
    struct store *store = home_store(inner, err);
    bool ok = store != NULL && inner_look(store, inner, out, err);
    store_close(store);
    return ok;
}

/* ---- pages ---- */

bool page_begin(struct page *page, const char *name, const struct mcp_call *call, struct err *err)
{
    const char *cursor = mcp_value(call, "cursor"), *limit = mcp_value(call, "limit");
    int64_t from = 0, count = PAGE_DEFAULT;
    if (cursor != NULL && (!number_decimal(&from, command_span(cursor)) || from > PAGE_FROM_MAX))
        return err_set(err, ERR_INVALID, "cursor: none that was given here");
    if (limit != NULL && !number_decimal(&count, command_span(limit)))
        return err_set(err, ERR_INVALID, "limit: expected a number");
    *page = (struct page){.name = name, .from = (size_t)from, .count = (size_t)count};
    return true;
}

void page_add(struct page *page, struct span item)
{
    if (page->seen++ < page->from || page->is_full)
        return;
    if (page->given > 0 &&
        (page->given == page->count || page->items.len + item.len > PAGE_BYTES_MAX)) {
        page->is_full = true;
        return;
    }
    text_add(&page->items, page->given++ > 0 ? SPAN(",") : SPAN(""));
    text_add(&page->items, item);
}

void page_end(struct page *page, struct text *out)
{
    text_addf(out, "\"notice\":\"%s\",\"%s\":[", SERVER_NOTICE, page->name);
    text_add(out, text_span(&page->items));
    text_add(out, SPAN("]"));
    if (page->is_full)
        text_addf(out, ",\"nextCursor\":\"%zu\"", page->from + page->given);
    text_clear(&page->items);
}
