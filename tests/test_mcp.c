#include "client/mcp.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

/* Says what it was given. */
static bool echo(void *owner, struct text *result, const struct mcp_call *call, struct err *err)
{
    (void)owner;
    (void)err;
    text_addf(result, "{\"tool\":\"%s\"", call->tool->name);
    for (size_t i = 0; i < call->tool->param_count; i++) {
        struct mcp_argument argument = mcp_values(call, call->tool->params[i].name);
        for (size_t j = 0; j < argument.count; j++)
            text_addf(result, ",\"%s%zu\":\"%s\"", call->tool->params[i].name, j,
                      argument.values[j]);
    }
    text_add(result, SPAN("}"));
    return true;
}

/* As long as a refusal may be, but for a byte. */
#define WORDS                                                                \
    "a refusal that is cut in the middle of a character, since it says so m" \
    "uch mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"

static bool refuse(void *owner, struct text *result, const struct mcp_call *call, struct err *err)
{
    (void)owner;
    (void)call;
    text_add(result, SPAN("{\"half\":"));
    return err_set(err, ERR_INTERNAL, WORDS "\303\251");
}

static bool may(void *owner, const struct mcp_tool *tool)
{
    return *(bool *)owner || tool->effect == MCP_LOOKS;
}

static bool read_uri(void *owner, struct text *json, struct span uri, struct err *err)
{
    (void)owner;
    if (span_eq(uri, SPAN("x://broken")))
        return err_set(err, ERR_INTERNAL, "the disk");
    text_add(json, SPAN("{\"a\":1}"));
    return span_eq(uri, SPAN("x://there")) || err_set(err, ERR_INVALID, "no such");
}

static const struct mcp_param params[] = {{"text", MCP_TEXT, true, NULL, 0, "what"},
                                          {"list", MCP_TEXTS, false, NULL, 0, "which"},
                                          {"way", MCP_CHOICE, false, "up down", 0, "whither"},
                                          {"count", MCP_COUNT, false, NULL, 9, "how many"},
                                          {"part", MCP_PART, false, NULL, 0, "how much"},
                                          {"flag", MCP_FLAG, false, NULL, 0, "whether"}};
static const struct mcp_tool tools[] = {{.name = "look",
                                         .title = "Look",
                                         .help = "Looks.",
                                         .params = params,
                                         .param_count = ARRAY_LEN(params),
                                         .is_repeatable = true,
                                         .output = "{\"type\":\"object\"}",
                                         .run = echo},
                                        {.name = "change",
                                         .title = "Change",
                                         .help = "Changes.",
                                         .effect = MCP_CHANGES,
                                         .is_heard = true,
                                         .output = "{\"type\":\"object\"}",
                                         .run = refuse}};
static const struct mcp_resource resources[] = {{"x://there", "there", "what is there"},
                                                {"x://{where}", "any", "what is anywhere"}};
static bool may_write;
static const struct mcp_setup setup = {.tools = tools,
                                       .tool_count = ARRAY_LEN(tools),
                                       .resources = resources,
                                       .resource_count = ARRAY_LEN(resources),
                                       .version = "9.9",
                                       .instructions = "Be \"good\".",
                                       .owner = &may_write,
                                       .may = may,
                                       .read = read_uri};

static void check(const char *line, const char *wanted)
{
    struct text out = {0};
    mcp_answer(&setup, &out, (struct span){line, strlen(line)});
    text_add(&out, (struct span){"", 1});
    assert_string_equal(out.at, wanted);
    text_clear(&out);
}

/* The answer to a request of this method and these params. */
static void ask(const char *method, const char *asked, const char *wanted)
{
    struct text line = {0}, answer = {0};
    text_addf(&line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"%s%s}%c", method,
              asked[0] != '\0' ? ",\"params\":" : "", asked, '\0');
    text_addf(&answer, "{\"jsonrpc\":\"2.0\",\"id\":1,%s}\n%c", wanted, '\0');
    check(line.at, answer.at);
    text_clear(&line);
    text_clear(&answer);
}

static void call(const char *arguments, const char *text)
{
    struct text asked = {0}, wanted = {0};
    text_addf(&asked, "{\"name\":\"look\",\"arguments\":%s}%c", arguments, '\0');
    text_add(&wanted, SPAN("\"result\":{\"content\":[{\"type\":\"text\",\"text\":"));
    text_add_json(&wanted, (struct span){text, strlen(text)});
    text_addf(&wanted, "}],\"isError\":%s",
              text[0] == '{' ? "false,\"structuredContent\":" : "true");
    text_addf(&wanted, "%s}%c", text[0] == '{' ? text : "", '\0');
    ask("tools/call", asked.at, wanted.at);
    text_clear(&asked);
    text_clear(&wanted);
}

#define ABOUT                                                                                  \
    ",\"capabilities\":{\"tools\":{\"listChanged\":false},\"resources\":{\"subscribe\":false," \
    "\"listChanged\":false}},\"serverInfo\":{\"name\":\"shoal\",\"title\":\"Shoal\","          \
    "\"version\":\"9.9\"},\"instructions\":\"Be \\\"good\\\".\"}"

static void test_initialize(void **state)
{
    static const char *const known[] = {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        struct text asked = {0}, wanted = {0};
        text_addf(&asked, "{\"protocolVersion\":\"%s\",\"clientInfo\":{}}%c", known[i], '\0');
        text_addf(&wanted, "\"result\":{\"protocolVersion\":\"%s\"" ABOUT "%c", known[i], '\0');
        ask("initialize", asked.at, wanted.at);
        text_clear(&asked);
        text_clear(&wanted);
    }
    ask("initialize", "{\"protocolVersion\":\"1999-01-01\"}",
        "\"result\":{\"protocolVersion\":\"2025-11-25\"" ABOUT);
    ask("initialize", "{}",
        "\"error\":{\"code\":-32602,\"message\":\"params: expected a text as protocolVersion\"}");
    ask("initialize", "",
        "\"error\":{\"code\":-32602,\"message\":\"params: expected '{' at byte 0\"}");
}

static void test_lines(void **state)
{
    (void)state;
    check("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}",
          "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}\n");
    check("{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}", "");
    check("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{}}", "");
    check("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", "");
    check("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nope\"}",
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"no such "
          "method\"}}\n");
    check("nope", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":"
                  "\"message: expected a value at byte 0\"}}\n");
    check("[]", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":"
                "\"no request of JSON-RPC 2.0\"}}\n");
    check("[{\"jsonrpc\":\"2.0\",\"method\":\"a\"}]", "");
    check("[{\"jsonrpc\":\"2.0\",\"method\":\"a\"},{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
          "\"ping\"},{\"jsonrpc\":\"2.0\",\"method\":\"a\"},{\"jsonrpc\":\"2.0\",\"id\":2,"
          "\"method\":\"ping\"},{\"jsonrpc\":\"2.0\",\"method\":\"a\"}]",
          "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}},{\"jsonrpc\":\"2.0\",\"id\":2,"
          "\"result\":{}}]\n");
    struct text out = {0};
    mcp_refuse_line(&out);
    text_add(&out, (struct span){"", 1});
    assert_string_equal(out.at, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,"
                                "\"message\":\"a line of over 1048576 bytes\"}}\n");
    text_clear(&out);
}

#define LOOK                                                                                      \
    "{\"name\":\"look\",\"title\":\"Look\",\"description\":\"Looks.\",\"inputSchema\":{\"type\":" \
    "\"object\",\"properties\":{\"text\":{\"type\":\"string\",\"minLength\":1,\"description\":"   \
    "\"what\"},\"list\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1,"      \
    "\"maxItems\":50,\"description\":\"which\"},\"way\":{\"type\":\"string\",\"enum\":[\"up\","   \
    "\"down\"],\"description\":\"whither\"},\"count\":{\"type\":\"integer\",\"minimum\":1,"       \
    "\"maximum\":9,\"description\":\"how many\"},\"part\":{\"type\":\"number\",\"minimum\":0,"    \
    "\"maximum\":1,\"description\":\"how much\"},\"flag\":{\"type\":\"boolean\",\"description\":" \
    "\"whether\"}},\"required\":[\"text\"],\"additionalProperties\":false},\"outputSchema\":"     \
    "{\"type\":\"object\"},\"annotations\":{\"readOnlyHint\":true,\"destructiveHint\":false,"     \
    "\"idempotentHint\":true,\"openWorldHint\":false}}"

static void test_tools(void **state)
{
    (void)state;
    may_write = false;
    ask("tools/list", "", "\"result\":{\"tools\":[" LOOK "]}");
    ask("tools/call", "{\"name\":\"change\"}",
        "\"error\":{\"code\":-32602,\"message\":\"change writes, which this server was not started "
        "for\"}");
    may_write = true;
    ask("tools/list", "{}",
        "\"result\":{\"tools\":[" LOOK ",{\"name\":\"change\",\"title\":\"Change\",\"description\":"
        "\"Changes.\",\"inputSchema\":{\"type\":\"object\",\"properties\":{},\"required\":[],"
        "\"additionalProperties\":false},\"outputSchema\":{\"type\":\"object\"},\"annotations\":"
        "{\"readOnlyHint\":false,\"destructiveHint\":true,\"idempotentHint\":false,"
        "\"openWorldHint\":true}}]}");
    ask("tools/call", "{\"name\":\"change\",\"_meta\":{\"progressToken\":1}}",
        "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"" WORDS "\"}],\"isError\":true}");
    ask("tools/call", "{\"name\":\"none\"}",
        "\"error\":{\"code\":-32602,\"message\":\"no tool 'none'\"}");
    ask("tools/call", "{\"name\":5}",
        "\"error\":{\"code\":-32602,\"message\":\"params: expected a text as name\"}");
    ask("tools/call", "[\"look\"]",
        "\"error\":{\"code\":-32602,\"message\":\"params: expected '{' at byte 0\"}");
    ask("tools/call", "{\"name\":\"look\",\"arguments\":[]}",
        "\"error\":{\"code\":-32602,\"message\":\"params: arguments are an object\"}");
}

static void test_arguments(void **state)
{
    (void)state;
    call("{\"text\":\"a\"}", "{\"tool\":\"look\",\"text0\":\"a\"}");
    call("{\"flag\":true,\"text\":\"-\",\"list\":[\"x\",\"y\"],\"way\":\"down\",\"count\":9.0,"
         "\"part\":0.5}",
         "{\"tool\":\"look\",\"text0\":\"-\",\"list0\":\"x\",\"list1\":\"y\",\"way0\":\"down\","
         "\"count0\":\"9\",\"part0\":\"0.5\",\"flag0\":\"\"}");
    call("{\"text\":\"a\",\"flag\":false,\"list\":\"x\"}",
         "{\"tool\":\"look\",\"text0\":\"a\",\"list0\":\"x\"}");
    call("{}", "text is missing");
    call("{\"text\":\"\"}", "text: an empty text");
    call("{\"text\":\"a\\u0000b\"}", "text: a text with a NUL in it");
    call("{\"text\":5}", "text: expected a string at byte 8");
    call("{\"text\":\"a\",\"text\":\"b\"}", "text: given twice");
    call("{\"text\":\"a\",\"more\":1}", "look has no argument 'more'");
    call("{\"text\":\"a\",\"list\":[]}", "list: an empty list");
    call("{\"text\":\"a\",\"list\":{}}", "list: expected '[' at byte 19");
    call("{\"text\":\"a\",\"list\":[1]}", "list: expected a string at byte 20");
    call("{\"text\":\"a\",\"way\":\"\"}", "way: expected one of up down");
    call("{\"text\":\"a\",\"way\":\"up down\"}", "way: expected one of up down");
    call("{\"text\":\"a\",\"count\":0}", "count: expected a number from 1");
    call("{\"text\":\"a\",\"count\":\"1\"}", "count: expected an integer from 0 to 9 at byte 20");
    call("{\"text\":\"a\",\"part\":-1}", "part: expected a number from 0 to 1");
    call("{\"text\":\"a\",\"part\":0.00000000000000000000001}",
         "part: expected a number from 0 to 1");
    call("{\"text\":\"a\",\"flag\":1}", "flag: expected true or false at byte 19");
}

static void test_list_length(void **state)
{
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        struct text arguments = {0}, wanted = {0};
        text_add(&arguments, SPAN("{\"text\":\"a\",\"list\":["));
        text_add(&wanted, SPAN("{\"tool\":\"look\",\"text0\":\"a\""));
        for (int i = 0; i < MCP_VALUES_MAX + extra; i++) {
            text_addf(&arguments, "%s\"v\"", i > 0 ? "," : "");
            text_addf(&wanted, ",\"list%d\":\"v\"", i);
        }
        text_addf(&arguments, "]}%c", '\0');
        text_addf(&wanted, "}%c", '\0');
        call(arguments.at, extra == 0 ? wanted.at : "list: over 50");
        text_clear(&arguments);
        text_clear(&wanted);
    }
}

static void test_resources(void **state)
{
    (void)state;
    ask("resources/list", "",
        "\"result\":{\"resources\":[{\"uri\":\"x://there\",\"name\":\"there\",\"description\":"
        "\"what is there\",\"mimeType\":\"application/json\"}]}");
    ask("resources/templates/list", "",
        "\"result\":{\"resourceTemplates\":[{\"uriTemplate\":\"x://{where}\",\"name\":\"any\","
        "\"description\":\"what is anywhere\",\"mimeType\":\"application/json\"}]}");
    ask("resources/read", "{\"uri\":\"x://there\"}",
        "\"result\":{\"contents\":[{\"uri\":\"x://there\",\"mimeType\":\"application/json\","
        "\"text\":\"{\\\"a\\\":1}\"}]}");
    ask("resources/read", "{\"uri\":\"x://gone\"}",
        "\"error\":{\"code\":-32002,\"message\":\"no such\"}");
    ask("resources/read", "{\"uri\":\"x://broken\"}",
        "\"error\":{\"code\":-32603,\"message\":\"the disk\"}");
    ask("resources/read", "{}",
        "\"error\":{\"code\":-32602,\"message\":\"params: expected a text as uri\"}");
}

static void test_uri_length(void **state)
{
    struct text asked = {0};
    (void)state;
    text_add(&asked, SPAN("{\"uri\":\""));
    for (int i = 0; i <= MCP_URI_BYTES_MAX; i++)
        text_add(&asked, SPAN("u"));
    text_add(&asked, (struct span){"\"}", 3});
    ask("resources/read", asked.at, "\"error\":{\"code\":-32002,\"message\":\"no such resource\"}");
    text_clear(&asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_initialize),  cmocka_unit_test(test_lines),
        cmocka_unit_test(test_tools),       cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_list_length), cmocka_unit_test(test_resources),
        cmocka_unit_test(test_uri_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
