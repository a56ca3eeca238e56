/* command_mcp_table.c - what shoal mcp offers: tools and resources, as clients are told of them.
 * Part of command_mcp. */
#include "client/command_mcp.h"

#define WHO "somebody: npub, did:nostr, did:key or 64 hex digits"
#define ID "an event or a thing: its id in hex, the digits that begin it, note, nevent or CID"
#define MEMORY_KINDS \
    "semantic episodic procedural factual preference identity relationship goal project"

static const struct mcp_param params_send[] = {
    {"text", MCP_TEXT, true, NULL, 0, "what the message says"},
    {"to", MCP_TEXTS, false, NULL, 0, WHO "; needed unless reply_to says"},
    {"reply_to", MCP_TEXT, false, NULL, 0, "the message that it answers, by its id"},
    {"subject", MCP_TEXT, false, NULL, 0, "of the conversation"}};
static const struct mcp_param params_create[] = {
    {"text", MCP_TEXT, true, NULL, 0, "what it says"},
    {"type", MCP_CHOICE, false, "post knowledge", 0, "a note, or a piece of knowledge [post]"},
    {"title", MCP_TEXT, false, NULL, 0, "in a few words"},
    {"warning", MCP_TEXT, false, NULL, 0, "of a post: why somebody may not want to see it"},
    {"tags", MCP_TEXTS, false, NULL, 0, "of knowledge: words to find it by"},
    {"derived_from", MCP_TEXTS, false, NULL, 0, "of knowledge: the ids of what it came from"}};
static const struct mcp_param params_manage[] = {
    {"action", MCP_CHOICE, true, "add remove role leave", 0, "what to do"},
    {"circle", MCP_TEXT, true, NULL, 0, "its name or id"},
    {"who", MCP_TEXT, false, NULL, 0, WHO "; needed for all but leave"},
    {"role", MCP_CHOICE, false, "reader writer moderator admin", 0,
     "as what; needed for role [writer]"}};
static const struct mcp_param params_store[] = {
    {"text", MCP_TEXT, true, NULL, 0, "what is kept"},
    {"type", MCP_CHOICE, false, "text memory", 0, "a page, or something to recall [text]"},
    {"title", MCP_TEXT, false, NULL, 0, "of a page"},
    {"tags", MCP_TEXTS, false, NULL, 0, "words to find it by"},
    {"scope", MCP_CHOICE, false, "self friends", 0, "who else reads it [self]"},
    {"circle", MCP_TEXT, false, NULL, 0, "or the members of this circle: its name or id"}};
static const struct mcp_param params_search[] = {
    {"query", MCP_TEXT, true, NULL, 0, "words, all of which it holds"},
    {"limit", MCP_COUNT, false, NULL, PAGE_ITEMS_MAX, "at most so many [20]"},
    {"cursor", MCP_TEXT, false, NULL, 0, "the nextCursor of the page before"}};
static const struct mcp_param params_save[] = {
    {"text", MCP_TEXT, true, NULL, 0, "what is to be remembered"},
    {"kind", MCP_CHOICE, false, MEMORY_KINDS, 0, "which kind [semantic]"},
    {"strength", MCP_PART, false, NULL, 0, "from 0, forgotten soon, to 1"},
    {"tags", MCP_TEXTS, false, NULL, 0, "words to find it by"}};
static const struct mcp_param params_recall[] = {
    {"query", MCP_TEXT, false, NULL, 0, "words, all of which it holds; else the latest come"},
    {"kind", MCP_CHOICE, false, MEMORY_KINDS, 0, "of this kind alone"},
    {"status", MCP_CHOICE, false, "fresh consolidated faded", 0, "of this status alone"},
    {"min_strength", MCP_PART, false, NULL, 0, "this strong, or stronger"},
    {"limit", MCP_COUNT, false, NULL, PAGE_ITEMS_MAX, "at most so many [20]"},
    {"cursor", MCP_TEXT, false, NULL, 0, "the nextCursor of the page before"}};
static const struct mcp_param params_follow[] = {{"who", MCP_TEXTS, true, NULL, 0, WHO}};
static const struct mcp_param params_circle[] = {
    {"name", MCP_TEXT, true, NULL, 0, "what it is called"},
    {"open", MCP_FLAG, false, NULL, 0, "nothing in it is sealed: anybody reads, members write"}};
static const struct mcp_param params_like[] = {
    {"id", MCP_TEXT, true, NULL, 0, ID},
    {"reaction", MCP_TEXT, false, NULL, 0, "+, - or an emoji [+]"}};
static const struct mcp_param params_comment[] = {
    {"id", MCP_TEXT, true, NULL, 0, ID},
    {"text", MCP_TEXT, true, NULL, 0, "what the comment says"}};

#define WRITTEN                                                                             \
    "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\",\"description\":"     \
    "\"what was made or changed\"},\"queued\":{\"type\":\"integer\",\"description\":\"how " \
    "many relays get it when the user pushes or syncs\"},\"event\":{\"type\":\"string\"},"  \
    "\"conversation\":{\"type\":\"string\"},\"people\":{\"type\":\"integer\"},"             \
    "\"following\":{\"type\":\"integer\"},\"added\":{\"type\":\"integer\"},"                \
    "\"removed\":{\"type\":\"integer\"},\"dry_run\":{\"type\":\"boolean\"}},"               \
    "\"required\":[\"id\",\"queued\"]}"
#define FOUND(name, member)                                                                       \
    "{\"type\":\"object\",\"properties\":{\"notice\":{\"type\":\"string\"},\"nextCursor\":"       \
    "{\"type\":\"string\"},\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"object\","      \
    "\"properties\":{\"untrusted\":{\"type\":\"boolean\"},\"id\":{\"type\":\"string\"},\"" member \
    "\":{\"type\":\"string\"}},\"required\":[\"untrusted\",\"id\"]}}},\"required\":"              \
    "[\"notice\",\"" name "\"]}"

#define PARAMS(list) .params = list, .param_count = ARRAY_LEN(list)

const struct mcp_tool server_tools[] = {
    {.name = "send_message",
     .title = "Send a private message",
     .help = "Writes to one person or several so that nobody else can read it.",
     PARAMS(params_send),
     .effect = MCP_ADDS,
     .is_heard = true,
     .output = WRITTEN,
     .run = server_send_message},
    {.name = "create_content",
     .title = "Write for everybody",
     .help = "Publishes a note, or a piece of knowledge with what it was derived from.",
     PARAMS(params_create),
     .effect = MCP_ADDS,
     .is_heard = true,
     .output = WRITTEN,
     .run = server_create_content},
    {.name = "manage_circle",
     .title = "Change who is in a circle",
     .help = "Adds or removes a member, gives another role, or leaves. After a removal there is a"
             " new key.",
     PARAMS(params_manage),
     .effect = MCP_CHANGES,
     .is_heard = true,
     .output = WRITTEN,
     .run = server_manage_circle},
    {.name = "store_content",
     .title = "Keep something",
     .help = "Keeps a page of text, or a memory: for the user alone, for friends, or for a circle.",
     PARAMS(params_store),
     .effect = MCP_ADDS,
     .output = WRITTEN,
     .run = server_store_content},
    {.name = "search_content",
     .title = "Search",
     .help = "Finds what is on this device and holds all of the words, the best first.",
     PARAMS(params_search),
     .effect = MCP_LOOKS,
     .is_repeatable = true,
     .is_heard = true,
     .output = FOUND("results", "excerpt"),
     .run = server_search_content},
    {.name = "save_memory",
     .title = "Remember something",
     .help = "Keeps a memory, for the user alone.",
     PARAMS(params_save),
     .effect = MCP_ADDS,
     .output = WRITTEN,
     .run = server_save_memory},
    {.name = "recall_memories",
     .title = "Recall memories",
     .help = "Finds memories: with words the best come first, without any the latest.",
     PARAMS(params_recall),
     .effect = MCP_LOOKS,
     .is_repeatable = true,
     .output = FOUND("memories", "text"),
     .run = server_recall_memories},
    {.name = "follow_user",
     .title = "Follow people",
     .help = "Adds people to those whom the user follows.",
     PARAMS(params_follow),
     .effect = MCP_ADDS,
     .is_repeatable = true,
     .is_heard = true,
     .output = WRITTEN,
     .run = server_follow_user},
    {.name = "create_circle",
     .title = "Begin a circle",
     .help = "Begins a circle of people who share things; the user is its first member.",
     PARAMS(params_circle),
     .effect = MCP_ADDS,
     .is_heard = true,
     .output = WRITTEN,
     .run = server_create_circle},
    {.name = "like_content",
     .title = "Like something",
     .help = "Says in public that the user likes something, or otherwise reacts to it.",
     PARAMS(params_like),
     .effect = MCP_ADDS,
     .is_heard = true,
     .output = WRITTEN,
     .run = server_like_content},
    {.name = "comment_on_content",
     .title = "Comment on something",
     .help = "Answers a note in public, or comments on any other event.",
     PARAMS(params_comment),
     .effect = MCP_ADDS,
     .is_heard = true,
     .output = WRITTEN,
     .run = server_comment_on_content},
};

const size_t server_tool_count = ARRAY_LEN(server_tools);

const struct mcp_resource server_resources[] = {
    {"shoal://feed/home", "home feed", "notes of the user and of those the user follows"},
    {"shoal://feed/own", "own feed", "notes of the user"},
    {"shoal://user/me/profile", "own profile", "what the user says of himself or herself"},
    {"shoal://user/me/graph", "own graph", "whom the user follows, and who follows back"},
    {"shoal://user/{did}/profile", "profile", "what somebody says of himself or herself"},
    {"shoal://user/{did}/graph", "graph", "whom somebody follows, and who follows back"},
    {"shoal://feed/{type}", "feed",
     "notes, the newest first: home, own, or somebody's did; ?cursor= for more"},
};

const size_t server_resource_count = ARRAY_LEN(server_resources);
