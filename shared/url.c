#include "shared/url.h"

#include "shared/err.h"
#include "shared/text.h"

enum { PORT_WS = 80, PORT_WSS = 443 };

static char to_lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + ('a' - 'A'));
    return c;
}

/* Cuts prefix off text, in any case; false when it is not there. */
static bool cut_prefix(struct span *text, struct span prefix)
{
    if (text->len < prefix.len)
        return false;
    for (size_t i = 0; i < prefix.len; i++)
        if (to_lower(text->at[i]) != prefix.at[i])
            return false;
    *text = (struct span){text->at + prefix.len, text->len - prefix.len};
    return true;
}

/* Cuts off text and returns what stands before the first of the bytes in stops. */
static struct span cut_until(struct span *text, const char *stops)
{
    size_t len = 0;
    while (len < text->len && strchr(stops, text->at[len]) == NULL)
        len++;
    struct span before = {text->at, len};
    *text = (struct span){text->at + len, text->len - len};
    return before;
}

static bool set_host(struct url *url, struct span host, struct err *err)
{
    if (host.len == 0 || host.len > URL_HOST_MAX)
        return err_set(err, ERR_INVALID, "a host has 1 to %d characters", URL_HOST_MAX);
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.at[i];
        if (c <= ' ' || c == 0x7f || c == '@' || c == '[')
            return err_set(err, ERR_INVALID, "a character that no host has");
        url->host[i] = to_lower(host.at[i]);
    }
    url->host[host.len] = '\0';
    return true;
}

/* digits: what follows the colon; empty stands for the default. */
static bool set_port(struct url *url, struct span digits, struct err *err)
{
    uint32_t port = 0;
    if (digits.len > 5)
        return err_set(err, ERR_INVALID, "a port is a number from 1 to 65535");
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return err_set(err, ERR_INVALID, "a port is a number from 1 to 65535");
        port = port * 10 + (uint32_t)(digits.at[i] - '0');
    }
    if (digits.len > 0 && (port == 0 || port > UINT16_MAX))
        return err_set(err, ERR_INVALID, "a port is a number from 1 to 65535");
    if (digits.len > 0)
        url->port = (uint16_t)port;
    return true;
}

bool url_parse(struct url *url, struct span text, struct err *err)
{
    *url = (struct url){0};
    if (text.len > 0 && memchr(text.at, '\0', text.len) != NULL)
        return err_set(err, ERR_INVALID, "a character that no URL has");
    url->is_tls = cut_prefix(&text, SPAN("wss://"));
    if (!url->is_tls && !cut_prefix(&text, SPAN("ws://")))
        return err_set(err, ERR_INVALID, "expected ws:// or wss://");
    url->port = url->is_tls ? PORT_WSS : PORT_WS;

    bool is_ip6 = cut_prefix(&text, SPAN("["));
    struct span host = cut_until(&text, is_ip6 ? "]/?#" : ":/?#");
    if (is_ip6 && !cut_prefix(&text, SPAN("]")))
        return err_set(err, ERR_INVALID, "expected ] after an IPv6 address");
    if (!set_host(url, host, err))
        return false;
    struct span port = cut_until(&text, "/?#");
    if (port.len > 0 && !cut_prefix(&port, SPAN(":")))
        return err_set(err, ERR_INVALID, "expected a port or a path after the host");
    if (!set_port(url, port, err))
        return false;
    url->path = cut_until(&text, "#");
    while (url->path.len > 0 && url->path.at[url->path.len - 1] == '/')
        url->path.len--;
    return true;
}

void url_write(struct text *out, const struct url *url)
{
    bool is_ip6 = strchr(url->host, ':') != NULL;
    text_addf(out, "%s://%s%s%s", url->is_tls ? "wss" : "ws", is_ip6 ? "[" : "", url->host,
              is_ip6 ? "]" : "");
    if (url->port != (url->is_tls ? PORT_WSS : PORT_WS))
        text_addf(out, ":%u", url->port);
    text_add(out, url->path);
}

bool url_equal(const struct url *a, const struct url *b)
{
    return a->is_tls == b->is_tls && a->port == b->port && strcmp(a->host, b->host) == 0 &&
           span_eq(a->path, b->path);
}
