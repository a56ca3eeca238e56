/* mcp.h - a server of the Model Context Protocol, less its pipe: lines of JSON-RPC in, lines out.
 *
 * What it can do is a table of tools and one of resources, and whoever owns them does it. Arguments
 * are checked here against the tool's parameters, from which the schemas come that are told to
 * clients. What goes wrong within a tool is a result that says so, since the model can act on it.
 *
 *   ownership  the setup and its tables stay the caller's; what a call gives lives in its arena
 *   threads    one at a time
 *   errors     answers, all of them
 *   spec       MCP 2025-11-25 and the three versions before it: "Lifecycle", "Tools", "Resources"
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct text;

enum {
    MCP_LINE_BYTES_MAX = 1 << 20,
    MCP_PARAMS_MAX = 8,
    MCP_VALUES_MAX = 50, /* of one argument */
    MCP_URI_BYTES_MAX = 1000,
};

enum mcp_form {
    MCP_TEXT,
    MCP_TEXTS,  /* a list of them, or one */
    MCP_CHOICE, /* a text, one of few */
    MCP_COUNT,  /* a whole number from 1 to max */
    MCP_PART,   /* a number from 0 to 1 */
    MCP_FLAG,
};

struct mcp_param {
    const char *name;
    enum mcp_form form;
    bool is_needed;
    const char *choices; /* with spaces between */
    int64_t max;
    const char *help;
};

enum mcp_effect {
    MCP_LOOKS,
    MCP_ADDS,    /* something that was not there; nothing is lost */
    MCP_CHANGES, /* what was there */
};

struct mcp_call;

struct mcp_tool {
    const char *name, *title, *help;
    const struct mcp_param *params;
    size_t param_count;
    enum mcp_effect effect;
    bool is_repeatable; /* to do it twice is to do it once */
    bool is_heard;      /* it goes out to others, or brings in what others wrote */
    const char *output; /* the schema of the result: JSON */
    /* Of the setup's owner. result: a JSON object that the schema describes. */
    bool (*run)(void *owner, struct text *result, const struct mcp_call *call, struct err *err);
};

struct mcp_argument {
    const char *const *values; /* as text; of a flag, one when it is true, or else none */
    size_t count;
};

struct mcp_call {
    const struct mcp_tool *tool;
    struct mcp_argument arguments[MCP_PARAMS_MAX]; /* in the order of the tool's parameters */
    struct arena *arena;
};

/* The only value of an argument; NULL when it was not given. */
const char *mcp_value(const struct mcp_call *call, const char *name);

/* All of them; none when it was not given. */
struct mcp_argument mcp_values(const struct mcp_call *call, const char *name);

struct mcp_resource {
    const char *uri; /* a template where it holds a brace */
    const char *name, *help;
};

struct mcp_setup {
    const struct mcp_tool *tools;
    size_t tool_count;
    const struct mcp_resource *resources;
    size_t resource_count;
    const char *version, *instructions;
    void *owner;
    bool (*may)(void *owner, const struct mcp_tool *tool); /* else it is not even shown */
    /* json: what the resource says. ERR_INVALID: there is none. */
    bool (*read)(void *owner, struct text *json, struct span uri, struct err *err);
};

/* Appends the answer to one line, with its end; nothing where none is due. */
void mcp_answer(const struct mcp_setup *setup, struct text *out, struct span line);

/* The answer to a line that is too long to be read. */
void mcp_refuse_line(struct text *out);
