/* command_mcp_read.c - the resources of shoal mcp: who somebody is, whom they follow, what is
 * written. Part of command_mcp. */
#include "client/command_home.h"
#include "client/command_mcp.h"
#include "client/command_people.h"
#include "client/did.h"
#include "client/person.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/number.h"
#include "shared/scan.h"
#include "shared/text.h"

/* One reading of one resource. */
struct reading {
    struct server *server;
    struct arena arena;
    struct bytes32 me;
    bool is_known; /* who one is oneself */
    struct page page;
};

/* ---- the address ---- */

/* %3A and the like. False where that is not what it is. */
static bool decode(struct span *out, struct arena *arena, struct span part)
{
    struct text text = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < part.len; i++) {
        uint8_t byte = (uint8_t)part.at[i];
        if (part.at[i] == '%') {
            char digits[2] = {0};
            for (size_t j = 0; j < 2 && i + 1 + j < part.len; j++)
                digits[j] = (char)(part.at[i + 1 + j] >= 'A' && part.at[i + 1 + j] <= 'F'
                                       ? part.at[i + 1 + j] | 0x20
                                       : part.at[i + 1 + j]);
            ok = hex_decode(&byte, 1, SPAN_OF(digits)) && byte >= ' ' && byte < 0x7f;
            i += 2;
        }
        text_add(&text, (struct span){(const char *)&byte, 1});
    }
    *out = arena_copy(arena, text_span(&text));
    text_clear(&text);
    return ok;
}

/* Takes what comes before the next c, or all. */
static struct span cut(struct span *rest, char c)
{
    const char *at = rest->len > 0 ? memchr(rest->at, c, rest->len) : NULL;
    struct span part = {rest->at, at != NULL ? (size_t)(at - rest->at) : rest->len};
    size_t taken = part.len + (at != NULL);
    *rest = (struct span){rest->at + taken, rest->len - taken};
    return part;
}

/* Whom a part of the address names. */
static bool find_person(struct reading *reading, struct bytes32 *who, struct span part,
                        struct err *err)
{
    struct span word;
    if (!decode(&word, &reading->arena, part))
        return err_set(err, ERR_INVALID, "no such resource");
    if (!span_eq(word, SPAN("me")) && !span_eq(word, SPAN("own")))
        return person_parse(who, word, err);
    *who = reading->me;
    return reading->is_known || err_set(err, ERR_INVALID, "nobody wrote on this device yet");
}

/* As C has it. */
static const char *hex_of(struct reading *reading, const struct bytes32 *who)
{
    char *hex = arena_alloc(&reading->arena, 2 * sizeof who->at + 1);
    hex_encode(hex, who->at, sizeof who->at);
    return hex;
}

/* ---- what it says ---- */

static void write_person(const struct reading *reading, struct text *out, const struct bytes32 *who)
{
    bool is_own = reading->is_known && memcmp(who, &reading->me, sizeof *who) == 0;
    text_add(out, SPAN("{\"did\":\""));
    did_write_nostr(out, who);
    text_addf(out, "\",\"untrusted\":%s,", is_own ? "false" : "true");
}

static bool read_profile(struct reading *reading, struct text *json, const struct bytes32 *who,
                         struct err *err)
{
    struct command_call inner;
    struct text line = {0};
    inner_begin(&inner, reading->server, &command_profile_show);
    inner_word(&inner, hex_of(reading, who));
    bool ok = inner_run(reading->server, &inner, &line, err);
    if (ok) {
        write_person(reading, json, who);
        text_addf(json, "\"notice\":\"%s\",", SERVER_NOTICE);
        text_add(json, (struct span){line.at + 1, line.len - 2}); /* less its brace and its end */
    }
    text_clear(&line);
    return ok;
}

typedef bool line_fn(struct reading *reading, struct span line, struct err *err);

static bool each_line(struct reading *reading, const struct text *lines, line_fn *take,
                      struct err *err)
{
    struct span rest = text_span(lines);
    while (rest.len > 0)
        if (!take(reading, cut(&rest, '\n'), err))
            return false;
    return true;
}

/* Names are what those people say of themselves. */
static bool add_followed(struct reading *reading, struct span line, struct err *err)
{
    struct text item = {0};
    (void)err;
    text_add(&item, SPAN("{\"untrusted\":true,"));
    text_add(&item, (struct span){line.at + 1, line.len - 1});
    page_add(&reading->page, text_span(&item));
    text_clear(&item);
    return true;
}

static bool read_graph(struct reading *reading, struct text *json, const struct bytes32 *who,
                       struct err *err)
{
    struct command_call inner;
    struct text lines = {0};
    inner_begin(&inner, reading->server, &command_follow_list);
    inner_word(&inner, hex_of(reading, who));
    reading->page.name = "follows";
    bool ok = inner_run(reading->server, &inner, &lines, err) &&
              each_line(reading, &lines, add_followed, err);
    text_clear(&lines);
    if (!ok)
        return false;
    write_person(reading, json, who);
    page_end(&reading->page, json);
    text_add(json, SPAN("}"));
    return true;
}

/* A note, less what only programs want of it. */
static bool add_note(struct reading *reading, struct span line, struct err *err)
{
    struct event event;
    struct text item = {0};
    if (!event_parse(&event, &reading->arena, line, err))
        return false;
    write_person(reading, &item, &event.pubkey);
    home_write_hex(&item, "id", &event.id);
    text_addf(&item, ",\"created_at\":%lld,\"kind\":%u,\"text\":\"", (long long)event.created_at,
              event.kind);
    text_add(&item, event.content_json);
    text_add(&item, SPAN("\"}"));
    page_add(&reading->page, text_span(&item));
    text_clear(&item);
    return true;
}

static bool read_feed(struct reading *reading, struct text *json, struct span type, struct err *err)
{
    struct command_call inner;
    struct bytes32 who;
    struct text lines = {0}, limit = {0};
    inner_begin(&inner, reading->server, &command_feed);
    if (!span_eq(type, SPAN("home")) &&
        (!find_person(reading, &who, type, err) ||
         !inner_option(&inner, "author", hex_of(reading, &who), err)))
        return false;
    text_addf(&limit, "%zu", reading->page.from + reading->page.count + 1);
    text_add(&limit, (struct span){"", 1}); /* its NUL */
    reading->page.name = "notes";
    bool ok = inner_option(&inner, "limit", limit.at, err) &&
              inner_run(reading->server, &inner, &lines, err) &&
              each_line(reading, &lines, add_note, err);
    text_clear(&lines);
    text_clear(&limit);
    if (!ok)
        return false;
    text_add(json, SPAN("{"));
    page_end(&reading->page, json);
    text_add(json, SPAN("}"));
    return true;
}

/* ?cursor=20 */
static bool read_cursor(struct reading *reading, struct span query, struct err *err)
{
    int64_t from = 0;
    struct span name = cut(&query, '=');
    if (name.len > 0 &&
        (!span_eq(name, SPAN("cursor")) || !number_decimal(&from, query) || from > PAGE_FROM_MAX))
        return err_set(err, ERR_INVALID, "no such resource");
    reading->page = (struct page){.from = (size_t)from, .count = PAGE_DEFAULT};
    return true;
}

static bool read_address(struct reading *reading, struct text *json, struct span uri,
                         struct err *err)
{
    const struct span scheme = SPAN("shoal://");
    struct bytes32 who;
    if (uri.len < scheme.len || memcmp(uri.at, scheme.at, scheme.len) != 0)
        return err_set(err, ERR_INVALID, "no such resource");
    struct span query = {uri.at + scheme.len, uri.len - scheme.len}, path = cut(&query, '?');
    struct span host = cut(&path, '/'), name = cut(&path, '/');
    if (!read_cursor(reading, query, err))
        return false;
    if (span_eq(host, SPAN("feed")) && path.len == 0)
        return read_feed(reading, json, name, err);
    if (!span_eq(host, SPAN("user")) || !find_person(reading, &who, name, err))
        return err_set(err, ERR_INVALID, "no such resource");
    if (span_eq(path, SPAN("profile")))
        return read_profile(reading, json, &who, err);
    if (span_eq(path, SPAN("graph")))
        return read_graph(reading, json, &who, err);
    return err_set(err, ERR_INVALID, "no such resource");
}

bool server_read(void *owner, struct text *json, struct span uri, struct err *err)
{
    struct reading reading = {.server = owner};
    reading.is_known = server_me(&reading.me, reading.server);
    bool ok = read_address(&reading, json, uri, err);
    text_clear(&reading.page.items);
    arena_clear(&reading.arena);
    return ok;
}
