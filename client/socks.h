/* socks.h - the words with which a SOCKS5 proxy, such as Tor's, is asked for a connection.
 *
 * Names are given to the proxy as they are, so that whoever listens to our resolver learns nothing.
 * Proxies that want a password are not spoken with.
 *
 *   ownership  plain values
 *   errors     ERR_INVALID: no such proxy; ERR_INTERNAL: it refuses, or speaks something else
 *   spec       RFC 1928
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;

enum { SOCKS_HOST_MAX = 253, SOCKS_PORT_DEFAULT = 9050 };

/* Where a proxy listens. */
struct socks_proxy {
    char host[SOCKS_HOST_MAX + 1];
    uint16_t port;
};

/* HOST, HOST:PORT or [IPv6]:PORT, with or without "socks5://" or "socks5h://" before it. */
MUST_CHECK bool socks_proxy_parse(struct socks_proxy *proxy, struct span text, struct err *err);

enum socks_kind { SOCKS_IP4 = 1, SOCKS_NAME = 3, SOCKS_IP6 = 4 };

struct socks {
    enum socks_kind kind;
    struct span address; /* borrowed: 4 bytes, 16, or a name of at most SOCKS_HOST_MAX */
    uint16_t port;
    bool is_asked; /* the greeting was answered */
};

/* Appends the greeting. */
void socks_begin(const struct socks *socks, struct text *out);

enum socks_verdict { SOCKS_MORE, SOCKS_DONE, SOCKS_FAILED };

/* Takes what it can from the front of what the proxy sent, and appends what to say next. Behind
 * SOCKS_DONE comes what the other end says. err only when failed. */
enum socks_verdict socks_hear(struct socks *socks, struct span *bytes, struct text *out,
                              struct err *err);
