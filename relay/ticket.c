#include "relay/ticket.h"

#include "relay/head.h"
#include "relay/policy.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/sig.h"
#include "shared/text.h"

/* -1: none of base64 or of base64url. */
static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

static bool decode(struct span *out, struct arena *arena, struct span base64)
{
    while (base64.len > 0 && base64.at[base64.len - 1] == '=')
        base64.len--;
    if (base64.len == 0 || base64.len % 4 == 1)
        return false;
    char *bytes = arena_alloc(arena, base64.len);
    size_t len = 0;
    uint32_t held = 0;
    for (size_t i = 0; i < base64.len; i++) {
        int digit = digit_of(base64.at[i]);
        if (digit < 0)
            return false;
        held = (held << 6 | (uint32_t)digit) & 0xffffff;
        if (i % 4 > 0)
            bytes[len++] = (char)(held >> (6 - 2 * (i % 4)) & 0xff);
    }
    *out = (struct span){bytes, len};
    return true;
}

struct bytes32 ticket_token_hash(const char token[2 * TICKET_TOKEN_BYTES])
{
    return sig_sha256((struct span){token, (size_t)2 * TICKET_TOKEN_BYTES});
}

static bool read_token(struct ticket *ticket, struct span word, struct err *err)
{
    uint8_t token[TICKET_TOKEN_BYTES];
    if (!hex_decode(token, sizeof token, word))
        return err_set(err, ERR_INVALID, "the token is not one of ours");
    ticket->is_token = true;
    ticket->hash = ticket_token_hash(word.at);
    return true;
}

bool ticket_read(struct ticket *ticket, struct arena *arena, struct span authorization,
                 struct err *err)
{
    struct span rest = authorization, json;
    struct err why;
    *ticket = (struct ticket){0};
    if (authorization.len == 0)
        return err_set(err, ERR_AUTH_REQUIRED, "an Authorization header is needed (NIP-98)");
    struct span scheme = head_cut(&rest, ' ');
    struct span word = head_cut(&rest, ' ');
    if (head_is(scheme, "bearer"))
        return read_token(ticket, word, err);
    if (!head_is(scheme, "nostr") || rest.len > 0)
        return err_set(err, ERR_INVALID, "expected Authorization: Nostr <event in base64>");
    if (!decode(&json, arena, word))
        return err_set(err, ERR_INVALID, "the Authorization header is not base64");
    if (!event_parse(&ticket->event, arena, json, &why))
        return err_set(err, ERR_INVALID, "the event in Authorization: %.80s", why.text);
    return true;
}

static const struct span *tag_of(const struct ticket *ticket, struct span name)
{
    return event_tag_value(&ticket->event, name);
}

/* Also by the http URL of the same place. */
static bool names_relay(const struct ticket_request *request, struct span url)
{
    struct text ws = {0};
    if (url.len <= 4 || !head_is((struct span){url.at, 4}, "http"))
        return policy_names_relay(request->public_url, url, request->local_ip);
    text_add(&ws, SPAN("ws"));
    text_add(&ws, (struct span){url.at + 4, url.len - 4});
    bool is_ours = policy_names_relay(request->public_url, text_span(&ws), request->local_ip);
    text_clear(&ws);
    return is_ours;
}

bool ticket_check(const struct ticket *ticket, const struct ticket_request *request,
                  struct err *err)
{
    const struct event *event = &ticket->event;
    const struct span *url = tag_of(ticket, SPAN("u"));
    const struct span *method = tag_of(ticket, SPAN("method"));
    const struct span *payload = tag_of(ticket, SPAN("payload"));
    struct bytes32 hash, own = sig_sha256(request->body);
    if (event->kind != KIND_HTTP_AUTH)
        return err_set(err, ERR_INVALID, "an event that signs a request has kind %d",
                       KIND_HTTP_AUTH);
    if (event->created_at > request->now + TICKET_AGE_S_MAX ||
        event->created_at < request->now - TICKET_AGE_S_MAX)
        return err_set(err, ERR_INVALID, "created_at is more than %d s away", TICKET_AGE_S_MAX);
    if (url == NULL || !names_relay(request, *url))
        return err_set(err, ERR_INVALID, "the u tag names another relay than public_url");
    if (method == NULL || !span_eq(*method, request->method))
        return err_set(err, ERR_INVALID, "the method tag names another method");
    if (payload == NULL || !hex_decode(hash.at, sizeof hash, *payload) ||
        memcmp(&hash, &own, sizeof hash) != 0)
        return err_set(err, ERR_INVALID, "the payload tag is not the SHA-256 of the body");
    return true;
}

bool ticket_prove(const struct ticket *ticket, struct err *err)
{
    const struct event *event = &ticket->event;
    if (!event_check_id(event))
        return err_set(err, ERR_INVALID, "the id is not the hash of the event");
    if (!sig_verify(&event->sig, &event->id, &event->pubkey))
        return err_set(err, ERR_INVALID, "the signature is wrong");
    return true;
}

bool ticket_write(struct text *out, const struct ticket_draft *draft)
{
    struct text tags = {0};
    struct bytes32 hash = sig_sha256(draft->body);
    text_add(&tags, SPAN("[[\"u\","));
    text_add_json(&tags, draft->url);
    text_add(&tags, SPAN("],[\"method\",\"POST\"],[\"payload\",\""));
    text_add_hex(&tags, hash.at, sizeof hash);
    text_add(&tags, SPAN("\"],[\"nonce\",\"")); /* two of the same second are two */
    text_add_hex(&tags, draft->aux->at, 8);
    text_add(&tags, SPAN("\"]]"));
    struct event event = {.pubkey = *draft->pubkey,
                          .created_at = draft->now,
                          .kind = KIND_HTTP_AUTH,
                          .tags_json = text_span(&tags)};
    event.id = event_hash(&event, EVENT_FORM_JSON);
    bool is_signed = sig_sign(&event.sig, &event.id, draft->secret, draft->aux);
    if (is_signed)
        event_write(out, &event);
    text_clear(&tags);
    return is_signed;
}
