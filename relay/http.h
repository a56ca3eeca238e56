/* http.h - what the port answers to HTTP: the NIP-11 document, /metrics, /health, the page.
 *
 *   threads  pure, but for the page about metrics
 *   spec     NIP-11
 */
#pragma once

#include "shared/base.h"

struct config;
struct text;

/* Whether an Accept header asks for application/nostr+json (with a q above 0). */
bool http_wants_nostr_json(struct span accept);

/* The NIP-11 document of the running configuration. */
void http_write_nip11(struct text *out, const struct config *config);

/* The landing page, whole: HTML, style and script in one. */
struct span http_page(void);
