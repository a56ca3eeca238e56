#include "client/bunker_wire.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/url.h"
#include "shared/utf8.h"

static const struct span scheme = {"bunker://", 9};

bool bunker_is(struct span word)
{
    return word.len >= scheme.len && memcmp(word.at, scheme.at, scheme.len) == 0;
}

/* ---- addresses ---- */

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Of a query's value, without its percents; false when it is no text. */
static bool decode(struct span *out, struct arena *arena, struct span value)
{
    char *at = arena_alloc(arena, value.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        if (c == '%') {
            int high = i + 2 < value.len ? digit(value.at[i + 1]) : -1;
            int low = high >= 0 ? digit(value.at[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (char)(unsigned char)(high * 16 + low);
            i += 2;
        }
        at[len++] = c;
    }
    *out = (struct span){at, len};
    return memchr(at, '\0', len) == NULL && utf8_is(*out);
}

/* Up to the next c, and rest behind it. */
static struct span cut(struct span *rest, char c)
{
    const char *found = rest->len > 0 ? memchr(rest->at, c, rest->len) : NULL;
    size_t len = found != NULL ? (size_t)(found - rest->at) : rest->len;
    struct span head = {rest->at, len};
    size_t taken = found != NULL ? len + 1 : len;
    *rest = (struct span){rest->at + taken, rest->len - taken};
    return head;
}

static bool take_pair(struct bunker_place *place, struct arena *arena, struct span pair,
                      struct err *err)
{
    struct url url;
    struct span value = pair, name = cut(&value, '=');
    if (!decode(&value, arena, value))
        return err_set(err, ERR_INVALID, "the address of a bunker: a value that is no text");
    if (span_eq(name, SPAN("relay"))) {
        if (place->relay_count < BUNKER_RELAYS_MAX && url_parse(&url, value, NULL))
            place->relays[place->relay_count++] = value;
    } else if (span_eq(name, SPAN("secret"))) {
        place->secret = value;
    } else if (span_eq(name, SPAN("user"))) {
        place->has_user = hex_decode(place->user.at, sizeof place->user.at, value);
    }
    return true;
}

bool bunker_parse(struct bunker_place *place, struct arena *arena, struct span word,
                  struct err *err)
{
    *place = (struct bunker_place){0};
    if (word.len > BUNKER_WORD_MAX)
        return err_set(err, ERR_INVALID, "the address of a bunker has at most %d bytes",
                       BUNKER_WORD_MAX);
    if (!bunker_is(word))
        return err_set(err, ERR_INVALID, "expected bunker://KEY?relay=URL");
    struct span rest = {word.at + scheme.len, word.len - scheme.len}, key = cut(&rest, '?');
    if (key.len > 0 && key.at[key.len - 1] == '/')
        key.len--;
    if (!hex_decode(place->signer.at, sizeof place->signer.at, key))
        return err_set(err, ERR_INVALID, "the address of a bunker: its key is 64 hex digits");
    while (rest.len > 0)
        if (!take_pair(place, arena, cut(&rest, '&'), err))
            return false;
    return place->relay_count > 0 ||
           err_set(err, ERR_INVALID, "the address of a bunker names no relay");
}

static void add_encoded(struct text *out, struct span value)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        if (memchr(plain, c, sizeof plain - 1) != NULL)
            text_add(out, (struct span){&c, 1});
        else
            text_addf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

static void add_relays(struct text *out, const struct bunker_place *place)
{
    for (uint32_t i = 0; i < place->relay_count; i++) {
        text_add(out, i > 0 ? SPAN("&relay=") : SPAN("?relay="));
        add_encoded(out, place->relays[i]);
    }
}

void bunker_write(struct text *out, const struct bunker_place *place)
{
    text_add(out, scheme);
    text_add_hex(out, place->signer.at, sizeof place->signer.at);
    add_relays(out, place);
    if (!place->has_user)
        return;
    text_add(out, SPAN("&user="));
    text_add_hex(out, place->user.at, sizeof place->user.at);
}

void bunker_write_offer(struct text *out, const struct bytes32 *client,
                        const struct bunker_place *place)
{
    text_add(out, SPAN("nostrconnect://"));
    text_add_hex(out, client->at, sizeof client->at);
    add_relays(out, place);
    text_add(out, SPAN("&secret="));
    add_encoded(out, place->secret);
    text_add(out, SPAN("&perms="));
    add_encoded(out, SPAN(BUNKER_PERMISSIONS));
    text_add(out, SPAN("&name=shoal"));
}

/* ---- requests and replies ---- */

void bunker_write_request(struct text *out, struct span id, const char *method,
                          const struct span *params, size_t count)
{
    text_add(out, SPAN("{\"id\":"));
    text_add_json(out, id);
    text_addf(out, ",\"method\":\"%s\",\"params\":[", method);
    for (size_t i = 0; i < count; i++) {
        text_add(out, i > 0 ? SPAN(",") : SPAN(""));
        text_add_json(out, params[i]);
    }
    text_add(out, SPAN("]}"));
}

void bunker_write_unsigned(struct text *out, const struct event *event)
{
    text_add(out, SPAN("{\"pubkey\":\""));
    text_add_hex(out, event->pubkey.at, sizeof event->pubkey.at);
    text_addf(out, "\",\"created_at\":%lld,\"kind\":%u,\"tags\":", (long long)event->created_at,
              event->kind);
    text_add(out, event->tags_json);
    text_add(out, SPAN(",\"content\":\""));
    text_add(out, event->content_json);
    text_add(out, SPAN("\"}"));
}

/* A string; or null, or anything else, which says nothing. */
static bool scan_words(struct scan *scan, struct arena *arena, struct span *words, struct err *err)
{
    if (scan_peek(scan) == '"')
        return scan_text(scan, arena, words, err);
    return scan_skip(scan, err);
}

bool bunker_parse_reply(struct bunker_reply *reply, struct arena *arena, struct span json,
                        struct err *err)
{
    struct scan scan = scan_begin(json);
    struct scan_list members;
    *reply = (struct bunker_reply){0};
    scan.subject = SPAN("reply");
    if (!scan_object(&scan, &members, err))
        return false;
    while (members.more) {
        struct span key, ignored, *words = &ignored;
        if (!scan_key(&scan, arena, &key, err))
            return false;
        if (span_eq(key, SPAN("id")))
            words = &reply->id;
        else if (span_eq(key, SPAN("result")))
            words = &reply->result;
        else if (span_eq(key, SPAN("error")))
            words = &reply->error;
        if (!scan_words(&scan, arena, words, err) || !scan_next(&scan, &members, err))
            return false;
    }
    return scan_end(&scan, err);
}
