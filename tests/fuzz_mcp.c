/* Any bytes as a line that a language model's program sends. What is answered is one line of JSON
 * in UTF-8, and holds an id and either a result or an error, or an array of such. */
#include <assert.h>
#include <stdint.h>

#include "client/jsonrpc.h"
#include "client/mcp.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool echo(void *owner, struct text *result, const struct mcp_call *call, struct err *err)
{
    (void)owner;
    const char *text = mcp_value(call, "text");
    if (text == NULL)
        return err_set(err, ERR_INVALID, "no text");
    text_add(result, SPAN("{\"text\":"));
    text_add_json(result, (struct span){text, strlen(text)});
    text_add(result, SPAN("}"));
    return true;
}

static bool may(void *owner, const struct mcp_tool *tool)
{
    (void)owner;
    return tool->effect == MCP_LOOKS;
}

static bool read_uri(void *owner, struct text *json, struct span uri, struct err *err)
{
    (void)owner;
    text_add_json(json, uri);
    return uri.len > 1 || err_set(err, ERR_INVALID, "it is '%.100s'", scan_word(uri).at);
}

static const struct mcp_param params[] = {
    {"text", MCP_TEXT, false, NULL, 0, ""},       {"list", MCP_TEXTS, false, NULL, 0, ""},
    {"way", MCP_CHOICE, false, "up down", 0, ""}, {"count", MCP_COUNT, false, NULL, 9, ""},
    {"part", MCP_PART, false, NULL, 0, ""},       {"flag", MCP_FLAG, false, NULL, 0, ""}};
static const struct mcp_tool tools[] = {
    {.name = "look",
     .title = "",
     .help = "",
     .params = params,
     .param_count = ARRAY_LEN(params),
     .output = "{}",
     .run = echo},
    {.name = "write", .title = "", .help = "", .effect = MCP_ADDS, .output = "{}", .run = echo}};
static const struct mcp_setup setup = {.tools = tools,
                                       .tool_count = ARRAY_LEN(tools),
                                       .version = "1",
                                       .instructions = "",
                                       .may = may,
                                       .read = read_uri};

static void check_message(struct span json)
{
    struct arena arena = {0};
    struct jsonrpc_line line;
    bool ok = jsonrpc_parse(&line, &arena, json, NULL);
    assert(ok && line.count >= 1);
    struct span id, result, error;
    for (size_t i = 0; line.is_batch && i < line.count; i++)
        assert(line.messages[i].form == JSONRPC_RESPONSE ||
               span_eq(line.messages[i].id, SPAN("null")));
    if (!line.is_batch) {
        ok = jsonrpc_member(&id, &arena, json, SPAN("id"), NULL) &&
             jsonrpc_member(&result, &arena, json, SPAN("result"), NULL) &&
             jsonrpc_member(&error, &arena, json, SPAN("error"), NULL);
        assert(ok && id.len > 0 && (result.len > 0) != (error.len > 0));
    }
    arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text out = {0};
    mcp_answer(&setup, &out, (struct span){(const char *)data, size});
    if (out.len > 0) {
        assert(out.at[out.len - 1] == '\n' && memchr(out.at, '\n', out.len - 1) == NULL);
        assert(utf8_is(text_span(&out)));
        check_message((struct span){out.at, out.len - 1});
    }
    text_clear(&out);
    return 0;
}
