/* url.h - the address of a relay, taken apart and made comparable.
 *
 * Scheme and host in any case, a default port that is written or not, and slashes at the end make
 * no difference; a fragment is dropped.
 *
 *   ownership  path points into the text parsed
 *   threads    immutable once parsed
 *   errors     ERR_INVALID: no ws or wss URL
 *   spec       RFC 3986; NIP-42, NIP-62, NIP-65 for where relays are named
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;

enum { URL_HOST_MAX = 253 };

struct url {
    bool is_tls;                 /* wss */
    char host[URL_HOST_MAX + 1]; /* lowercase, NUL-terminated; an IPv6 address without brackets */
    uint16_t port;
    struct span path; /* with the query, without slashes at the end */
};

MUST_CHECK bool url_parse(struct url *url, struct span text, struct err *err);

/* The shortest text that url_parse reads back as this. */
void url_write(struct text *out, const struct url *url);

bool url_equal(const struct url *a, const struct url *b);
