/* link_page.h - the document that a relay shows at its own address. Part of link.
 *
 *   threads  loop thread only
 *   spec     NIP-11
 */
#pragma once

#include "shared/base.h"

struct link_host;
struct page;
struct url;

/* got is called later, once; body is borrowed for the call, and at NULL when there is none. */
struct page *page_new(struct link_host *host, const struct url *url,
                      void (*got)(void *owner, struct span body), void *owner);

/* At any time. */
void page_free(struct page *page);
