#include "client/socks.h"

#include <assert.h>

#include "shared/err.h"
#include "shared/number.h"
#include "shared/text.h"

enum {
    VERSION = 5,
    NO_PASSWORD = 0,
    CONNECT = 1,
    HEAD_BYTES = 4, /* of the answer, before the address */
};

/* By the code of the answer. */
static const char *const reasons[] = {
    "",
    "the proxy failed",
    "the proxy does not allow it",
    "the network is unreachable",
    "the host is unreachable",
    "the connection was refused",
    "the proxy's time to live expired",
    "the proxy does not connect",
    "the proxy does not know this kind of address",
};

static bool cut(struct span *text, struct span prefix)
{
    if (text->len < prefix.len || memcmp(text->at, prefix.at, prefix.len) != 0)
        return false;
    *text = (struct span){text->at + prefix.len, text->len - prefix.len};
    return true;
}

bool socks_proxy_parse(struct socks_proxy *proxy, struct span text, struct err *err)
{
    int64_t port = SOCKS_PORT_DEFAULT;
    size_t len = 0;
    if (!cut(&text, SPAN("socks5://")))
        (void)cut(&text, SPAN("socks5h://"));
    bool is_ip6 = cut(&text, SPAN("["));
    while (len < text.len && text.at[len] != (is_ip6 ? ']' : ':'))
        len++;
    struct span host = {text.at, len}, rest = {text.at + len, text.len - len};
    bool ok = len > 0 && len <= SOCKS_HOST_MAX && memchr(host.at, '\0', len) == NULL;
    if (is_ip6)
        ok = ok && cut(&rest, SPAN("]"));
    if (ok && rest.len > 0)
        ok = cut(&rest, SPAN(":")) && number_decimal(&port, rest) && port > 0 && port <= UINT16_MAX;
    if (!ok)
        return err_set(err, ERR_INVALID, "a proxy: expected HOST:PORT");
    memcpy(proxy->host, host.at, len);
    proxy->host[len] = '\0';
    proxy->port = (uint16_t)port;
    return true;
}

static void add_byte(struct text *out, unsigned byte)
{
    *text_reserve(out, 1) = (char)byte;
    out->len++;
}

void socks_begin(const struct socks *socks, struct text *out)
{
    assert(!socks->is_asked && socks->address.len <= SOCKS_HOST_MAX);
    add_byte(out, VERSION);
    add_byte(out, 1); /* way of authentication: */
    add_byte(out, NO_PASSWORD);
}

static void ask(struct socks *socks, struct text *out)
{
    add_byte(out, VERSION);
    add_byte(out, CONNECT);
    add_byte(out, 0);
    add_byte(out, socks->kind);
    if (socks->kind == SOCKS_NAME)
        add_byte(out, (unsigned)socks->address.len);
    text_add(out, socks->address);
    add_byte(out, socks->port >> 8);
    add_byte(out, socks->port & 0xff);
    socks->is_asked = true;
}

static enum socks_verdict fail(struct err *err, const char *why)
{
    err_fill(err, ERR_INTERNAL, "%s", why);
    return SOCKS_FAILED;
}

static enum socks_verdict hear_greeting(struct socks *socks, struct span *bytes, struct text *out,
                                        struct err *err)
{
    if (bytes->len < 2)
        return SOCKS_MORE;
    if (bytes->at[0] != VERSION)
        return fail(err, "what should be a proxy does not speak SOCKS5");
    if (bytes->at[1] != NO_PASSWORD)
        return fail(err, "the proxy wants a password");
    *bytes = (struct span){bytes->at + 2, bytes->len - 2};
    ask(socks, out);
    return SOCKS_MORE;
}

static enum socks_verdict hear_answer(struct span *bytes, struct err *err)
{
    size_t len = HEAD_BYTES + 2; /* and the port */
    if (bytes->len < HEAD_BYTES + 1)
        return SOCKS_MORE;
    const uint8_t *at = (const uint8_t *)bytes->at;
    if (at[0] != VERSION)
        return fail(err, "what should be a proxy does not speak SOCKS5");
    if (at[1] != 0)
        return fail(err, at[1] < ARRAY_LEN(reasons) ? reasons[at[1]] : reasons[1]);
    if (at[3] == SOCKS_IP4)
        len += 4;
    else if (at[3] == SOCKS_IP6)
        len += 16;
    else if (at[3] == SOCKS_NAME)
        len += 1 + (size_t)at[4];
    else
        return fail(err, "the proxy names an address of no known kind");
    if (bytes->len < len)
        return SOCKS_MORE;
    *bytes = (struct span){bytes->at + len, bytes->len - len};
    return SOCKS_DONE;
}

enum socks_verdict socks_hear(struct socks *socks, struct span *bytes, struct text *out,
                              struct err *err)
{
    if (!socks->is_asked) {
        enum socks_verdict verdict = hear_greeting(socks, bytes, out, err);
        if (verdict == SOCKS_FAILED || !socks->is_asked)
            return verdict;
    }
    return hear_answer(bytes, err);
}
