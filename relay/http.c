#include "relay/http.h"

#include <openssl/evp.h>

#include "relay/config.h"
#include "relay/control.h"
#include "relay/head.h"
#include "shared/arena.h"
#include "shared/base.h"
#include "shared/bech32.h"
#include "shared/filter.h"
#include "shared/message.h"
#include "shared/sig.h"
#include "shared/text.h"

/* Made from page.html by embed.cmake. */
extern const unsigned char http_page_bytes[];
extern const size_t http_page_len;
extern const unsigned char http_console_bytes[];
extern const size_t http_console_len;

/* RFC 9110 "Quality Values": 0, 0.0, 0.00 and 0.000 mean "not this". */
static bool is_zero(struct span quality)
{
    if (quality.len == 0 || quality.at[0] != '0')
        return false;
    for (size_t i = 1; i < quality.len; i++)
        if (quality.at[i] != '0' && quality.at[i] != '.')
            return false;
    return true;
}

static bool is_refused(struct span parameters)
{
    while (parameters.len > 0) {
        struct span value = head_cut(&parameters, ';');
        struct span name = head_cut(&value, '=');
        if (head_is(name, "q"))
            return is_zero(head_cut(&value, '='));
    }
    return false;
}

bool http_wants_nostr_json(struct span accept)
{
    while (accept.len > 0) {
        struct span range = head_cut(&accept, ',');
        if (head_is(head_cut(&range, ';'), "application/nostr+json"))
            return !is_refused(range);
    }
    return false;
}

struct span http_path(const char *public_url)
{
    struct span url = {public_url, strcspn(public_url, " \t")};
    const char *host = memmem(url.at, url.len, "://", 3);
    if (host == NULL)
        return SPAN("/");
    host += 3;
    const char *end = url.at + url.len;
    const char *path = memchr(host, '/', (size_t)(end - host));
    if (path == NULL)
        return SPAN("/");
    return (struct span){path, strcspn(path, "?# \t")};
}

static struct span without_slash(struct span path)
{
    if (path.len > 0 && path.at[path.len - 1] == '/')
        path.len--;
    return path;
}

bool http_is_path(struct span path, struct span request)
{
    return span_eq(without_slash(path), without_slash(request));
}

bool http_is_console(struct span path, struct span request)
{
    struct span parent = without_slash(path), name = SPAN("/admin");
    return request.len == parent.len + name.len &&
           span_eq((struct span){request.at, parent.len}, parent) &&
           span_eq((struct span){request.at + parent.len, name.len}, name);
}

static void add_span(struct text *out, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    text_addf(out, "\"%s\":", name);
    text_add_json(out, value);
    text_add(out, SPAN(","));
}

static void add_text(struct text *out, const char *name, const char *value)
{
    add_span(out, name, (struct span){value, strlen(value)});
}

/* What the operators have changed it to, else what the configuration says. */
static void add_setting(struct text *out, const struct control *control, const char *name,
                        const char *value)
{
    struct span key = {name, strlen(name)};
    const struct control_item *item =
        control == NULL ? NULL : control_find(control, CONTROL_SETTING, key);
    if (item != NULL)
        add_span(out, name, item->note);
    else
        add_text(out, name, value);
}

static void add_pubkey(struct text *out, const char *pubkey)
{
    struct arena arena = {0};
    struct bech32 word;
    struct span text = {pubkey, strlen(pubkey)};
    if (text.len == 64) {
        add_text(out, "pubkey", pubkey);
    } else if (bech32_decode(&word, &arena, text, NULL) && word.type == BECH32_NPUB) {
        text_add(out, SPAN("\"pubkey\":\""));
        text_add_hex(out, word.key.at, sizeof word.key.at);
        text_add(out, SPAN("\","));
    }
    arena_clear(&arena);
}

static bool is_on(int nip, const struct config *config)
{
    if (nip == 13)
        return config->pow_bits_min > 0;
    if (nip == 50)
        return config->search;
    if (nip == 77)
        return config->negentropy_records_max > 0;
    if (nip == 86 || nip == 98)
        return config->admin_pubkeys[0] != '\0';
    return true;
}

/* Those a relay has a part in, and that are on. */
static void add_nips(struct text *out, const struct config *config)
{
    static const int nips[] = {1,  2,  9,  11, 13, 17, 40, 42, 45, 50,
                               51, 59, 62, 65, 67, 70, 77, 86, 91, 98};
    text_add(out, SPAN("\"supported_nips\":["));
    for (size_t i = 0; i < ARRAY_LEN(nips); i++)
        if (is_on(nips[i], config))
            text_addf(out, "%s%d", i > 0 ? "," : "", nips[i]);
    text_add(out, SPAN("],"));
}

static const char *word_of(bool value)
{
    return value ? "true" : "false";
}

static bool has_rules(const struct config *config)
{
    return config->kinds_allowed[0] != '\0' || config->kinds_denied[0] != '\0' ||
           config->pubkeys_allowed[0] != '\0' || config->pubkeys_denied[0] != '\0' ||
           config->pow_kinds[0] != '\0' || config->trust_roots[0] != '\0' ||
           config->policy_plugin[0] != '\0';
}

static void add_limitation(struct text *out, const struct config *config, bool is_restricted)
{
    text_addf(out,
              "\"limitation\":{\"max_message_length\":%lld,\"max_subscriptions\":%lld,"
              "\"max_filters\":%lld,\"max_limit\":%lld,\"max_subid_length\":%d,"
              "\"max_event_tags\":%lld,\"max_content_length\":%lld,\"min_pow_difficulty\":%lld,",
              (long long)config->message_bytes_max, (long long)config->subscriptions_max,
              (long long)config->filters_max, (long long)config->limit_max, MESSAGE_SUB_CHARS_MAX,
              (long long)config->tags_max, (long long)config->content_chars_max,
              (long long)config->pow_bits_min);
    /* NIP-11: true if this relay requires some kind of condition to be fulfilled to accept
     * events */
    text_addf(out, "\"auth_required\":%s,\"payment_required\":false,\"restricted_writes\":%s,",
              word_of(config->auth_required),
              word_of(is_restricted || config->auth_required || config->pow_bits_min > 0 ||
                      has_rules(config)));
    if (config->created_at_past_s_max > 0)
        text_addf(out, "\"created_at_lower_limit\":%lld,",
                  (long long)config->created_at_past_s_max);
    text_addf(out, "\"created_at_upper_limit\":%lld,\"default_limit\":%lld}",
              (long long)config->created_at_future_s_max, (long long)config->limit_default);
}

void http_write_nip11(struct text *out, const struct config *config, const struct control *control)
{
    text_add(out, SPAN("{"));
    add_setting(out, control, "name", config->name);
    add_setting(out, control, "description", config->description);
    add_text(out, "banner", config->banner);
    add_setting(out, control, "icon", config->icon);
    add_pubkey(out, config->pubkey);
    add_text(out, "contact", config->contact);
    add_nips(out, config);
    add_text(out, "software", "shoal-relay");
    add_text(out, "version", SHOAL_VERSION);
    add_text(out, "terms_of_service", config->terms_of_service);
    add_limitation(out, config, control != NULL && control_restricts(control));
    text_add(out, SPAN("}"));
}

struct span http_page(void)
{
    return (struct span){(const char *)http_page_bytes, http_page_len};
}

struct span http_console(void)
{
    return (struct span){(const char *)http_console_bytes, http_console_len};
}

/* ' sha256-…' of what stands between the first open and the close after it. */
static void add_hash(struct text *out, struct span page, struct span open, struct span close)
{
    const char *at = memmem(page.at, page.len, open.at, open.len);
    if (at == NULL)
        return;
    at += open.len;
    const char *end = memmem(at, page.len - (size_t)(at - page.at), close.at, close.len);
    if (end == NULL)
        return;
    struct bytes32 hash = sig_sha256((struct span){at, (size_t)(end - at)});
    unsigned char base64[45];
    EVP_EncodeBlock(base64, hash.at, sizeof hash.at);
    text_addf(out, " 'sha256-%s'", (char *)base64);
}

void http_write_page_policy(struct text *out, struct span page)
{
    text_add(out, SPAN("default-src 'none'; script-src"));
    add_hash(out, page, SPAN("<script>"), SPAN("</script>"));
    text_add(out, SPAN("; style-src"));
    add_hash(out, page, SPAN("<style>"), SPAN("</style>"));
    /* ws: and wss: because not every browser counts a websocket to the same host as 'self'. */
    text_add(out, SPAN("; img-src data:; connect-src 'self' ws: wss:; base-uri 'none'; "
                       "form-action 'none'; frame-ancestors 'none'"));
}
