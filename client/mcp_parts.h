/* mcp_parts.h - what the files of mcp share. */
#pragma once

#include "client/mcp.h"

/* As a JSON string. */
void mcp_write_words(struct text *out, const char *words);

/* As tools/list shows it. */
void mcp_write_tool(struct text *out, const struct mcp_tool *tool);

/* As resources/list shows it, or resources/templates/list. */
void mcp_write_resource(struct text *out, const struct mcp_resource *resource);

/* json: an object; empty: none is given. ERR_INVALID: what is wrong with which argument. */
MUST_CHECK bool mcp_read_arguments(struct mcp_call *call, struct span json, struct err *err);
