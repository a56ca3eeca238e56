/* http.h - what the port answers to HTTP: the NIP-11 document, /metrics, /health, the page.
 *
 *   threads  pure, but for the page about metrics
 *   spec     NIP-11
 */
#pragma once

#include "shared/base.h"

struct config;
struct control;
struct text;

/* Whether an Accept header asks for application/nostr+json (with a q above 0). */
bool http_wants_nostr_json(struct span accept);

/* The path of the first of public_url's URLs, "/" when there is none: where the relay is. */
struct span http_path(const char *public_url);

/* Whether a request's path is that path; a trailing slash makes no difference. */
bool http_is_path(struct span path, struct span request);

/* Whether a request's path is that of the console: "admin" below that path. */
bool http_is_console(struct span path, struct span request);

/* The NIP-11 document: the configuration, and what the operators changed (NULL: nothing). */
void http_write_nip11(struct text *out, const struct config *config, const struct control *control);

/* The landing page, whole: HTML, style and script in one. */
struct span http_page(void);

/* The operators' console, likewise. */
struct span http_console(void);

/* The Content-Security-Policy under which a page works and nothing else: its style and script are
 * named by their hashes. */
void http_write_page_policy(struct text *out, struct span page);
