/* jsonrpc.h - JSON-RPC 2.0: what is asked in one line, and the answers to it.
 *
 * A line is a message, or an array of them. What is no message becomes one all the same, of the
 * form JSONRPC_WRONG, so that it is answered.
 *
 *   ownership  what is parsed lives in the arena and points into the line
 *   errors     ERR_INVALID: the line is no JSON, and nothing in it can be answered apart
 *   spec       JSON-RPC 2.0 "Request object", "Response object", "Batch"; RFC 8259
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct text;

enum { JSONRPC_BATCH_MAX = 100, JSONRPC_ID_BYTES_MAX = 256 };

enum jsonrpc_code {
    JSONRPC_UNPARSED = -32700,
    JSONRPC_INVALID_REQUEST = -32600,
    JSONRPC_NO_METHOD = -32601,
    JSONRPC_INVALID_PARAMS = -32602,
    JSONRPC_INTERNAL = -32603,
    JSONRPC_NO_RESOURCE = -32002, /* of MCP */
};

enum jsonrpc_form {
    JSONRPC_REQUEST,
    JSONRPC_NOTIFICATION, /* is never answered */
    JSONRPC_RESPONSE,     /* to something that was asked from here */
    JSONRPC_WRONG,
};

struct jsonrpc_message {
    enum jsonrpc_form form;
    struct span id;     /* JSON, as it came; null where it is not known */
    struct span method; /* decoded */
    struct span params; /* JSON: an object or an array; empty: none */
};

struct jsonrpc_line {
    struct jsonrpc_message *messages;
    size_t count;
    bool is_batch; /* the answers are one array, if there are any */
};

MUST_CHECK bool jsonrpc_parse(struct jsonrpc_line *line, struct arena *arena, struct span json,
                              struct err *err);

/* result: JSON. */
void jsonrpc_write_result(struct text *out, struct span id, struct span result);
void jsonrpc_write_error(struct text *out, struct span id, enum jsonrpc_code code,
                         struct span message);

/* A member of a JSON object, as it stands there; empty where there is none. */
MUST_CHECK bool jsonrpc_member(struct span *value, struct arena *arena, struct span object,
                               struct span name, struct err *err);
