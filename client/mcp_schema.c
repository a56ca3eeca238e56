/* mcp_schema.c - tools and resources as clients are told of them. Part of mcp. */
#include "client/mcp_parts.h"
#include "shared/text.h"

void mcp_write_words(struct text *out, const char *words)
{
    text_add_json(out, (struct span){words, strlen(words)});
}

static void write_choices(struct text *out, const char *choices)
{
    text_add(out, SPAN(",\"enum\":["));
    for (const char *at = choices; *at != '\0';) {
        size_t len = strcspn(at, " ");
        text_add(out, at > choices ? SPAN(",") : SPAN(""));
        text_add_json(out, (struct span){at, len});
        at += len + (at[len] == ' ');
    }
    text_add(out, SPAN("]"));
}

static void write_param(struct text *out, const struct mcp_param *param)
{
    static const char *const forms[] = {
        [MCP_TEXT] = "\"type\":\"string\",\"minLength\":1",
        [MCP_TEXTS] = "\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1",
        [MCP_CHOICE] = "\"type\":\"string\"",
        [MCP_COUNT] = "\"type\":\"integer\",\"minimum\":1",
        [MCP_PART] = "\"type\":\"number\",\"minimum\":0,\"maximum\":1",
        [MCP_FLAG] = "\"type\":\"boolean\""};
    mcp_write_words(out, param->name);
    text_addf(out, ":{%s", forms[param->form]);
    if (param->form == MCP_TEXTS)
        text_addf(out, ",\"maxItems\":%d", MCP_VALUES_MAX);
    if (param->form == MCP_COUNT)
        text_addf(out, ",\"maximum\":%lld", (long long)param->max);
    if (param->form == MCP_CHOICE)
        write_choices(out, param->choices);
    text_add(out, SPAN(",\"description\":"));
    mcp_write_words(out, param->help);
    text_add(out, SPAN("}"));
}

static void write_input(struct text *out, const struct mcp_tool *tool)
{
    bool is_first = true;
    text_add(out, SPAN("{\"type\":\"object\",\"properties\":{"));
    for (size_t i = 0; i < tool->param_count; i++) {
        text_add(out, i > 0 ? SPAN(",") : SPAN(""));
        write_param(out, &tool->params[i]);
    }
    text_add(out, SPAN("},\"required\":["));
    for (size_t i = 0; i < tool->param_count; i++) {
        if (!tool->params[i].is_needed)
            continue;
        text_add(out, is_first ? SPAN("") : SPAN(","));
        mcp_write_words(out, tool->params[i].name);
        is_first = false;
    }
    text_add(out, SPAN("],\"additionalProperties\":false}"));
}

void mcp_write_tool(struct text *out, const struct mcp_tool *tool)
{
    text_add(out, SPAN("{\"name\":"));
    mcp_write_words(out, tool->name);
    text_add(out, SPAN(",\"title\":"));
    mcp_write_words(out, tool->title);
    text_add(out, SPAN(",\"description\":"));
    mcp_write_words(out, tool->help);
    text_add(out, SPAN(",\"inputSchema\":"));
    write_input(out, tool);
    text_addf(out,
              ",\"outputSchema\":%s,\"annotations\":{\"readOnlyHint\":%s,\"destructiveHint\":%s,"
              "\"idempotentHint\":%s,\"openWorldHint\":%s}}",
              tool->output, tool->effect == MCP_LOOKS ? "true" : "false",
              tool->effect == MCP_CHANGES ? "true" : "false",
              tool->is_repeatable ? "true" : "false", tool->is_heard ? "true" : "false");
}

void mcp_write_resource(struct text *out, const struct mcp_resource *resource)
{
    bool is_template = strchr(resource->uri, '{') != NULL;
    text_addf(out, "{\"%s\":", is_template ? "uriTemplate" : "uri");
    mcp_write_words(out, resource->uri);
    text_add(out, SPAN(",\"name\":"));
    mcp_write_words(out, resource->name);
    text_add(out, SPAN(",\"description\":"));
    mcp_write_words(out, resource->help);
    text_add(out, SPAN(",\"mimeType\":\"application/json\"}"));
}
