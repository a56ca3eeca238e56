/* command_mcp_find.c - the tools of shoal mcp that look. Part of command_mcp. */
#include "client/command_home.h"
#include "client/command_mcp.h"
#include "client/command_people.h"
#include "client/holder.h"
#include "client/jsonrpc.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/text.h"

enum { HEX_CHARS = 64 };

bool server_me(struct bytes32 *me, struct server *server)
{
    struct command_call inner;
    struct err err;
    if (server->holder != NULL) {
        *me = *holder_pubkey(server->holder);
        return true;
    }
    inner_begin(&inner, server, &command_profile_show);
    struct store *store = home_store(&inner, &err);
    bool ok = store != NULL && people_me(store, me, &inner, &err);
    store_close(store);
    return ok;
}

/* A line as an item: foreign unless its author is oneself. */
static bool add_item(struct page *page, struct arena *arena, struct span line,
                     const struct bytes32 *me, struct err *err)
{
    struct text item = {0};
    struct span author;
    struct bytes32 key;
    if (!jsonrpc_member(&author, arena, line, SPAN("author"), err))
        return false;
    bool is_own = me != NULL && author.len == HEX_CHARS + 2 &&
                  hex_decode(key.at, sizeof key.at, (struct span){author.at + 1, HEX_CHARS}) &&
                  memcmp(&key, me, sizeof key) == 0;
    text_addf(&item, "{\"untrusted\":%s,", is_own ? "false" : "true");
    text_add(&item, (struct span){line.at + 1, line.len - 1});
    page_add(page, text_span(&item));
    text_clear(&item);
    return true;
}

/* A page of what a command finds, which is asked for as much as that needs. */
static bool find(struct server *server, struct text *result, struct command_call *inner,
                 struct page *page, const struct mcp_call *call, struct err *err)
{
    struct text lines = {0}, limit = {0};
    struct bytes32 me;
    bool is_known = server_me(&me, server);
    text_addf(&limit, "%zu", page->from + page->count + 1);
    text_add(&limit, (struct span){"", 1}); /* its NUL */
    bool ok = inner_option(inner, "limit", limit.at, err) && inner_run(server, inner, &lines, err);
    for (size_t at = 0; ok && at < lines.len;) {
        size_t len = (size_t)((char *)memchr(lines.at + at, '\n', lines.len - at) - lines.at) - at;
        ok = add_item(page, call->arena, (struct span){lines.at + at, len}, is_known ? &me : NULL,
                      err);
        at += len + 1;
    }
    text_clear(&lines);
    text_clear(&limit);
    text_add(result, SPAN("{"));
    page_end(page, result);
    text_add(result, SPAN("}"));
    return ok;
}

bool server_search_content(void *owner, struct text *result, const struct mcp_call *call,
                           struct err *err)
{
    struct command_call inner;
    struct page page;
    inner_begin(&inner, owner, &command_find);
    inner_words(&inner, call, "query");
    return page_begin(&page, "results", call, err) && find(owner, result, &inner, &page, call, err);
}

bool server_recall_memories(void *owner, struct text *result, const struct mcp_call *call,
                            struct err *err)
{
    struct command_call inner;
    struct page page;
    inner_begin(&inner, owner, &command_mem_recall);
    inner_words(&inner, call, "query");
    return inner_options(&inner, call, "kind", "kind", err) &&
           inner_options(&inner, call, "status", "status", err) &&
           inner_options(&inner, call, "min_strength", "min-strength", err) &&
           page_begin(&page, "memories", call, err) &&
           find(owner, result, &inner, &page, call, err);
}
