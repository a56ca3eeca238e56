#include "client/mcp.h"

#include "client/jsonrpc.h"
#include "client/mcp_parts.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/utf8.h"

/* The first is what is offered to clients that know none of these. */
static const char *const versions[] = {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};

/* One request on its way to its answer. */
struct request {
    const struct mcp_setup *setup;
    const struct jsonrpc_message *message;
    struct arena *arena;
    struct text result;
    enum jsonrpc_code code; /* of the failure */
};

typedef bool method_fn(struct request *request, struct err *err);

/* A refusal may hold words that were cut in the middle of a character. */
static struct span whole(const struct err *err)
{
    struct span words = {err->text, strlen(err->text)};
    while (words.len > 0 && !utf8_is(words))
        words.len--;
    return words;
}

/* ---- members of params ---- */

/* A member that is a text. */
static bool find_text(struct request *request, struct span *text, struct span name, struct err *err)
{
    struct span value;
    if (!jsonrpc_member(&value, request->arena, request->message->params, name, err))
        return false;
    if (value.len == 0 || value.at[0] != '"')
        return err_set(err, ERR_INVALID, "params: expected a text as %.*s", SPAN_ARG(name));
    *text = scan_decode(request->arena, (struct scan_string){{value.at + 1, value.len - 2}, true});
    return true;
}

/* ---- methods ---- */

static bool initialize(struct request *request, struct err *err)
{
    struct span version;
    struct text *out = &request->result;
    size_t chosen = 0;
    if (!find_text(request, &version, SPAN("protocolVersion"), err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++)
        if (span_eq(version, (struct span){versions[i], strlen(versions[i])}))
            chosen = i;
    text_addf(out,
              "{\"protocolVersion\":\"%s\",\"capabilities\":{\"tools\":{\"listChanged\":false},"
              "\"resources\":{\"subscribe\":false,\"listChanged\":false}},"
              "\"serverInfo\":{\"name\":\"shoal\",\"title\":\"Shoal\",\"version\":\"%s\"},"
              "\"instructions\":",
              versions[chosen], request->setup->version);
    mcp_write_words(out, request->setup->instructions);
    text_add(out, SPAN("}"));
    return true;
}

static bool ping(struct request *request, struct err *err)
{
    (void)err;
    text_add(&request->result, SPAN("{}"));
    return true;
}

static bool list_tools(struct request *request, struct err *err)
{
    const struct mcp_setup *setup = request->setup;
    bool is_first = true;
    (void)err;
    text_add(&request->result, SPAN("{\"tools\":["));
    for (size_t i = 0; i < setup->tool_count; i++) {
        if (!setup->may(setup->owner, &setup->tools[i]))
            continue;
        text_add(&request->result, is_first ? SPAN("") : SPAN(","));
        mcp_write_tool(&request->result, &setup->tools[i]);
        is_first = false;
    }
    text_add(&request->result, SPAN("]}"));
    return true;
}

static const struct mcp_tool *find_tool(const struct mcp_setup *setup, struct span name)
{
    for (size_t i = 0; i < setup->tool_count; i++)
        if (span_eq(name, (struct span){setup->tools[i].name, strlen(setup->tools[i].name)}))
            return &setup->tools[i];
    return NULL;
}

/* The same twice: what programs read, and its text for those that read only text. */
static void write_outcome(struct text *out, struct span json, bool is_error)
{
    text_add(out, SPAN("{\"content\":[{\"type\":\"text\",\"text\":"));
    text_add_json(out, json);
    text_addf(out, "}],\"isError\":%s", is_error ? "true" : "false");
    if (!is_error) {
        text_add(out, SPAN(",\"structuredContent\":"));
        text_add(out, json);
    }
    text_add(out, SPAN("}"));
}

static bool call_tool(struct request *request, struct err *err)
{
    const struct mcp_setup *setup = request->setup;
    struct mcp_call call = {.arena = request->arena};
    struct text json = {0};
    struct span name, arguments;
    struct err why;
    if (!find_text(request, &name, SPAN("name"), err) ||
        !jsonrpc_member(&arguments, request->arena, request->message->params, SPAN("arguments"),
                        err))
        return false;
    call.tool = find_tool(setup, name);
    if (call.tool == NULL)
        return err_set(err, ERR_INVALID, "no tool '%s'", scan_word(name).at);
    if (!setup->may(setup->owner, call.tool))
        return err_set(err, ERR_RESTRICTED, "%s writes, which this server was not started for",
                       call.tool->name);
    if (arguments.len > 0 && arguments.at[0] != '{')
        return err_set(err, ERR_INVALID, "params: arguments are an object");
    bool ok = mcp_read_arguments(&call, arguments, &why) &&
              call.tool->run(setup->owner, &json, &call, &why);
    write_outcome(&request->result, ok ? text_span(&json) : whole(&why), !ok);
    text_clear(&json);
    return true;
}

static bool list_resources(struct request *request, bool are_templates)
{
    const struct mcp_setup *setup = request->setup;
    bool is_first = true;
    text_addf(&request->result, "{\"%s\":[", are_templates ? "resourceTemplates" : "resources");
    for (size_t i = 0; i < setup->resource_count; i++) {
        const struct mcp_resource *resource = &setup->resources[i];
        if ((strchr(resource->uri, '{') != NULL) != are_templates)
            continue;
        text_add(&request->result, is_first ? SPAN("") : SPAN(","));
        mcp_write_resource(&request->result, resource);
        is_first = false;
    }
    text_add(&request->result, SPAN("]}"));
    return true;
}

static bool list_plain(struct request *request, struct err *err)
{
    (void)err;
    return list_resources(request, false);
}

static bool list_templates(struct request *request, struct err *err)
{
    (void)err;
    return list_resources(request, true);
}

static bool read_resource(struct request *request, struct err *err)
{
    const struct mcp_setup *setup = request->setup;
    struct text json = {0};
    struct span uri;
    if (!find_text(request, &uri, SPAN("uri"), err))
        return false;
    bool ok = uri.len <= MCP_URI_BYTES_MAX ? setup->read(setup->owner, &json, uri, err)
                                           : err_set(err, ERR_INVALID, "no such resource");
    if (ok) {
        text_add(&request->result, SPAN("{\"contents\":[{\"uri\":"));
        text_add_json(&request->result, uri);
        text_add(&request->result, SPAN(",\"mimeType\":\"application/json\",\"text\":"));
        text_add_json(&request->result, text_span(&json));
        text_add(&request->result, SPAN("}]}"));
    } else {
        request->code = err->code == ERR_INVALID ? JSONRPC_NO_RESOURCE : JSONRPC_INTERNAL;
    }
    text_clear(&json);
    return ok;
}

static method_fn *find_method(struct span name)
{
    static const struct {
        const char *name;
        method_fn *run;
    } methods[] = {{"initialize", initialize},       {"ping", ping},
                   {"tools/list", list_tools},       {"tools/call", call_tool},
                   {"resources/list", list_plain},   {"resources/templates/list", list_templates},
                   {"resources/read", read_resource}};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (span_eq(name, (struct span){methods[i].name, strlen(methods[i].name)}))
            return methods[i].run;
    return NULL;
}

/* ---- answers ---- */

static void answer_request(const struct mcp_setup *setup, struct text *out,
                           const struct jsonrpc_message *message, struct arena *arena)
{
    struct request request = {
        .setup = setup, .message = message, .arena = arena, .code = JSONRPC_INVALID_PARAMS};
    method_fn *run = find_method(message->method);
    struct err err;
    if (run == NULL)
        jsonrpc_write_error(out, message->id, JSONRPC_NO_METHOD, SPAN("no such method"));
    else if (run(&request, &err))
        jsonrpc_write_result(out, message->id, text_span(&request.result));
    else
        jsonrpc_write_error(out, message->id, request.code, whole(&err));
    text_clear(&request.result);
}

static void answer_message(const struct mcp_setup *setup, struct text *out,
                           const struct jsonrpc_message *message, struct arena *arena)
{
    switch (message->form) {
    case JSONRPC_REQUEST:
        answer_request(setup, out, message, arena);
        break;
    case JSONRPC_WRONG:
        jsonrpc_write_error(out, message->id, JSONRPC_INVALID_REQUEST,
                            SPAN("no request of JSON-RPC 2.0"));
        break;
    case JSONRPC_NOTIFICATION: /* what is cancelled was answered already: one thing at a time */
    case JSONRPC_RESPONSE:     /* nothing is asked from here */
        break;
    }
}

static void answer_line(const struct mcp_setup *setup, struct text *out,
                        const struct jsonrpc_line *line, struct arena *arena)
{
    struct text answer = {0};
    size_t begin = out->len;
    for (size_t i = 0; i < line->count; i++) {
        answer.len = 0;
        answer_message(setup, &answer, &line->messages[i], arena);
        if (answer.len == 0)
            continue;
        if (line->is_batch)
            text_add(out, out->len == begin ? SPAN("[") : SPAN(","));
        text_add(out, text_span(&answer));
    }
    if (out->len > begin)
        text_add(out, line->is_batch ? SPAN("]\n") : SPAN("\n"));
    text_clear(&answer);
}

void mcp_answer(const struct mcp_setup *setup, struct text *out, struct span line)
{
    struct arena arena = {0};
    struct jsonrpc_line parsed;
    struct err err;
    if (jsonrpc_parse(&parsed, &arena, line, &err)) {
        answer_line(setup, out, &parsed, &arena);
    } else {
        jsonrpc_write_error(out, SPAN("null"), JSONRPC_UNPARSED, whole(&err));
        text_add(out, SPAN("\n"));
    }
    arena_clear(&arena);
}

void mcp_refuse_line(struct text *out)
{
    struct err err;
    err_fill(&err, ERR_INVALID, "a line of over %d bytes", MCP_LINE_BYTES_MAX);
    jsonrpc_write_error(out, SPAN("null"), JSONRPC_UNPARSED, whole(&err));
    text_add(out, SPAN("\n"));
}
