#include "relay/policy.h"

#include "relay/address.h"
#include "relay/config.h"
#include "relay/control.h"
#include "relay/rules.h"
#include "relay/session.h"
#include "relay/trust.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/url.h"

enum { AUTH_AGE_S_MAX = 600 };

static bool check_size(const struct policy *policy, const struct event *event, struct err *err)
{
    if (event->tag_count > policy->tags_max)
        return err_set(err, ERR_INVALID, "more than %lld tags", (long long)policy->tags_max);
    /* A character is a byte or more: most contents need not be counted. */
    if (event->content_json.len > (uint64_t)policy->content_chars_max &&
        event_content_chars(event) > (uint64_t)policy->content_chars_max)
        return err_set(err, ERR_INVALID, "more than %lld characters in content",
                       (long long)policy->content_chars_max);
    return true;
}

static bool check_time(const struct policy *policy, const struct event *event, int64_t now,
                       struct err *err)
{
    int64_t expires_at;
    if (event->created_at > now && event->created_at - now > policy->created_at_future_s_max)
        return err_set(err, ERR_INVALID, "created_at is more than %lld s in the future",
                       (long long)policy->created_at_future_s_max);
    if (policy->created_at_past_s_max > 0 && event->created_at < now &&
        now - event->created_at > policy->created_at_past_s_max)
        return err_set(err, ERR_INVALID, "created_at is more than %lld s in the past",
                       (long long)policy->created_at_past_s_max);
    /* Expiration is about what is stored. */
    if (kind_class(event->kind) != KIND_EPHEMERAL && event_expiration(event, &expires_at) &&
        expires_at <= now)
        return err_set(err, ERR_INVALID, "the event has expired");
    return true;
}

static bool check_pow(const struct policy *policy, const struct event *event, struct err *err)
{
    uint32_t target;
    int64_t bits_min = policy->pow_bits_min;
    if (policy->rules != NULL)
        bits_min = rules_pow_bits(policy->rules, event->kind, bits_min);
    if (bits_min == 0)
        return true;
    uint32_t difficulty = event_difficulty(event);
    if (difficulty < bits_min)
        return err_set(err, ERR_POW, "difficulty %u is less than %lld", difficulty,
                       (long long)bits_min);
    /* Luck is no work: who aimed lower did less. */
    if (event_pow_target(event, &target) && target < bits_min)
        return err_set(err, ERR_POW, "the committed target %u is less than %lld", target,
                       (long long)bits_min);
    return true;
}

/* Whether the tags of an object hold ["-"]. */
static bool has_protected_tags(struct span json, struct arena *arena)
{
    struct scan scan = scan_begin(json);
    struct scan_list members;
    struct span key;
    struct event embedded = {.kind = 0};
    if (!scan_object(&scan, &members, NULL))
        return false;
    while (members.more) {
        if (!scan_key(&scan, arena, &key, NULL))
            return false;
        (void)scan_peek(&scan);
        const char *value = scan.at;
        if (!scan_skip(&scan, NULL))
            return false;
        struct span text = {value, (size_t)(scan.at - value)};
        if (span_eq(key, SPAN("tags")) && event_parse_tags(&embedded, arena, text, NULL) &&
            event_is_protected(&embedded))
            return true;
        if (!scan_next(&scan, &members, NULL))
            return false;
    }
    return false;
}

/* Whatever else the embedded event lacks: who reads it may be less strict. */
static bool embeds_protected(const struct event *event)
{
    struct arena arena = {0};
    struct span content = scan_decode(&arena, (struct scan_string){event->content_json, true});
    bool is_protected = has_protected_tags(content, &arena);
    arena_clear(&arena);
    return is_protected;
}

static bool check_protected(const struct event *event, const struct session *session,
                            struct err *err)
{
    if (event_is_protected(event) &&
        (session == NULL || !session_has_key(session, &event->pubkey))) {
        if (session != NULL && session->key_count == 0)
            return err_set(err, ERR_AUTH_REQUIRED, "only its author may publish this event");
        return err_set(err, ERR_RESTRICTED, "only its author may publish this event");
    }
    if ((event->kind == KIND_REPOST || event->kind == KIND_GENERIC_REPOST) &&
        embeds_protected(event))
        return err_set(err, ERR_BLOCKED, "a repost of a protected event");
    return true;
}

/* session NULL: there is none, so that only a public URL is ours. */
static bool names_us(const struct policy *policy, struct span url, const struct session *session)
{
    if (session != NULL)
        return policy_is_this_relay(policy, url, session);
    return policy->public_url[0] != '\0' &&
           policy_names_relay(policy->public_url, url, (struct span){0});
}

static bool check_vanish(const struct policy *policy, const struct event *event,
                         const struct session *session, struct err *err)
{
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        if (tag->count >= 2 && span_eq(tag->items[0], SPAN("relay")) &&
            (span_eq(tag->items[1], SPAN("ALL_RELAYS")) ||
             names_us(policy, tag->items[1], session)))
            return true;
    }
    return err_set(err, ERR_INVALID, "no relay tag names this relay or ALL_RELAYS");
}

/* Whom an operator lets in by name need be on no other list. */
static bool is_let_in(const struct policy *policy, const struct event *event)
{
    struct text hex = {0};
    if (policy->control == NULL)
        return false;
    text_add_hex(&hex, event->pubkey.at, sizeof event->pubkey.at);
    const struct control_item *item =
        control_find(policy->control, CONTROL_PUBKEY, text_span(&hex));
    text_clear(&hex);
    return control_is_operator(policy->control, &event->pubkey) ||
           (item != NULL && item->is_allowed);
}

/* Whoever wants to vanish may, whatever this relay thinks of them (NIP-62); and what an operator
 * allowed by its id passes whatever the lists say. */
static bool check_rules(const struct policy *policy, const struct event *event, struct err *err)
{
    if ((policy->rules == NULL && policy->trust == NULL) || event->kind == KIND_VANISH ||
        (policy->control != NULL && control_judged_event(policy->control, &event->id)))
        return true;
    bool is_in = is_let_in(policy, event);
    if (policy->rules != NULL && !rules_admit(policy->rules, event, is_in, err))
        return false;
    return policy->trust == NULL || is_in || trust_admits(policy->trust, event, err);
}

struct policy policy_of_config(const struct config *config)
{
    return (struct policy){
        .created_at_future_s_max = config->created_at_future_s_max,
        .created_at_past_s_max = config->created_at_past_s_max,
        .content_chars_max = config->content_chars_max,
        .tags_max = config->tags_max,
        .filter_values_max = config->filter_values_max,
        .subscriptions_max = config->subscriptions_max,
        .pow_bits_min = config->pow_bits_min,
        .auth_required = config->auth_required,
        .public_url = config->public_url,
    };
}

static bool check(const struct policy *policy, const struct event *event,
                  const struct session *session, int64_t now, struct err *err)
{
    const struct bytes32 *keys = session != NULL ? session->keys : NULL;
    uint32_t key_count = session != NULL ? session->key_count : 0;
    if (event->kind == KIND_AUTH)
        return err_set(err, ERR_INVALID, "kind %d goes into an AUTH message", KIND_AUTH);
    if (policy->control != NULL && !control_admits(policy->control, event, keys, key_count, err))
        return false;
    return check_rules(policy, event, err) && check_size(policy, event, err) &&
           check_time(policy, event, now, err) && check_pow(policy, event, err) &&
           check_protected(event, session, err) &&
           (event->kind != KIND_VANISH || check_vanish(policy, event, session, err));
}

bool policy_event(const struct policy *policy, const struct event *event,
                  const struct session *session, int64_t now, struct err *err)
{
    if (policy->auth_required && session->key_count == 0)
        return err_set(err, ERR_AUTH_REQUIRED, "this relay takes events from known people only");
    return check(policy, event, session, now, err);
}

bool policy_fetched(const struct policy *policy, const struct event *event, int64_t now,
                    struct err *err)
{
    if (kind_class(event->kind) == KIND_EPHEMERAL)
        return err_set(err, ERR_INVALID, "ephemeral events are not stored");
    return check(policy, event, NULL, now, err);
}

static bool is_own(struct span hex, const struct session *session)
{
    struct bytes32 key;
    return hex_decode(key.at, sizeof key.at, hex) && session_has_key(session, &key);
}

/* Some gated event that the filter matches may be shown to the session. */
static bool asks_for_own(const struct filter *filter, const struct session *session)
{
    for (uint32_t i = 0; i < filter->tag_count; i++) {
        const struct filter_tag *tag = &filter->tags[i];
        for (uint32_t j = 0; tag->letter == 'p' && j < tag->count; j++)
            if (is_own(tag->values[j], session))
                return true;
    }
    if (filter_names_kind(filter, KIND_ENCRYPTED_MESSAGE))
        for (uint32_t i = 0; i < filter->authors.count; i++)
            if (session_has_key(session, &filter->authors.at[i]))
                return true;
    return filter->ids.count > 0;
}

static bool check_gate(const struct filter *filter, const struct session *session, struct err *err)
{
    uint32_t gated = 0;
    for (uint32_t i = 0; i < filter->kinds.count; i++)
        gated += kind_is_gated(filter->kinds.at[i]);
    if (gated == 0)
        return true;
    if (session->key_count == 0)
        return err_set(err, ERR_AUTH_REQUIRED, "private messages are for those they name");
    if (gated == filter->kinds.count && !filter->matches_nothing && !asks_for_own(filter, session))
        return err_set(err, ERR_RESTRICTED,
                       "private messages are for those they name: ask for "
                       "#p of your own");
    return true;
}

bool policy_filters(const struct policy *policy, const struct filter *filters, uint32_t count,
                    const struct session *session, struct err *err)
{
    if (policy->auth_required && session->key_count == 0)
        return err_set(err, ERR_AUTH_REQUIRED, "this relay answers known people only");
    for (uint32_t i = 0; i < count; i++) {
        if (filter_value_count(&filters[i]) > policy->filter_values_max)
            return err_set(err, ERR_INVALID, "more than %lld values in a filter",
                           (long long)policy->filter_values_max);
        if (!check_gate(&filters[i], session, err))
            return false;
    }
    return true;
}

bool policy_visible(const struct event *event, const struct session *session)
{
    if (!kind_is_gated(event->kind))
        return true;
    for (uint32_t i = 0; i < session->key_count; i++)
        if (event_names_pubkey(event, 'p', &session->keys[i]))
            return true;
    return event->kind == KIND_ENCRYPTED_MESSAGE && session_has_key(session, &event->pubkey);
}

bool policy_auth(const struct policy *policy, const struct event *event,
                 const struct session *session, int64_t now, struct err *err)
{
    const struct span *challenge = event_tag_value(event, SPAN("challenge"));
    const struct span *relay = event_tag_value(event, SPAN("relay"));
    struct span own = {session->challenge, SESSION_CHALLENGE_CHARS};
    if (event->kind != KIND_AUTH)
        return err_set(err, ERR_INVALID, "an AUTH event has kind %d", KIND_AUTH);
    if (event->created_at > now + AUTH_AGE_S_MAX || event->created_at < now - AUTH_AGE_S_MAX)
        return err_set(err, ERR_INVALID, "created_at is more than %d s away", AUTH_AGE_S_MAX);
    if (challenge == NULL || session->challenge[0] == '\0' || !span_eq(*challenge, own))
        return err_set(err, ERR_INVALID, "the challenge is another one");
    if (relay == NULL || !policy_is_this_relay(policy, *relay, session))
        return err_set(err, ERR_INVALID, "the relay tag names another relay");
    if (policy->control != NULL && control_bans_pubkey(policy->control, &event->pubkey))
        return err_set(err, ERR_BLOCKED, "this key is banned");
    return true;
}

/* localhost, a loopback address, or the address that the peer connected to. */
static bool is_own_host(const struct url *url, struct span local_ip)
{
    static const uint8_t loopback[16] = {[15] = 1};
    uint8_t ip[16];
    size_t len;
    struct span host = {url->host, strlen(url->host)};
    if (span_eq(host, SPAN("localhost")))
        return true;
    if (!address_parse(ip, &len, host))
        return false;
    return (len == 4 && ip[0] == 127) || (len == 16 && memcmp(ip, loopback, 16) == 0) ||
           span_eq((struct span){(const char *)ip, len}, local_ip);
}

bool policy_names_relay(const char *public_url, struct span url, struct span local_ip)
{
    struct url asked, own;
    if (!url_parse(&asked, url, NULL))
        return false;
    const char *at = public_url + strspn(public_url, " ");
    if (*at == '\0')
        return is_own_host(&asked, local_ip);
    while (*at != '\0') {
        size_t len = strcspn(at, " ");
        if (url_parse(&own, (struct span){at, len}, NULL) && url_equal(&own, &asked))
            return true;
        at += len + strspn(at + len, " ");
    }
    return false;
}

bool policy_is_this_relay(const struct policy *policy, struct span url,
                          const struct session *session)
{
    struct span local_ip = {(const char *)session->local_ip, session->local_ip_len};
    return policy_names_relay(policy->public_url, url, local_ip);
}
